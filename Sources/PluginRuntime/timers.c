/* timers.c - a heap of timers, and the thread that watches lane functions, and the heap when nobody pumps. */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

int64_t apr_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool before(const apr_child *a, const apr_child *b) {
  return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
}

static void place(apr_runtime *runtime, apr_child *timer, size_t index) {
  runtime->heap[index] = timer;
  timer->heap_index = index;
}

static void sift_up(apr_runtime *runtime, apr_child *timer, size_t index) {
  while (index > 0) {
    size_t parent = (index - 1) / 2;
    if (!before(timer, runtime->heap[parent])) break;
    place(runtime, runtime->heap[parent], index);
    index = parent;
  }
  place(runtime, timer, index);
}

static void sift_down(apr_runtime *runtime, apr_child *timer, size_t index) {
  for (;;) {
    size_t child = index * 2 + 1;
    if (child >= runtime->heap_count) break;
    if (child + 1 < runtime->heap_count && before(runtime->heap[child + 1], runtime->heap[child])) child++;
    if (!before(runtime->heap[child], timer)) break;
    place(runtime, runtime->heap[child], index);
    index = child;
  }
  place(runtime, timer, index);
}

static void wake_clock(apr_runtime *runtime, int64_t due) {
  if (runtime->pump_fd >= 0) {
    if (runtime->timer_armed == 0 || due < runtime->timer_armed) apr_wake_pump_locked(runtime);
  } else if (due < runtime->clock_wakes) {
    runtime->clock_wakes = due;
    pthread_cond_signal(&runtime->clock_work);
  }
}

/* Starts a timer that was made as a child. False when memory runs out. */
bool apr_timer_add_locked(apr_runtime *runtime, apr_child *timer, int64_t ms) {
  if (runtime->heap_count == runtime->heap_capacity) {
    size_t capacity = runtime->heap_capacity ? runtime->heap_capacity * 2 : 64;
    apr_child **heap = realloc(runtime->heap, capacity * sizeof *heap);
    if (!heap) return false;
    runtime->heap = heap;
    runtime->heap_capacity = capacity;
  }
  int64_t most = INT64_MAX / APR_NANOSECONDS_PER_MS / 4;
  timer->due = apr_now() + (ms < most ? ms : most) * APR_NANOSECONDS_PER_MS;
  timer->sequence = runtime->timer_sequence++;
  sift_up(runtime, timer, runtime->heap_count++);
  wake_clock(runtime, timer->due);
  return true;
}

/* Takes a timer out of the heap, if it is in there. */
void apr_timer_remove_locked(apr_runtime *runtime, apr_child *timer) {
  size_t index = timer->heap_index;
  if (index >= runtime->heap_count || runtime->heap[index] != timer) return;
  apr_child *last = runtime->heap[--runtime->heap_count];
  if (last == timer) return;
  if (index > 0 && before(last, runtime->heap[(index - 1) / 2])) sift_up(runtime, last, index);
  else sift_down(runtime, last, index);
}

/* Queues AP_EV_END of all timers that are due. */
void apr_timers_fire_locked(apr_runtime *runtime, int64_t now) {
  while (runtime->heap_count && runtime->heap[0]->due <= now) {
    apr_child_end_locked(runtime, runtime->heap[0], AP_OK, NULL, 0);
  }
}

/* When there is something to say about what the runner does, in nanoseconds: it stalls, then it is stuck. */
static int64_t watch_at(const apr_runtime *runtime, const apr_runner *runner) {
  if (!runner->running || runner->stuck) return INT64_MAX;
  int64_t stuck = runtime->limits[APR_LIMIT_LANE_MS];
  return runner->started + (runner->reported || stuck < APR_STALL_MS ? stuck : APR_STALL_MS) * APR_NANOSECONDS_PER_MS;
}

static void report(apr_runtime *runtime, apr_runner *runner, int64_t now) {
  int64_t took = (now - runner->started) / APR_NANOSECONDS_PER_MS;
  bool stuck = took >= runtime->limits[APR_LIMIT_LANE_MS];
  apr_message message = {.op = stuck ? APR_STUCK : APR_STALL, .item = stuck, .token = runner->token, .number = took};
  runner->reported = true;
  if (stuck) {
    runner->stuck = true;
    runtime->stuck_runners++;
    runtime->refused[APR_LIMIT_LANE_MS]++;
    if (runtime->runner_count - runtime->stuck_runners < runtime->options.lane_threads) apr_replace_runner_locked(runtime);
  }
  apr_emit_locked(runtime, &runtime->root, &message);
  /* What it has said so far must not wait for it any longer. */
  apr_root *held = runner->held;
  runner->held = NULL;
  if (held) apr_let_go_locked(runtime, held);
}

/* Reports lane functions that have run for APR_STALL_MS, and those that are stuck, and sends what they said. */
static void watch_runners(apr_runtime *runtime, int64_t now) {
  for (uint32_t i = 0; i < runtime->runner_count; i++) {
    if (watch_at(runtime, &runtime->runners[i]) <= now) report(runtime, &runtime->runners[i], now);
  }
}

/* The clock thread. Where the embedder pumps, the pump keeps the timers. */
void *apr_clock_main(void *argument) {
  apr_runtime *runtime = argument;
  bool keeps_timers = runtime->pump_fd < 0;
  pthread_mutex_lock(&runtime->lock);
  while (!runtime->stopping) {
    runtime->clock_wakes = INT64_MIN; /* awake: nobody needs to signal */
    int64_t now = apr_now();
    if (keeps_timers) apr_timers_fire_locked(runtime, now);
    watch_runners(runtime, now);
    /* The lock was free while something was reported: look at runners and timers as they are now. */
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < runtime->runner_count; i++) {
      int64_t at = watch_at(runtime, &runtime->runners[i]);
      if (at < next) next = at;
    }
    if (keeps_timers && runtime->heap_count && runtime->heap[0]->due < next) next = runtime->heap[0]->due;
    if (keeps_timers) {
      int64_t help = apr_lanes_help_locked(runtime, now);
      if (help < next) next = help;
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
