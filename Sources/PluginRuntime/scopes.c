/* scopes.c - the life of turns and calls, and of the timers and requests that belong to them. */
#include "internal.h"

#include <stdlib.h>

void apr_root_retain_locked(apr_root *root) {
  root->references++;
}

/* Drops a reference; the last one frees a turn or call. The instance's own root is part of the runtime. */
void apr_root_release_locked(apr_runtime *runtime, apr_root *root) {
  if (--root->references || root == &runtime->root) return;
  free(root->begin);
  free(root);
}

/* What answers the begin: a turn's own table, or that of calls (tools, models, and turns that APR_TURN_AS_CALL says so of). */
static apr_type type_of(const apr_message *begin) {
  return begin->op == APR_TURN_BEGIN && !(begin->item & APR_TURN_AS_CALL) ? APR_TURN : APR_CALL;
}

static apr_root *root_make(apr_runtime *runtime, const apr_message *message) {
  apr_root *root = calloc(1, sizeof *root);
  if (!root) return NULL;
  root->type = type_of(message);
  root->op = message->op;
  root->token = message->token;
  root->blocking = message->item & 1u;
  root->begin = apr_envelope_make(message);
  root->handle = root->begin ? apr_handle_make_locked(runtime, root->type, root) : 0;
  if (!root->handle || !apr_token_insert_locked(runtime, root)) {
    if (root->handle) apr_handle_release_locked(runtime, root->handle, false);
    free(root->begin);
    free(root);
    return NULL;
  }
  root->open = true;
  root->references = 1;
  root->begin_job = (apr_job){.root = root, .kind = APR_JOB_BEGIN};
  root->cancel_job = (apr_job){.root = root, .kind = APR_JOB_CANCEL};
  root->writable_job = (apr_job){.root = root, .kind = APR_JOB_WRITABLE};
  return root;
}

static apr_refusal *refusal_make(apr_runtime *runtime) {
  apr_refusal *refusal = calloc(1, sizeof *refusal);
  for (size_t i = 0; i < APR_SPARE_REFUSALS && !refusal; i++) {
    if (runtime->spare_refusals[i].spare) continue;
    refusal = &runtime->spare_refusals[i];
    refusal->spare = true;
  }
  return refusal;
}

/* Answers a begin with AP_E_LIMIT, soon. If even the spare refusals are taken, the host has to wait for its
 * deadline. */
static void refuse_locked(apr_runtime *runtime, const apr_message *message, const char *sentence) {
  apr_refusal *refusal = refusal_make(runtime);
  if (!refusal) return;
  refusal->job = (apr_job){.root = &runtime->root, .kind = APR_JOB_REFUSE};
  refusal->op = type_of(message) == APR_TURN ? APR_TURN_FINISH : APR_CALL_FINISH;
  refusal->token = message->token;
  refusal->sentence = sentence;
  apr_enqueue_locked(runtime, &refusal->job);
}

/* APR_TURN_BEGIN and all that is answered like a call. */
void apr_begin_locked(apr_runtime *runtime, const apr_message *message) {
  if (runtime->phase >= APR_CLOSING || message->token == 0 || message->token >> 63) return;
  if (apr_token_find_locked(runtime, message->token)) return;
  if (runtime->root_count >= APR_MAX_OPEN) {
    refuse_locked(runtime, message, "The plugin has 10,000 turns and calls open already: wait until some have ended.");
    return;
  }
  apr_root *root = root_make(runtime, message);
  if (!root) {
    refuse_locked(runtime, message, "Memory ran out.");
  } else if (!root->blocking) {
    apr_enqueue_locked(runtime, &root->begin_job);
  } else if (!apr_pool_enqueue_locked(runtime, &root->begin_job)) {
    apr_revoke_locked(runtime, root);
    refuse_locked(runtime, message, "No thread could be started.");
  }
}

/* APR_CANCEL: the first one counts. A begin function that has not been entered yet is not entered any more. */
void apr_cancel_locked(apr_runtime *runtime, uint64_t token, ap_status why) {
  apr_root *root = apr_token_find_locked(runtime, token);
  if (!root || root->cancelled) return;
  root->cancelled = why == AP_E_DEADLINE ? AP_E_DEADLINE : AP_E_CANCELLED;
  if (root->begun || root->blocking) apr_enqueue_locked(runtime, &root->cancel_job);
}

/* Makes the handle stale and ends what belongs to it. Stores the tokens of open requests in `requests`, which has
 * room for APR_MAX_REQUESTS; may be null. Answers how many. */
