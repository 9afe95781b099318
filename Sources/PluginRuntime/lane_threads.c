/* lane_threads.c - the threads that run lanes where nobody pumps, and who is called when there is something to run.
 *
 * While functions are short, one thread does everything: it fires timers, runs lanes, and hands over what they have said.
 * The others wait to be called, by whoever makes a lane ready or by the clock thread. When all wait, one of them waits no
 * longer than until the first timer is due. */
#include "internal.h"

#include <pthread.h>

static void call_lane_thread(apr_runtime *runtime) {
  runtime->called_lane_threads++;
  pthread_cond_signal(&runtime->lane_work);
}

/* Lane threads that wait and were not called. */
static uint32_t spare_lane_threads(const apr_runtime *runtime) {
  return runtime->idle_lane_threads - runtime->called_lane_threads;
}

/* Lane threads that do not hang in a function. */
static uint32_t usable_lane_threads(const apr_runtime *runtime) {
  return runtime->runner_count - runtime->stuck_runners;
}

/* Has the clock thread look at the lanes at that time, or earlier. */
void apr_watch_until_locked(apr_runtime *runtime, int64_t look) {
  if (look >= runtime->clock_wakes) return;
  runtime->clock_wakes = look;
  pthread_cond_signal(&runtime->clock_work);
}

/* Some lane threads run and others wait: those that run look at the timers, too, unless they are held up. */
void apr_watch_timers_locked(apr_runtime *runtime, int64_t now) {
  uint32_t spare = spare_lane_threads(runtime);
  if (!runtime->heap_count || !spare || spare == usable_lane_threads(runtime)) return;
  int64_t due = runtime->heap[0].at;
  apr_watch_until_locked(runtime, (due > now ? due : now) + APR_HELP_NS);
}

/* A lane thread that is awake, and not held up by a function or by the sink. */
static bool looks_soon(const apr_runner *runner, int64_t now) {
  if (!runner->awake) return false;
  return (!runner->running && !runner->sending) || runner->started + APR_HELP_NS > now;
}

static bool somebody_looks_soon(const apr_runtime *runtime, const apr_runner *but, int64_t now) {
  for (uint32_t i = 0; i < runtime->runner_count; i++) {
    if (&runtime->runners[i] != but && looks_soon(&runtime->runners[i], now)) return true;
  }
  return false;
}

/* A lane thread between two functions: it is the calling one, or waits for the lock. */
static bool somebody_is_free(const apr_runtime *runtime) {
  return somebody_looks_soon(runtime, NULL, INT64_MAX);
}

/* Calls a lane thread for a lane that has become ready; `only`: no other is. While functions are short, one thread runs them
 * all: two would mostly wait for each other's lock. Should the one then be held up by a function, or fall behind, the clock
 * thread calls another. */
void apr_call_for_work_locked(apr_runtime *runtime, bool only) {
  uint32_t spare = spare_lane_threads(runtime);
  if (!spare) return;
  if (spare == usable_lane_threads(runtime)) {
    call_lane_thread(runtime);
  } else if (runtime->typical_took > APR_SHORT_NS && !(only && somebody_is_free(runtime))) {
    call_lane_thread(runtime);
  } else if (only) {
    apr_watch_until_locked(runtime, runtime->backlog_since + APR_HELP_NS);
  }
}

/* Calls another lane thread when lanes or timers wait and all threads that run are held up, or have too much to do. Answers
 * when to look again. */
int64_t apr_lanes_help_locked(apr_runtime *runtime, int64_t now) {
  uint32_t spare = spare_lane_threads(runtime);
  if (!spare) return INT64_MAX;
  if (spare == usable_lane_threads(runtime)) { /* all wait: lanes have called somebody; a timer may have lost who looked at it */
    if (runtime->heap_count && runtime->heap[0].at < runtime->keeper_wakes) call_lane_thread(runtime);
    return INT64_MAX;
  }
  int64_t since = runtime->ready_first ? runtime->backlog_since : INT64_MAX;
  if (runtime->heap_count && runtime->heap[0].at < since) since = runtime->heap[0].at;
  if (since == INT64_MAX) return INT64_MAX;
  if (since > now) return since + APR_HELP_NS;
  int64_t next = now + APR_HELP_NS;
  bool behind = since + APR_BACKLOG_NS <= now;
  if (!behind && somebody_looks_soon(runtime, NULL, now)) return next;
  call_lane_thread(runtime);
  return spare > 1 ? next : INT64_MAX;
}

