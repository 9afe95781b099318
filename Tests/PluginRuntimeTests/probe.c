/* probe.c - a plugin that tests the host's functions from the inside. A turn's text names the test; the turn finishes
 * with AP_OK, or with AP_E_FAILED and the line that did not hold. The probe is an agent and has one tool, "hold". */
#include "../Fixtures/fixture.h"

#include <stdatomic.h>

struct ap_instance {
  tables t;
  uint32_t lane_in_create;
  ap_status after_in_create;
  atomic_int early; /* completions and work of the pool that came before create returned */
  atomic_int created;
  atomic_int instance_ends;
  _Atomic ap_handle held; /* the call of "hold" */
};

static ap_instance *self;

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) return format("line %d: %s", __LINE__, #condition);         \
  } while (0)

static ap_status text(ap_handle turn, const char *delta) {
  return self->t.turn->text(self->t.host, turn, 0, str(delta));
}

static ap_status finish_turn(ap_handle turn, ap_status status, const char *message) {
  return self->t.turn->finish(self->t.host, turn, status, str(message));
}

/* Takes over `failure`. */
static void conclude(ap_handle turn, char *failure) {
  finish_turn(turn, failure ? AP_E_FAILED : AP_OK, failure ? failure : "");
  free(failure);
}

static void count_end(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)data, (void)status;
  if (event == AP_EV_END) atomic_fetch_add((atomic_int *)user, 1);
}

/* ---- handles ---- */

static char *test_handles(ap_handle turn) {
  const tables *t = &self->t;
  ap_handle strangers[] = {0, 1, ~0ull, turn + 1, turn ^ 1ull << 40, turn | 1ull << 63, turn + (1ull << 32)};
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    CHECK(text(strangers[i], "x") == AP_E_GONE);
    CHECK(t->turn->state(t->host, strangers[i]) == AP_E_GONE);
    CHECK(finish_turn(strangers[i], AP_OK, "") == AP_E_GONE);
    CHECK(t->exec->cancel(t->host, strangers[i]) == AP_E_GONE);
  }
  CHECK(t->exec->after(t->host, turn + 1, 1, count_end, NULL, NULL) == AP_E_GONE);
  CHECK(t->exec->post(t->host, turn + 1, free, NULL) == AP_E_GONE);
  CHECK(t->call->finish(t->host, turn, AP_OK, str("")) == AP_E_GONE);
  CHECK(t->call->progress(t->host, turn, str("{}")) == AP_E_GONE);
  CHECK(t->call->state(t->host, turn) == AP_E_GONE);
  CHECK(t->exec->cancel(t->host, turn) == AP_E_GONE);
  ap_handle held = atomic_load(&self->held);
  if (held) {
    CHECK(text(held, "x") == AP_E_GONE);
    CHECK(finish_turn(held, AP_OK, "") == AP_E_GONE);
    CHECK(t->call->state(t->host, held) == AP_OK);
  }
  static atomic_int ends;
  ap_handle timer = 0;
  CHECK(t->exec->after(t->host, turn, 60000, count_end, &ends, &timer) == AP_OK && timer != 0);
  CHECK(text(timer, "x") == AP_E_GONE);
  CHECK(t->exec->after(t->host, timer, 1, count_end, NULL, NULL) == AP_E_GONE);
  CHECK(t->exec->cancel(t->host, timer) == AP_OK);
  CHECK(t->exec->cancel(t->host, timer) == AP_E_GONE);
  CHECK(t->turn->state(t->host, turn) == AP_OK);
  return NULL;
}

/* ---- limits ---- */