static uint32_t close_locked(apr_runtime *runtime, apr_root *root, bool finished, uint64_t *requests) {
  uint32_t count = 0;
  if (root != &runtime->root) {
    root->open = false;
    apr_handle_release_locked(runtime, root->handle, finished);
    apr_token_remove_locked(runtime, root);
  }
  for (apr_child *child = root->children; child; child = child->next) {
    if (!child->open) continue;
    if (requests && child->type == APR_REQUEST && count < APR_MAX_REQUESTS) {
      requests[count++] = child->handle | 1ull << 63;
    }
    apr_child_end_locked(runtime, child, AP_E_CANCELLED, NULL, 0);
  }
  return count;
}

/* APR_REVOKE, and all that is open when the instance goes. Sends nothing: the host has ended the scope itself. */
void apr_revoke_locked(apr_runtime *runtime, apr_root *root) {
  close_locked(runtime, root, false, NULL);
  if (root != &runtime->root) apr_root_release_locked(runtime, root);
}

/* Ends an open turn or call and tells the host. Lets go of the lock while the sink runs. */
void apr_finish_locked(apr_runtime *runtime, apr_root *root, ap_status status, ap_str message) {
  uint64_t requests[APR_MAX_REQUESTS];
  uint32_t count = close_locked(runtime, root, true, requests);
  for (uint32_t i = 0; i < count; i++) {
    apr_message cancel = {.op = APR_SERVICE_CANCEL, .token = requests[i]};
    apr_emit_locked(runtime, root, &cancel);
  }
  if (status > 0) status = AP_OK;
  if (status < INT16_MIN) status = AP_E_FAILED;
  apr_message finish = {
      .op = root->type == APR_TURN ? APR_TURN_FINISH : APR_CALL_FINISH,
      .status = (int16_t)status,
      .item = (root->timers_started < 0xffffffu ? root->timers_started : 0xffffffu) | (uint32_t)root->refused_by << 24,
      .number = (root->lane_ns + apr_current_lane_ns(root)) / 1000,
      .token = root->token,
      .s = {message},
  };
  apr_emit_locked(runtime, root, &finish);
  apr_root_release_locked(runtime, root);
}

/* APR_CREDIT: the client took `bytes`. */
void apr_credit_locked(apr_runtime *runtime, uint64_t token, int64_t bytes) {
  apr_root *root = apr_token_find_locked(runtime, token);
  if (!root || bytes <= 0) return;
  root->outstanding = bytes < root->outstanding ? root->outstanding - bytes : 0;
  if (!root->slow || root->outstanding >= APR_WRITABLE_BELOW) return;
  root->slow = false;
  if (root->type != APR_TURN || root->writable_queued) return;
  root->writable_queued = true;
  apr_enqueue_locked(runtime, &root->writable_job);
}

/* ---- timers and requests ---- */

/* A new open child of `scope`; null when memory runs out. */
apr_child *apr_child_make_locked(apr_runtime *runtime, apr_root *scope, apr_type type, ap_event_fn fn, void *user) {
  apr_child *child = calloc(1, sizeof *child);
  if (!child) return NULL;
  child->handle = apr_handle_make_locked(runtime, type, child);
  if (!child->handle) {
    free(child);
    return NULL;
  }
  child->end = (apr_job){.root = scope, .kind = APR_JOB_END};
  child->type = type;
  child->open = true;
  child->fn = fn;
  child->user = user;
  child->next = scope->children;
  if (child->next) child->next->previous = child;
  scope->children = child;
  apr_root_retain_locked(scope);
  if (type == APR_TIMER) scope->timers++;
  else {
    scope->requests++;
    runtime->requests++;
  }
  return child;
}

/* Makes the handle stale and queues AP_EV_END, which takes over `data`. */
void apr_child_end_locked(apr_runtime *runtime, apr_child *child, ap_status status, char *data, size_t length) {
  child->open = false;
  apr_handle_release_locked(runtime, child->handle, false);
  if (child->type == APR_TIMER) apr_timer_remove_locked(runtime, child);
  child->status = status;
  child->data = data;
  child->length = length;
  apr_enqueue_locked(runtime, &child->end);
}

/* Takes the child out of its scope: its AP_EV_END is delivered now. The reference to the scope stays. */
void apr_child_unlink_locked(apr_runtime *runtime, apr_child *child) {
  apr_root *scope = child->end.root;
  if (child->previous) child->previous->next = child->next;
  else scope->children = child->next;
  if (child->next) child->next->previous = child->previous;
  if (child->type == APR_TIMER) scope->timers--;
  else {
    scope->requests--;
    runtime->requests--;
  }
}
