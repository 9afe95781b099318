/* EchoC - a coded agent that streams the last text of the user word by word, and does much else when told to:
 *
 *   slow N          N words, one each 20 ms        big             1 MiB of text, pausing on AP_W_SLOW
 *   fail            finishes with AP_E_FAILED      garbage         text that is no UTF-8
 *   twice           finishes twice                 badjson         emits a workflow whose JSON is malformed
 *   hang            never finishes                 wf              a workflow with a task, then text
 *   crash segv exit ends the process               kv              writes and reads with ap.host.kv
 *   block MS        sleeps on the lane             tool NAME {..}  calls a tool and prints its result
 *   config POINTER  prints a value of the config   model TEXT      asks the model and streams its answer
 *   log TEXT        writes a log line              refuse          turn_begin answers AP_E_INVALID
 *   timers N        starts N timers of a minute    both            finishes, then turn_begin answers an error
 *
 * and what limits are for:
 *
 *   ask N           N requests at once, tells how many were accepted
 *   chain N         N requests, one behind the other; finishes with the status of one that is refused
 *   greedy          starts timers until one is refused, and finishes with that status
 *   spin N MS       N functions that each have MS milliseconds
 *   await FILE      keeps its lane until there is such a file
 *   flood N         N texts of 16 KiB, as fast as they are taken
 *   leak MB         keeps so much memory, says "leaked", waits
 *   burn N          N threads that compute without end
 *   threads N       N threads that sleep without end
 *   where           names of the threads that call it: for the turn, a timer, a service, posted work, the pool, the making */
#include "../fixture.h"

#include <unistd.h>

struct ap_instance {
  tables t;
  pthread_mutex_t lock;
  struct echo *turns;
};

/* One turn. All its functions run on its lane; only the list of turns is shared. */
typedef struct echo {
  struct ap_instance *self;
  ap_handle turn;
  struct echo *previous, *next;
  char *text, *answer;
  size_t left, at;
  int references; /* the open turn, and each callback that will come */
  bool done;
  void (*resume)(struct echo *);
} echo;

static void release(echo *e) {
  if (--e->references) return;
  free(e->text);
  free(e->answer);
  free(e);
}

static void finish(echo *e, ap_status status, const char *message) {
  if (e->done) return;
  e->done = true;
  pthread_mutex_lock(&e->self->lock);
  if (e->previous) e->previous->next = e->next;
  else e->self->turns = e->next;
  if (e->next) e->next->previous = e->previous;
  pthread_mutex_unlock(&e->self->lock);
  e->self->t.turn->finish(e->self->t.host, e->turn, status, str(message));
  release(e);
}

static ap_status say(echo *e, ap_str text) {
  return e->self->t.turn->text(e->self->t.host, e->turn, 0, text);
}

static void say_words(echo *e, const char *text) {
  size_t at = 0;
  for (ap_str word; (word = next_word(text, &at)).len;) say(e, word);
}

static void say_all(echo *e, const char *text) {
  say_words(e, text);
  e->self->t.turn->item_done(e->self->t.host, e->turn, 0);
  finish(e, AP_OK, "");
}

/* ---- slow ---- */

static void slow_next(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  echo *e = user;
  if (status == AP_OK && !e->done) {
    char word[32];
    snprintf(word, sizeof word, "%zu ", e->at++);
    if (say(e, str(word)) < 0) {
      finish(e, AP_E_CANCELLED, "");
    } else if (--e->left == 0) {
      finish(e, AP_OK, "");
    } else {
      e->references++;
      if (e->self->t.exec->after(e->self->t.host, e->turn, 20, slow_next, e, NULL) < 0) release(e);
    }
  }
  release(e);
}

static void slow(echo *e, const char *argument) {
  e->left = (size_t)atoi(argument);
  if (!e->left) return finish(e, AP_OK, "");
  e->references++;
  if (e->self->t.exec->after(e->self->t.host, e->turn, 20, slow_next, e, NULL) < 0) release(e);
}

static void ignore_end(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)status, (void)data;
  release(user);
}

static void timers(echo *e, const char *argument) {
  int started = 0;
  for (int i = atoi(argument); i > 0; i--) {
    e->references++;
    if (e->self->t.exec->after(e->self->t.host, e->turn, 60000, ignore_end, e, NULL) == AP_OK) started++;
    else release(e);
  }
  char text[32];
  snprintf(text, sizeof text, "%d", started);
  say_all(e, text);
}

/* ---- big ---- */