static char *test_limits(ap_handle turn) {
  const tables *t = &self->t;
  static char piece[5 * 1024 * 1024];
  memset(piece, ' ', sizeof piece);
  CHECK(t->turn->text(t->host, turn, 0, (ap_str){piece, 64 * 1024}) == AP_OK);
  CHECK(t->turn->text(t->host, turn, 0, (ap_str){piece, 64 * 1024 + 1}) == AP_E_LIMIT);
  CHECK(t->turn->text(t->host, turn, 0, (ap_str){NULL, 1}) == AP_E_INVALID);
  CHECK(t->turn->text(t->host, turn, 0, (ap_str){NULL, 0}) == AP_OK);
  CHECK(t->turn->emit(t->host, turn, 1, str("progress"), (ap_str){piece, 1024 * 1024 + 1}) == AP_E_LIMIT);
  CHECK(t->turn->emit(t->host, turn, 1, str("progress"), (ap_str){piece, 1024 * 1024}) == AP_W_SLOW);
  CHECK(t->turn->emit(t->host, turn, 1, str("nonsense"), str("{}")) == AP_E_UNSUPPORTED);
  CHECK(t->turn->emit(t->host, turn, 1, str(""), str("{}")) == AP_E_UNSUPPORTED);
  static const char *kinds[] = {"widget", "widget.text", "annotation", "client_tool_call", "workflow", "task",
                                "workflow_end", "progress", "notice", "effect", "structured_input", "image",
                                "hidden_context", "item", "thread", "replace", "remove", "options"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    CHECK(t->turn->emit(t->host, turn, 2, str(kinds[i]), str("{}")) >= 0);
  }
  CHECK(t->turn->emit(t->host, turn, 1, str("progress"), (ap_str){piece, 1024 * 1024}) == AP_W_SLOW);
  CHECK(t->turn->emit(t->host, turn, 1, str("progress"), (ap_str){piece, 1024 * 1024}) == AP_W_SLOW);
  CHECK(t->turn->emit(t->host, turn, 1, str("progress"), (ap_str){piece, 1024 * 1024}) == AP_E_LIMIT);
  CHECK(t->turn->finish(t->host, turn, AP_OK, (ap_str){piece, sizeof piece}) == AP_E_LIMIT);
  CHECK(t->turn->state(t->host, turn) == AP_OK);
  CHECK(t->exec->after(t->host, turn, -1, count_end, NULL, NULL) == AP_E_INVALID);
  CHECK(t->kv->request(t->host, turn, str("get"), (ap_str){piece, sizeof piece}, str(""), count_end, NULL, NULL) ==
        AP_E_LIMIT);
  static atomic_int ends;
  for (int i = 0; i < 64; i++) {
    CHECK(t->kv->request(t->host, turn, str("get"), str("{}"), str(""), count_end, &ends, NULL) == AP_OK);
  }
  CHECK(t->kv->request(t->host, turn, str("get"), str("{}"), str(""), count_end, &ends, NULL) == AP_E_LIMIT);
  return NULL;
}

/* ---- lanes ---- */

static atomic_uint lane_of_thread, lane_of_pool;
static atomic_int order, out_of_order;

static void *own_thread(void *unused) {
  (void)unused;
  atomic_store(&lane_of_thread, self->t.exec->lane(self->t.host));
  return NULL;
}

static void in_order(void *user) {
  int mine = (int)(intptr_t)user;
  if (atomic_fetch_add(&order, 1) != mine) atomic_fetch_add(&out_of_order, 1);
}

static void lanes_done(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  char *failure = NULL;
  if (atomic_load(&out_of_order)) failure = format("%d posts out of order", atomic_load(&out_of_order));
  else if (atomic_load(&order) != 1000) failure = format("%d of 1000 posts", atomic_load(&order));
  else if (self->t.exec->lane(self->t.host) != AP_LANE_TURN) failure = format("a post off the lane");
  conclude(turn, failure);
}

static void in_pool(void *user) {
  atomic_store(&lane_of_pool, self->t.exec->lane(self->t.host));
  ap_handle turn = (ap_handle)(uintptr_t)user;
  if (atomic_load(&lane_of_pool) != AP_LANE_BLOCKING) conclude(turn, format("the pool is on lane %u", lane_of_pool));
  else self->t.exec->post(self->t.host, turn, lanes_done, user);
}

