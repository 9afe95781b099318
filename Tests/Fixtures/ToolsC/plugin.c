/* ToolsC - tools of every temper, and `rules-c`, a model that follows two rules:
 * "call NAME {json}" makes that tool call, a result of a tool is told as "Tool said: ...", else "You said: ...". */
#include "../fixture.h"

struct ap_instance {
  tables t;
  pthread_mutex_t lock;
  struct call *calls;
};

/* A call that goes on after call_begin. Runs on its own lane. */
typedef struct call {
  struct ap_instance *self;
  ap_handle handle;
  struct call *previous, *next;
  long long a, b;
  int left;       /* steps of slow_add; tries of counter */
  int references; /* the open call, and each callback that will come */
  bool done;
} call;

static void release(call *c) {
  if (--c->references == 0) free(c);
}

static call *make(ap_instance *self, ap_handle handle) {
  call *c = must(calloc(1, sizeof *c));
  *c = (call){.self = self, .handle = handle, .references = 1};
  pthread_mutex_lock(&self->lock);
  c->next = self->calls;
  if (c->next) c->next->previous = c;
  self->calls = c;
  pthread_mutex_unlock(&self->lock);
  return c;
}

static void finish(call *c, ap_status status, const char *result) {
  if (c->done) return;
  c->done = true;
  pthread_mutex_lock(&c->self->lock);
  if (c->previous) c->previous->next = c->next;
  else c->self->calls = c->next;
  if (c->next) c->next->previous = c->previous;
  pthread_mutex_unlock(&c->self->lock);
  c->self->t.call->finish(c->self->t.host, c->handle, status, str(result));
  release(c);
}

static ap_status finish_now(ap_instance *self, ap_handle handle, ap_status status, const char *result) {
  self->t.call->finish(self->t.host, handle, status, str(result));
  return AP_OK;
}

static ap_status finish_sum(ap_instance *self, ap_handle handle, long long a, long long b) {
  char result[64];
  snprintf(result, sizeof result, "{\"sum\":%lld}", a + b);
  return finish_now(self, handle, AP_OK, result);
}

/* ---- slow_add ---- */

static void slow_step(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  call *c = user;
  const tables *t = &c->self->t;
  if (status == AP_OK && !c->done) {
    if (c->left-- > 0) {
      char *news = format("{\"text\":\"%d steps to go\"}", c->left + 1);
      t->call->progress(t->host, c->handle, str(news));
      free(news);
      c->references++;
      if (t->exec->after(t->host, c->handle, 20, slow_step, c, NULL) < 0) release(c);
    } else {
      char result[64];
      snprintf(result, sizeof result, "{\"sum\":%lld}", c->a + c->b);
      finish(c, AP_OK, result);
    }
  }
  release(c);
}

static ap_status slow_add(ap_instance *self, ap_handle handle, long long a, long long b, int steps) {
  call *c = make(self, handle);
  c->a = a;
  c->b = b;
  c->left = steps;
  c->references++;
  if (self->t.exec->after(self->t.host, handle, 20, slow_step, c, NULL) == AP_OK) return AP_OK;
  release(c);
  finish(c, AP_E_FAILED, "no timer");
  return AP_OK;
}

/* ---- counter ---- */

static void counter_read(call *c);

static void counter_written(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request;
  call *c = user;
  if (event != AP_EV_END) return;
  if (status == AP_E_CONFLICT && --c->left > 0 && !c->done) {
    counter_read(c);
  } else {
    char *text = status == AP_OK ? format("{\"count\":%lld}", c->a) : copy(data);
    finish(c, status, text);
    free(text);
  }
  release(c);
}

static void counter_value(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request;
  call *c = user;
  if (event != AP_EV_END) return;
  char *json = copy(data);
  if (status < 0) {
    finish(c, status, json);
  } else if (!c->done) {
    const char *entry = json_element(json_member(json, "entries"), false);
    const char *value = json_member(entry, "value");
    c->a = value ? atoll(value) + 1 : 1;
    char *version = json_raw(json_member(entry, "version"));
    char *write = format("{\"scope\":\"user\",\"if\":[{\"key\":\"counter\",\"version\":%s}],"
                         "\"put\":[{\"key\":\"counter\",\"value\":%lld}]}", version, c->a);
    c->references++;
    const tables *t = &c->self->t;
    if (t->kv->request(t->host, c->handle, str("write"), str(write), str(""), counter_written, c, NULL) < 0) {
      release(c);
      finish(c, AP_E_FAILED, "The write was not accepted.");
    }
    free(write);
    free(version);
  }
  free(json);
  release(c);
}

