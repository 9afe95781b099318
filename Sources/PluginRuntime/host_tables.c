/* host_tables.c - ap.host.log/1, ap.host.exec/1, ap.host.config/1, and which tables a plugin is given. */
#include "internal.h"

#include <stdlib.h>

static apr_runtime *runtime_of(const ap_host_r1 *host) {
  return host->host_data;
}

static bool accepts_work(const apr_runtime *runtime) {
  return runtime->phase == APR_LOADING || runtime->phase == APR_LOADED_PHASE;
}

/* ---- log ---- */

static bool log_enabled(const ap_host_r1 *host, int32_t level) {
  return level >= atomic_load_explicit(&runtime_of(host)->log_level, memory_order_relaxed);
}

/* At most APR_LOG_LINES_PER_SECOND; of those beyond, one in a hundred. */
static bool log_sampled_locked(apr_runtime *runtime) {
  int64_t second = apr_now() / 1000000000;
  if (second != runtime->log_second) {
    runtime->log_second = second;
    runtime->log_lines = 0;
  }
  uint32_t line = runtime->log_lines++;
  return line < APR_LOG_LINES_PER_SECOND || line % 100 == 0;
}

static ap_str shortened(ap_str text, size_t most) {
  if (text.len <= most) return text;
  size_t length = most;
  while (length && ((unsigned char)text.ptr[length] & 0xc0) == 0x80) length--;
  return (ap_str){text.ptr, length};
}

static void log_line(const ap_host_r1 *host, int32_t level, ap_handle scope, ap_str message, ap_str fields_json) {
  apr_runtime *runtime = runtime_of(host);
  if (!log_enabled(host, level) || (!message.ptr && message.len) || (!fields_json.ptr && fields_json.len)) return;
  if (fields_json.len > APR_MAX_LOG) fields_json.len = 0; /* half an object is none */
  apr_clean text = apr_clean_make(shortened(message, APR_MAX_LOG)), fields = apr_clean_make(fields_json);
  pthread_mutex_lock(&runtime->lock);
  if (!text.failed && !fields.failed && log_sampled_locked(runtime)) {
    apr_root *root = apr_scope_find_locked(runtime, scope);
    if (!root) root = &runtime->root;
    apr_message line = {
        .op = APR_LOG,
        .item = level > AP_LOG_ERROR ? AP_LOG_ERROR : level < 0 ? 0 : (uint32_t)level,
        .token = root->token,
        .s = {text.text, fields.text},
    };
    apr_emit_locked(runtime, root, &line);
  }
  pthread_mutex_unlock(&runtime->lock);
  free(text.owned);
  free(fields.owned);
}

static const ap_host_log_r1 log_table = {sizeof log_table, 0, log_enabled, log_line};

/* ---- exec ---- */

static ap_time exec_now(const ap_host_r1 *host) {
  (void)host;
  return apr_now() / APR_NANOSECONDS_PER_MS;
}

static uint32_t exec_lane(const ap_host_r1 *host) {
  return apr_current_lane(runtime_of(host));
}

static ap_status after_locked(apr_runtime *runtime, ap_handle scope, int64_t ms, ap_event_fn fn, void *user,
                              ap_handle *out) {
  apr_root *root = accepts_work(runtime) ? apr_scope_find_locked(runtime, scope) : NULL;
  if (!root) return AP_E_GONE;
  if (apr_exceeds_locked(runtime, APR_LIMIT_TURN_TIMERS, (int64_t)root->timers + 1)) {
    return apr_refuse_locked(runtime, root, APR_LIMIT_TURN_TIMERS);
  }
  apr_child *timer = apr_child_make_locked(runtime, root, APR_TIMER, fn, user);
  if (!timer) return AP_E_LIMIT;
  timer->heap_index = SIZE_MAX;
  if (!apr_timer_add_locked(runtime, timer, ms)) {
    apr_handle_release_locked(runtime, timer->handle, false);
    apr_child_unlink_locked(runtime, timer);
    apr_root_release_locked(runtime, root);
    free(timer);
    return AP_E_LIMIT;
  }
  root->timers_started++;
  runtime->timers_started++;
  if (out) *out = timer->handle; /* before the timer can fire */
  return AP_OK;
}

static ap_status exec_after(const ap_host_r1 *host, ap_handle scope, int64_t ms, ap_event_fn fn, void *user,
                            ap_handle *out) {
  apr_runtime *runtime = runtime_of(host);
  if (ms < 0 || !fn) return AP_E_INVALID;
  pthread_mutex_lock(&runtime->lock);
  ap_status status = after_locked(runtime, scope, ms, fn, user, out);
  pthread_mutex_unlock(&runtime->lock);
  return status;
}