static char *test_lanes(ap_handle turn) {
  const tables *t = &self->t;
  CHECK(self->lane_in_create == AP_LANE_CONTROL);
  CHECK(self->after_in_create == AP_OK);
  CHECK(atomic_load(&self->early) == 0);
  CHECK(t->exec->lane(t->host) == AP_LANE_TURN);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, own_thread, NULL) == 0);
  pthread_join(thread, NULL);
  CHECK(atomic_load(&lane_of_thread) == 0);
  ap_time before = t->exec->now(t->host);
  sleep_ms(5);
  CHECK(t->exec->now(t->host) - before >= 4);
  for (int i = 0; i < 1000; i++) CHECK(t->exec->post(t->host, turn, in_order, (void *)(intptr_t)i) == AP_OK);
  CHECK(atomic_load(&order) == 0); /* nobody calls back on our stack */
  CHECK(t->exec->run_blocking(t->host, turn, in_pool, (void *)(uintptr_t)turn) == AP_OK);
  return NULL;
}

/* ---- stress: two threads of the pool use one turn at the same time ---- */

typedef struct stress {
  ap_handle turn;
  atomic_int references;
  unsigned seed;
} stress;

static atomic_int open_stress;

static void stress_release(stress *s) {
  if (atomic_fetch_sub(&s->references, 1) > 1) return;
  atomic_fetch_sub(&open_stress, 1);
  free(s);
}

static void stress_end(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)status, (void)data;
  if (event == AP_EV_END) stress_release(user);
}

static void stress_post(void *user) { stress_release(user); }

static void hammer(void *user) {
  stress *s = user;
  const tables *t = &self->t;
  unsigned random = s->seed + (unsigned)(uintptr_t)&random;
  for (int i = 0; i < 200; i++) {
    ap_handle request = 0;
    switch (rand_r(&random) % 8) {
      case 0:
        atomic_fetch_add(&s->references, 1);
        if (t->exec->after(t->host, s->turn, rand_r(&random) % 3, stress_end, s, &request) < 0) stress_release(s);
        else if (rand_r(&random) % 2) t->exec->cancel(t->host, request);
        break;
      case 1:
        atomic_fetch_add(&s->references, 1);
        if (t->exec->post(t->host, s->turn, stress_post, s) < 0) stress_release(s);
        break;
      case 2:
        atomic_fetch_add(&s->references, 1);
        if (t->kv->request(t->host, s->turn, str("get"), str("{}"), str(""), stress_end, s, &request) < 0)
          stress_release(s);
        else if (rand_r(&random) % 2) t->exec->cancel(t->host, request);
        break;
      case 3:
        t->turn->emit(t->host, s->turn, 1, str("progress"), str("{\"text\":\"busy\"}"));
        break;
      case 4:
        t->turn->state(t->host, s->turn);
        break;
      default:
        text(s->turn, "word ");
        break;
    }
  }
  finish_turn(s->turn, AP_OK, "");
  stress_release(s);
}

static void start_stress(ap_handle turn) {
  stress *s = must(calloc(1, sizeof *s));
  s->turn = turn;
  s->seed = (unsigned)turn;
  atomic_store(&s->references, 3);
  atomic_fetch_add(&open_stress, 1);
  for (int i = 0; i < 2; i++) {
    if (self->t.exec->run_blocking(self->t.host, turn, hammer, s) < 0) stress_release(s);
  }
  stress_release(s);
}

/* ---- greed ---- */

/* Posts itself again and again until the turn is cancelled. */
static void spin(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  ap_status state = self->t.turn->state(self->t.host, turn);
  if (state == AP_OK && self->t.exec->post(self->t.host, turn, spin, user) == AP_OK) return;
  finish_turn(turn, state, "");
}

