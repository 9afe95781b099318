/* A unit converter: a blocking agent that remembers what each person converted last, and a tool.
 *
 *   3 km in miles     converts
 *   5                 converts 5, with the units of last time
 *   history           the last five conversions
 *   forget            forgets them */
#include <agent_plugin.h>
#include <agent_plugin_blocking.h>
#include <agent_plugin_json.h>

#include <math.h>

struct ap_instance {
  ap_blocking blocking;
  const ap_host_r1 *host;
  const ap_host_turn_r1 *turn;
  const ap_host_call_r1 *call;
  const ap_host_service_r1 *kv;
};

/* ---- units ---- */

typedef struct unit {
  const char *name, *kind;
  double factor, offset; /* base = value * factor + offset */
} unit;

static const unit units[] = {
    {"m", "length", 1, 0},           {"km", "length", 1000, 0},      {"cm", "length", 0.01, 0},   {"miles", "length", 1609.344, 0},
    {"feet", "length", 0.3048, 0},   {"inches", "length", 0.0254, 0}, {"kg", "weight", 1, 0},      {"g", "weight", 0.001, 0},
    {"pounds", "weight", 0.45359237, 0}, {"c", "temperature", 1, 273.15}, {"k", "temperature", 1, 0},
    {"f", "temperature", 5.0 / 9, 273.15 - 32 * 5.0 / 9},
};

static const unit *find_unit(const char *name) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(units[i].name, name) == 0) return &units[i];
  }
  return NULL;
}

/* Null: fine. Else a sentence that says what is wrong. */
static const char *convert(double value, const char *from, const char *to, double *result) {
  const unit *a = find_unit(from), *b = find_unit(to);
  if (!a || !b) return "I know m, km, cm, miles, feet, inches, kg, g, pounds, c, f and k.";
  if (strcmp(a->kind, b->kind) != 0) return "These two units measure different things.";
  *result = (value * a->factor + a->offset - b->offset) / b->factor;
  return isfinite(*result) ? NULL : "That number is too large.";
}

/* ---- the tool ---- */

static ap_status call_begin(ap_instance *self, ap_handle call, const ap_call_request_r1 *request) {
  char *from = ap_json_string(request->args_json, "/from"), *to = ap_json_string(request->args_json, "/to");
  double result = 0;
  const char *problem = from && to ? convert(ap_json_number(request->args_json, "/value", 0), from, to, &result) : "No memory.";
  char json[64];
  snprintf(json, sizeof json, "{\"value\":%.10g}", result);
  self->call->finish(self->host, call, problem ? AP_E_FAILED : AP_OK, ap_text(problem ? problem : json));
  free(from);
  free(to);
  return AP_OK;
}

/* ---- what a person converted ---- */

/* The history under the key "history", oldest first: an array of {"value","from","to"}. `*version` is for the write that follows. */
static ap_status read_history(ap_instance *self, ap_handle turn, ap_answer *answer) {
  return ap_ask(&self->blocking, self->kv, turn, ap_text("get"), ap_text("{\"scope\":\"user\",\"keys\":[\"history\"]}"), answer);
}

static ap_str answer_text(const ap_answer *answer) { return (ap_str){answer->text, answer->length}; }

/* Adds a conversion and keeps the last five. Another turn of the same person may write at the same time: then once more. */
static ap_status remember(ap_instance *self, ap_handle turn, double value, const char *from, const char *to) {
  for (int attempt = 0;; attempt++) {
    ap_answer before = {0};
    ap_status status = read_history(self, turn, &before);
    if (status < 0) {
      ap_answer_free(&before);
      return status;
    }
    ap_str entries = ap_json_find(answer_text(&before), "/entries/0/value"), entry;
    ap_str version = ap_json_find(answer_text(&before), "/entries/0/version");
    size_t count = 0, at = 0;
    while (ap_json_next(entries, &at, NULL, &entry)) count++;
    ap_buffer json = {0};
    ap_putf(&json, "{\"scope\":\"user\",\"if\":[{\"key\":\"history\",\"version\":");
    ap_put(&json, version.len ? version : ap_text("null"));
    ap_putf(&json, "}],\"put\":[{\"key\":\"history\",\"value\":[");
    at = 0;
    for (size_t i = 0; ap_json_next(entries, &at, NULL, &entry); i++) {
      if (i + 4 < count) continue;
      ap_put(&json, entry);
      ap_putf(&json, ",");
    }
    ap_putf(&json, "{\"value\":%.10g,\"from\":\"%s\",\"to\":\"%s\"}]}]}", value, from, to);
    status = json.failed ? AP_E_LIMIT
                         : ap_ask(&self->blocking, self->kv, turn, ap_text("write"), ap_buffer_text(&json), NULL);
    ap_buffer_free(&json);
    ap_answer_free(&before);
    if (status != AP_E_CONFLICT || attempt == 20) return status;
    status = ap_sleep(&self->blocking, turn, 1 + attempt);
    if (status < 0) return status;
  }
}

