/* runtime.c - making and ending a runtime, taking messages, and the control thread. */
#include "internal.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- control thread ---- */

static void configure(apr_runtime *runtime, apr_envelope *message) {
  ap_status status = AP_E_UNSUPPORTED;
  pthread_mutex_lock(&runtime->lock);
  bool possible = runtime->phase == APR_LOADED_PHASE && runtime->config_table;
  pthread_mutex_unlock(&runtime->lock);
  if (possible) {
    ap_str json = message->message.s[0];
    pthread_mutex_lock(&runtime->config_lock);
    apr_envelope *old = runtime->config;
    ap_str old_json = runtime->config_json;
    runtime->config = message;
    runtime->config_json = json;
    pthread_mutex_unlock(&runtime->config_lock);
    apr_enter_plugin(runtime->library, "changed", NULL, 0);
    status = runtime->config_table->changed(runtime->instance, json);
    apr_leave_plugin();
    if (status > 0) status = AP_OK;
    if (status < INT16_MIN) status = AP_E_FAILED;
    pthread_mutex_lock(&runtime->config_lock);
    if (status == AP_OK) {
      message = old;
    } else {
      runtime->config = old;
      runtime->config_json = old_json;
    }
    pthread_mutex_unlock(&runtime->config_lock);
  }
  free(message);
  apr_message done = {.op = APR_CONFIG_DONE, .status = (int16_t)status};
  pthread_mutex_lock(&runtime->lock);
  apr_emit_locked(runtime, &runtime->root, &done);
  pthread_mutex_unlock(&runtime->lock);
}

/* Revokes every open root; each revocation takes one out of the map. */
static void revoke_all(apr_runtime *runtime) {
  for (size_t i = 0; i < runtime->bucket_count; i++) {
    while (runtime->buckets[i]) apr_revoke_locked(runtime, runtime->buckets[i]);
  }
  apr_revoke_locked(runtime, &runtime->root);
}

static void destroy_instance(apr_runtime *runtime) {
  pthread_mutex_lock(&runtime->lock);
  bool loaded = runtime->phase == APR_LOADED_PHASE;
  runtime->phase = APR_CLOSING;
  revoke_all(runtime);
  while (runtime->lane_jobs || runtime->pool_jobs) pthread_cond_wait(&runtime->idle, &runtime->lock);
  pthread_mutex_unlock(&runtime->lock);
  if (loaded) {
    apr_enter_plugin(runtime->library, "destroy", NULL, 0);
    runtime->plugin->destroy(runtime->instance);
    apr_leave_plugin();
  }
  pthread_mutex_lock(&runtime->lock);
  runtime->phase = APR_CLOSED;
  while (runtime->senders) pthread_cond_wait(&runtime->idle, &runtime->lock);
  pthread_mutex_unlock(&runtime->lock);
  const apr_message destroyed = {.op = APR_DESTROYED}, *message = &destroyed;
  runtime->options.sink(runtime->options.context, &message, 1);
}

static void drain(apr_runtime *runtime) {
  if (!runtime->instance || !runtime->plugin->drain) return;
  apr_enter_plugin(runtime->library, "drain", NULL, 0);
  runtime->plugin->drain(runtime->instance);
  apr_leave_plugin();
}

/* A message that found no memory to wait in: does what can be done without it, and answers. */
static void control_lost(apr_runtime *runtime, uint16_t op) {
  apr_message answer = {.status = AP_E_LIMIT, .s = {apr_string("Memory ran out.")}};
  switch (op) {
    case APR_LOAD:
      answer.op = APR_LOADED;
      break;
    case APR_CONFIG:
      answer.op = APR_CONFIG_DONE;
      break;
    case APR_DRAIN:
      drain(runtime);
      return;
    default:
      destroy_instance(runtime);
      return;
  }
  pthread_mutex_lock(&runtime->lock);
  apr_emit_locked(runtime, &runtime->root, &answer);
  pthread_mutex_unlock(&runtime->lock);
}

static void control(apr_runtime *runtime, apr_envelope *message) {
  switch (message->message.op) {
    case APR_LOAD:
      apr_load(runtime, message);
      return;
    case APR_CONFIG:
      configure(runtime, message);
      return;
    case APR_DRAIN:
      drain(runtime);
      break;
    case APR_DESTROY:
      destroy_instance(runtime);
      break;
  }
  free(message);
}