/* Says as much as is allowed: 4 MiB. */
static void flood(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  static const char piece[64 * 1024] = {[0 ... 64 * 1024 - 1] = 'f'};
  int pieces = 0;
  while (self->t.turn->text(self->t.host, turn, 0, (ap_str){piece, sizeof piece}) >= 0) pieces++;
  finish_turn(turn, pieces == 64 ? AP_OK : AP_E_FAILED, "");
}

static void doze(void *user) {
  sleep_ms(1000);
  finish_turn((ap_handle)(uintptr_t)user, AP_OK, "");
}

/* Says something and does not return for a second. */
static void say_and_doze(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  text(turn, "before ");
  text(turn, "long ");
  sleep_ms(1000);
  text(turn, "after");
  finish_turn(turn, AP_OK, "");
}

static void chatter(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  while (text(turn, "word ") >= 0) sleep_ms(20);
  finish_turn(turn, self->t.turn->state(self->t.host, turn), "");
}

/* Says something, and has a lane that comes next doze. */
static void doze_alone(void *user) {
  (void)user;
  sleep_ms(1000);
}

static void say_before_others_doze(void *user) {
  ap_handle turn = (ap_handle)(uintptr_t)user;
  self->t.exec->post(self->t.host, 0, doze_alone, NULL);
  text(turn, "early ");
  finish_turn(turn, AP_OK, "");
}

/* ---- timers ---- */

#define TIMERS 60

/* A timer of the test, with the time before which it must not, and after which it must have fired before later ones. */
typedef struct timer {
  struct timers *all;
  int64_t earliest, latest;
  bool cancelled, ended;
} timer;

typedef struct timers {
  ap_handle turn;
  int left;
  char *failure;
  timer each[TIMERS];
} timers;

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *check_timer(const timer *t, ap_status status) {
  const timers *all = t->all;
  if (t->ended) return format("a timer ended twice");
  if (t->cancelled) return status == AP_E_CANCELLED ? NULL : format("a cancelled timer ended with %d", status);
  if (status != AP_OK) return format("a timer ended with %d", status);
  if (nanoseconds() < t->earliest) return format("a timer fired early");
  for (int i = 0; i < TIMERS; i++) {
    const timer *other = &all->each[i];
    if (!other->ended && !other->cancelled && other->latest < t->earliest) return format("a timer overtook another");
  }
  return NULL;
}

static void timer_ended(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  timer *t = user;
  timers *all = t->all;
  char *failure = check_timer(t, status);
  if (all->failure) free(failure);
  else all->failure = failure;
  t->ended = true;
  if (--all->left) return;
  conclude(all->turn, all->failure);
  free(all);
}

/* Timers at random, some of which are cancelled. */
static void start_timers(ap_handle turn) {
  timers *all = must(calloc(1, sizeof *all));
  all->turn = turn;
  all->left = TIMERS;
  unsigned random = (unsigned)turn;
  for (int i = 0; i < TIMERS; i++) {
    timer *t = &all->each[i];
    int64_t wait = rand_r(&random) % 40;
    ap_handle handle = 0;
    t->all = all;
    t->earliest = nanoseconds() + wait * 1000000;
    if (self->t.exec->after(self->t.host, turn, wait, timer_ended, t, &handle) != AP_OK) abort();
    t->latest = nanoseconds() + wait * 1000000;
    if (rand_r(&random) % 3) continue;
    t->cancelled = true; /* its end comes when this function has returned */
    if (self->t.exec->cancel(self->t.host, handle) != AP_OK) abort();
  }
}

static void finish_with_timer(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  if (status == AP_OK) finish_turn((ap_handle)(uintptr_t)user, AP_OK, "");
}

static void start_timer(ap_handle turn, int ms) {
  self->t.exec->after(self->t.host, turn, ms, finish_with_timer, (void *)(uintptr_t)turn, NULL);
}

