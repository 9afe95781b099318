/* tests.h - what the files of tests share. A file is one subject and exports one list, which ends with a null. */
#ifndef TESTS_H
#define TESTS_H

#include "host.h"

typedef struct test {
  const char *name;
  void (*run)(void);
} test;
#define TEST(name) {#name, name}

extern const test turn_tests[], service_tests[], contract_tests[], pressure_tests[], timer_tests[], pool_tests[],
    memory_tests[], loading_tests[], worker_tests[], frame_tests[], limit_tests[], crash_tests[], report_tests[];

extern const char *fixtures, *probe;
extern const char *worker; /* of the current round; null = in process */
extern bool failing;

#define EXPECT(condition)                                              \
  do {                                                                 \
    if (!(condition)) {                                                \
      printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition);         \
      failing = true;                                                  \
    }                                                                  \
  } while (0)

/* ---- short forms ---- */

#define ALL_GRANTS                                                                                               \
  "ap.host.log/1 ap.host.turn/1 ap.host.call/1 ap.host.exec/1 ap.host.config/1 ap.host.model/1 ap.host.tools/1 " \
  "ap.host.kv/1 ap.host.thread/1"
#define CONFIG "{\"name\":\"x\", \"deep\": {\"a/b\": [1, {\"t~\": \"\\u00e4 \\\"q\\\"\"}, true]}, \"\\u00e9\": null}"

/* Loads a library and waits for APR_LOADED; null in vain. */
const received *load_with(host *h, const char *path, const char *id, const char *version, const char *grants,
                          uint32_t flags);
/* Starts a runtime with a fixture in it. */
host *start(const char *name, const char *id, uint32_t flags);
host *start_echo(void);
host *start_tools(void);
host *start_probe(void);
/* The text reaches the fixture as the thread id and inside the input. */
void begin_turn(host *h, uint64_t token, const char *text);
void begin_call(host *h, uint64_t token, const char *tool, const char *args, bool blocking);
void send_cancel(host *h, uint64_t token, ap_status why);
/* An event of a request. */
void answer(host *h, uint64_t token, uint32_t event, ap_status status, const char *data);
/* Waits for the end of a turn or call and compares it; `text` may be null. */
bool finishes(host *h, uint64_t token, uint16_t op, ap_status status, const char *text);
bool turn_finishes(host *h, uint64_t token, ap_status status);
/* Whether all text of the turn is this. */
bool says(host *h, uint64_t token, const char *expected);
/* One of the checks of probe.c. */
void probe_test(host *h, uint64_t token, const char *name);

#endif
