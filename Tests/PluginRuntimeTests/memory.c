/* memory.c - what the host is told when memory runs out. The linker leads every allocation of the runtime through here
 * (--wrap, see run.sh); only in process. */
#include "tests.h"

#include "../../Sources/PluginRuntime/internal.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Allocations of this thread that still succeed; negative: all do. */
static _Thread_local int memory_left = -1;

static bool has_memory(void) {
  if (memory_left < 0) return true;
  if (memory_left == 0) return false;
  memory_left--;
  return true;
}

void *__wrap_malloc(size_t size) { return has_memory() ? __real_malloc(size) : NULL; }
void *__wrap_calloc(size_t count, size_t size) { return has_memory() ? __real_calloc(count, size) : NULL; }
void *__wrap_realloc(void *memory, size_t size) { return has_memory() ? __real_realloc(memory, size) : NULL; }

static void deliver_with(int memory, host *h, const apr_message *message) {
  memory_left = memory;
  apr_deliver(h->runtime, message);
  memory_left = -1;
}

static void a_begin_without_memory_is_refused(void) {
  if (worker) return;
  host *h = start_echo();
  uint64_t token = 1;
  for (int memory = 0; memory < 8; memory++, token++) {
    apr_message begin = {.op = APR_TURN_BEGIN, .token = token, .s = {text_of("echo-c"), text_of("x"), {0}, {0},
                         text_of("[]"), text_of("{}")}};
    deliver_with(memory, h, &begin);
    const received *finish = host_wait(h, NULL, APR_TURN_FINISH, token, 2000);
    EXPECT(finish && (finish->message.status == AP_E_LIMIT || memory > 1));
    EXPECT(host_count(h, APR_TURN_FINISH, token) == 1);
  }
  for (int i = 0; i < 100; i++, token++) { /* more than there are spare refusals, one after the other */
    deliver_with(0, h, &(apr_message){.op = APR_MODEL_BEGIN, .token = token, .item = 1});
    EXPECT(finishes(h, token, APR_CALL_FINISH, AP_E_LIMIT, "Memory ran out."));
  }
  EXPECT(host_stop(h));
}

static void control_messages_without_memory_are_answered(void) {
  if (worker) return;
  host *h = host_start(NULL);
  deliver_with(0, h, &(apr_message){.op = APR_LOAD});
  const received *loaded = host_wait(h, NULL, APR_LOADED, 0, 2000);
  EXPECT(loaded && loaded->message.status == AP_E_LIMIT);
  deliver_with(0, h, &(apr_message){.op = APR_CONFIG});
  const received *done = host_wait(h, NULL, APR_CONFIG_DONE, 0, 2000);
  EXPECT(done && done->message.status == AP_E_LIMIT);
  deliver_with(0, h, &(apr_message){.op = APR_DRAIN});
  deliver_with(0, h, &(apr_message){.op = APR_DESTROY});
  EXPECT(host_stop(h));
}

/* A runtime whose sink says more about the same root while it runs, as another thread may. */
typedef struct echoing {
  apr_runtime *runtime;
  apr_message more[2];
  int memory; /* for `more` */
  int left;
  uint16_t ops[4];
  ap_status statuses[4];
  int heard;
} echoing;

static void hear_one(echoing *e, const apr_message *message) {
  if (message->op == APR_DESTROYED) return;
  if (e->heard < 4) {
    e->ops[e->heard] = message->op;
    e->statuses[e->heard++] = message->status;
  }
  if (!e->left) return;
  pthread_mutex_lock(&e->runtime->lock);
  memory_left = e->memory;
  while (e->left) apr_emit_locked(e->runtime, &e->runtime->root, &e->more[2 - e->left--]);
  memory_left = -1;
  pthread_mutex_unlock(&e->runtime->lock);
}

static void hear(void *context, const apr_message *const *messages, size_t count) {
  for (size_t i = 0; i < count; i++) hear_one(context, messages[i]);
}

static void an_answer_arrives_without_memory_and_behind_much(void) {
  if (worker) return;
  echoing e = {.left = 2, .more = {{.op = APR_LOG}, {.op = APR_LOADED, .s = {text_of("a reason")}}}};
  apr_options options = {.sink = hear, .context = &e};
  e.runtime = apr_create(&options);
  pthread_mutex_lock(&e.runtime->lock);
  apr_emit_locked(e.runtime, &e.runtime->root, &(apr_message){.op = APR_LOG});
  EXPECT(e.heard == 2 && e.ops[1] == APR_LOADED && e.statuses[1] == AP_E_LIMIT); /* its reason is lost, it is not */

  static char text[APR_MAX_OUTBOX];
  e.heard = 0, e.left = 2, e.memory = -1;
  e.more[0] = (apr_message){.op = APR_LOG, .s = {{text, sizeof text}}};
  apr_emit_locked(e.runtime, &e.runtime->root, &(apr_message){.op = APR_LOG});
  EXPECT(e.heard == 3 && e.ops[2] == APR_LOADED && e.statuses[2] == AP_OK);
  pthread_mutex_unlock(&e.runtime->lock);
  apr_destroy(e.runtime);
}

const test memory_tests[] = {
    TEST(a_begin_without_memory_is_refused),
    TEST(control_messages_without_memory_are_answered),
    TEST(an_answer_arrives_without_memory_and_behind_much),
    {NULL, NULL},
};
