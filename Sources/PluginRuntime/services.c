/* services.c - host services that answer later: the request goes out, its events come back on the lane of the scope. */
#include "internal.h"

#include <stdlib.h>

/* Counts one more request in this second, unless that is one too many. */
static bool within_rate_locked(apr_runtime *runtime) {
  if (!runtime->limits[APR_LIMIT_REQUESTS_PER_SECOND]) return true;
  int64_t second = apr_now() / 1000000000;
  if (second != runtime->request_second) {
    runtime->request_second = second;
    runtime->requests_in_second = 0;
  }
  if (apr_exceeds_locked(runtime, APR_LIMIT_REQUESTS_PER_SECOND, runtime->requests_in_second + 1)) return false;
  runtime->requests_in_second++;
  return true;
}

static ap_status start_locked(apr_runtime *runtime, ap_handle scope, apr_message *message, ap_event_fn fn, void *user,
                              ap_handle *out) {
  bool accepts = runtime->phase == APR_LOADING || runtime->phase == APR_LOADED_PHASE;
  apr_root *root = accepts ? apr_scope_find_locked(runtime, scope) : NULL;
  if (!root) return AP_E_GONE;
  if (root != &runtime->root) {
    if (apr_exceeds_locked(runtime, APR_LIMIT_TURN_REQUESTS, (int64_t)root->requests_started + 1)) {
      return apr_over_locked(runtime, root, APR_LIMIT_TURN_REQUESTS);
    }
    if (apr_exceeds_locked(runtime, APR_LIMIT_TURN_OPEN_REQUESTS, (int64_t)root->requests + 1)) {
      return apr_refuse_locked(runtime, root, APR_LIMIT_TURN_OPEN_REQUESTS);
    }
  }
  if (apr_exceeds_locked(runtime, APR_LIMIT_OPEN_REQUESTS, (int64_t)runtime->requests + 1)) {
    return apr_refuse_locked(runtime, root, APR_LIMIT_OPEN_REQUESTS);
  }
  if (!within_rate_locked(runtime)) return apr_refuse_locked(runtime, root, APR_LIMIT_REQUESTS_PER_SECOND);
  apr_child *request = apr_child_make_locked(runtime, root, APR_REQUEST, fn, user);
  if (!request) return AP_E_LIMIT;
  ap_handle handle = request->handle;
  root->requests_started++;
  if (out) *out = handle; /* before an event can arrive */
  message->token = handle | 1ull << 63;
  message->number = (int64_t)root->token;
  apr_root_retain_locked(root);
  bool sent = apr_emit_locked(runtime, root, message);
  ap_status status = AP_OK;
  if (!sent && (request = apr_handle_find_locked(runtime, handle, APR_REQUEST))) {
    apr_handle_release_locked(runtime, handle, false);
    apr_child_unlink_locked(runtime, request);
    apr_root_release_locked(runtime, root);
    free(request);
    status = AP_E_LIMIT;
  }
  apr_root_release_locked(runtime, root);
  return status;
}

static ap_status request(const ap_host_r1 *host, const char *extension, ap_handle scope, ap_str op, ap_str json,
                         ap_str body, ap_event_fn fn, void *user, ap_handle *out) {
  apr_runtime *runtime = host->host_data;
  if (!fn || (!op.ptr && op.len) || (!json.ptr && json.len) || (!body.ptr && body.len)) return AP_E_INVALID;
  if (op.len > 128 || json.len > APR_MAX_RESULT || body.len > APR_MAX_REQUEST) return AP_E_LIMIT;
  apr_clean clean_op = apr_clean_make(op), clean_json = apr_clean_make(json);
  ap_status status = AP_E_LIMIT;
  if (!clean_op.failed && !clean_json.failed &&
      clean_op.text.len + clean_json.text.len + body.len <= APR_MAX_REQUEST) {
    apr_message message = {
        .op = APR_SERVICE_REQUEST,
        .s = {apr_string(extension), clean_op.text, clean_json.text, body},
    };
    pthread_mutex_lock(&runtime->lock);
    status = start_locked(runtime, scope, &message, fn, user, out);
    pthread_mutex_unlock(&runtime->lock);
  }
  free(clean_op.owned);
  free(clean_json.owned);
  return status;
}

static ap_status request_model(const ap_host_r1 *host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                               ap_event_fn fn, void *user, ap_handle *out) {
  return request(host, AP_HOST_MODEL, scope, op, json, body, fn, user, out);
}

static ap_status request_tools(const ap_host_r1 *host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                               ap_event_fn fn, void *user, ap_handle *out) {
  return request(host, AP_HOST_TOOLS, scope, op, json, body, fn, user, out);
}

static ap_status request_kv(const ap_host_r1 *host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                            ap_event_fn fn, void *user, ap_handle *out) {
  return request(host, AP_HOST_KV, scope, op, json, body, fn, user, out);
}

static ap_status request_thread(const ap_host_r1 *host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                                ap_event_fn fn, void *user, ap_handle *out) {
  return request(host, AP_HOST_THREAD, scope, op, json, body, fn, user, out);
}

static ap_status request_http(const ap_host_r1 *host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                              ap_event_fn fn, void *user, ap_handle *out) {
  return request(host, AP_HOST_HTTP, scope, op, json, body, fn, user, out);
}

const ap_host_service_r1 apr_model_service = {sizeof apr_model_service, 0, request_model};
const ap_host_service_r1 apr_tools_service = {sizeof apr_tools_service, 0, request_tools};
const ap_host_service_r1 apr_kv_service = {sizeof apr_kv_service, 0, request_kv};
const ap_host_service_r1 apr_thread_service = {sizeof apr_thread_service, 0, request_thread};
const ap_host_service_r1 apr_http_service = {sizeof apr_http_service, 0, request_http};

/* ---- answers ---- */

static void end_with_data(apr_runtime *runtime, apr_child *request, ap_status status, ap_str text) {
  char *data = NULL;
  if (text.len && (data = malloc(text.len + 1))) {
    memcpy(data, text.ptr, text.len);
    data[text.len] = 0;
  } else if (text.len) {
    status = AP_E_LIMIT;
  }
  apr_child_end_locked(runtime, request, status, data, data ? text.len : 0);
}

/* APR_SERVICE_EVENT. News of a request that has ended is dropped. A piece that finds no memory ends the request:
 * what is left of the answer would have a hole. */
void apr_service_event_locked(apr_runtime *runtime, const apr_message *message) {
  if (!(message->token >> 63)) return;
  apr_child *request = apr_handle_find_locked(runtime, message->token & ~(1ull << 63), APR_REQUEST);
  if (!request) return;
  ap_str text = message->s[0];
  if (message->item == AP_EV_END) {
    end_with_data(runtime, request, message->status, text);
    return;
  }
  apr_data *data = malloc(sizeof *data + text.len + 1);
  if (!data) {
    apr_child_end_locked(runtime, request, AP_E_LIMIT, NULL, 0);
    return;
  }
  *data = (apr_data){
      .job = {.root = request->end.root, .kind = APR_JOB_DATA},
      .fn = request->fn,
      .user = request->user,
      .handle = request->handle,
      .event = message->item,
      .status = message->status,
      .length = text.len,
  };
  if (text.len) memcpy(data->bytes, text.ptr, text.len);
  data->bytes[text.len] = 0;
  apr_enqueue_locked(runtime, &data->job);
}
