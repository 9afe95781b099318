/* blocking.c - the pool for functions that may block: threads start when needed, up to the limit, and stay. */
#include "internal.h"

static void *pool_main(void *argument) {
  apr_runtime *runtime = argument;
  apr_enter_lane(runtime, AP_LANE_BLOCKING);
  pthread_mutex_lock(&runtime->lock);
  for (;;) {
    apr_job *job = runtime->pool_first;
    if (!job) {
      if (runtime->stopping) break;
      runtime->pool_idle++;
      pthread_cond_wait(&runtime->pool_work, &runtime->lock);
      runtime->pool_idle--;
      continue;
    }
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
  pthread_mutex_unlock(&runtime->lock);
  return NULL;
}

/* Starts a thread if every running one has work already. False when there is no thread at all. */
static bool provide_thread(apr_runtime *runtime) {
  if (runtime->pool_idle > runtime->pool_queued) return true;
  if (runtime->pool_threads_count < runtime->options.blocking_threads &&
      apr_thread_start(&runtime->pool_threads[runtime->pool_threads_count], pool_main, runtime)) {
    runtime->pool_threads_count++;
  }
  return runtime->pool_threads_count > 0;
}

/* Appends a job to the pool and takes a reference to its root. False when no thread can be had. */
bool apr_pool_enqueue_locked(apr_runtime *runtime, apr_job *job) {
  if (!provide_thread(runtime)) return false;
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
