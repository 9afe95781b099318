/* BenchC - agents for Benchmarks/:
 *
 *   bench-burst    answers with 50 deltas of 20 bytes at once
 *   bench-ticker   emits a delta each 50 ms, as many as the first number in the message says; each holds the time it was due
 *   bench-flood    emits deltas of 20 bytes as fast as they are taken, as many as the first number in the message says
 *   bench-silent   says nothing until it is cancelled
 *   bench-crash    crashes
 *   bench-calls    measures calls of the ABI and answers with the times in nanoseconds */
#include "../fixture.h"

#define INTERVAL_NS 50000000ll
#define CALLS 100000
#define TEXTS 1000
#define REQUESTS 200
#define AT_ONCE 1024 /* deltas of `bench-flood` before others on the lanes get their turn */

typedef struct flood flood;

struct ap_instance {
  tables t;
  pthread_mutex_t lock;
  flood *waiting; /* until their readers have taken more */
};

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- bench-burst ---- */

static void burst(ap_instance *self, ap_handle turn) {
  for (int i = 0; i < 50; i++) self->t.turn->text(self->t.host, turn, 0, str("twenty bytes a delta"));
  self->t.turn->item_done(self->t.host, turn, 0);
  self->t.turn->finish(self->t.host, turn, AP_OK, str(""));
}

/* ---- bench-flood ---- */

struct flood {
  flood *next;
  ap_instance *self;
  ap_handle turn;
  long left;
};

static void pour(void *user) {
  flood *f = user;
  const tables *t = &f->self->t;
  ap_status status = AP_OK;
  for (int i = 0; i < AT_ONCE && f->left > 0 && status == AP_OK; i++, f->left--) {
    status = t->turn->text(t->host, f->turn, 0, str("twenty bytes a delta"));
  }
  if (status == AP_W_SLOW && f->left > 0) { /* turn_writable goes on */
    pthread_mutex_lock(&f->self->lock);
    f->next = f->self->waiting;
    f->self->waiting = f;
    pthread_mutex_unlock(&f->self->lock);
  } else if (status < 0 || f->left == 0 || t->exec->post(t->host, f->turn, pour, f) < 0) {
    if (status != AP_E_GONE) t->turn->finish(t->host, f->turn, status < 0 ? AP_E_CANCELLED : AP_OK, str(""));
    free(f);
  }
}

static void start_flood(ap_instance *self, ap_handle turn, long deltas) {
  flood *f = must(calloc(1, sizeof *f));
  *f = (flood){.self = self, .turn = turn, .left = deltas > 0 ? deltas : 1};
  pour(f);
}

/* The flood of that turn, if it waits. */
static flood *take_flood(ap_instance *self, ap_handle turn) {
  pthread_mutex_lock(&self->lock);
  flood **at = &self->waiting;
  while (*at && (*at)->turn != turn) at = &(*at)->next;
  flood *f = *at;
  if (f) *at = f->next;
  pthread_mutex_unlock(&self->lock);
  return f;
}

static void turn_writable(ap_instance *self, ap_handle turn) {
  flood *f = take_flood(self, turn);
  if (f) pour(f);
}

/* ---- bench-ticker ---- */

typedef struct ticker {
  ap_instance *self;
  ap_handle turn;
  int64_t due;
  long left;
} ticker;

static void tick(void *user, ap_handle request, ap_event event, ap_status status, ap_str data);

/* By the time the tick is due, not from now on: lateness does not add up. */
static void plan(ticker *t) {
  int64_t wait = (t->due - nanoseconds() + 999999) / 1000000;
  if (t->self->t.exec->after(t->self->t.host, t->turn, wait > 0 ? wait : 0, tick, t, NULL) < 0) {
    t->self->t.turn->finish(t->self->t.host, t->turn, AP_E_LIMIT, str("no timer"));
    free(t);
  }
}

