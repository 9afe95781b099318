/* outbox.c - messages to the host: in order for each root, and never with the lock held. */
#include "internal.h"

#include <stdlib.h>

ap_str apr_string(const char *text) {
  return (ap_str){text, strlen(text)};
}

/* Copies a message with its strings. Null when memory runs out. */
apr_envelope *apr_envelope_make(const apr_message *message) {
  size_t bytes = 0;
  for (int i = 0; i < APR_MAX_STRINGS; i++) bytes += message->s[i].len + 1;
  apr_envelope *envelope = malloc(sizeof *envelope + bytes);
  if (!envelope) return NULL;
  envelope->next = NULL;
  envelope->bytes = sizeof *envelope + bytes;
  envelope->message = *message;
  char *at = envelope->text;
  for (int i = 0; i < APR_MAX_STRINGS; i++) {
    size_t length = message->s[i].len;
    if (length) memcpy(at, message->s[i].ptr, length);
    at[length] = 0;
    envelope->message.s[i] = (ap_str){at, length};
    at += length + 1;
  }
  return envelope;
}

/* Messages that the host waits for. */
static bool must_arrive(uint16_t op) {
  return op == APR_TURN_FINISH || op == APR_CALL_FINISH || op == APR_LOADED || op == APR_CONFIG_DONE ||
         op == APR_SERVICE_CANCEL;
}

/* Leaves a message to the thread that is sending for `root`. False: it found no memory or too much waits already. */
static bool leave_locked(apr_root *root, const apr_message *message) {
  bool must = must_arrive(message->op);
  if (!must && root->outbox_bytes > APR_MAX_OUTBOX) return false;
  apr_envelope *copy = apr_envelope_make(message);
  if (copy) {
    if (root->outbox_last) root->outbox_last->next = copy;
    else root->outbox_first = copy;
    root->outbox_last = copy;
    root->outbox_bytes += copy->bytes;
    return true;
  }
  if (!must || message->token != root->token || root->owed_op) return false;
  root->owed_op = message->op;
  root->owed_item = message->item;
  root->owed_status = message->status < 0 || !message->s[0].len ? message->status : (int16_t)AP_E_LIMIT;
  return true;
}

/* Most messages that the sink gets at once. */
#define APR_BATCH 256

/* Messages on their way to the sink. */
typedef struct batch {
  const apr_message *messages[APR_BATCH];
  size_t count;
  apr_envelope *first, *last; /* to be freed */
} batch;

/* Takes the first messages of the outbox, as many as fit. */
static void take_locked(apr_root *root, batch *batch) {
  while (root->outbox_first && batch->count < APR_BATCH) {
    apr_envelope *envelope = root->outbox_first;
    root->outbox_first = envelope->next;
    root->outbox_bytes -= envelope->bytes;
    envelope->next = NULL;
    if (batch->last) batch->last->next = envelope;
    else batch->first = envelope;
    batch->last = envelope;
    batch->messages[batch->count++] = &envelope->message;
  }
  if (!root->outbox_first) root->outbox_last = NULL;
}

/* Hands the messages to the sink and frees them. Lets go of the lock meanwhile. */
static void hand_over_locked(apr_runtime *runtime, batch *batch) {
  pthread_mutex_unlock(&runtime->lock);
  runtime->options.sink(runtime->options.context, batch->messages, batch->count);
  while (batch->first) {
    apr_envelope *next = batch->first->next;
    free(batch->first);
    batch->first = next;
  }
  pthread_mutex_lock(&runtime->lock);
}

/* Sends what was left, and last what is owed. Lets go of the lock while the sink runs. */
static void send_left_locked(apr_runtime *runtime, apr_root *root) {
  while (root->outbox_first || root->owed_op) {
    batch batch = {.count = 0};
    take_locked(root, &batch);
    apr_message owed = {
        .op = root->owed_op, .status = root->owed_status, .item = root->owed_item, .token = root->token,
    };
    if (!batch.count) {
      root->owed_op = 0;
      batch.messages[batch.count++] = &owed;
    }
    hand_over_locked(runtime, &batch);
  }
}

/* The calling thread is from now on the one that sends for `root`. */
static void begin_sending_locked(apr_runtime *runtime, apr_root *root) {
  root->sending = true;
  apr_root_retain_locked(root);
  runtime->senders++;
}

/* Sends what is left, and ends being the one that sends. Lets go of the lock while the sink runs. */
static void end_sending_locked(apr_runtime *runtime, apr_root *root) {
  send_left_locked(runtime, root);
  root->sending = false;
  if (--runtime->senders == 0) pthread_cond_broadcast(&runtime->idle);
  apr_root_release_locked(runtime, root);
}

/* Sends `message` in the order of `root`. If another thread is sending for this root, or its lane holds messages back, a
 * copy is left. Lets go of the lock while the sink runs. False: not accepted, because memory ran out, too much waits, or
 * the runtime has closed. */
bool apr_emit_locked(apr_runtime *runtime, apr_root *root, const apr_message *message) {
  if (runtime->phase == APR_CLOSED) return false;
  if (root->sending) return leave_locked(root, message);
  begin_sending_locked(runtime, root);
  pthread_mutex_unlock(&runtime->lock);
  runtime->options.sink(runtime->options.context, &message, 1);
  pthread_mutex_lock(&runtime->lock);
  end_sending_locked(runtime, root);
  return true;
}

/* Messages of `root` wait from now on, until apr_let_go_locked: a function on its lane is about to be called, and the host
 * hears all it says at once, together with what was said on other lanes of late. Does nothing if somebody is sending. */
void apr_hold_locked(apr_runtime *runtime, apr_runner *runner, apr_root *root, int64_t now) {
  if (root->sending) return;
  begin_sending_locked(runtime, root);
  root->held_next = NULL;
  if (runner->held_last) {
    runner->held_last->held_next = root;
  } else {
    runner->held_first = root;
    runner->held_since = now;
  }
  runner->held_last = root;
  runner->held_count++;
}

/* One call of the sink for `roots`. Answers those that have more to send. */
static apr_root *send_together_locked(apr_runtime *runtime, apr_root *roots) {
  batch batch = {.count = 0};
  for (apr_root *root = roots; root && batch.count < APR_BATCH; root = root->held_next) take_locked(root, &batch);
  if (batch.count) hand_over_locked(runtime, &batch);
  apr_root *left = NULL, **end = &left;
  while (roots) {
    apr_root *root = roots;
    roots = root->held_next;
    if (root->outbox_first) {
      root->held_next = NULL;
      *end = root;
      end = &root->held_next;
    } else {
      end_sending_locked(runtime, root);
    }
  }
  return left;
}

/* Sends what was held back. Lets go of the lock while the sink runs. */
void apr_let_go_locked(apr_runtime *runtime, apr_runner *runner) {
  apr_root *roots = runner->held_first;
  runner->held_first = runner->held_last = NULL;
  runner->held_count = 0;
  runner->others_wait = false;
  while (roots) roots = send_together_locked(runtime, roots);
}

/* Tells the host that the plugin broke a rule. Lets go of the lock while the sink runs. */
void apr_misbehaved_locked(apr_runtime *runtime, apr_fault fault, uint64_t token, const char *sentence) {
  uint32_t most = fault == APR_FAULT_UTF8 ? 1 : APR_REPORTS_OF_A_KIND;
  if (runtime->faults[fault] >= most) return;
  runtime->faults[fault]++;
  apr_message message = {.op = APR_MISBEHAVED, .token = token, .s = {apr_string(sentence)}};
  apr_emit_locked(runtime, &runtime->root, &message);
}
