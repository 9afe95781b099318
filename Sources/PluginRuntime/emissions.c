/* emissions.c - ap.host.turn/1 and ap.host.call/1: what turns and calls say, with sizes, UTF-8 and credit checked
 * here. */
#include "internal.h"

#include <stdlib.h>

#define NOT_UTF8 "Text of the plugin is not UTF-8: broken bytes are replaced by U+FFFD."

static apr_runtime *runtime_of(const ap_host_r1 *host) {
  return host->host_data;
}

static bool is_broken(ap_str text) {
  return !text.ptr && text.len;
}

/* Sends something of an open turn or call if it may still speak and the client is not too far behind. The message's
 * strings are counted as outstanding until the host gives credit. */
static ap_status speak_locked(apr_runtime *runtime, apr_root *root, apr_message *message) {
  if (root->cancelled) return root->cancelled;
  int64_t bytes = 0;
  for (int i = 0; i < APR_MAX_STRINGS; i++) bytes += (int64_t)message->s[i].len;
  if (root->outstanding + bytes > APR_MAX_OUTSTANDING) return AP_E_LIMIT;
  if (apr_exceeds_locked(runtime, APR_LIMIT_TURN_BYTES, root->said + bytes)) {
    return apr_over_locked(runtime, root, APR_LIMIT_TURN_BYTES);
  }
  root->said += bytes;
  root->outstanding += bytes;
  bool slow = root->outstanding > APR_SLOW_ABOVE;
  if (slow) root->slow = true;
  message->token = root->token;
  apr_root_retain_locked(root);
  bool accepted = apr_emit_locked(runtime, root, message);
  if (!accepted) root->outstanding -= bytes < root->outstanding ? bytes : root->outstanding;
  apr_root_release_locked(runtime, root);
  return !accepted ? AP_E_LIMIT : slow ? AP_W_SLOW : AP_OK;
}

/* Common to text, emit, item_done and progress: the string number `cleaned` is text of the plugin, of at most `most`
 * bytes. */
static ap_status say(const ap_host_r1 *host, ap_handle handle, apr_type type, apr_message *message, int cleaned,
                     size_t most) {
  apr_runtime *runtime = runtime_of(host);
  ap_str text = message->s[cleaned];
  apr_clean clean = {.text = text};
  bool too_long = text.len > most;
  if (!too_long && !is_broken(text)) clean = apr_clean_make(text);
  message->s[cleaned] = clean.text;

  pthread_mutex_lock(&runtime->lock);
  apr_root *root = apr_handle_find_locked(runtime, handle, type);
  ap_status status;
  if (!root) status = AP_E_GONE;
  else if (is_broken(text)) status = AP_E_INVALID;
  else if (too_long || clean.failed) status = AP_E_LIMIT;
  else {
    uint64_t token = root->token;
    status = speak_locked(runtime, root, message);
    if (clean.repaired) apr_misbehaved_locked(runtime, APR_FAULT_UTF8, token, NOT_UTF8);
  }
  pthread_mutex_unlock(&runtime->lock);
  free(clean.owned);
  return status;
}

static ap_status finish(const ap_host_r1 *host, ap_handle handle, apr_type type, ap_status status, ap_str text) {
  apr_runtime *runtime = runtime_of(host);
  bool too_long = text.len > APR_MAX_RESULT;
  apr_clean clean = {.text = text};
  if (!too_long && !is_broken(text)) clean = apr_clean_make(text);
  if (clean.text.len > APR_MAX_RESULT) too_long = true;

  pthread_mutex_lock(&runtime->lock);
  apr_root *root = apr_handle_find_locked(runtime, handle, type);
  ap_status answer = AP_OK;
  if (!root) {
    answer = AP_E_GONE;
    if (apr_handle_was_finished_locked(runtime, handle)) {
      apr_misbehaved_locked(runtime, APR_FAULT_TWICE, 0, "The plugin finished a turn or call twice.");
    }
  } else if (is_broken(text)) {
    answer = AP_E_INVALID;
  } else if (too_long || clean.failed) {
    answer = AP_E_LIMIT;
  } else {
    uint64_t token = root->token;
    apr_finish_locked(runtime, root, status, clean.text);
    if (clean.repaired) apr_misbehaved_locked(runtime, APR_FAULT_UTF8, token, NOT_UTF8);
  }
  pthread_mutex_unlock(&runtime->lock);
  free(clean.owned);
  return answer;
}

static ap_status state(const ap_host_r1 *host, ap_handle handle, apr_type type) {
  apr_runtime *runtime = runtime_of(host);
  pthread_mutex_lock(&runtime->lock);
  apr_root *root = apr_handle_find_locked(runtime, handle, type);
  ap_status status = root ? root->cancelled : AP_E_GONE;
  pthread_mutex_unlock(&runtime->lock);
  return status;
}

/* ---- turns ---- */

static bool is_known_kind(ap_str kind) {
  static const char *const kinds[] = {
      "widget",      "widget.text",  "annotation", "client_tool_call", "workflow", "task",
      "workflow_end", "progress",    "notice",     "effect",           "structured_input",
      "image",       "hidden_context", "item",     "thread",           "replace",  "remove",
      "options",     "end_of_turn",  "error",
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strlen(kinds[i]) == kind.len && memcmp(kinds[i], kind.ptr, kind.len) == 0) return true;
  }
  return false;
}

static ap_status turn_state(const ap_host_r1 *host, ap_handle turn) {
  return state(host, turn, APR_TURN);
}

static ap_status turn_text(const ap_host_r1 *host, ap_handle turn, uint32_t item, ap_str delta) {
  apr_message message = {.op = APR_TURN_TEXT, .item = item, .s = {delta}};
  return say(host, turn, APR_TURN, &message, 0, APR_MAX_TEXT);
}

static ap_status turn_emit(const ap_host_r1 *host, ap_handle turn, uint32_t item, ap_str kind, ap_str json) {
  if (!kind.ptr || !is_known_kind(kind)) {
    ap_status status = turn_state(host, turn);
    return status ? status : AP_E_UNSUPPORTED;
  }
  apr_message message = {.op = APR_TURN_EMIT, .item = item, .s = {kind, json}};
  return say(host, turn, APR_TURN, &message, 1, APR_MAX_JSON);
}

static ap_status turn_item_done(const ap_host_r1 *host, ap_handle turn, uint32_t item) {
  apr_message message = {.op = APR_TURN_ITEM_DONE, .item = item};
  return say(host, turn, APR_TURN, &message, 0, 0);
}

static ap_status turn_finish(const ap_host_r1 *host, ap_handle turn, ap_status status, ap_str message) {
  return finish(host, turn, APR_TURN, status, message);
}

const ap_host_turn_r1 apr_turn_table = {
    sizeof apr_turn_table, 0, turn_text, turn_emit, turn_item_done, turn_finish, turn_state,
};

/* ---- calls ---- */

static ap_status call_progress(const ap_host_r1 *host, ap_handle call, ap_str json) {
  apr_message message = {.op = APR_CALL_PROGRESS, .s = {json}};
  return say(host, call, APR_CALL, &message, 0, APR_MAX_JSON);
}

static ap_status call_finish(const ap_host_r1 *host, ap_handle call, ap_status status, ap_str result) {
  return finish(host, call, APR_CALL, status, result);
}

static ap_status call_state(const ap_host_r1 *host, ap_handle call) {
  return state(host, call, APR_CALL);
}

const ap_host_call_r1 apr_call_table = {sizeof apr_call_table, 0, call_progress, call_finish, call_state};
