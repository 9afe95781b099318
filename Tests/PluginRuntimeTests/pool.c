/* pool.c - the threads for functions that may block. */
#include "tests.h"

#include <dirent.h>
#include <unistd.h>

#define THREADS 32u /* of one pool */

static void a_call_that_waits_for_the_pool_can_be_cancelled(void) {
  host *h = start_tools();
  const char *forever = "{\"a\":2,\"b\":5,\"steps\":1000}";
  for (uint64_t token = 1; token <= THREADS; token++) begin_call(h, token, "block_add", forever, true);
  begin_call(h, 100, "block_add", forever, true);
  usleep(20000);
  send_cancel(h, 100, AP_E_DEADLINE);
  const received *finish = host_wait(h, NULL, APR_CALL_FINISH, 100, 1000);
  EXPECT(finish && finish->message.status == AP_E_DEADLINE);
  for (uint64_t token = 1; token <= THREADS; token++) send_cancel(h, token, AP_E_CANCELLED);
  for (uint64_t token = 1; token <= THREADS; token++) {
    EXPECT(finishes(h, token, APR_CALL_FINISH, AP_E_CANCELLED, NULL));
  }
  begin_call(h, 200, "block_add", "{\"a\":2,\"b\":6}", true);
  EXPECT(finishes(h, 200, APR_CALL_FINISH, AP_OK, "{\"sum\":8}"));
  EXPECT(host_count(h, APR_CALL_FINISH, 100) == 1);
  EXPECT(host_stop(h));
}

static int threads_of(const host *h) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", h->in_process ? getpid() : h->worker);
  DIR *tasks = opendir(path);
  int count = -2; /* . and .. */
  while (tasks && readdir(tasks)) count++;
  if (tasks) closedir(tasks);
  return count;
}

/* run.sh lets an idle thread end after APR_POOL_IDLE_MS = 100. */
static void idle_threads_of_the_pool_end(void) {
  host *h = start_tools();
  int before = threads_of(h);
  for (int round = 0; round < 3; round++) {
    host_forget(h);
    for (uint64_t token = 1; token <= THREADS; token++) begin_call(h, token, "block_add", "{\"a\":2,\"b\":6}", true);
    EXPECT(host_wait_finished(h, THREADS, 10000));
    EXPECT(threads_of(h) > before); /* not idle long enough yet */
    int64_t begun = milliseconds();
    while (threads_of(h) > before && milliseconds() - begun < 2000) usleep(10000);
    EXPECT(threads_of(h) == before);
  }
  EXPECT(host_stop(h));
}

const test pool_tests[] = {
    TEST(a_call_that_waits_for_the_pool_can_be_cancelled),
    TEST(idle_threads_of_the_pool_end),
    {NULL, NULL},
};
