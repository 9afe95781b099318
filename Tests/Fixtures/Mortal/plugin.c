/* Mortal - a coded agent whose process dies in the phase of a turn that the first word of the message names:
 *
 *   begin      in turn_begin                         first      after the first delta
 *   between    between two deltas                    done       after item_done, before finish
 *   kv         while its requests to ap.host.kv run  tool       while the tool that it has called runs
 *   cancel     in turn_cancel; until then a delta each 20 ms
 *   half       after half a frame on the socket to the host; for worker processes only
 *   flood      without end, as fast as the host takes it: rests on AP_W_SLOW
 *   deaf       without end, whatever the host says; fails with the host's refusal
 *   still      says nothing until it is cancelled
 *
 * Anything else is said again. While the file <FIXTURE_MARKS>/<plugin id> exists, its first letter chooses another death: "l" while the
 * library is loaded, "c" in create. */
#include "../fixture.h"

#include <unistd.h>

#ifndef FIXTURE_ID
#define FIXTURE_ID "dev.agenthost.fixture.mortal"
#endif
#ifndef FIXTURE_MARKS
#define FIXTURE_MARKS "/nonexistent"
#endif

struct ap_instance {
  tables t;
  pthread_mutex_t lock;
  struct turn *turns;
};

typedef struct turn {
  ap_instance *self;
  ap_handle handle;
  struct turn *next;
  char *text;
  int said;
  int references; /* the list's, and one for each callback that will come */
} turn;

static void die(void) { abort(); }

static void die_if_marked(char how) {
  FILE *file = fopen(FIXTURE_MARKS "/" FIXTURE_ID, "r");
  if (!file) return;
  bool is_meant = fgetc(file) == how;
  fclose(file);
  if (is_meant) die();
}

__attribute__((constructor)) static void loaded(void) { die_if_marked('l'); }

static void release(turn *t) {
  if (--t->references) return;
  free(t->text);
  free(t);
}

/* Takes the turn from the list and finishes it; once. */
static void finish(turn *t, ap_status status) {
  pthread_mutex_lock(&t->self->lock);
  turn **at = &t->self->turns;
  while (*at && *at != t) at = &(*at)->next;
  bool was_open = *at == t;
  if (was_open) *at = t->next;
  pthread_mutex_unlock(&t->self->lock);
  if (!was_open) return;
  t->self->t.turn->finish(t->self->t.host, t->handle, status, str(""));
  release(t);
}

static ap_status say(turn *t, const char *text) {
  return t->self->t.turn->text(t->self->t.host, t->handle, 0, str(text));
}

static bool is(const turn *t, const char *word) {
  size_t length = strlen(word);
  return strncmp(t->text, word, length) == 0 && (t->text[length] == 0 || t->text[length] == ' ');
}

static void answered(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)status, (void)data;
  if (event == AP_EV_END) release(user);
}

static void ask(turn *t, const ap_host_service_r1 *service, const char *op, const char *json) {
  if (!service) return finish(t, AP_E_DENIED);
  t->references++;
  if (service->request(t->self->t.host, t->handle, str(op), str(json), str(""), answered, t, NULL) != AP_OK) release(t);
}

static void tick(void *user, ap_handle request, ap_event event, ap_status status, ap_str data);

static void tick_in(turn *t, int64_t ms) {
  t->references++;
  if (t->self->t.exec->after(t->self->t.host, t->handle, ms, tick, t, NULL) < 0) release(t);
}

static void tick(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  turn *t = user;
  if (status == AP_OK) {
    if (is(t, "first") || is(t, "done") || is(t, "tool")) die();
    if (is(t, "between") && t->said == 5) die();
    if (is(t, "kv")) {
      if (t->said++) die();
      /* More than are answered until the next tick. */
      for (int i = 0; i < 50; i++) {
        ask(t, t->self->t.kv, "write", "{\"scope\":\"user\",\"put\":[{\"key\":\"mortal\",\"value\":1}]}");
      }
      tick_in(t, 1);
      return release(t);
    }
    char word[32];
    snprintf(word, sizeof word, "%d ", t->said++);
    if (say(t, word) < 0) finish(t, AP_E_CANCELLED);
    else tick_in(t, 20);
  }
  release(t);
}

static void flood(turn *t) {
  static char piece[16 * 1024 + 1];
  memset(piece, 'f', sizeof piece - 1);
  for (;;) {
    ap_status status = say(t, piece);
    if (status < 0) return finish(t, status);
    if (status == AP_W_SLOW && is(t, "flood")) return; /* turn_writable goes on */
  }
}

static void run(turn *t) {
  const tables *host = &t->self->t;
  if (is(t, "begin")) die();
  else if (is(t, "first") || is(t, "between") || is(t, "cancel") || is(t, "kv")) {
    say(t, "shown ");
    tick_in(t, is(t, "first") ? 60 : 20);
  } else if (is(t, "done")) {
    say(t, "all of it");
    host->turn->item_done(host->host, t->handle, 0);
    tick_in(t, 60);
  } else if (is(t, "tool")) {
    say(t, "shown ");
    ask(t, host->tools, "call", "{\"name\":\"slow_add\",\"arguments\":{\"a\":1,\"b\":2,\"steps\":50}}");
    tick_in(t, 60);
  } else if (is(t, "half")) {
    /* A frame begins with its length: 64 bytes are promised, 10 come. */
    const char part[14] = {64, 0, 0, 0, 1};
    if (write(3, part, sizeof part) > 0) _exit(0);
    die();
  } else if (is(t, "flood") || is(t, "deaf")) {
    flood(t);
  } else if (!is(t, "still")) {
    say(t, t->text);
    finish(t, AP_OK);
  }
}

static ap_status turn_begin(ap_instance *self, ap_handle handle, const ap_turn_request_r1 *request) {
  turn *t = must(calloc(1, sizeof *t));
  char *input = copy(request->input_json);
  *t = (turn){.self = self, .handle = handle, .references = 2};
  t->text = json_content(json_member(json_element(input, true), "content"));
  free(input);
  pthread_mutex_lock(&self->lock);
  t->next = self->turns;
  self->turns = t;
  pthread_mutex_unlock(&self->lock);
  run(t);
  release(t);
  return AP_OK;
}

static turn *find(ap_instance *self, ap_handle handle) {
  pthread_mutex_lock(&self->lock);
  turn *t = self->turns;
  while (t && t->handle != handle) t = t->next;
  pthread_mutex_unlock(&self->lock);
  return t;
}

static void turn_cancel(ap_instance *self, ap_handle handle, ap_status why) {
  turn *t = find(self, handle);
  if (!t) return;
  if (is(t, "cancel")) die();
  finish(t, why);
}

static void turn_writable(ap_instance *self, ap_handle handle) {
  turn *t = find(self, handle);
  if (t && is(t, "flood")) flood(t);
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  die_if_marked('c');
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  pthread_mutex_init(&self->lock, NULL);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) {
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, turn_writable};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN(FIXTURE_ID, "1.0.0", create, NULL, destroy, get_extension)