/* A timer is due then: sees to it that somebody looks in time. */
void apr_timer_added_locked(apr_runtime *runtime, int64_t due) {
  if (runtime->pump_fd >= 0) {
    if (runtime->timer_armed == 0 || due < runtime->timer_armed) apr_wake_pump_locked(runtime);
  } else if (spare_lane_threads(runtime) == usable_lane_threads(runtime)) {
    if (due < runtime->keeper_wakes) call_lane_thread(runtime);
  } else if (due == runtime->heap[0].at) {
    apr_watch_timers_locked(runtime, due);
  }
}

/* Starts a lane thread, at the beginning or in place of one that is stuck. False when there is no room or no thread. */
bool apr_replace_runner_locked(apr_runtime *runtime) {
  if (runtime->stopping || runtime->runner_count >= runtime->options.lane_threads + APR_SPARE_RUNNERS) return false;
  apr_runner *runner = &runtime->runners[runtime->runner_count];
  runner->runtime = runtime;
  if (!apr_thread_start(&runner->thread, "plugin-lane", apr_lane_main, runner)) return false;
  runtime->runner_count++;
  return true;
}

/* Waits to be called, or for the first timer if no other thread looks at it. */
static void wait_for_work(apr_runtime *runtime, apr_runner *runner, int64_t now) {
  cplatform_wake_policy_note(&runner->wakes, runner->ran);
  runner->ran = 0;
  runner->awake = false;
  runtime->idle_lane_threads++;
  int64_t due = runtime->heap_count ? runtime->heap[0].at : INT64_MAX;
  if (somebody_looks_soon(runtime, runner, now)) {
    apr_watch_timers_locked(runtime, now);
    due = INT64_MAX;
  }
  if (due < runtime->keeper_wakes) {
    runtime->keeper_wakes = due;
    struct timespec when = {due / 1000000000, due % 1000000000};
    pthread_cond_timedwait(&runtime->lane_work, &runtime->lock, &when);
    if (runtime->keeper_wakes == due) runtime->keeper_wakes = INT64_MAX;
  } else {
    pthread_cond_wait(&runtime->lane_work, &runtime->lock);
  }
  runtime->idle_lane_threads--;
  if (runtime->called_lane_threads) runtime->called_lane_threads--;
  runner->awake = true;
}

/* Sends what was said on the lanes. */
static void let_go(apr_runtime *runtime, apr_runner *runner, int64_t *now) {
  runner->sending = true;
  runner->started = *now;
  apr_let_go_locked(runtime, runner);
  runner->sending = false;
  *now = apr_now();
}

/* A thread of lane_threads. */
void *apr_lane_main(void *argument) {
  apr_runner *runner = argument;
  apr_runtime *runtime = runner->runtime;
  apr_crash_begin_thread();
  apr_enter_lane(runtime, AP_LANE_TURN);
  pthread_mutex_lock(&runtime->lock);
  runner->awake = true;
  int64_t now = apr_now();
  while (!runtime->stopping) {
    apr_timers_fire_locked(runtime, now);
    if (runtime->ready_first) {
      apr_run_one_locked(runtime, runner, &now);
      if (runner->held_count >= APR_HOLD_ROOTS || (runner->held_first && now - runner->held_since > APR_HOLD_NS))
        let_go(runtime, runner, &now);
    } else if (runner->held_first) {
      let_go(runtime, runner, &now);
    } else {
      wait_for_work(runtime, runner, now);
      now = apr_now();
    }
  }
  apr_let_go_locked(runtime, runner);
  pthread_mutex_unlock(&runtime->lock);
  apr_crash_end_thread();
  return NULL;
}