static ap_status show_history(ap_instance *self, ap_handle turn) {
  ap_answer answer = {0};
  ap_status status = read_history(self, turn, &answer);
  ap_str entries = ap_json_find(answer_text(&answer), "/entries/0/value"), entry;
  size_t at = 0;
  if (status >= 0 && !entries.len) status = ap_say(&self->blocking, turn, 1, ap_text("You have not converted anything yet."));
  while (status >= 0 && ap_json_next(entries, &at, NULL, &entry)) {
    char *from = ap_json_string(entry, "/from"), *to = ap_json_string(entry, "/to"), line[160];
    int length = snprintf(line, sizeof line, "- %g %s in %s\n", ap_json_number(entry, "/value", 0), from ? from : "?", to ? to : "?");
    status = ap_say(&self->blocking, turn, 1, (ap_str){line, (size_t)length});
    free(from);
    free(to);
  }
  ap_answer_free(&answer);
  return status;
}

/* Fills in the units of last time. */
static ap_status last_units(ap_instance *self, ap_handle turn, char from[16], char to[16]) {
  ap_answer answer = {0};
  ap_status status = read_history(self, turn, &answer);
  char *a = ap_json_string(answer_text(&answer), "/entries/0/value/-/from");
  char *b = ap_json_string(answer_text(&answer), "/entries/0/value/-/to");
  if (a && b) {
    snprintf(from, 16, "%s", a);
    snprintf(to, 16, "%s", b);
  }
  free(a);
  free(b);
  ap_answer_free(&answer);
  return status;
}

/* ---- the agent ---- */

/* Answers the turn; a negative status is how it ends, `*sentence` what people are told then. */
static ap_status answer(ap_instance *self, ap_handle turn, const char *text, const char **sentence) {
  char from[16] = "", to[16] = "", line[160];
  double value = 0, result = 0;
  ap_status status = AP_OK;
  if (strcmp(text, "history") == 0) return show_history(self, turn);
  if (strcmp(text, "forget") == 0) {
    status = ap_ask(&self->blocking, self->kv, turn, ap_text("write"), ap_text("{\"scope\":\"user\",\"delete\":[\"history\"]}"), NULL);
    return status < 0 ? status : ap_say(&self->blocking, turn, 1, ap_text("Forgotten."));
  }
  int words = sscanf(text, "%lf %15s in %15s", &value, from, to);
  if (words == 1) status = last_units(self, turn, from, to);
  if (status < 0) return status;
  if ((words != 3 && words != 1) || !*to) return ap_say(&self->blocking, turn, 1, ap_text("Say for example: 3 km in miles"));
  *sentence = convert(value, from, to, &result);
  if (*sentence) return AP_E_FAILED;
  status = remember(self, turn, value, from, to);
  if (status < 0) {
    *sentence = "I could not remember this conversion.";
    return status;
  }
  int length = snprintf(line, sizeof line, "%g %s are %.6g %s.", value, from, result, to);
  return ap_say(&self->blocking, turn, 1, (ap_str){line, (size_t)length});
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  if (!ap_equal(request->kind, "user_message") && !ap_equal(request->kind, "retry")) return AP_E_UNSUPPORTED;
  char *text = ap_json_string(request->input_json, "/0/content/0/text");
  const char *sentence = "";
  ap_status status = answer(self, turn, text ? text : "", &sentence);
  self->turn->finish(self->host, turn, status < 0 ? status : AP_OK, ap_text(sentence));
  free(text);
  return AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) { ap_blocking_cancel(&self->blocking, turn, why); }
static void turn_writable(ap_instance *self, ap_handle turn) { ap_blocking_writable(&self->blocking, turn); }

/* ---- the plugin ---- */

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = calloc(1, sizeof *self);
  if (!self) return AP_E_LIMIT;
  self->host = host;
  self->turn = host->get_extension(host, AP_HOST_TURN);
  self->call = host->get_extension(host, AP_HOST_CALL);
  self->kv = host->get_extension(host, AP_HOST_KV);
  ap_status status = ap_blocking_open(&self->blocking, host);
  if (status < 0) free(self);
  else *out = self;
  return status;
}

static void destroy(ap_instance *self) {
  ap_blocking_close(&self->blocking);
  free(self);
}

static const void *get_extension(ap_instance *self, const char *id) {
  static const ap_agent_r1 agent = {
      .struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel, .turn_writable = turn_writable};
  static const ap_tools_r1 tools = {.struct_size = sizeof tools, .call_begin = call_begin};
  (void)self;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  return strcmp(id, AP_EXT_TOOLS) == 0 ? &tools : NULL;
}

AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
  static const ap_plugin_r1 plugin = {.struct_size = sizeof plugin,
                                      .abi_draft = AP_ABI_DRAFT,
                                      .id = "dev.agenthost.example.units",
                                      .version = "1.0.0",
                                      .create = create,
                                      .destroy = destroy,
                                      .get_extension = get_extension};
  return &plugin;
}
