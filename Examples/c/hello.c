/* The example plugin in C. What it does is the same in all four languages:
 *
 *   add 2 3     calls its own tool and says what it answered
 *   count       counts to 100, one number each 50 ms; press stop
 *   widget      shows a widget whose button counts
 *   where       asks the page where it is (a client tool), and says it
 *   fail        ends the turn with an error that people read
 *   trap        a bug: ends the process. In a worker only this plugin's turns notice
 *   (else)      says it again, word by word
 *
 * All of it runs on the lane of its turn, one function at a time, so nothing here needs a lock. */
#include <agent_plugin.h>
#include <agent_plugin_json.h>

struct ap_instance {
  const ap_host_r1 *host;
  const ap_host_turn_r1 *turn;
  const ap_host_call_r1 *call;
  const ap_host_exec_r1 *exec;
  const ap_host_service_r1 *tools;
};

/* A turn that waits for something. It is freed in the callback that is its last: each is called exactly once more than it asked
 * for, also when the turn was cancelled. */
typedef struct waiting {
  ap_instance *self;
  ap_handle turn;
  int counted;
} waiting;

static waiting *wait_for(ap_instance *self, ap_handle turn) {
  waiting *w = calloc(1, sizeof *w);
  if (w) *w = (waiting){self, turn, 0};
  return w;
}

/* Where `turn_cancel` has finished the turn already there is nothing left to do. */
static void finish(ap_instance *self, ap_handle turn, ap_status status, const char *sentence) {
  if (self->turn->state(self->host, turn) == AP_E_GONE) return;
  self->turn->finish(self->host, turn, status, ap_text(sentence));
}

/* ---- add: asks the host to call a tool ---- */

static void added(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  waiting *w = user;
  (void)request;
  if (event != AP_EV_END) return;
  char text[1024];
  if (status == AP_OK) {
    int length = snprintf(text, sizeof text, "The sum is %g.", ap_json_number(data, "/sum", 0));
    w->self->turn->text(w->self->host, w->turn, 1, (ap_str){text, (size_t)length});
    finish(w->self, w->turn, AP_OK, "");
  } else {
    snprintf(text, sizeof text, "%.*s", (int)data.len, data.ptr ? data.ptr : "");
    finish(w->self, w->turn, status, text);
  }
  free(w);
}

static void add(ap_instance *self, ap_handle turn, const char *text) {
  double a = 0, b = 0;
  char json[128];
  if (sscanf(text, "add %lf %lf", &a, &b) != 2) return finish(self, turn, AP_E_FAILED, "Say for example: add 2 3");
  waiting *w = wait_for(self, turn);
  if (!w) return finish(self, turn, AP_E_LIMIT, "");
  snprintf(json, sizeof json, "{\"name\":\"add\",\"arguments\":{\"a\":%.17g,\"b\":%.17g}}", a, b);
  ap_status status = self->tools->request(self->host, turn, ap_text("call"), ap_text(json), ap_text(""), added, w, NULL);
  if (status < 0) {
    free(w);
    finish(self, turn, status, "The tool could not be called.");
  }
}

/* ---- count: a timer that starts itself again ---- */

static void count(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  waiting *w = user;
  (void)request, (void)event, (void)data;
  char text[16];
  int length = snprintf(text, sizeof text, "%d ", ++w->counted);
  if (status == AP_OK) status = w->self->turn->text(w->self->host, w->turn, 1, (ap_str){text, (size_t)length});
  if (status >= 0 && w->counted < 100) {
    status = w->self->exec->after(w->self->host, w->turn, 50, count, w, NULL);
    if (status >= 0) return; /* to be called again */
  }
  finish(w->self, w->turn, status < 0 ? status : AP_OK, "");
  free(w);
}

/* ---- widget ---- */

static void put_card(ap_buffer *json, int number) {
  ap_putf(json,
          "{\"type\":\"Card\",\"children\":[{\"type\":\"Text\",\"id\":\"count\",\"value\":\"Pressed %d times\"},"
          "{\"type\":\"Button\",\"label\":\"Press\",\"onClickAction\":{\"type\":\"press\",\"payload\":{\"count\":%d}}}]}",
          number, number + 1);
}

static void widget(ap_instance *self, ap_handle turn) {
  ap_buffer json = {0};
  put_card(&json, 0);
  self->turn->emit(self->host, turn, 1, ap_text("widget"), ap_buffer_text(&json));
  ap_buffer_free(&json);
  finish(self, turn, AP_OK, "");
}

