/* lanes.c - serial queues, one for each root, what runs their functions one by one, and the pump. */
#include "internal.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

static _Thread_local const apr_runtime *current_runtime;
static _Thread_local uint32_t current_lane;
static _Thread_local const apr_root *current_root; /* whose function runs on this thread */
static _Thread_local int64_t current_started;

/* AP_LANE_* of the calling thread for this runtime. */
uint32_t apr_current_lane(const apr_runtime *runtime) {
  return current_runtime == runtime ? current_lane : 0;
}

void apr_enter_lane(apr_runtime *runtime, uint32_t lane) {
  current_runtime = lane ? runtime : NULL;
  current_lane = lane;
}

/* Nanoseconds that the function of `root` has had that runs on the calling thread; 0 if there is none. */
int64_t apr_current_lane_ns(const apr_root *root) {
  return current_root == root ? apr_now() - current_started : 0;
}

/* ---- queues ---- */

/* Makes the pump's descriptor readable, unless the pump is running or told already. */
void apr_wake_pump_locked(apr_runtime *runtime) {
  if (runtime->wake_fd < 0 || runtime->pumping || runtime->wake_signalled) return;
  uint64_t one = 1;
  runtime->wake_signalled = write(runtime->wake_fd, &one, sizeof one) == sizeof one;
}

static void make_ready(apr_runtime *runtime, apr_lane *lane) {
  bool only = !runtime->ready_last;
  lane->active = true;
  lane->next = NULL;
  if (only) {
    runtime->ready_first = lane;
    runtime->backlog_since = apr_now();
  } else {
    runtime->ready_last->next = lane;
  }
  runtime->ready_last = lane;
  if (runtime->pump_fd < 0) apr_call_for_work_locked(runtime, only);
  else apr_wake_pump_locked(runtime);
}

/* Refusals have a lane of their own: the instance's may be held, or stuck in the plugin. */
static apr_lane *lane_of(apr_runtime *runtime, const apr_job *job) {
  if (job->kind == APR_JOB_REFUSE) return &runtime->refusals;
  return runtime->serial ? &runtime->root.lane : &job->root->lane;
}

/* Appends a job to the lane of its root and takes a reference to the root. */
void apr_enqueue_locked(apr_runtime *runtime, apr_job *job) {
  apr_lane *lane = lane_of(runtime, job);
  job->next = NULL;
  if (lane->last) lane->last->next = job;
  else lane->first = job;
  lane->last = job;
  apr_root_retain_locked(job->root);
  runtime->lane_jobs++;
  if (job->kind == APR_JOB_WORK) runtime->lane_posts++;
  if (!lane->active && !lane->held) make_ready(runtime, lane);
}

/* Lets the instance's lane run: create has returned. */
void apr_release_lane_locked(apr_runtime *runtime) {
  apr_lane *lane = &runtime->root.lane;
  lane->held = false;
  if (lane->first && !lane->active) make_ready(runtime, lane);
}

static void free_child(apr_child *child) {
  free(child->data);
  free(child);
}

/* Throws away what waits on the instance's lane, uncalled: create failed, so nobody is there to be called. Turns and
 * calls that wait there (one lane for all) are refused; lets go of the lock while the sink runs. */
void apr_discard_lane_locked(apr_runtime *runtime) {
  apr_lane *lane = &runtime->root.lane;
  apr_job *job;
  while ((job = lane->first)) {
    lane->first = job->next;
    runtime->lane_jobs--;
    apr_root *root = job->root;
    if (job->kind == APR_JOB_WORK) {
      runtime->lane_posts--;
      free(job);
    } else if (job->kind == APR_JOB_DATA) {
      free(job);
    } else if (job->kind == APR_JOB_END) {
      apr_child *child = (apr_child *)job;
      apr_child_unlink_locked(runtime, child);
      free_child(child);
      apr_root_release_locked(runtime, root);
    } else if (job->kind == APR_JOB_BEGIN && root->open) {
      apr_finish_locked(runtime, root, AP_E_UNAVAILABLE, apr_string("The plugin could not be loaded."));
    }
    apr_root_release_locked(runtime, root);
  }
  lane->last = NULL;
  lane->held = false;
}

/* ---- one job ---- */

static const void *table_of(const apr_runtime *runtime, uint16_t op) {
  switch (op) {
    case APR_TURN_BEGIN:
      return runtime->agent;
    case APR_CALL_BEGIN:
      return runtime->tools;
    case APR_HEALTH:
      return runtime->health;
    case APR_HOOK_BEGIN:
      return runtime->hooks;
    case APR_STATE_SAVE:
    case APR_STATE_LOAD:
      return runtime->state;
    default:
      return runtime->model;
  }
}