static void counter_read(call *c) {
  const tables *t = &c->self->t;
  c->references++;
  ap_str json = str("{\"scope\":\"user\",\"keys\":[\"counter\"]}");
  if (t->kv->request(t->host, c->handle, str("get"), json, str(""), counter_value, c, NULL) == AP_OK) return;
  release(c);
  finish(c, AP_E_FAILED, "The read was not accepted.");
}

static ap_status counter(ap_instance *self, ap_handle handle) {
  if (!self->t.kv) return finish_now(self, handle, AP_E_DENIED, "ap.host.kv/1 is not granted.");
  call *c = make(self, handle);
  c->left = 100;
  counter_read(c);
  return AP_OK;
}

/* ---- tools ---- */

static bool is(ap_str text, const char *name) {
  return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

static ap_status call_begin(ap_instance *self, ap_handle handle, const ap_call_request_r1 *request) {
  char *args = copy(request->args_json);
  const char *a_json = json_member(args, "a"), *b_json = json_member(args, "b"), *steps = json_member(args, "steps");
  long long a = a_json ? atoll(a_json) : 0, b = b_json ? atoll(b_json) : 0;
  int step_count = steps ? atoi(steps) : 3;
  free(args);
  if (is(request->tool, "add")) return finish_sum(self, handle, a, b);
  if (is(request->tool, "slow_add")) return slow_add(self, handle, a, b, step_count);
  if (is(request->tool, "block_add")) {
    for (int i = 0; i < step_count && self->t.call->state(self->t.host, handle) == AP_OK; i++) sleep_ms(20);
    ap_status state = self->t.call->state(self->t.host, handle);
    return state < 0 ? state : finish_sum(self, handle, a, b);
  }
  if (is(request->tool, "fail_tool")) return finish_now(self, handle, AP_E_FAILED, "This tool always fails.");
  if (is(request->tool, "crash_tool")) abort();
  if (is(request->tool, "never")) return AP_OK;
  if (is(request->tool, "counter") || is(request->tool, "guarded")) return counter(self, handle);
  return AP_E_NOT_FOUND;
}

static void call_cancel(ap_instance *self, ap_handle handle, ap_status why) {
  pthread_mutex_lock(&self->lock);
  call *c = self->calls;
  while (c && c->handle != handle) c = c->next;
  pthread_mutex_unlock(&self->lock);
  if (c) finish(c, why, "cancelled");
}

/* ---- hooks of the agent hooked-c ---- */

/* Behind the last message: what the model was told to be. Not behind a call or its result, which rules-c must see last. */
static char *with_note(const char *json) {
  const char *messages = json_member(json, "messages"), *last = json_element(messages, true);
  char *role = json_text(json_member(last, "role")), *said = json_text(json_member(last, "content"));
  char *told = json_text(json_member(json_element(messages, false), "content"));
  char *answer = NULL;
  if (strcmp(role, "user") == 0 && strncmp(said, "call ", 5) != 0) {
    char *note = format("%s [%.24s]", said, told), *note_json = quoted(note), *all = json_raw(messages);
    all[strlen(all) - 1] = 0; /* the bracket */
    answer = format("{\"messages\":%s,{\"role\":\"user\",\"content\":%s}]}", all, note_json);
    free(all);
    free(note_json);
    free(note);
  }
  free(told);
  free(said);
  free(role);
  return answer;
}

static ap_status hook_begin(ap_instance *self, ap_handle handle, const ap_hook_request_r1 *request) {
  char *json = copy(request->json), *answer = NULL;
  ap_status status = AP_OK;
  bool hangs = false;
  if (is(request->point, "instructions")) {
    answer = copy(str("{\"instructions\":\"Of the hook.\"}"));
  } else if (is(request->point, "before_model")) {
    if (strstr(json, "@fail")) {
      status = AP_E_FAILED;
      answer = copy(str("The hook was told to fail."));
    } else if (strstr(json, "@nonsense")) {
      answer = copy(str("{\"messages\":[{\"role\":\"tool\",\"content\":\"alone\"}]}"));
    } else if (strstr(json, "@crash")) {
      abort();
    } else if (strstr(json, "@hang")) {
      hangs = true;
    } else {
      answer = with_note(json);
    }
  } else if (is(request->point, "after_model")) {
    if (strstr(json, "@stop")) answer = copy(str("{\"stop\":\"That must not be said.\"}"));
  } else if (is(request->point, "before_tool")) {
    if (strstr(json, "\"a\":13")) answer = copy(str("{\"deny\":\"Thirteen is not allowed.\"}"));
    if (strstr(json, "\"a\":7,") || strstr(json, "\"change\"")) {
      answer = copy(str("{\"arguments\":{\"a\":70,\"b\":1}}"));
    }
    if (strstr(json, "\"a\":99")) status = AP_E_FAILED;
  } else if (strstr(json, "\"sum\":71")) {
    answer = copy(str("{\"result\":{\"sum\":710}}"));
  } else if (strstr(json, "\"sum\":500")) {
    status = AP_E_FAILED;
  }
  if (!hangs) finish_now(self, handle, status, answer ? answer : "null");
  free(answer);
  free(json);
  return AP_OK;
}

static void hook_cancel(ap_instance *self, ap_handle handle, ap_status why) { finish_now(self, handle, why, "cancelled"); }

/* ---- rules-c ---- */

static void stream(ap_instance *self, ap_handle handle, const char *text) {
  size_t at = 0;
  for (ap_str word; (word = next_word(text, &at)).len;) {
    char *piece = copy(word), *json_piece = quoted(piece), *json = format("{\"text\":%s}", json_piece);
    self->t.call->progress(self->t.host, handle, str(json));
    free(json);
    free(json_piece);
    free(piece);
  }
  finish_now(self, handle, AP_OK, "{\"finish_reason\":\"stop\"}");
}

static void call_tool(ap_instance *self, ap_handle handle, const char *rest, int messages) {
  size_t at = 0;
  ap_str word = next_word(rest, &at);
  while (word.len && word.ptr[word.len - 1] == ' ') word.len--;
  char *name = copy(word), *name_json = quoted(name), *arguments = quoted(rest[at] ? rest + at : "{}");
  char *json = format("{\"tool_call\":{\"index\":0,\"id\":\"call_%d\",\"name\":%s,\"arguments\":%s}}", messages, name_json,
                      arguments);
  self->t.call->progress(self->t.host, handle, str(json));
  finish_now(self, handle, AP_OK, "{\"finish_reason\":\"tool_calls\"}");
  free(json);
  free(arguments);
  free(name_json);
  free(name);
}

static int count_elements(const char *array) {
  int count = 0;
  for (const char *at = json_element(array, false); at && *at != ']' && *at; count++) {
    at = json_blank(json_skip(at));
    if (*at == ',') at = json_blank(at + 1);
  }
  return count;
}

static ap_status complete(ap_instance *self, ap_handle handle, ap_str model_id, ap_str request_json, ap_time deadline) {
  (void)deadline;
  if (!is(model_id, "rules-c")) return AP_E_NOT_FOUND;
  char *request = copy(request_json);
  const char *messages = json_member(request, "messages"), *last = json_element(messages, true);
  char *role = json_text(json_member(last, "role")), *content = json_content(json_member(last, "content"));
  if (strcmp(role, "tool") != 0 && strncmp(content, "call ", 5) == 0) {
    call_tool(self, handle, content + 5, count_elements(messages));
  } else {
    char *answer = format("%s said: %s", strcmp(role, "tool") == 0 ? "Tool" : "You", content);
    stream(self, handle, answer);
    free(answer);
  }
  free(content);
  free(role);
  free(request);
  return AP_OK;
}

/* ---- life ---- */

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  pthread_mutex_init(&self->lock, NULL);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) {
  while (self->calls) {
    call *c = self->calls;
    self->calls = c->next;
    free(c);
  }
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static const ap_tools_r1 tools = {sizeof tools, 0, call_begin, call_cancel};
static const ap_agent_hooks_r1 hooks = {sizeof hooks, 0, hook_begin, hook_cancel};
static const ap_model_r1 model = {sizeof model, 0, complete, NULL};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  if (strcmp(id, AP_EXT_TOOLS) == 0) return &tools;
  if (strcmp(id, AP_EXT_AGENT_HOOKS) == 0) return &hooks;
  return strcmp(id, AP_EXT_MODEL) == 0 ? &model : NULL;
}

PLUGIN("dev.agenthost.fixture.tools-c", "1.0.0", create, NULL, destroy, get_extension)