static void tick(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  ticker *t = user;
  char text[32];
  snprintf(text, sizeof text, "@%lld ", (long long)(t->due / 1000));
  if (status != AP_OK || t->self->t.turn->text(t->self->t.host, t->turn, 0, str(text)) < 0) {
    t->self->t.turn->finish(t->self->t.host, t->turn, AP_E_CANCELLED, str(""));
    free(t);
  } else if (--t->left == 0) {
    t->self->t.turn->finish(t->self->t.host, t->turn, AP_OK, str(""));
    free(t);
  } else {
    t->due += INTERVAL_NS;
    plan(t);
  }
}

static long first_number(ap_str input) {
  char *items = copy(input);
  char *text = json_content(json_member(json_element(items, true), "content"));
  long number = atol(text + strcspn(text, "0123456789"));
  free(items);
  free(text);
  return number;
}

static void start_ticker(ap_instance *self, ap_handle turn, long ticks) {
  ticker *t = must(calloc(1, sizeof *t));
  *t = (ticker){.self = self, .turn = turn, .due = nanoseconds() + INTERVAL_NS, .left = ticks > 0 ? ticks : 1};
  plan(t);
}

/* ---- bench-calls ---- */

typedef struct calls {
  ap_instance *self;
  ap_handle turn;
  int64_t begin, state_ns, text_ns;
  int left;
} calls;

static void answered(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)status, (void)data;
  if (event != AP_EV_END) return;
  calls *c = user;
  const tables *t = &c->self->t;
  if (status == AP_OK && --c->left > 0) {
    if (t->kv->request(t->host, c->turn, str("get"), str("{\"scope\":\"plugin\",\"keys\":[\"a\"]}"), str(""), answered, c,
                       NULL) == AP_OK)
      return;
  }
  char *text = format("state=%lld text=%lld service=%lld", (long long)c->state_ns, (long long)c->text_ns,
                      (long long)((nanoseconds() - c->begin) / REQUESTS));
  t->turn->emit(t->host, c->turn, 1, str("notice"), str("{\"message\":\"measured\"}"));
  t->turn->text(t->host, c->turn, 2, str(text));
  t->turn->finish(t->host, c->turn, AP_OK, str(""));
  free(text);
  free(c);
}

static ap_status measure(ap_instance *self, ap_handle turn) {
  const tables *t = &self->t;
  if (!t->kv) return AP_E_UNAVAILABLE;
  calls *c = must(calloc(1, sizeof *c));
  *c = (calls){.self = self, .turn = turn, .left = REQUESTS};
  int64_t begin = nanoseconds();
  for (int i = 0; i < CALLS; i++) t->turn->state(t->host, turn);
  c->state_ns = (nanoseconds() - begin) / CALLS;
  begin = nanoseconds();
  for (int i = 0; i < TEXTS; i++) t->turn->text(t->host, turn, 0, str("twenty bytes a delta"));
  c->text_ns = (nanoseconds() - begin) / TEXTS;
  c->begin = nanoseconds();
  ap_status status = t->kv->request(t->host, turn, str("get"), str("{\"scope\":\"plugin\",\"keys\":[\"a\"]}"), str(""),
                                    answered, c, NULL);
  if (status != AP_OK) free(c);
  return status;
}

/* ---- the plugin ---- */

static bool is(ap_str text, const char *word) {
  return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  if (is(request->agent_id, "bench-burst")) burst(self, turn);
  else if (is(request->agent_id, "bench-ticker")) start_ticker(self, turn, first_number(request->input_json));
  else if (is(request->agent_id, "bench-flood")) start_flood(self, turn, first_number(request->input_json));
  else if (is(request->agent_id, "bench-crash")) abort();
  else if (is(request->agent_id, "bench-calls")) return measure(self, turn);
  return AP_OK;
}

/* A ticker's timer ends with its turn, and a flood's post finds it closed; nothing else ends a silent turn. */
static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
  free(take_flood(self, turn));
  self->t.turn->finish(self->t.host, turn, why, str(""));
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  pthread_mutex_init(&self->lock, NULL);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) { free(self); }

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, turn_writable};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN("dev.agenthost.fixture.bench-c", "1.0.0", create, NULL, destroy, get_extension)