static void big_more(echo *e) {
  char piece[16 * 1024];
  memset(piece, 'b', sizeof piece);
  while (e->left) {
    ap_status status = say(e, (ap_str){piece, sizeof piece});
    if (status < 0) return finish(e, status == AP_E_LIMIT ? status : AP_E_FAILED, "told to stop");
    e->left -= sizeof piece;
    if (status == AP_W_SLOW && e->left) return; /* turn_writable goes on */
  }
  finish(e, AP_OK, "");
}

static void big(echo *e) {
  e->left = 1024 * 1024;
  e->resume = big_more;
  big_more(e);
}

/* ---- services ---- */

static void request(echo *e, const ap_host_service_r1 *service, const char *op, const char *json, ap_event_fn fn) {
  if (!service) return finish(e, AP_E_DENIED, "The service is not granted.");
  e->references++;
  ap_status status = service->request(e->self->t.host, e->turn, str(op), str(json), str(""), fn, e, NULL);
  if (status == AP_OK) return;
  release(e);
  finish(e, status, "The request was not accepted.");
}

/* Prints what a request ended with. */
static void print_end(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle;
  echo *e = user;
  if (event != AP_EV_END) return;
  if (!e->done) {
    char *text = copy(data), *line = status == AP_OK ? copy(data) : format("error %d: %s", status, text);
    say_all(e, line);
    free(line);
    free(text);
  }
  release(e);
}

static void kv_written(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  if (event != AP_EV_END) return;
  echo *e = user;
  if (status < 0 || e->done) return print_end(user, handle, event, status, data);
  request(e, e->self->t.kv, "get", "{\"scope\":\"user\",\"keys\":[\"echo\"]}", print_end);
  release(e);
}

static void kv(echo *e) {
  request(e, e->self->t.kv, "write", "{\"scope\":\"user\",\"put\":[{\"key\":\"echo\",\"value\":\"hello\"}]}", kv_written);
}

static void tool(echo *e, const char *argument) {
  size_t at = 0;
  ap_str word = next_word(argument, &at);
  while (word.len && word.ptr[word.len - 1] == ' ') word.len--;
  char *name = copy(word), *name_json = quoted(name);
  char *json = format("{\"name\":%s,\"arguments\":%s}", name_json, argument[at] ? argument + at : "{}");
  request(e, e->self->t.tools, "call", json, print_end);
  free(json);
  free(name_json);
  free(name);
}

static void model_event(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  echo *e = user;
  if (event == AP_EV_DATA && !e->done) {
    char *json = copy(data), *text = json_text(json_member(json, "text"));
    if (*text) say(e, str(text));
    free(text);
    free(json);
  }
  if (event != AP_EV_END) return;
  if (status < 0) return print_end(user, handle, event, status, data);
  finish(e, AP_OK, "");
  release(e);
}

static void model(echo *e, const char *argument) {
  char *text = quoted(argument);
  char *json = format("{\"messages\":[{\"role\":\"user\",\"content\":%s}],\"tools\":[],\"settings\":{}}", text);
  request(e, e->self->t.model, "complete", json, model_event);
  free(json);
  free(text);
}

/* ---- limits ---- */

static const char ask_json[] = "{\"scope\":\"user\",\"keys\":[\"echo\"]}";

static void asked(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle, (void)status, (void)data;
  if (event != AP_EV_END) return;
  echo *e = user;
  if (--e->left == 0) {
    char text[32];
    snprintf(text, sizeof text, "%zu", e->at);
    if (!e->done) say_all(e, text);
  }
  release(e);
}

static void ask(echo *e, const char *argument) {
  const tables *t = &e->self->t;
  for (int i = atoi(argument); i > 0; i--) {
    if (t->kv->request(t->host, e->turn, str("get"), str(ask_json), str(""), asked, e, NULL) < 0) continue;
    e->references++;
    e->at++;
    e->left++;
  }
  if (!e->left) say_all(e, "0");
}

static void chained(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle, (void)data;
  if (event != AP_EV_END) return;
  echo *e = user;
  if (!e->done) {
    if (status < 0) finish(e, status, "");
    else if (--e->left == 0) say_all(e, "chained");
    else request(e, e->self->t.kv, "get", ask_json, chained);
  }
  release(e);
}

static void greedy(echo *e) {
  ap_status status;
  for (;;) {
    status = e->self->t.exec->after(e->self->t.host, e->turn, 60000, ignore_end, e, NULL);
    if (status < 0) return finish(e, status, "");
    e->references++;
  }
}

static void spin_next(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle, (void)event, (void)data;
  echo *e = user;
  if (status == AP_OK && !e->done) {
    sleep_ms((long)e->at);
    if (--e->left == 0) {
      say_all(e, "spun");
    } else {
      e->references++;
      if (e->self->t.exec->after(e->self->t.host, e->turn, 0, spin_next, e, NULL) < 0) release(e);
    }
  }
  release(e);
}