typedef struct pool_timer {
  ap_handle turn;
  int ms;
} pool_timer;

static void start_timer_in_pool(void *user) {
  pool_timer *p = user;
  start_timer(p->turn, p->ms);
  free(p);
}

/* ---- the rest ---- */

static _Atomic ap_handle finished;

static char *test_stale(void) {
  const tables *t = &self->t;
  CHECK(finished != 0);
  CHECK(text(finished, "x") == AP_E_GONE);
  CHECK(t->turn->item_done(t->host, finished, 0) == AP_E_GONE);
  CHECK(t->turn->emit(t->host, finished, 0, str("nonsense"), str("")) == AP_E_GONE);
  CHECK(t->turn->state(t->host, finished) == AP_E_GONE);
  CHECK(t->kv->request(t->host, finished, str("get"), str("{}"), str(""), count_end, NULL, NULL) == AP_E_GONE);
  return NULL;
}

static char *test_grants(void) {
  const ap_host_r1 *host = self->t.host;
  CHECK(host->struct_size == sizeof *host && host->abi_draft == AP_ABI_DRAFT);
  CHECK(strcmp(host->name, "AgentHost") == 0 && strcmp(host->version, "test") == 0);
  CHECK(host->get_extension(host, AP_HOST_TURN) != NULL);
  CHECK(host->get_extension(host, AP_HOST_MODEL) == NULL); /* not granted to the probe */
  CHECK(host->get_extension(host, "ap.host.nonsense/1") == NULL);
  CHECK(self->t.exec->struct_size == sizeof(ap_host_exec_r1) && self->t.kv->struct_size == sizeof(ap_host_service_r1));
  return NULL;
}

static char *speed(ap_handle turn) {
  const tables *t = &self->t;
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < 1000000; i++) {
    if (t->turn->state(t->host, turn) != AP_OK) return format("state failed");
  }
  clock_gettime(CLOCK_MONOTONIC, &b);
  char line[64];
  snprintf(line, sizeof line, "%.1f ns", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e6);
  text(turn, line);
  return NULL;
}

static bool post(ap_handle turn, ap_work_fn fn) {
  return self->t.exec->post(self->t.host, turn, fn, (void *)(uintptr_t)turn) == AP_OK;
}

static bool run_blocking(ap_handle turn, ap_work_fn fn) {
  return self->t.exec->run_blocking(self->t.host, turn, fn, (void *)(uintptr_t)turn) == AP_OK;
}

/* Runs the test of that name. `later`: the turn is finished by it, after this. */
static char *run_test(const char *name, ap_handle turn, bool *later) {
  const tables *t = &self->t;
  if (strcmp(name, "handles") == 0) return test_handles(turn);
  if (strcmp(name, "limits") == 0) return test_limits(turn);
  if (strcmp(name, "stale") == 0) return test_stale();
  if (strcmp(name, "grants") == 0) return test_grants();
  if (strcmp(name, "speed") == 0) return speed(turn);
  if (strcmp(name, "instance") == 0) {
    CHECK(t->exec->after(t->host, 0, 0, count_end, &self->instance_ends, NULL) == AP_OK);
    return NULL;
  }
  if (strcmp(name, "stress-left") == 0) {
    return atomic_load(&open_stress) ? format("%d left", atomic_load(&open_stress)) : NULL;
  }
  if (strcmp(name, "stress") == 0) return *later = true, start_stress(turn), NULL;
  if (strcmp(name, "say-and-doze") == 0) return *later = post(turn, say_and_doze), NULL;
  if (strcmp(name, "say-before-others-doze") == 0) return *later = post(turn, say_before_others_doze), NULL;
  if (strcmp(name, "timers") == 0) return *later = true, start_timers(turn), NULL;
  if (strncmp(name, "timer ", 6) == 0) return *later = true, start_timer(turn, atoi(name + 6)), NULL;
  if (strncmp(name, "pool-timer ", 11) == 0) {
    pool_timer *p = must(malloc(sizeof *p));
    *p = (pool_timer){turn, atoi(name + 11)};
    return *later = t->exec->run_blocking(t->host, turn, start_timer_in_pool, p) == AP_OK, NULL;
  }
  if (strcmp(name, "doze") == 0) return *later = post(turn, doze), NULL;
  if (strcmp(name, "chatter") == 0) return *later = run_blocking(turn, chatter), NULL;
  if (strcmp(name, "spin") == 0) return *later = post(turn, spin), NULL;
  if (strcmp(name, "flood") == 0) return *later = post(turn, flood), NULL;
  if (strcmp(name, "flood-pool") == 0) return *later = run_blocking(turn, flood), NULL;
  if (strcmp(name, "lanes") == 0) {
    char *failure = test_lanes(turn);
    *later = !failure;
    return failure;
  }
  return format("no test is called %s", name);
}