static const char cancelled_early[] = "It was cancelled before it began.";

static void plan_begin(apr_runtime *runtime, apr_root *root, apr_plan *plan) {
  if (!root->open) {
    plan->skip = true;
  } else if (root->cancelled) {
    plan->status = root->cancelled;
    plan->sentence = cancelled_early;
  } else if (runtime->phase != APR_LOADED_PHASE) {
    plan->status = AP_E_UNAVAILABLE;
    plan->sentence = "The plugin is not loaded.";
  } else if (!table_of(runtime, root->op)) {
    plan->status = AP_E_UNSUPPORTED;
    plan->sentence = "The plugin has no table for this: its get_extension answered null.";
  } else {
    root->begun = true;
    return;
  }
}

/* Decides, with the lock, what there is to call. */
void apr_plan_locked(apr_runtime *runtime, apr_job *job, apr_plan *plan) {
  apr_root *root = job->root;
  *plan = (apr_plan){.job = job};
  switch (job->kind) {
    case APR_JOB_BEGIN:
      plan_begin(runtime, root, plan);
      break;
    case APR_JOB_CANCEL:
      plan->skip = !root->open;
      if (root->begun) break;
      plan->status = root->cancelled; /* its begin waits for a thread of the pool, and will not be entered */
      plan->sentence = cancelled_early;
      break;
    case APR_JOB_WRITABLE:
      root->writable_queued = false;
      plan->skip = !root->open || root->cancelled || !runtime->agent || !runtime->agent->turn_writable;
      break;
    case APR_JOB_END:
      apr_child_unlink_locked(runtime, (apr_child *)job);
      break;
    case APR_JOB_REFUSE:
      plan->skip = true;
      break;
    case APR_JOB_WORK:
    case APR_JOB_DATA:
      break;
  }
}

static const char *begin_name(uint16_t op) {
  switch (op) {
    case APR_TURN_BEGIN: return "turn_begin";
    case APR_CALL_BEGIN: return "call_begin";
    case APR_HEALTH: return "check";
    case APR_STATE_SAVE: return "save";
    case APR_STATE_LOAD: return "load";
    default: return "complete";
  }
}

static ap_status begin(apr_runtime *runtime, apr_root *root) {
  const apr_message *m = &root->begin->message;
  apr_enter_plugin(runtime->library, begin_name(m->op), m, root->token);
  if (m->op == APR_TURN_BEGIN) {
    ap_turn_request_r1 request = {
        .struct_size = sizeof request, .agent_id = m->s[0], .thread_id = m->s[1], .subject = m->s[2], .kind = m->s[3],
        .input_json = m->s[4], .context_json = m->s[5], .deadline = m->number,
    };
    return runtime->agent->turn_begin(runtime->instance, root->handle, &request);
  }
  if (m->op == APR_CALL_BEGIN) {
    ap_call_request_r1 request = {
        .struct_size = sizeof request, .tool = m->s[0], .args_json = m->s[1], .subject = m->s[2], .thread_id = m->s[3],
        .agent_id = m->s[4], .locale = m->s[5], .deadline = m->number,
    };
    return runtime->tools->call_begin(runtime->instance, root->handle, &request);
  }
  if (m->op == APR_HOOK_BEGIN) {
    ap_hook_request_r1 request = {
        .struct_size = sizeof request, .agent_id = m->s[0], .point = m->s[1], .json = m->s[2], .subject = m->s[3],
        .thread_id = m->s[4], .locale = m->s[5], .deadline = m->number,
    };
    return runtime->hooks->hook_begin(runtime->instance, root->handle, &request);
  }
  if (m->op == APR_HEALTH) return runtime->health->check(runtime->instance, root->handle);
  if (m->op == APR_STATE_SAVE) return runtime->state->save(runtime->instance, root->handle);
  if (m->op == APR_STATE_LOAD) return runtime->state->load(runtime->instance, root->handle, m->s[0], m->s[1]);
  return runtime->model->complete(runtime->instance, root->handle, m->s[0], m->s[1], m->number);
}

static void cancel(apr_runtime *runtime, apr_root *root) {
  uint16_t op = root->op;
  const char *name = op == APR_TURN_BEGIN ? "turn_cancel" : op == APR_CALL_BEGIN ? "call_cancel" : "cancel";
  apr_enter_plugin(runtime->library, name, NULL, root->token);
  if (op == APR_TURN_BEGIN) runtime->agent->turn_cancel(runtime->instance, root->handle, root->cancelled);
  else if (op == APR_CALL_BEGIN && runtime->tools->call_cancel)
    runtime->tools->call_cancel(runtime->instance, root->handle, root->cancelled);
  else if (op == APR_HOOK_BEGIN && runtime->hooks->hook_cancel)
    runtime->hooks->hook_cancel(runtime->instance, root->handle, root->cancelled);
  else if (op == APR_MODEL_BEGIN && runtime->model->cancel)
    runtime->model->cancel(runtime->instance, root->handle, root->cancelled);
}

