/* timers.c - a heap of timers, and the thread that watches lane functions. Who runs lanes fires the timers. */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

int64_t apr_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- heap: each entry is before its WIDTH children ---- */

#define WIDTH 4

static bool before(const apr_due *a, const apr_due *b) {
  return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void place(apr_runtime *runtime, const apr_due *due, size_t index) {
  runtime->heap[index] = *due;
  due->timer->heap_index = index;
}

static void sift_up(apr_runtime *runtime, apr_due due, size_t index) {
  while (index > 0) {
    size_t parent = (index - 1) / WIDTH;
    if (!before(&due, &runtime->heap[parent])) break;
    place(runtime, &runtime->heap[parent], index);
    index = parent;
  }
  place(runtime, &due, index);
}

static void sift_down(apr_runtime *runtime, apr_due due, size_t index) {
  for (;;) {
    size_t first = index * WIDTH + 1, end = first + WIDTH;
    if (first >= runtime->heap_count) break;
    if (end > runtime->heap_count) end = runtime->heap_count;
    size_t least = first;
    for (size_t child = first + 1; child < end; child++) {
      if (before(&runtime->heap[child], &runtime->heap[least])) least = child;
    }
    if (!before(&runtime->heap[least], &due)) break;
    place(runtime, &runtime->heap[least], index);
    index = least;
  }
  place(runtime, &due, index);
}

/* Starts a timer that was made as a child. False when memory runs out. */
bool apr_timer_add_locked(apr_runtime *runtime, apr_child *timer, int64_t ms) {
  if (runtime->heap_count == runtime->heap_capacity) {
    size_t capacity = runtime->heap_capacity ? runtime->heap_capacity * 2 : 64;
    apr_due *heap = realloc(runtime->heap, capacity * sizeof *heap);
    if (!heap) return false;
    runtime->heap = heap;
    runtime->heap_capacity = capacity;
  }
  int64_t most = INT64_MAX / APR_NANOSECONDS_PER_MS / 4;
  int64_t at = apr_now() + (ms < most ? ms : most) * APR_NANOSECONDS_PER_MS;
  sift_up(runtime, (apr_due){at, runtime->timer_sequence++, timer}, runtime->heap_count++);
  apr_timer_added_locked(runtime, at);
  return true;
}

/* Takes a timer out of the heap, if it is in there. */
void apr_timer_remove_locked(apr_runtime *runtime, apr_child *timer) {
  size_t index = timer->heap_index;
  if (index >= runtime->heap_count || runtime->heap[index].timer != timer) return;
  apr_due last = runtime->heap[--runtime->heap_count];
  if (last.timer == timer) return;
  if (index > 0 && before(&last, &runtime->heap[(index - 1) / WIDTH])) sift_up(runtime, last, index);
  else sift_down(runtime, last, index);
}

/* Queues AP_EV_END of all timers that are due. */
void apr_timers_fire_locked(apr_runtime *runtime, int64_t now) {
  while (runtime->heap_count && runtime->heap[0].at <= now) {
    apr_child_end_locked(runtime, runtime->heap[0].timer, AP_OK, NULL, 0);
  }
}

/* ---- watching lane functions ---- */

/* When there is something to do about what the runner does, in nanoseconds: others wait for it, it stalls, then it is stuck. */
static int64_t watch_at(const apr_runtime *runtime, const apr_runner *runner) {
  if (!runner->running) return INT64_MAX;
  if (runner->others_wait) return runner->started + APR_HELP_NS;
  if (runner->stuck) return INT64_MAX;
  int64_t stuck = runtime->limits[APR_LIMIT_LANE_MS];
  return runner->started + (runner->reported || stuck < APR_STALL_MS ? stuck : APR_STALL_MS) * APR_NANOSECONDS_PER_MS;
}

static void report(apr_runtime *runtime, apr_runner *runner, int64_t took) {
  bool stuck = took >= runtime->limits[APR_LIMIT_LANE_MS];
  if (runner->stuck || (runner->reported && !stuck) || (took < APR_STALL_MS && !stuck)) return;
  apr_message message = {.op = stuck ? APR_STUCK : APR_STALL, .item = stuck, .token = runner->token, .number = took};
  runner->reported = true;
  if (stuck) {
    runner->stuck = true;
    runtime->stuck_runners++;
    runtime->refused[APR_LIMIT_LANE_MS]++;
    if (runtime->runner_count - runtime->stuck_runners < runtime->options.lane_threads) apr_replace_runner_locked(runtime);
  }
  apr_emit_locked(runtime, &runtime->root, &message);
}

/* Reports lane functions that have run for APR_STALL_MS, and those that are stuck. Sends what was said before and in
 * functions that take long. Lets go of the lock while the sink runs. */
static void watch_runners(apr_runtime *runtime, int64_t now) {
  for (uint32_t i = 0; i < runtime->runner_count; i++) {
    apr_runner *runner = &runtime->runners[i];
    if (!runner->running || runner->started + APR_HELP_NS > now) continue;
    report(runtime, runner, (now - runner->started) / APR_NANOSECONDS_PER_MS);
    apr_let_go_locked(runtime, runner);
  }
}

/* The clock thread. */
void *apr_clock_main(void *argument) {
  apr_runtime *runtime = argument;
  pthread_mutex_lock(&runtime->lock);
  while (!runtime->stopping) {
    runtime->clock_wakes = INT64_MIN; /* awake: nobody needs to signal */
    watch_runners(runtime, apr_now());
    /* The lock was free meanwhile: look at everything as it is now. */
    int64_t next = runtime->pump_fd < 0 ? apr_lanes_help_locked(runtime, apr_now()) : INT64_MAX;
    for (uint32_t i = 0; i < runtime->runner_count; i++) {
      int64_t look = watch_at(runtime, &runtime->runners[i]);
      if (look < next) next = look;
    }
    runtime->clock_wakes = next;
    if (next == INT64_MAX) {
      pthread_cond_wait(&runtime->clock_work, &runtime->lock);
    } else {
      struct timespec when = {next / 1000000000, next % 1000000000};
      pthread_cond_timedwait(&runtime->clock_work, &runtime->lock, &when);
    }
  }
  pthread_mutex_unlock(&runtime->lock);
  return NULL;
}
