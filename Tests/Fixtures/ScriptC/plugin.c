/* ScriptC - a coded agent that is told in the message what to emit: so that one script drives this host and another one.
 *
 * Somewhere in what caused the turn (a message's text, an action's payload, an answer) there is a string that begins with
 * "@script " and goes on with a JSON array of steps, each an array:
 *
 *   ["text", item, "delta"]              appends to a message         ["done", item]    completes an item
 *   ["emit", item, "kind", {...}]        emits this JSON              ["wait", ms]      waits
 *   ["raw", item, "kind", "text"]        emits this text as if it     ["finish", status, "sentence"]
 *                                        were JSON
 *   ["bytes", item, "hex"]               text that need not be UTF-8
 *   ["rawbytes", item, "kind", "hex"]    the same for emit
 *   ["many", item, "unit", n]            text: the unit n times
 *   ["nest", item, "kind", "begin", "open", n, "middle", "close", "end"]
 *                                        emits begin, n times open, middle, n times close, end
 *   ["status", item]                     says what the last step's call answered, as a number
 *
 * Behind the last step the turn is finished with AP_OK. Without a script it says so in a message. */
#include "../fixture.h"

struct ap_instance {
  tables t;
};

typedef struct script {
  ap_instance *self;
  ap_handle turn;
  char *text;
  const char *at; /* the next step in `text` */
  ap_status last;
} script;

static void end(script *s, ap_status status, ap_str message) {
  s->self->t.turn->finish(s->self->t.host, s->turn, status, message);
  free(s->text);
  free(s);
}

/* The element number `n` of an array; null when there is none. */
static const char *element(const char *array, int n) {
  const char *at = json_blank(array + 1);
  for (; *at && *at != ']'; n--) {
    if (n == 0) return at;
    at = json_blank(json_skip(at));
    if (*at == ',') at = json_blank(at + 1);
  }
  return NULL;
}

static long number(const char *step, int n) {
  const char *value = element(step, n);
  return value ? atol(value) : 0;
}

/* The bytes that a string of hexadecimal digits names; the caller frees them. */
static ap_str from_hex(const char *digits) {
  size_t count = strlen(digits) / 2;
  char *bytes = must(malloc(count + 1));
  for (size_t i = 0; i < count; i++) {
    unsigned byte = 0;
    sscanf(digits + 2 * i, "%2x", &byte);
    bytes[i] = (char)byte;
  }
  return (ap_str){bytes, count};
}

/* `begin`, `n` times `open`, `middle`, `n` times `close`, `end`; the caller frees it. */
static ap_str nested(const char *begin, const char *open, long n, const char *middle, const char *close, const char *end) {
  size_t length = strlen(begin) + (strlen(open) + strlen(close)) * (size_t)n + strlen(middle) + strlen(end);
  char *text = must(malloc(length + 1)), *to = stpcpy(text, begin);
  for (long i = 0; i < n; i++) to = stpcpy(to, open);
  to = stpcpy(to, middle);
  for (long i = 0; i < n; i++) to = stpcpy(to, close);
  stpcpy(to, end);
  return (ap_str){text, length};
}

static void say(script *s, uint32_t item, ap_str text) {
  s->last = s->self->t.turn->text(s->self->t.host, s->turn, item, text);
}

static void emit(script *s, uint32_t item, const char *kind, ap_str json) {
  s->last = s->self->t.turn->emit(s->self->t.host, s->turn, item, str(kind), json);
}

/* Performs a step that is no "wait" and no "finish". */
static void perform(script *s, const char *step, const char *name) {
  uint32_t item = (uint32_t)number(step, 1);
  char *second = json_text(element(step, 2)), *third = json_text(element(step, 3));
  if (!strcmp(name, "text")) {
    say(s, item, str(second));
  } else if (!strcmp(name, "emit")) {
    char *json = json_raw(element(step, 3));
    emit(s, item, second, str(json));
    free(json);
  } else if (!strcmp(name, "raw")) {
    emit(s, item, second, str(third));
  } else if (!strcmp(name, "bytes") || !strcmp(name, "rawbytes")) {
    bool isText = !strcmp(name, "bytes");
    ap_str bytes = from_hex(isText ? second : third);
    if (isText) say(s, item, bytes);
    else emit(s, item, second, bytes);
    free((char *)bytes.ptr);
  } else if (!strcmp(name, "many")) {
    ap_str text = nested("", second, number(step, 3), "", "", "");
    say(s, item, text);
    free((char *)text.ptr);
  } else if (!strcmp(name, "nest")) {
    char *open = json_text(element(step, 4)), *middle = json_text(element(step, 6));
    char *close = json_text(element(step, 7)), *last = json_text(element(step, 8));
    ap_str json = nested(third, open, number(step, 5), middle, close, last);
    emit(s, item, second, json);
    free((char *)json.ptr);
    free(open);
    free(middle);
    free(close);
    free(last);
  } else if (!strcmp(name, "status")) {
    char text[16];
    snprintf(text, sizeof text, "%d", (int)s->last);
    say(s, item, str(text));
  } else if (!strcmp(name, "done")) {
    s->last = s->self->t.turn->item_done(s->self->t.host, s->turn, item);
  } else {
    fprintf(stderr, "ScriptC: there is no step \"%s\"\n", name);
    abort();
  }
  free(second);
  free(third);
}

static void go_on(void *user, ap_handle request, ap_event event, ap_status status, ap_str data);

static void run(script *s) {
  while (*s->at && *s->at != ']') {
    const char *step = s->at;
    s->at = json_blank(json_skip(step));
    if (*s->at == ',') s->at = json_blank(s->at + 1);
    char *name = json_text(element(step, 0));
    bool waits = !strcmp(name, "wait"), finishes = !strcmp(name, "finish");
    if (!waits && !finishes) perform(s, step, name);
    free(name);
    if (finishes) {
      char *message = json_text(element(step, 2));
      end(s, (ap_status)number(step, 1), str(message));
      return free(message);
    }
    if (waits) {
      if (s->self->t.exec->after(s->self->t.host, s->turn, number(step, 1), go_on, s, NULL) == AP_OK) return;
      return end(s, AP_E_CANCELLED, str(""));
    }
  }
  end(s, AP_OK, str(""));
}

/* The wait is over: its time has come, or its turn has ended. */
static void go_on(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)data;
  if (event != AP_EV_END) return;
  if (status == AP_OK) run(user);
  else end(user, AP_E_CANCELLED, str(""));
}

/* The script in the JSON that caused the turn; the caller frees it. */
static char *script_in(const char *json) {
  const char *found = strstr(json, "\"@script ");
  if (!found) return copy(str("[[\"text\",1,\"There is no script.\"]]"));
  char *text = json_text(found);
  memmove(text, text + strlen("@script "), strlen(text) - strlen("@script ") + 1);
  return text;
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  script *s = must(calloc(1, sizeof *s));
  *s = (script){.self = self, .turn = turn};
  char *input = copy(request->input_json);
  s->text = script_in(input);
  free(input);
  s->at = json_blank(json_blank(s->text) + 1);
  run(s);
  return AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
  self->t.turn->finish(self->t.host, turn, why, str("")); /* what waits is told, and answered AP_E_GONE */
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) { free(self); }

static const void *get_extension(ap_instance *self, const char *id) {
  static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, NULL};
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN("dev.agenthost.fixture.script-c", "1.0.0", create, NULL, destroy, get_extension)