static void spin(echo *e, const char *argument) {
  int count = 1, ms = 1;
  sscanf(argument, "%d %d", &count, &ms);
  e->left = (size_t)count;
  e->at = (size_t)ms;
  e->references++;
  if (e->self->t.exec->after(e->self->t.host, e->turn, 0, spin_next, e, NULL) < 0) release(e);
}

static void await(echo *e, const char *path) {
  while (access(path, F_OK)) sleep_ms(5);
  say_all(e, "it is there");
}

static void flood(echo *e, const char *argument) {
  e->left = (size_t)atoi(argument) * 16 * 1024;
  e->resume = big_more;
  big_more(e);
}

static void leak(echo *e, const char *argument) {
  static void *volatile kept;
  size_t size = (size_t)atoi(argument) << 20;
  kept = must(malloc(size));
  memset(kept, 1, size);
  say(e, str("leaked"));
}

static void *burn_on(void *unused) {
  for (volatile unsigned long i = 0;; i++) continue;
  return unused;
}

static void *sleep_on(void *unused) {
  for (;;) sleep_ms(60000);
  return unused;
}

static void start_threads(echo *e, const char *argument, void *(*body)(void *)) {
  for (int i = atoi(argument); i > 0; i--) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) == 0) pthread_detach(thread);
  }
  say(e, str("started"));
}

/* ---- where ---- */

static char made_on[32];

static void here(echo *e, const char *what) {
  char name[32] = "?";
  pthread_getname_np(pthread_self(), name, sizeof name);
  char *line = format("%s=%s ", what, name);
  say(e, str(line));
  free(line);
}

static void where_pool(void *user) {
  here(user, "pool");
  finish(user, AP_OK, "");
  release(user);
}

static void where_posted(void *user) {
  echo *e = user;
  here(e, "posted");
  if (e->self->t.exec->run_blocking(e->self->t.host, e->turn, where_pool, e) < 0) release(e);
}

static void where_service(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle, (void)status, (void)data;
  echo *e = user;
  if (event != AP_EV_END) return;
  here(e, "service");
  if (e->self->t.exec->post(e->self->t.host, e->turn, where_posted, e) < 0) release(e);
}

static void where_timer(void *user, ap_handle handle, ap_event event, ap_status status, ap_str data) {
  (void)handle, (void)event, (void)status, (void)data;
  echo *e = user;
  here(e, "timer");
  if (e->self->t.kv->request(e->self->t.host, e->turn, str("get"), str(ask_json), str(""), where_service, e, NULL) < 0)
    release(e);
}

static void where(echo *e) {
  here(e, "turn");
  char *line = format("made=%s ", made_on);
  say(e, str(line));
  free(line);
  e->references++;
  if (e->self->t.exec->after(e->self->t.host, e->turn, 1, where_timer, e, NULL) < 0) release(e);
}

/* ---- the rest ---- */

static void workflow(echo *e) {
  const tables *t = &e->self->t;
  t->turn->emit(t->host, e->turn, 1, str("workflow"), str("{\"type\":\"custom\",\"expanded\":true}"));
  t->turn->emit(t->host, e->turn, 1, str("task"),
                str("{\"index\":0,\"type\":\"custom\",\"title\":\"Counting words\",\"status_indicator\":\"complete\"}"));
  t->turn->emit(t->host, e->turn, 1, str("workflow_end"), str("{\"summary\":{\"title\":\"Counted\"},\"expanded\":false}"));
  say_all(e, "The workflow is done.");
}

static void config(echo *e, const char *argument) {
  const tables *t = &e->self->t;
  if (!t->config) return finish(e, AP_E_DENIED, "The configuration is not granted.");
  int64_t length = t->config->get(t->host, str(argument), NULL, 0);
  if (length < 0) {
    char text[32];
    snprintf(text, sizeof text, "error %d", (int)length);
    return say_all(e, text);
  }
  char *value = must(calloc(1, (size_t)length + 1));
  t->config->get(t->host, str(argument), value, (size_t)length);
  say_all(e, value);
  free(value);
}

static bool command(const char *text, const char *name, const char **argument) {
  size_t length = strlen(name);
  if (strncmp(text, name, length) || (text[length] && text[length] != ' ')) return false;
  *argument = text[length] ? text + length + 1 : "";
  return true;
}