static void *control_main(void *argument) {
  apr_runtime *runtime = argument;
  apr_crash_begin_thread();
  apr_enter_lane(runtime, AP_LANE_CONTROL);
  pthread_mutex_lock(&runtime->lock);
  for (;;) {
    apr_envelope *message = runtime->control_first;
    if ((!message && !runtime->control_lost) || runtime->phase == APR_CLOSED) {
      if (runtime->stopping) break;
      pthread_cond_wait(&runtime->control_work, &runtime->lock);
      continue;
    }
    if (message) {
      runtime->control_first = message->next;
      if (!runtime->control_first) runtime->control_last = NULL;
      pthread_mutex_unlock(&runtime->lock);
      control(runtime, message);
    } else {
      uint16_t op = (uint16_t)__builtin_ctz(runtime->control_lost); /* DESTROY has the highest number */
      runtime->control_lost &= ~(1u << op);
      pthread_mutex_unlock(&runtime->lock);
      control_lost(runtime, op);
    }
    pthread_mutex_lock(&runtime->lock);
  }
  pthread_mutex_unlock(&runtime->lock);
  apr_crash_end_thread();
  return NULL;
}

/* ---- messages ---- */

static void enqueue_control(apr_runtime *runtime, const apr_message *message) {
  apr_envelope *copy = apr_envelope_make(message);
  if (!copy) {
    runtime->control_lost |= 1u << message->op;
    pthread_cond_signal(&runtime->control_work);
    return;
  }
  if (runtime->control_last) runtime->control_last->next = copy;
  else runtime->control_first = copy;
  runtime->control_last = copy;
  pthread_cond_signal(&runtime->control_work);
}

void apr_deliver(apr_runtime *runtime, const apr_message *message) {
  if (message->op == APR_LOG_LEVEL) {
    int64_t level = message->number;
    if (level < AP_LOG_TRACE) level = AP_LOG_TRACE;
    if (level > AP_LOG_ERROR) level = AP_LOG_ERROR;
    atomic_store(&runtime->log_level, (int)level);
    return;
  }
  pthread_mutex_lock(&runtime->lock);
  switch (message->op) {
    case APR_LOAD:
    case APR_CONFIG:
    case APR_DRAIN:
    case APR_DESTROY:
      enqueue_control(runtime, message);
      break;
    case APR_TURN_BEGIN:
    case APR_CALL_BEGIN:
    case APR_HOOK_BEGIN:
    case APR_MODEL_BEGIN:
    case APR_HEALTH:
    case APR_STATE_SAVE:
    case APR_STATE_LOAD:
      apr_begin_locked(runtime, message);
      break;
    case APR_CANCEL:
      apr_cancel_locked(runtime, message->token, message->status);
      break;
    case APR_REVOKE: {
      apr_root *root = apr_token_find_locked(runtime, message->token);
      if (root) apr_revoke_locked(runtime, root);
      break;
    }
    case APR_CREDIT:
      apr_credit_locked(runtime, message->token, message->number);
      break;
    case APR_SERVICE_EVENT:
      apr_service_event_locked(runtime, message);
      break;
    case APR_LIMIT:
      apr_limit_set_locked(runtime, message->item, message->number);
      break;
    case APR_PING:
      apr_meters_send_locked(runtime);
      apr_emit_locked(runtime, &runtime->root, &(apr_message){.op = APR_PONG});
      break;
    default:
      break;
  }
  pthread_mutex_unlock(&runtime->lock);
}

/* ---- life ---- */

/* What a thread begins with. It is freed by the thread. */
typedef struct beginning {
  void *(*main)(void *);
  void *argument;
  char name[16];
} beginning;

/* A thread names itself, and asks for itself not to push aside what runs when it is woken (SCHED_BATCH: on a busy machine
 * the host finishes its round first; cplatform_wake_policy.h). For another thread both would need what a sandbox forbids. If they fail, only
 * comfort and speed are lost. */
static void *begin_thread(void *user) {
  beginning own = *(beginning *)user;
  free(user);
  prctl(PR_SET_NAME, own.name);
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
  return own.main(own.argument);
}

/* Starts a thread that takes no signals but those of its own faults. `name` is what tools such as `top -H` show. */
bool apr_thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *argument) {
  beginning *start = malloc(sizeof *start);
  if (!start) return false;
  *start = (beginning){.main = main, .argument = argument};
  snprintf(start->name, sizeof start->name, "%s", name);
  sigset_t blocked, old;
  sigfillset(&blocked);
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&blocked, faults[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, &old);
  int failed = pthread_create(thread, NULL, begin_thread, start);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (failed) free(start);
  return !failed;
}

