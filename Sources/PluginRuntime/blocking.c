/* blocking.c - the pool for functions that may block: threads start when needed, up to the limit, and end when they
 * have had nothing to do for a while. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

static void run_first_locked(apr_runtime *runtime) {
  apr_job *job = runtime->pool_first;
  runtime->pool_first = job->next;
  if (!runtime->pool_first) runtime->pool_last = NULL;
  runtime->pool_queued--;
  apr_root *root = job->root;
  apr_plan plan;
  apr_plan_locked(runtime, job, &plan);
  pthread_mutex_unlock(&runtime->lock);
  apr_perform(runtime, &plan);
  pthread_mutex_lock(&runtime->lock);
  apr_complete_locked(runtime, &plan);
  apr_root_release_locked(runtime, root);
  if (--runtime->pool_jobs == 0) pthread_cond_broadcast(&runtime->idle);
}

/* Waits for work. False: none came for APR_POOL_IDLE_MS. */
static bool await_work_locked(apr_runtime *runtime) {
  int64_t end = apr_now() + APR_POOL_IDLE_MS * APR_NANOSECONDS_PER_MS;
  struct timespec when = {end / 1000000000, end % 1000000000};
  runtime->pool_idle++;
  int result = pthread_cond_timedwait(&runtime->pool_work, &runtime->lock, &when);
  runtime->pool_idle--;
  return result != ETIMEDOUT || runtime->pool_first;
}

static void *pool_main(void *argument) {
  apr_pool_thread *self = argument;
  apr_runtime *runtime = self->runtime;
  apr_crash_begin_thread();
  apr_enter_lane(runtime, AP_LANE_BLOCKING);
  pthread_mutex_lock(&runtime->lock);
  for (;;) {
    if (runtime->pool_first && !runtime->pool_held) {
      run_first_locked(runtime);
    } else if (runtime->stopping) {
      break; /* apr_pool_join waits for it */
    } else if (!await_work_locked(runtime) && !runtime->stopping) {
      pthread_detach(pthread_self());
      self->used = false;
      break;
    }
  }
  runtime->pool_running--;
  runtime->gone_cpu_ns += apr_thread_cpu(pthread_self());
  pthread_mutex_unlock(&runtime->lock);
  apr_crash_end_thread();
  return NULL;
}

static void start_thread_locked(apr_runtime *runtime) {
  for (uint32_t i = 0; i < runtime->options.blocking_threads; i++) {
    apr_pool_thread *thread = &runtime->pool_threads[i];
    if (thread->used) continue;
    thread->runtime = runtime;
    thread->used = apr_thread_start(&thread->thread, "plugin-blocking", pool_main, thread);
    if (thread->used) runtime->pool_running++;
    return;
  }
}

/* Starts a thread if every running one has work already. False when there is no thread at all. */
static bool provide_thread_locked(apr_runtime *runtime) {
  if (runtime->pool_idle <= runtime->pool_queued) start_thread_locked(runtime);
  return runtime->pool_running > 0;
}

/* Appends a job to the pool and takes a reference to its root. False when no thread can be had. */
bool apr_pool_enqueue_locked(apr_runtime *runtime, apr_job *job) {
  if (!provide_thread_locked(runtime)) return false;
  job->next = NULL;
  if (runtime->pool_last) runtime->pool_last->next = job;
  else runtime->pool_first = job;
  runtime->pool_last = job;
  runtime->pool_queued++;
  runtime->pool_jobs++;
  apr_root_retain_locked(job->root);
  if (runtime->pool_idle) pthread_cond_signal(&runtime->pool_work);
  return true;
}

/* Lets the pool run what waits: create has returned. */
void apr_pool_release_locked(apr_runtime *runtime) {
  runtime->pool_held = false;
  pthread_cond_broadcast(&runtime->pool_work);
}

/* Throws away the work that waits in the held pool: create failed. Begins go to their lanes, where they are refused. */
void apr_pool_discard_locked(apr_runtime *runtime) {
  apr_job *job;
  while ((job = runtime->pool_first)) {
    runtime->pool_first = job->next;
    runtime->pool_queued--;
    runtime->pool_jobs--;
    apr_root *root = job->root;
    if (job->kind == APR_JOB_BEGIN) apr_enqueue_locked(runtime, job);
    else free(job);
    apr_root_release_locked(runtime, root);
  }
  runtime->pool_last = NULL;
}

/* Joins all threads. The runtime is stopping: no more start. */
void apr_pool_join(apr_runtime *runtime) {
  if (!runtime->pool_threads) return;
  for (uint32_t i = 0; i < runtime->options.blocking_threads; i++) {
    apr_pool_thread *thread = &runtime->pool_threads[i];
    pthread_mutex_lock(&runtime->lock);
    bool used = thread->used;
    pthread_mutex_unlock(&runtime->lock);
    if (used) pthread_join(thread->thread, NULL);
  }
}
