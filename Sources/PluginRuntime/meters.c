/* meters.c - the limits of an instance, what they have refused, and the counters that the host asks for. */
#include "internal.h"

#include <time.h>

void apr_limits_initialize(apr_runtime *runtime) {
  static const int64_t defaults[APR_LIMITS] = {
      [APR_LIMIT_LANE_MS] = 5000,
      [APR_LIMIT_TURN_LANE_MS] = 60000,
      [APR_LIMIT_TURN_BYTES] = 64 << 20,
      [APR_LIMIT_TURN_REQUESTS] = 10000,
      [APR_LIMIT_REQUESTS_PER_SECOND] = 0,
      [APR_LIMIT_OPEN_REQUESTS] = 4096,
      [APR_LIMIT_TURN_OPEN_REQUESTS] = 64,
      [APR_LIMIT_TURN_TIMERS] = 64,
  };
  memcpy(runtime->limits, defaults, sizeof defaults);
}

static bool may_be_absent(uint32_t limit) {
  return limit == APR_LIMIT_TURN_LANE_MS || limit == APR_LIMIT_TURN_BYTES || limit == APR_LIMIT_TURN_REQUESTS ||
         limit == APR_LIMIT_REQUESTS_PER_SECOND;
}

/* APR_LIMIT. What is no limit leaves the one before. */
void apr_limit_set_locked(apr_runtime *runtime, uint32_t limit, int64_t value) {
  if (limit == 0 || limit >= APR_LIMITS || value < (may_be_absent(limit) ? 0 : 1)) return;
  if (limit == APR_LIMIT_TURN_OPEN_REQUESTS && value > APR_MAX_REQUESTS) value = APR_MAX_REQUESTS;
  int64_t most = INT64_MAX / APR_NANOSECONDS_PER_MS / 4;
  runtime->limits[limit] = value < most ? value : most;
  if (limit == APR_LIMIT_LANE_MS) pthread_cond_signal(&runtime->clock_work);
}

/* Whether `value` is more than the limit allows. */
bool apr_exceeds_locked(const apr_runtime *runtime, uint32_t limit, int64_t value) {
  int64_t most = runtime->limits[limit];
  return value > most && (most || !may_be_absent(limit));
}

/* Counts that a limit has refused something of `root`; answers AP_E_LIMIT. */
ap_status apr_refuse_locked(apr_runtime *runtime, apr_root *root, uint32_t limit) {
  runtime->refused[limit]++;
  root->refused_by = (uint8_t)limit;
  return AP_E_LIMIT;
}

/* A turn or call has passed a limit on all it may do: it is cancelled, and the host told. Answers AP_E_LIMIT. Lets go of the
 * lock while the sink runs. */
ap_status apr_over_locked(apr_runtime *runtime, apr_root *root, uint32_t limit) {
  apr_refuse_locked(runtime, root, limit);
  if (root == &runtime->root || !root->open || root->over) return AP_E_LIMIT;
  root->over = (uint8_t)limit;
  if (!root->cancelled) {
    root->cancelled = AP_E_LIMIT;
    apr_enqueue_locked(runtime, &root->cancel_job);
  }
  apr_message over = {.op = APR_OVER, .item = limit, .token = root->token};
  apr_root_retain_locked(root);
  apr_emit_locked(runtime, root, &over);
  apr_root_release_locked(runtime, root);
  return AP_E_LIMIT;
}

/* ---- counters ---- */

/* Nanoseconds of CPU that a living thread has had. */
int64_t apr_thread_cpu(pthread_t thread) {
  clockid_t clock;
  struct timespec had;
  if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &had)) return 0;
  return (int64_t)had.tv_sec * 1000000000 + had.tv_nsec;
}

static int64_t cpu_locked(const apr_runtime *runtime) {
  int64_t sum = runtime->gone_cpu_ns;
  if (runtime->has_control_thread) sum += apr_thread_cpu(runtime->control_thread);
  for (uint32_t i = 0; i < runtime->runner_count; i++) sum += apr_thread_cpu(runtime->runners[i].thread);
  for (uint32_t i = 0; i < runtime->options.blocking_threads; i++) {
    if (runtime->pool_threads[i].used) sum += apr_thread_cpu(runtime->pool_threads[i].thread);
  }
  return sum;
}

/* Sends every counter. Lets go of the lock while the sink runs. */
void apr_meters_send_locked(apr_runtime *runtime) {
  struct { uint32_t item; int64_t value; } meters[APR_METER_STUCK + APR_LIMITS];
  size_t count = 0;
#define METER(which, what) meters[count].item = (which), meters[count++].value = (what)
  METER(APR_METER_LANE_US, runtime->lane_ns / 1000);
  if (runtime->options.lane_threads) METER(APR_METER_CPU_US, cpu_locked(runtime) / 1000);
  METER(APR_METER_TIMERS, (int64_t)runtime->heap_count);
  METER(APR_METER_TIMERS_STARTED, runtime->timers_started);
  METER(APR_METER_POOL_THREADS, runtime->pool_running);
  METER(APR_METER_STUCK, runtime->stuck_runners);
  for (uint32_t i = 1; i < APR_LIMITS; i++) {
    if (runtime->refused[i]) METER(APR_METER_REFUSED + i, runtime->refused[i]);
  }
#undef METER
  for (size_t i = 0; i < count; i++) {
    apr_message meter = {.op = APR_METER, .item = meters[i].item, .number = meters[i].value};
    apr_emit_locked(runtime, &runtime->root, &meter);
  }
}