/* The button was pressed: another tree for the same item. */
static void pressed(ap_instance *self, ap_handle turn, ap_str input) {
  ap_buffer json = {0};
  ap_putf(&json, "{\"id\":");
  ap_put(&json, ap_json_find(input, "/0/item_id"));
  ap_putf(&json, ",\"item\":{\"type\":\"widget\",\"created_at\":");
  ap_put(&json, ap_json_find(input, "/0/item/created_at"));
  ap_putf(&json, ",\"widget\":");
  put_card(&json, (int)ap_json_number(input, "/0/action/payload/count", 0));
  ap_putf(&json, "}}");
  self->turn->emit(self->host, turn, 0, ap_text("replace"), ap_buffer_text(&json));
  ap_buffer_free(&json);
  finish(self, turn, AP_OK, "");
}

/* ---- the client tool ---- */

static void where(ap_instance *self, ap_handle turn) {
  self->turn->emit(self->host, turn, 1, ap_text("client_tool_call"), ap_text("{\"name\":\"get_location\",\"arguments\":{}}"));
  finish(self, turn, AP_OK, "");
}

/* The page has answered. */
static void found(ap_instance *self, ap_handle turn, ap_str input) {
  char *city = ap_json_string(input, "/0/output/city");
  self->turn->text(self->host, turn, 1, ap_text("You are in "));
  self->turn->text(self->host, turn, 1, ap_text(city ? city : "a place I do not know"));
  self->turn->text(self->host, turn, 1, ap_text("."));
  finish(self, turn, AP_OK, "");
  free(city);
}

/* ---- the agent ---- */

static void say_again(ap_instance *self, ap_handle turn, const char *text) {
  self->turn->text(self->host, turn, 1, ap_text("You said:"));
  while (*text) {
    size_t blanks = strspn(text, " "), length = blanks + strcspn(text + blanks, " ");
    self->turn->text(self->host, turn, 1, (ap_str){text, length});
    text += length;
  }
  finish(self, turn, AP_OK, "");
}

static void answer(ap_instance *self, ap_handle turn, const char *text) {
  if (strncmp(text, "add", 3) == 0) return add(self, turn, text);
  if (strcmp(text, "widget") == 0) return widget(self, turn);
  if (strcmp(text, "where") == 0) return where(self, turn);
  if (strcmp(text, "fail") == 0) return finish(self, turn, AP_E_FAILED, "This went wrong, as you wished.");
  if (strcmp(text, "trap") == 0) {
    fprintf(stderr, "HelloC: this is the end, as you wished\n");
    abort();
  }
  if (strcmp(text, "count") != 0) {
    char line[4096];
    snprintf(line, sizeof line, " %s", text);
    return say_again(self, turn, line);
  }
  waiting *w = wait_for(self, turn);
  if (w) count(w, 0, AP_EV_END, AP_OK, ap_text(""));
  else finish(self, turn, AP_E_LIMIT, "");
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  if (ap_equal(request->kind, "action")) {
    pressed(self, turn, request->input_json);
  } else if (ap_equal(request->kind, "client_tool_output")) {
    found(self, turn, request->input_json);
  } else if (ap_equal(request->kind, "user_message") || ap_equal(request->kind, "retry")) {
    char *text = ap_json_string(request->input_json, "/0/content/0/text");
    answer(self, turn, text ? text : "");
    free(text);
  } else {
    return AP_E_UNSUPPORTED;
  }
  return AP_OK;
}

/* What the turn waits for ends with it: its callback is still called, with AP_E_CANCELLED. */
static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) { finish(self, turn, why, ""); }

/* ---- the tool ---- */

static ap_status call_begin(ap_instance *self, ap_handle call, const ap_call_request_r1 *request) {
  char result[64];
  double sum = ap_json_number(request->args_json, "/a", 0) + ap_json_number(request->args_json, "/b", 0);
  int length = snprintf(result, sizeof result, "{\"sum\":%.17g}", sum);
  self->call->finish(self->host, call, AP_OK, (ap_str){result, (size_t)length});
  return AP_OK;
}

/* ---- the plugin ---- */

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = calloc(1, sizeof *self);
  if (!self) return AP_E_LIMIT;
  /* The manifest requires all of them, so none is null. */
  *self = (ap_instance){
      .host = host,
      .turn = host->get_extension(host, AP_HOST_TURN),
      .call = host->get_extension(host, AP_HOST_CALL),
      .exec = host->get_extension(host, AP_HOST_EXEC),
      .tools = host->get_extension(host, AP_HOST_TOOLS),
  };
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) { free(self); }

static const void *get_extension(ap_instance *self, const char *id) {
  static const ap_agent_r1 agent = {.struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel};
  static const ap_tools_r1 tools = {.struct_size = sizeof tools, .call_begin = call_begin};
  (void)self;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  return strcmp(id, AP_EXT_TOOLS) == 0 ? &tools : NULL;
}

AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
  static const ap_plugin_r1 plugin = {
      .struct_size = sizeof plugin,
      .abi_draft = AP_ABI_DRAFT,
      .id = "dev.agenthost.example.hello-c",
      .version = "1.0.0",
      .create = create,
      .destroy = destroy,
      .get_extension = get_extension,
  };
  return &plugin;
}