static void initialize(apr_runtime *runtime, const apr_options *options) {
  runtime->options = *options;
  if (!runtime->options.blocking_threads) runtime->options.blocking_threads = 32;
  runtime->pump_fd = runtime->wake_fd = runtime->timer_fd = -1;
  runtime->clock_wakes = runtime->keeper_wakes = INT64_MAX;
  runtime->typical_took = APR_HELP_NS; /* nothing is known yet */
  runtime->root.type = APR_INSTANCE;
  runtime->root.open = true;
  runtime->root.references = 1;
  runtime->root.lane.held = true;
  runtime->config_json = (ap_str){"{}", 2};
  apr_limits_initialize(runtime);
  atomic_init(&runtime->log_level, AP_LOG_INFO);
  if (getrandom(&runtime->first_generation, sizeof runtime->first_generation, GRND_NONBLOCK) < 0) {
    runtime->first_generation = (uint32_t)apr_now();
  }
  runtime->first_generation &= 0x7fffffffu;
  if (!runtime->first_generation) runtime->first_generation = 1;
  pthread_mutex_init(&runtime->lock, NULL);
  pthread_mutex_init(&runtime->config_lock, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&runtime->clock_work, &monotonic);
  pthread_cond_init(&runtime->pool_work, &monotonic);
  pthread_cond_init(&runtime->lane_work, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_cond_init(&runtime->control_work, NULL);
  pthread_cond_init(&runtime->idle, NULL);
}

static bool open_pump(apr_runtime *runtime) {
  runtime->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  runtime->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  runtime->pump_fd = epoll_create1(EPOLL_CLOEXEC);
  if (runtime->wake_fd < 0 || runtime->timer_fd < 0 || runtime->pump_fd < 0) return false;
  struct epoll_event readable = {.events = EPOLLIN};
  return epoll_ctl(runtime->pump_fd, EPOLL_CTL_ADD, runtime->wake_fd, &readable) == 0 &&
         epoll_ctl(runtime->pump_fd, EPOLL_CTL_ADD, runtime->timer_fd, &readable) == 0;
}

/* Starts the lane threads, if the embedder does not pump, and the clock thread that watches them or the pump. */
static bool start_lanes(apr_runtime *runtime) {
  uint32_t count = runtime->options.lane_threads;
  runtime->runners = calloc(count ? count + APR_SPARE_RUNNERS : 1, sizeof *runtime->runners);
  if (!runtime->runners) return false;
  if (!count) runtime->runner_count = 1;
  pthread_mutex_lock(&runtime->lock); /* the clock thread counts runners */
  bool started = true;
  for (uint32_t i = 0; i < count && started; i++) started = apr_replace_runner_locked(runtime);
  pthread_mutex_unlock(&runtime->lock);
  if (!started) return false;
  runtime->has_clock_thread = apr_thread_start(&runtime->clock_thread, "plugin-timer", apr_clock_main, runtime);
  return runtime->has_clock_thread;
}

apr_runtime *apr_create(const apr_options *options) {
  apr_runtime *runtime = calloc(1, sizeof *runtime);
  if (!runtime) return NULL;
  initialize(runtime, options);
  runtime->pool_threads = calloc(runtime->options.blocking_threads, sizeof *runtime->pool_threads);
  bool good = runtime->pool_threads && (options->lane_threads || open_pump(runtime)) && start_lanes(runtime);
  if (good) good = runtime->has_control_thread = apr_thread_start(&runtime->control_thread, "plugin-control", control_main, runtime);
  if (good) return runtime;
  apr_destroy(runtime);
  return NULL;
}

static void join_threads(apr_runtime *runtime) {
  pthread_mutex_lock(&runtime->lock);
  runtime->stopping = true;
  pthread_cond_broadcast(&runtime->lane_work);
  pthread_cond_broadcast(&runtime->pool_work);
  pthread_cond_broadcast(&runtime->control_work);
  pthread_cond_broadcast(&runtime->clock_work);
  pthread_mutex_unlock(&runtime->lock);
  if (runtime->has_control_thread) pthread_join(runtime->control_thread, NULL);
  if (runtime->options.lane_threads) {
    for (uint32_t i = 0; i < runtime->runner_count; i++) pthread_join(runtime->runners[i].thread, NULL);
  }
  apr_pool_join(runtime);
  if (runtime->has_clock_thread) pthread_join(runtime->clock_thread, NULL);
}

void apr_destroy(apr_runtime *runtime) {
  join_threads(runtime);
  pthread_mutex_lock(&runtime->lock);
  apr_discard_lane_locked(runtime);
  pthread_mutex_unlock(&runtime->lock);
  while (runtime->control_first) {
    apr_envelope *next = runtime->control_first->next;
    free(runtime->control_first);
    runtime->control_first = next;
  }
  if (runtime->pump_fd >= 0) close(runtime->pump_fd);
  if (runtime->wake_fd >= 0) close(runtime->wake_fd);
  if (runtime->timer_fd >= 0) close(runtime->timer_fd);
  pthread_cond_destroy(&runtime->lane_work);
  pthread_cond_destroy(&runtime->pool_work);
  pthread_cond_destroy(&runtime->control_work);
  pthread_cond_destroy(&runtime->clock_work);
  pthread_cond_destroy(&runtime->idle);
  pthread_mutex_destroy(&runtime->lock);
  pthread_mutex_destroy(&runtime->config_lock);
  free(runtime->config);
  free(runtime->host_version);
  free(runtime->pool_threads);
  free(runtime->runners);
  free(runtime->buckets);
  free(runtime->slots);
  free(runtime->heap);
  free(runtime);
}