static ap_status turn_begin(ap_instance *instance, ap_handle turn, const ap_turn_request_r1 *request) {
  (void)instance;
  char *name = copy(request->thread_id);
  bool later = false;
  char *failure = run_test(name, turn, &later);
  free(name);
  finished = turn;
  if (!later) conclude(turn, failure);
  return AP_OK;
}

static void turn_cancel(ap_instance *instance, ap_handle turn, ap_status why) {
  (void)instance, (void)turn, (void)why;
}

static ap_status call_begin(ap_instance *instance, ap_handle call, const ap_call_request_r1 *request) {
  (void)instance, (void)request;
  atomic_store(&self->held, call);
  return AP_OK;
}

static void call_cancel(ap_instance *instance, ap_handle call, ap_status why) {
  (void)instance;
  atomic_store(&self->held, 0);
  self->t.call->finish(self->t.host, call, why, str(""));
}

static void early_end(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)status, (void)data;
  ap_instance *instance = user;
  if (!atomic_load(&instance->created)) atomic_fetch_add(&instance->early, 1);
}

static void early_work(void *user) {
  ap_instance *instance = user;
  if (!atomic_load(&instance->created)) atomic_fetch_add(&instance->early, 1);
}

static void forgotten_work(void *user) {
  const ap_host_r1 *host = user;
  const ap_host_log_r1 *log = host->get_extension(host, AP_HOST_LOG);
  log->log(host, AP_LOG_ERROR, 0, str("work of a plugin that was refused"), str(""));
}

static void forgotten_end(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)status, (void)data;
  forgotten_work(user);
}

/* Asks for all sorts of things and then fails. */
static ap_status fail_to_create(const ap_host_r1 *host) {
  const ap_host_exec_r1 *exec = host->get_extension(host, AP_HOST_EXEC);
  exec->run_blocking(host, 0, forgotten_work, (void *)host);
  exec->post(host, 0, forgotten_work, (void *)host);
  exec->after(host, 0, 0, forgotten_end, (void *)host, NULL);
  sleep_ms(50);
  return AP_E_FAILED;
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  char *config = copy(config_json);
  bool fails = strstr(config, "\"fail\"") != NULL;
  free(config);
  if (fails) return fail_to_create(host);
  self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  self->lane_in_create = self->t.exec->lane(host);
  self->after_in_create = self->t.exec->after(host, 0, 0, early_end, self, NULL);
  self->t.exec->run_blocking(host, 0, early_work, self);
  sleep_ms(20);
  atomic_store(&self->created, 1);
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *instance) {
  free(instance);
  self = NULL;
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, NULL};
static const ap_tools_r1 tool = {sizeof tool, 0, call_begin, call_cancel};

static const void *get_extension(ap_instance *instance, const char *id) {
  (void)instance;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  return strcmp(id, AP_EXT_TOOLS) == 0 ? &tool : NULL;
}

PLUGIN("dev.agenthost.fixture.probe", "1.0.0", create, NULL, destroy, get_extension)
