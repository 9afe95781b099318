/* Tests of the plugin runtime: the same checks in process and in a worker.
 *
 *   runtime-tests <fixtures> <probe.so> <plugin-worker or -> [name of a test]
 *
 * Prints "N passed, N failed"; the exit status is 1 if one failed. With "-" only the checks in process run. */
#include "tests.h"

#include <signal.h>

const char *fixtures, *probe, *worker;
bool failing;

static int passed, failed;

static const test *const subjects[] = {
    turn_tests, service_tests, contract_tests, pressure_tests, timer_tests, pool_tests, memory_tests, loading_tests,
    worker_tests, frame_tests, limit_tests, crash_tests, report_tests,
};

static void run_one(const test *t) {
  failing = false;
  int64_t begun = milliseconds();
  t->run();
  if (failing) failed++;
  else passed++;
  printf("%s %s (%s, %ld ms)\n", failing ? "FAILED" : "ok    ", t->name, worker ? "worker" : "in process",
         (long)(milliseconds() - begun));
  fflush(stdout);
}

static void run_all(const char *only) {
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
    for (const test *t = subjects[i]; t->name; t++) {
      if (!only || strcmp(only, t->name) == 0) run_one(t);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: runtime-tests <fixtures> <probe.so> <plugin-worker or -> [test]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  fixtures = argv[1];
  probe = argv[2];
  const char *only = argc > 4 ? argv[4] : NULL;
  run_all(only);
  if (strcmp(argv[3], "-") != 0) {
    worker = argv[3];
    run_all(only);
  }
  if (only && passed + failed == 0) {
    fprintf(stderr, "runtime-tests: no test is called %s\n", only);
    return 2;
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