static ap_status run(echo *e) {
  const tables *t = &e->self->t;
  const char *argument;
  if (command(e->text, "slow", &argument)) slow(e, argument);
  else if (command(e->text, "crash", &argument)) abort();
  else if (command(e->text, "segv", &argument)) *(volatile int *)(e->left + 8) = 1; /* `left` is 0 */
  else if (command(e->text, "exit", &argument)) exit(0);
  else if (command(e->text, "hang", &argument)) e->resume = NULL;
  else if (command(e->text, "fail", &argument)) finish(e, AP_E_FAILED, "told to fail");
  else if (command(e->text, "twice", &argument)) {
    ap_handle turn = e->turn;
    const ap_host_r1 *host = t->host;
    say_all(e, "once");
    t->turn->finish(host, turn, AP_OK, str("again"));
  } else if (command(e->text, "garbage", &argument)) say_all(e, "bad \xff\xc3 text");
  else if (command(e->text, "badjson", &argument)) {
    t->turn->emit(t->host, e->turn, 1, str("workflow"), str("{\"type\":\"custom\",,"));
    finish(e, AP_OK, "");
  } else if (command(e->text, "big", &argument)) big(e);
  else if (command(e->text, "kv", &argument)) kv(e);
  else if (command(e->text, "tool", &argument)) tool(e, argument);
  else if (command(e->text, "model", &argument)) model(e, argument);
  else if (command(e->text, "wf", &argument)) workflow(e);
  else if (command(e->text, "config", &argument)) config(e, argument);
  else if (command(e->text, "timers", &argument)) timers(e, argument);
  else if (command(e->text, "ask", &argument)) ask(e, argument);
  else if (command(e->text, "chain", &argument)) {
    e->left = (size_t)atoi(argument);
    request(e, t->kv, "get", ask_json, chained);
  } else if (command(e->text, "greedy", &argument)) greedy(e);
  else if (command(e->text, "spin", &argument)) spin(e, argument);
  else if (command(e->text, "await", &argument)) await(e, argument);
  else if (command(e->text, "flood", &argument)) flood(e, argument);
  else if (command(e->text, "leak", &argument)) leak(e, argument);
  else if (command(e->text, "burn", &argument)) start_threads(e, argument, burn_on);
  else if (command(e->text, "where", &argument)) where(e);
  else if (command(e->text, "threads", &argument)) start_threads(e, argument, sleep_on);
  else if (command(e->text, "block", &argument)) {
    sleep_ms(atol(argument));
    say_all(e, "awake");
  } else if (command(e->text, "log", &argument)) {
    t->log->log(t->host, AP_LOG_WARN, e->turn, str(argument), str("{\"from\":\"echo\"}"));
    say_all(e, "logged");
  } else if (command(e->text, "both", &argument)) {
    finish(e, AP_OK, "");
    return AP_E_FAILED;
  } else say_all(e, e->text);
  return AP_OK;
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  char *input = copy(request->input_json);
  const char *item = json_element(input, true);
  char *text = json_content(json_member(item, "content"));
  free(input);
  if (strcmp(text, "refuse") == 0) {
    free(text);
    return AP_E_INVALID;
  }
  echo *e = must(calloc(1, sizeof *e));
  *e = (echo){.self = self, .turn = turn, .text = text, .references = 2};
  pthread_mutex_lock(&self->lock);
  e->next = self->turns;
  if (e->next) e->next->previous = e;
  self->turns = e;
  pthread_mutex_unlock(&self->lock);
  ap_status status = run(e);
  release(e);
  return status;
}

static echo *find(ap_instance *self, ap_handle turn) {
  pthread_mutex_lock(&self->lock);
  echo *e = self->turns;
  while (e && e->turn != turn) e = e->next;
  pthread_mutex_unlock(&self->lock);
  return e;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
  echo *e = find(self, turn);
  if (e && strcmp(e->text, "hang")) finish(e, why, "cancelled");
}

static void turn_writable(ap_instance *self, ap_handle turn) {
  echo *e = find(self, turn);
  if (e && e->resume) e->resume(e);
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  pthread_getname_np(pthread_self(), made_on, sizeof made_on);
  pthread_mutex_init(&self->lock, NULL);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) {
  while (self->turns) { /* turns that hung */
    echo *e = self->turns;
    self->turns = e->next;
    free(e->text);
    free(e->answer);
    free(e);
  }
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, turn_writable};

static ap_status changed(ap_instance *self, ap_str config_json) {
  (void)self;
  return config_json.len && config_json.ptr[0] == '{' ? AP_OK : AP_E_INVALID;
}

static const ap_config_r1 configuration = {sizeof configuration, 0, changed};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  return strcmp(id, AP_EXT_CONFIG) == 0 ? &configuration : NULL;
}

#ifndef FIXTURE_ID
#define FIXTURE_ID "dev.agenthost.fixture.echo-c"
#endif

PLUGIN(FIXTURE_ID, "1.0.0", create, NULL, destroy, get_extension)