/* Calls the plugin, without the lock. */
void apr_perform(apr_runtime *runtime, apr_plan *plan) {
  apr_job *job = plan->job;
  if (plan->skip || plan->sentence) return;
  switch (job->kind) {
    case APR_JOB_BEGIN:
      plan->status = begin(runtime, job->root);
      break;
    case APR_JOB_CANCEL:
      cancel(runtime, job->root);
      break;
    case APR_JOB_WRITABLE:
      apr_enter_plugin(runtime->library, "turn_writable", NULL, job->root->token);
      runtime->agent->turn_writable(runtime->instance, job->root->handle);
      break;
    case APR_JOB_WORK: {
      apr_work *work = (apr_work *)job;
      apr_enter_plugin(runtime->library, "a function given to post or run_blocking", NULL, job->root->token);
      work->fn(work->user);
      break;
    }
    case APR_JOB_DATA: {
      apr_data *data = (apr_data *)job;
      apr_enter_plugin(runtime->library, "the event function of a request", NULL, job->root->token);
      data->fn(data->user, data->handle, data->event, data->status, (ap_str){data->bytes, data->length});
      break;
    }
    case APR_JOB_END: {
      apr_child *child = (apr_child *)job;
      ap_str text = child->data ? (ap_str){child->data, child->length} : (ap_str){"", 0};
      apr_enter_plugin(runtime->library, "the event function of a timer or request", NULL, job->root->token);
      child->fn(child->user, child->handle, AP_EV_END, child->status, text);
      break;
    }
    case APR_JOB_REFUSE:
      break;
  }
  apr_leave_plugin();
}

static void send_refusal_locked(apr_runtime *runtime, apr_refusal *refusal) {
  apr_message finish = {
      .op = refusal->op, .status = AP_E_LIMIT, .token = refusal->token, .s = {apr_string(refusal->sentence)},
  };
  if (refusal->spare) refusal->spare = false;
  else free(refusal);
  apr_emit_locked(runtime, &runtime->root, &finish);
}

/* Settles what the call answered and frees the job. Its reference to the root stays with the caller. */
void apr_complete_locked(apr_runtime *runtime, apr_plan *plan) {
  apr_job *job = plan->job;
  apr_root *root = job->root;
  switch (job->kind) {
    case APR_JOB_BEGIN:
      free(root->begin);
      root->begin = NULL;
      if (plan->skip || plan->status >= 0) break;
      if (root->open) apr_finish_locked(runtime, root, plan->status, apr_string(plan->sentence ? plan->sentence : ""));
      else if (!plan->sentence && apr_handle_was_finished_locked(runtime, root->handle))
        apr_misbehaved_locked(
            runtime, APR_FAULT_REFUSED, root->token,
            "The begin function finished its handle and then answered an error: only the first counts.");
      break;
    case APR_JOB_CANCEL:
      if (plan->skip || !plan->sentence || !root->open) break;
      free(root->begin);
      root->begin = NULL;
      apr_finish_locked(runtime, root, plan->status, apr_string(plan->sentence));
      break;
    case APR_JOB_WRITABLE:
      break;
    case APR_JOB_REFUSE:
      send_refusal_locked(runtime, (apr_refusal *)job);
      break;
    case APR_JOB_WORK:
    case APR_JOB_DATA:
      free(job);
      break;
    case APR_JOB_END:
      free_child((apr_child *)job);
      apr_root_release_locked(runtime, root);
      break;
  }
}

/* ---- running ---- */

static void report_stall(apr_runtime *runtime, uint64_t token, int64_t nanoseconds) {
  apr_message stall = {.op = APR_STALL, .token = token, .number = nanoseconds / APR_NANOSECONDS_PER_MS};
  apr_emit_locked(runtime, &runtime->root, &stall);
}

static void runner_starts(apr_runtime *runtime, apr_runner *runner, uint64_t token, int64_t now) {
  runner->running = true;
  runner->reported = false;
  runner->token = token;
  runner->started = now;
  runner->others_wait = runner->held_first;
  int64_t first = runtime->limits[APR_LIMIT_LANE_MS];
  int64_t look = (first < APR_STALL_MS ? first : APR_STALL_MS) * APR_NANOSECONDS_PER_MS;
  apr_watch_until_locked(runtime, now + (runner->others_wait ? APR_HELP_NS : look));
  if (runtime->pump_fd < 0) apr_watch_timers_locked(runtime, now);
}