/* Queues `fn` on the lane of the scope, or on the pool. */
static ap_status work(apr_runtime *runtime, ap_handle scope, ap_work_fn fn, void *user, bool blocking) {
  if (!fn) return AP_E_INVALID;
  apr_work *job = malloc(sizeof *job);
  if (!job) return AP_E_LIMIT;
  ap_status status = AP_OK;
  pthread_mutex_lock(&runtime->lock);
  apr_root *root = accepts_work(runtime) ? apr_scope_find_locked(runtime, scope) : NULL;
  *job = (apr_work){.job = {.root = root, .kind = APR_JOB_WORK}, .fn = fn, .user = user};
  if (!root) status = AP_E_GONE;
  else if ((blocking ? runtime->pool_queued : runtime->lane_posts) >= APR_MAX_POSTS) status = AP_E_LIMIT;
  else if (!blocking) apr_enqueue_locked(runtime, &job->job);
  else if (!apr_pool_enqueue_locked(runtime, &job->job)) status = AP_E_LIMIT;
  pthread_mutex_unlock(&runtime->lock);
  if (status) free(job);
  return status;
}

static ap_status exec_post(const ap_host_r1 *host, ap_handle scope, ap_work_fn fn, void *user) {
  return work(runtime_of(host), scope, fn, user, false);
}

static ap_status exec_run_blocking(const ap_host_r1 *host, ap_handle scope, ap_work_fn fn, void *user) {
  return work(runtime_of(host), scope, fn, user, true);
}

static ap_status exec_cancel(const ap_host_r1 *host, ap_handle request) {
  apr_runtime *runtime = runtime_of(host);
  pthread_mutex_lock(&runtime->lock);
  ap_status status = AP_OK;
  apr_child *child = apr_handle_find_locked(runtime, request, APR_TIMER);
  if (child) {
    apr_child_end_locked(runtime, child, AP_E_CANCELLED, NULL, 0);
  } else if ((child = apr_handle_find_locked(runtime, request, APR_REQUEST))) {
    apr_root *root = child->end.root;
    apr_root_retain_locked(root);
    apr_child_end_locked(runtime, child, AP_E_CANCELLED, NULL, 0);
    apr_message cancel = {.op = APR_SERVICE_CANCEL, .token = request | 1ull << 63};
    apr_emit_locked(runtime, root, &cancel);
    apr_root_release_locked(runtime, root);
  } else {
    status = AP_E_GONE;
  }
  pthread_mutex_unlock(&runtime->lock);
  return status;
}

static const ap_host_exec_r1 exec_table = {
    sizeof exec_table, 0, exec_now, exec_lane, exec_after, exec_post, exec_run_blocking, exec_cancel,
};

/* ---- config ---- */

static int64_t config_get(const ap_host_r1 *host, ap_str json_pointer, char *buffer, size_t capacity) {
  apr_runtime *runtime = runtime_of(host);
  if ((!json_pointer.ptr && json_pointer.len) || (!buffer && capacity)) return AP_E_INVALID;
  pthread_mutex_lock(&runtime->config_lock);
  ap_str value;
  int64_t length = apr_json_pointer(runtime->config_json, json_pointer, &value);
  if (length > 0 && (uint64_t)length <= capacity) memcpy(buffer, value.ptr, value.len);
  pthread_mutex_unlock(&runtime->config_lock);
  return length;
}

static const ap_host_config_r1 config_table = {sizeof config_table, 0, config_get};

/* ---- lookup ---- */

static const struct {
  const char *id;
  uint32_t grant;
  const void *table;
} extensions[] = {
    {AP_HOST_LOG, APR_GRANT_LOG, &log_table},
    {AP_HOST_TURN, APR_GRANT_TURN, &apr_turn_table},
    {AP_HOST_CALL, APR_GRANT_CALL, &apr_call_table},
    {AP_HOST_EXEC, APR_GRANT_EXEC, &exec_table},
    {AP_HOST_CONFIG, APR_GRANT_CONFIG, &config_table},
    {AP_HOST_MODEL, APR_GRANT_MODEL, &apr_model_service},
    {AP_HOST_TOOLS, APR_GRANT_TOOLS, &apr_tools_service},
    {AP_HOST_KV, APR_GRANT_KV, &apr_kv_service},
    {AP_HOST_THREAD, APR_GRANT_THREAD, &apr_thread_service},
    {AP_HOST_HTTP, APR_GRANT_HTTP, &apr_http_service},
};

/* The grants in a list of ids separated by blanks; unknown ones are ignored. */
uint32_t apr_grants(ap_str ids) {
  uint32_t grants = 0;
  size_t at = 0;
  while (at < ids.len) {
    size_t end = at;
    while (end < ids.len && ids.ptr[end] != ' ') end++;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
      const char *id = extensions[i].id;
      if (strlen(id) == end - at && memcmp(id, ids.ptr + at, end - at) == 0) grants |= extensions[i].grant;
    }
    at = end + 1;
  }
  return grants;
}

/* get_extension of ap_host_r1. `granted` does not change once the plugin runs. */
const void *apr_get_extension(const ap_host_r1 *host, const char *id) {
  uint32_t granted = runtime_of(host)->granted;
  for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
    if (strcmp(extensions[i].id, id) != 0) continue;
    if (granted & extensions[i].grant) return extensions[i].table;
    atomic_store(&runtime_of(host)->not_granted, extensions[i].id);
    return NULL;
  }
  return NULL;
}