/* A function that was taken for stuck has returned after all. Lets go of the lock while the sink runs. */
static void returned(apr_runtime *runtime, apr_runner *runner, uint64_t token, int64_t nanoseconds) {
  runner->stuck = false;
  runtime->stuck_runners--;
  apr_message message = {.op = APR_STUCK, .token = token, .number = nanoseconds / APR_NANOSECONDS_PER_MS};
  apr_emit_locked(runtime, &runtime->root, &message);
}

/* Runs one job of the first ready lane, then puts the lane behind the others. Lets go of the lock meanwhile. */
void apr_run_one_locked(apr_runtime *runtime, apr_runner *runner, int64_t *now) {
  apr_lane *lane = runtime->ready_first;
  runtime->ready_first = lane->next;
  if (!runtime->ready_first) runtime->ready_last = NULL;
  apr_job *job = lane->first;
  lane->first = job->next;
  if (!lane->first) lane->last = NULL;

  apr_root *root = job->root;
  bool is_work = job->kind == APR_JOB_WORK;
  uint64_t token = root->token;
  int64_t started = *now;
  apr_plan plan;
  apr_plan_locked(runtime, job, &plan);
  runner_starts(runtime, runner, token, started);
  /* A pump's sink only gathers: there is nothing to save. */
  if (runtime->pump_fd < 0 && root != &runtime->root) apr_hold_locked(runtime, runner, root, started);
  pthread_mutex_unlock(&runtime->lock);
  current_root = root;
  current_started = started;
  apr_perform(runtime, &plan);
  current_root = NULL;
  *now = apr_now();
  int64_t took = *now - started;
  int64_t counted = took < APR_HELP_NS ? took : APR_HELP_NS;
  pthread_mutex_lock(&runtime->lock);
  runner->running = false;
  runner->ran++;
  runtime->typical_took += (counted - runtime->typical_took) / 8;
  runtime->lane_ns += took;
  root->lane_ns += took;
  if (runner->stuck) returned(runtime, runner, token, took);
  apr_complete_locked(runtime, &plan);
  if (root != &runtime->root && root->open && !root->over &&
      apr_exceeds_locked(runtime, APR_LIMIT_TURN_LANE_MS, root->lane_ns / APR_NANOSECONDS_PER_MS)) {
    apr_over_locked(runtime, root, APR_LIMIT_TURN_LANE_MS);
  }
  if (took > APR_BUDGET_MS * APR_NANOSECONDS_PER_MS) report_stall(runtime, token, took);

  if (is_work) runtime->lane_posts--;
  lane->active = false;
  if (lane->first) make_ready(runtime, lane);
  apr_root_release_locked(runtime, root);
  if (--runtime->lane_jobs == 0) pthread_cond_broadcast(&runtime->idle);
}

int apr_pump_fd(apr_runtime *runtime) {
  return runtime->pump_fd;
}

static void arm_timer(apr_runtime *runtime, int64_t now) {
  int64_t due = runtime->heap_count ? runtime->heap[0].at : 0;
  if (due == runtime->timer_armed && (due == 0 || due > now)) return;
  struct itimerspec when = {.it_value = {due / 1000000000, due % 1000000000}};
  timerfd_settime(runtime->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
  runtime->timer_armed = due;
}

uint32_t apr_pump(apr_runtime *runtime) {
  if (runtime->pump_fd < 0) return 0;
  pthread_mutex_lock(&runtime->lock);
  if (runtime->wake_signalled) {
    uint64_t count;
    if (read(runtime->wake_fd, &count, sizeof count) == sizeof count) runtime->wake_signalled = false;
  }
  runtime->pumping = true;
  runtime->runners->ran = 0;
  apr_enter_lane(runtime, AP_LANE_TURN);
  int64_t now = apr_now(), until = now + APR_PUMP_SLICE_MS * APR_NANOSECONDS_PER_MS;
  for (;;) {
    apr_timers_fire_locked(runtime, now);
    if (!runtime->ready_first || now > until) break;
    apr_run_one_locked(runtime, runtime->runners, &now);
  }
  apr_enter_lane(runtime, 0);
  runtime->pumping = false;
  arm_timer(runtime, now);
  if (runtime->ready_first) apr_wake_pump_locked(runtime);
  uint32_t ran = runtime->runners->ran;
  pthread_mutex_unlock(&runtime->lock);
  return ran;
}
