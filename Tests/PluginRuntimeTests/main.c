/* Tests of the plugin runtime: the same checks in process and in a worker.
 *
 *   runtime-tests <fixtures> <probe.so> <plugin-worker or -> [name of a test]
 *
 * Prints "N passed, N failed"; the exit status is 1 if one failed. With "-" only the checks in process run. */
#include "host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *fixtures, *probe, *worker_path, *only;
static const char *worker; /* of the current round; null = in process */
static int passed, failed;
static bool failing;

#define EXPECT(condition)                                                                              \
  do {                                                                                                 \
    if (!(condition)) {                                                                                \
      printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition);                                         \
      failing = true;                                                                                  \
    }                                                                                                  \
  } while (0)

/* ---- short forms ---- */

#define ALL_GRANTS                                                                                              \
  "ap.host.log/1 ap.host.turn/1 ap.host.call/1 ap.host.exec/1 ap.host.config/1 ap.host.model/1 ap.host.tools/1 " \
  "ap.host.kv/1"
#define PROBE_GRANTS "ap.host.log/1 ap.host.turn/1 ap.host.call/1 ap.host.exec/1 ap.host.kv/1"
#define CONFIG "{\"name\":\"x\", \"deep\": {\"a/b\": [1, {\"t~\": \"\\u00e4 \\\"q\\\"\"}, true]}, \"\\u00e9\": null}"

static const received *load_with(host *h, const char *path, const char *id, const char *version, const char *grants,
                                 uint32_t flags) {
  apr_message load = {
      .op = APR_LOAD,
      .item = flags,
      .s = {text_of(path), text_of(id), text_of(version), text_of(CONFIG), text_of("test"), text_of(grants)},
  };
  host_send(h, &load);
  return host_wait(h, NULL, APR_LOADED, 0, 5000);
}

static host *start(const char *name, const char *id, uint32_t flags) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s.agentplugin/lib%s.so", fixtures, name, name);
  host *h = host_start(worker);
  const received *loaded = load_with(h, path, id, "1.0.0", ALL_GRANTS, flags);
  EXPECT(loaded && loaded->message.status == AP_OK);
  if (loaded && loaded->message.status) printf("  %s\n", loaded->message.s[0].ptr);
  return h;
}

static host *start_echo(void) { return start("EchoC", "dev.agenthost.fixture.echo-c", 0); }
static host *start_tools(void) { return start("ToolsC", "dev.agenthost.fixture.tools-c", 0); }

static host *start_probe(void) {
  host *h = host_start(worker);
  const received *loaded = load_with(h, probe, "dev.agenthost.fixture.probe", "1.0.0", PROBE_GRANTS, 0);
  EXPECT(loaded && loaded->message.status == AP_OK);
  return h;
}

static void begin_turn(host *h, uint64_t token, const char *text) {
  char input[1024];
  snprintf(input, sizeof input, "[{\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"%s\"}]}]", text);
  apr_message begin = {
      .op = APR_TURN_BEGIN,
      .token = token,
      .s = {text_of("echo-c"), text_of(text), text_of("subject"), text_of("user_message"), text_of(input), text_of("{}")},
  };
  host_send(h, &begin);
}

static void begin_call(host *h, uint64_t token, const char *tool, const char *args, bool blocking) {
  apr_message begin = {.op = APR_CALL_BEGIN, .item = blocking, .token = token, .s = {text_of(tool), text_of(args)}};
  host_send(h, &begin);
}

static void send_cancel(host *h, uint64_t token, ap_status why) {
  host_send(h, &(apr_message){.op = APR_CANCEL, .token = token, .status = (int16_t)why});
}

static void answer(host *h, uint64_t token, uint32_t event, ap_status status, const char *data) {
  apr_message m = {.op = APR_SERVICE_EVENT, .token = token, .item = event, .status = (int16_t)status, .s = {text_of(data)}};
  host_send(h, &m);
}

static bool finishes(host *h, uint64_t token, uint16_t op, ap_status status, const char *text) {
  const received *r = host_wait(h, NULL, op, token, 10000);
  if (!r) return printf("  %lu did not finish\n", (unsigned long)token), false;
  bool good = r->message.status == status && (!text || strcmp(r->message.s[0].ptr, text) == 0);
  if (!good) printf("  finished with %d \"%.200s\"\n", r->message.status, r->message.s[0].ptr);
  return good;
}

static bool turn_finishes(host *h, uint64_t token, ap_status status) {
  return finishes(h, token, APR_TURN_FINISH, status, NULL);
}

static bool says(host *h, uint64_t token, const char *expected) {
  char *text = host_text(h, token);
  bool same = strcmp(text, expected) == 0;
  if (!same) printf("  said \"%.200s\"\n", text);
  free(text);
  return same;
}

/* ---- turns ---- */

static void echo_streams_words_in_order_and_finishes_once(void) {
  host *h = start_echo();
  EXPECT(host_wait(h, NULL, APR_LOADED, 0, 0)->message.item == (APR_HAS_AGENT | APR_HAS_CONFIG));
  begin_turn(h, 7, "hello big \\\"world\\\" \\u00e4");
  EXPECT(turn_finishes(h, 7, AP_OK));
  EXPECT(says(h, 7, "hello big \"world\" \xc3\xa4"));
  EXPECT(host_count(h, APR_TURN_TEXT, 7) == 4);
  EXPECT(host_count(h, APR_TURN_ITEM_DONE, 7) == 1);
  EXPECT(host_count(h, APR_TURN_FINISH, 7) == 1);
  const received *finish = host_wait(h, NULL, APR_TURN_FINISH, 7, 0);
  EXPECT(finish && !host_wait(h, finish, APR_TURN_TEXT, 7, 20));
  EXPECT(host_stop(h));
}

static void cancel_reaches_the_plugin_and_stops_text(void) {
  host *h = start_echo();
  begin_turn(h, 1, "slow 10000");
  EXPECT(host_wait(h, NULL, APR_TURN_TEXT, 1, 2000));
  send_cancel(h, 1, AP_E_DEADLINE);
  EXPECT(turn_finishes(h, 1, AP_E_DEADLINE));
  send_cancel(h, 1, AP_E_CANCELLED);
  EXPECT(host_count(h, APR_TURN_FINISH, 1) == 1);
  EXPECT(host_stop(h));
}

static void refusals_and_double_finishes_count_once(void) {
  host *h = start_echo();
  begin_turn(h, 1, "fail");
  EXPECT(finishes(h, 1, APR_TURN_FINISH, AP_E_FAILED, "told to fail"));
  begin_turn(h, 2, "refuse");
  EXPECT(turn_finishes(h, 2, AP_E_INVALID));
  begin_turn(h, 3, "twice");
  EXPECT(turn_finishes(h, 3, AP_OK));
  EXPECT(host_wait(h, NULL, APR_MISBEHAVED, 0, 2000));
  begin_turn(h, 4, "both");
  EXPECT(turn_finishes(h, 4, AP_OK));
  EXPECT(host_wait(h, NULL, APR_MISBEHAVED, 4, 2000));
  begin_call(h, 5, "add", "{}", false); /* EchoC has no tools */
  EXPECT(finishes(h, 5, APR_CALL_FINISH, AP_E_UNSUPPORTED, NULL));
  for (uint64_t token = 1; token < 5; token++) EXPECT(host_count(h, APR_TURN_FINISH, token) == 1);
  begin_turn(h, 4, "tokens may come again once they are free");
  EXPECT(host_wait(h, host_wait(h, NULL, APR_TURN_FINISH, 4, 0), APR_TURN_FINISH, 4, 2000));
  EXPECT(host_stop(h));
}

static void broken_text_is_repaired_and_reported_once(void) {
  host *h = start_echo();
  begin_turn(h, 1, "garbage");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "bad \xef\xbf\xbd\xef\xbf\xbd text"));
  begin_turn(h, 2, "garbage");
  EXPECT(turn_finishes(h, 2, AP_OK));
  begin_turn(h, 3, "after");
  EXPECT(turn_finishes(h, 3, AP_OK));
  EXPECT(host_wait(h, NULL, APR_MISBEHAVED, 1, 2000));
  EXPECT(host_count(h, APR_MISBEHAVED, ~0ull) == 1);
  EXPECT(host_stop(h));
}

static void credit_holds_a_fast_turn_back(void) {
  host *h = start_echo();
  begin_turn(h, 1, "big");
  EXPECT(!host_wait(h, NULL, APR_TURN_FINISH, 1, 200));
  char *text = host_text(h, 1);
  size_t first = strlen(text);
  free(text);
  EXPECT(first == 256 * 1024 + 16 * 1024);
  host_send(h, &(apr_message){.op = APR_CREDIT, .token = 1, .number = 100 * 1024}); /* not below 128 KiB yet */
  EXPECT(!host_wait(h, NULL, APR_TURN_FINISH, 1, 100));
  EXPECT(host_count(h, APR_TURN_TEXT, 1) == 17);
  int64_t given = 100 * 1024;
  for (int i = 0; i < 200 && !host_wait(h, NULL, APR_TURN_FINISH, 1, 10); i++) {
    text = host_text(h, 1);
    int64_t sent = (int64_t)strlen(text);
    free(text);
    host_send(h, &(apr_message){.op = APR_CREDIT, .token = 1, .number = sent - given});
    given = sent;
  }
  EXPECT(turn_finishes(h, 1, AP_OK));
  text = host_text(h, 1);
  EXPECT(strlen(text) == 1024 * 1024);
  free(text);
  EXPECT(host_stop(h));
}

static void workflows_config_and_logs_come_through(void) {
  host *h = start_echo();
  begin_turn(h, 1, "wf");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_count(h, APR_TURN_EMIT, 1) == 3);
  struct { const char *pointer, *value; } cases[] = {
      {"", CONFIG}, {"/name", "\"x\""}, {"/deep/a~1b/0", "1"}, {"/deep/a~1b/1/t~0", "\"\\u00e4 \\\"q\\\"\""},
      {"/deep/a~1b/2", "true"}, {"/deep/a~1b/3", "error -11"}, {"/deep/a~1b/01", "error -11"}, {"/nothing", "error -11"},
      {"name", "error -2"}, {"/x~2", "error -2"}, {"/\\u00e9", "null"}, {"/name/x", "error -11"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char line[128];
    snprintf(line, sizeof line, "config %s", cases[i].pointer);
    begin_turn(h, 100 + i, line);
    EXPECT(turn_finishes(h, 100 + i, AP_OK));
    EXPECT(says(h, 100 + i, cases[i].value));
  }
  host_send(h, &(apr_message){.op = APR_CONFIG, .s = {text_of("{\"name\":\"new\"}")}});
  const received *done = host_wait(h, NULL, APR_CONFIG_DONE, 0, 2000);
  EXPECT(done && done->message.status == AP_OK);
  host_send(h, &(apr_message){.op = APR_CONFIG, .s = {text_of("refused")}});
  done = host_wait(h, done, APR_CONFIG_DONE, 0, 2000);
  EXPECT(done && done->message.status == AP_E_INVALID);
  begin_turn(h, 200, "config /name");
  EXPECT(turn_finishes(h, 200, AP_OK));
  EXPECT(says(h, 200, "\"new\""));
  begin_turn(h, 201, "log a line");
  const received *line = host_wait(h, NULL, APR_LOG, 201, 2000);
  EXPECT(line && line->message.item == AP_LOG_WARN && strcmp(line->message.s[0].ptr, "a line") == 0);
  host_send(h, &(apr_message){.op = APR_LOG_LEVEL, .number = AP_LOG_ERROR});
  begin_turn(h, 202, "log a line");
  EXPECT(turn_finishes(h, 202, AP_OK));
  EXPECT(host_count(h, APR_LOG, 202) == 0);
  EXPECT(host_stop(h));
}

static void timers_are_limited_and_end_with_their_turn(void) {
  host *h = start_echo();
  begin_turn(h, 1, "timers 100");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "64"));
  EXPECT(host_stop(h)); /* would hang if one of the 64 had no end; AddressSanitizer would tell of a lost one */
}

static void a_lane_that_blocks_is_reported(void) {
  host *h = start_echo();
  begin_turn(h, 1, "block 40");
  const received *stall = host_wait(h, NULL, APR_STALL, 1, 2000);
  EXPECT(stall && stall->message.number >= 40);
  begin_turn(h, 2, "block 400");
  if (!worker) {
    stall = host_wait(h, NULL, APR_STALL, 2, 390);
    EXPECT(stall && stall->message.number >= 250 && stall->message.number < 400);
    EXPECT(host_wait(h, stall, APR_STALL, 2, 2000));
  } else {
    stall = host_wait(h, NULL, APR_STALL, 2, 2000);
    EXPECT(stall && stall->message.number >= 400);
  }
  EXPECT(host_stop(h));
}

static void a_revoked_turn_says_nothing_more(void) {
  host *h = start_echo();
  begin_turn(h, 1, "hang");
  begin_turn(h, 2, "slow 10000");
  EXPECT(host_wait(h, NULL, APR_TURN_TEXT, 2, 2000));
  send_cancel(h, 1, AP_E_CANCELLED);
  host_send(h, &(apr_message){.op = APR_REVOKE, .token = 1});
  host_send(h, &(apr_message){.op = APR_REVOKE, .token = 2});
  begin_turn(h, 3, "x");
  EXPECT(turn_finishes(h, 3, AP_OK));
  size_t texts = host_count(h, APR_TURN_TEXT, 2);
  EXPECT(!host_wait(h, NULL, APR_TURN_FINISH, 2, 60));
  EXPECT(host_count(h, APR_TURN_TEXT, 2) <= texts + 1);
  EXPECT(host_count(h, APR_MISBEHAVED, ~0ull) == 0); /* finishing late is no fault */
  EXPECT(host_stop(h));
}

static void destroying_ends_what_is_open(void) {
  host *h = start_echo();
  begin_turn(h, 1, "slow 10000");
  begin_turn(h, 2, "hang");
  begin_turn(h, 3, "kv");
  EXPECT(host_wait(h, NULL, APR_SERVICE_REQUEST, ~0ull, 2000));
  EXPECT(host_wait(h, NULL, APR_TURN_TEXT, 1, 2000));
  host_send(h, &(apr_message){.op = APR_DRAIN});
  EXPECT(host_stop(h));
}

/* ---- services ---- */

static void services_ask_and_are_answered(void) {
  host *h = start_echo();
  begin_turn(h, 1, "kv");
  const received *request = host_wait(h, NULL, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request && request->message.number == 1 && request->message.token >> 63);
  EXPECT(strcmp(request->message.s[0].ptr, AP_HOST_KV) == 0 && strcmp(request->message.s[1].ptr, "write") == 0);
  answer(h, request->message.token ^ 1ull << 40, AP_EV_END, AP_OK, "not yours");
  answer(h, request->message.token, AP_EV_END, AP_OK, "{}");
  answer(h, request->message.token, AP_EV_END, AP_OK, "too late");
  request = host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request && strcmp(request->message.s[1].ptr, "get") == 0);
  answer(h, request->message.token, AP_EV_END, AP_OK, "{\"entries\": []}");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "{\"entries\": []}"));

  begin_turn(h, 2, "tool add {\\\"a\\\":1}");
  request = host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request && strcmp(request->message.s[2].ptr, "{\"name\":\"add\",\"arguments\":{\"a\":1}}") == 0);
  answer(h, request->message.token, AP_EV_PROGRESS, AP_OK, "{}");
  answer(h, request->message.token, AP_EV_END, AP_E_FAILED, "no b");
  EXPECT(turn_finishes(h, 2, AP_OK));
  EXPECT(says(h, 2, "error -1: no b"));

  begin_turn(h, 3, "model hi");
  request = host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request && strcmp(request->message.s[0].ptr, AP_HOST_MODEL) == 0);
  answer(h, request->message.token, AP_EV_DATA, AP_OK, "{\"text\":\"hello \"}");
  answer(h, request->message.token, AP_EV_DATA, AP_OK, "{\"text\":\"you\"}");
  answer(h, request->message.token, AP_EV_END, AP_OK, "{\"finish_reason\":\"stop\"}");
  EXPECT(turn_finishes(h, 3, AP_OK));
  EXPECT(says(h, 3, "hello you"));
  EXPECT(host_stop(h));
}

static void requests_are_cancelled_with_their_turn(void) {
  host *h = start_echo();
  begin_turn(h, 1, "kv");
  const received *request = host_wait(h, NULL, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request);
  send_cancel(h, 1, AP_E_CANCELLED);
  const received *end = host_wait(h, NULL, APR_SERVICE_CANCEL, request->message.token, 2000);
  EXPECT(end && host_wait(h, end, APR_TURN_FINISH, 1, 2000));
  answer(h, request->message.token, AP_EV_DATA, AP_OK, "late");
  answer(h, request->message.token, AP_EV_END, AP_OK, "late");
  EXPECT(host_stop(h));
}

/* ---- tools and models ---- */

static void tools_answer_at_once_later_and_from_a_thread(void) {
  host *h = start_tools();
  EXPECT(host_wait(h, NULL, APR_LOADED, 0, 0)->message.item == (APR_HAS_TOOLS | APR_HAS_MODEL));
  begin_call(h, 1, "add", "{\"a\": 2, \"b\": -5}", false);
  EXPECT(finishes(h, 1, APR_CALL_FINISH, AP_OK, "{\"sum\":-3}"));
  begin_call(h, 2, "slow_add", "{\"a\":2,\"b\":5}", false);
  EXPECT(finishes(h, 2, APR_CALL_FINISH, AP_OK, "{\"sum\":7}"));
  EXPECT(host_count(h, APR_CALL_PROGRESS, 2) == 3);
  begin_call(h, 3, "block_add", "{\"a\":2,\"b\":6}", true);
  EXPECT(finishes(h, 3, APR_CALL_FINISH, AP_OK, "{\"sum\":8}"));
  EXPECT(host_count(h, APR_STALL, 3) == 0);
  begin_call(h, 4, "fail_tool", "{}", false);
  EXPECT(finishes(h, 4, APR_CALL_FINISH, AP_E_FAILED, "This tool always fails."));
  begin_call(h, 5, "unknown", "{}", false);
  EXPECT(finishes(h, 5, APR_CALL_FINISH, AP_E_NOT_FOUND, ""));
  begin_call(h, 6, "slow_add", "{\"a\":2,\"b\":5,\"steps\":1000}", false);
  begin_call(h, 7, "block_add", "{\"a\":2,\"b\":5,\"steps\":1000}", true);
  EXPECT(host_wait(h, NULL, APR_CALL_PROGRESS, 6, 2000));
  send_cancel(h, 6, AP_E_CANCELLED);
  send_cancel(h, 7, AP_E_DEADLINE);
  EXPECT(finishes(h, 6, APR_CALL_FINISH, AP_E_CANCELLED, NULL));
  EXPECT(finishes(h, 7, APR_CALL_FINISH, AP_E_DEADLINE, NULL));
  begin_call(h, 8, "never", "{}", false);
  EXPECT(!host_wait(h, NULL, APR_CALL_FINISH, 8, 50));
  host_send(h, &(apr_message){.op = APR_REVOKE, .token = 8});
  EXPECT(host_stop(h));
}

static void the_counter_tries_again_after_a_conflict(void) {
  host *h = start_tools();
  begin_call(h, 1, "counter", "{}", false);
  const received *r = host_wait(h, NULL, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(r && r->message.number == 1);
  answer(h, r->message.token, AP_EV_END, AP_OK, "{\"entries\":[]}");
  r = host_wait(h, r, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(r && strstr(r->message.s[2].ptr, "\"version\":null") && strstr(r->message.s[2].ptr, "\"value\":1"));
  answer(h, r->message.token, AP_EV_END, AP_E_CONFLICT, "");
  r = host_wait(h, r, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(r && strcmp(r->message.s[1].ptr, "get") == 0);
  answer(h, r->message.token, AP_EV_END, AP_OK, "{\"entries\":[{\"key\":\"counter\",\"value\":41,\"version\":\"v\\\"9\"}]}");
  r = host_wait(h, r, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(r && strstr(r->message.s[2].ptr, "\"version\":\"v\\\"9\"") && strstr(r->message.s[2].ptr, "\"value\":42"));
  answer(h, r->message.token, AP_EV_END, AP_OK, "{\"versions\":{}}");
  EXPECT(finishes(h, 1, APR_CALL_FINISH, AP_OK, "{\"count\":42}"));
  EXPECT(host_stop(h));
}

static void the_model_calls_tools_and_tells_results(void) {
  host *h = start_tools();
  struct { const char *messages, *progress, *result; } cases[] = {
      {"[{\"role\":\"user\",\"content\":\"call add {\\\"a\\\":1}\"}]",
       "{\"tool_call\":{\"index\":0,\"id\":\"call_1\",\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}",
       "{\"finish_reason\":\"tool_calls\"}"},
      {"[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"tool\",\"content\":\"{\\\"sum\\\":3}\"}]", "{\"text\":\"Tool \"}",
       "{\"finish_reason\":\"stop\"}"},
      {"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]", "{\"text\":\"You \"}",
       "{\"finish_reason\":\"stop\"}"},
  };
  for (size_t i = 0; i < 3; i++) {
    char request[512];
    snprintf(request, sizeof request, "{\"messages\":%s,\"tools\":[],\"settings\":{}}", cases[i].messages);
    apr_message begin = {.op = APR_MODEL_BEGIN, .token = i + 1, .s = {text_of("rules-c"), text_of(request)}};
    host_send(h, &begin);
    EXPECT(finishes(h, i + 1, APR_CALL_FINISH, AP_OK, cases[i].result));
    const received *progress = host_wait(h, NULL, APR_CALL_PROGRESS, i + 1, 0);
    EXPECT(progress && strcmp(progress->message.s[0].ptr, cases[i].progress) == 0);
  }
  EXPECT(host_stop(h));
}

/* ---- the contract from the inside ---- */

static void probe_test(host *h, uint64_t token, const char *name) {
  begin_turn(h, token, name);
  EXPECT(finishes(h, token, APR_TURN_FINISH, AP_OK, ""));
}

static void the_host_keeps_its_promises_to_a_probe(void) {
  host *h = start_probe();
  probe_test(h, 1, "grants");
  begin_call(h, 2, "hold", "{}", false);
  probe_test(h, 3, "handles");
  probe_test(h, 4, "limits");
  EXPECT(host_count(h, APR_SERVICE_CANCEL, ~0ull) == 64);
  probe_test(h, 5, "lanes");
  probe_test(h, 6, "instance");
  probe_test(h, 7, "stale");
  EXPECT(host_stop(h));
}

static void a_lane_that_never_rests_leaves_room_for_others(void) {
  host *h = start_probe();
  begin_turn(h, 1, "spin");
  begin_turn(h, 2, "spin");
  begin_turn(h, 3, "spin");
  for (uint64_t token = 10; token < 20; token++) {
    int64_t begun = milliseconds();
    probe_test(h, token, "grants");
    EXPECT(milliseconds() - begun < 1000);
  }
  for (uint64_t token = 1; token <= 3; token++) send_cancel(h, token, AP_E_CANCELLED);
  for (uint64_t token = 1; token <= 3; token++) EXPECT(turn_finishes(h, token, AP_E_CANCELLED));
  EXPECT(host_stop(h));
}

static void checking_a_handle_is_cheap(void) {
  host *h = start_probe();
  probe_test(h, 1, "speed");
  char *text = host_text(h, 1);
  printf("  a handle check takes %s %s\n", text, worker ? "in a worker" : "in process");
  EXPECT(atof(text) > 0);
  free(text);
  EXPECT(host_stop(h));
}

static void turns_used_by_many_threads_stay_whole(void) {
  host *h = start_probe();
  h->answer = true;
  unsigned random = 1;
  const uint64_t turns = 300;
  uint64_t revoked = 0;
  for (uint64_t token = 1; token <= turns; token++) {
    begin_turn(h, token, "stress");
    uint64_t other = 1 + (uint64_t)rand_r(&random) % token;
    if (token % 3 == 0) send_cancel(h, other, AP_E_CANCELLED);
    host_send(h, &(apr_message){.op = APR_CREDIT, .token = other, .number = 1000});
  }
  for (uint64_t token = 1; token <= turns; token++) {
    if (token % 10 == 0 && host_count(h, APR_TURN_FINISH, token) == 0) {
      host_send(h, &(apr_message){.op = APR_REVOKE, .token = token});
      revoked++;
    }
  }
  EXPECT(host_wait_finished(h, turns - revoked, 60000));
  uint64_t twice = 0, late = 0;
  for (uint64_t token = 1; token <= turns; token++) {
    if (host_count(h, APR_TURN_FINISH, token) > 1) twice++;
    const received *finish = host_wait(h, NULL, APR_TURN_FINISH, token, 0);
    if (finish && host_wait(h, finish, APR_TURN_TEXT, token, 0)) late++;
  }
  EXPECT(twice == 0);
  EXPECT(late == 0);
  const received *left = NULL;
  for (uint64_t token = turns + 1; token < turns + 500; token++) { /* all callbacks come: nothing stays open */
    begin_turn(h, token, "stress-left");
    left = host_wait(h, NULL, APR_TURN_FINISH, token, 5000);
    if (!left || left->message.status == AP_OK) break;
    usleep(2000);
  }
  EXPECT(left && left->message.status == AP_OK);
  EXPECT(host_stop(h));
}

static long resident_pages(host *h) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", h->in_process ? getpid() : h->worker);
  FILE *file = fopen(path, "r");
  long size = 0, resident = 0;
  if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
  if (file) fclose(file);
  return resident;
}

static void ten_thousand_turns_run_in_flat_memory(void) {
  host *h = start_echo();
  h->keep = false;
  long most = 0, last = 0; /* most: of the first two rounds */
  int64_t fastest = INT64_MAX;
  for (int round = 0; round < 4; round++) {
    host_forget(h);
    int64_t begun = milliseconds();
    for (uint64_t token = 1; token <= 10000; token++) begin_turn(h, token, "slow 10");
    EXPECT(host_wait_finished(h, 10000, 60000));
    int64_t took = milliseconds() - begun;
    if (took < fastest) fastest = took;
    EXPECT(h->texts == 100000);
    last = resident_pages(h);
    if (round < 2 && last > most) most = last;
  }
  printf("  10,000 turns of 10 words: %ld ms; %ld KiB resident\n", (long)fastest, last * 4);
#ifdef SANITIZED
  (void)most; /* sanitizers keep freed memory for a while */
#else
  EXPECT(last < most + 1024); /* 4 MiB; a turn that stayed would cost more than 400 bytes, 20,000 times */
#endif
  EXPECT(host_stop(h));
}

static void output_waits_for_a_host_that_does_not_read(void) {
  if (!worker) return;
  host *h = start_probe();
  h->keep = false;
  host_pause(h, true);
  for (uint64_t token = 1; token <= 40; token++) begin_turn(h, token, token % 2 ? "flood" : "flood-pool"); /* 160 MiB */
  long resident = 0;
  for (int i = 0; i < 100; i++) {
    usleep(5000);
    long pages = resident_pages(h);
    if (pages > resident) resident = pages;
  }
  printf("  at most %ld MiB resident while nobody reads\n", resident / 256);
#ifndef SANITIZED
  EXPECT(resident / 256 > 30 && resident / 256 < 110);
#endif
  EXPECT(h->finished < 40);
  host_pause(h, false);
  EXPECT(host_wait_finished(h, 40, 20000));
  EXPECT(h->texts == 40 * 64);
  EXPECT(host_stop(h));
}

static void one_lane_for_all_is_obeyed(void) {
  host *h = start("EchoC", "dev.agenthost.fixture.echo-c", APR_LOAD_SERIAL);
  int64_t begun = milliseconds();
  begin_turn(h, 1, "block 60");
  begin_turn(h, 2, "block 60");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(turn_finishes(h, 2, AP_OK));
  EXPECT(milliseconds() - begun >= 120);
  begin_turn(h, 3, "block 100");
  begin_turn(h, 4, "never begun");
  send_cancel(h, 4, AP_E_CANCELLED);
  EXPECT(turn_finishes(h, 4, AP_E_CANCELLED));
  EXPECT(says(h, 4, ""));
  EXPECT(host_stop(h));
}

/* ---- loading ---- */

static void bad_plugins_are_refused_with_a_reason(void) {
  struct { const char *name, *sentence; ap_status status; } cases[] = {
      {"NotELF", "cannot be loaded", AP_E_INVALID},
      {"EmptyFile", "cannot be loaded", AP_E_INVALID},
      {"MissingLibrary", "cannot be loaded", AP_E_INVALID},
      {"WrongArchitecture", "cannot be loaded", AP_E_INVALID},
      {"MissingSymbol", "does not export ap_plugin_entry_v1", AP_E_INVALID},
      {"OtherDraft", "Built against draft 2 of the plugin ABI, this host speaks draft 1: rebuild", AP_E_UNSUPPORTED},
      {"WrongStructSize", "struct_size 48, this host knows 56", AP_E_INVALID},
      {"EntryNull", "answered null", AP_E_UNAVAILABLE},
      {"NullCreate", "`create` of ap_plugin_r1 is null", AP_E_INVALID},
      {"NullCallBegin", "`call_begin` of the plugin's table \"ap.tools/1\" is null", AP_E_INVALID},
      {"WrongTableSize", "\"ap.tools/1\" says struct_size 32, this host knows 24", AP_E_INVALID},
      {"IdMismatch", "calls itself \"dev.agenthost.fixture.somebody-else\"", AP_E_INVALID},
      {"VersionMismatch", "version \"9.9.9\", its manifest says \"1.0.0\"", AP_E_INVALID},
      {"CreateFails", "failed with status -9", AP_E_FAILED},
      {"NullInstance", "stored no instance", AP_E_INVALID},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[1024], id[128];
    snprintf(path, sizeof path, "%s/bad/%s.agentplugin/lib%s.so", fixtures, cases[i].name, cases[i].name);
    snprintf(id, sizeof id, "dev.agenthost.fixture.bad-%s", cases[i].name);
    for (char *at = id; *at; at++) *at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
    host *h = host_start(worker);
    const received *loaded = load_with(h, path, id, "1.0.0", ALL_GRANTS, 0);
    EXPECT(loaded && loaded->message.status == cases[i].status && strstr(loaded->message.s[0].ptr, cases[i].sentence));
    if (loaded && !strstr(loaded->message.s[0].ptr, cases[i].sentence)) {
      printf("  %s: %d %s\n", cases[i].name, loaded->message.status, loaded->message.s[0].ptr);
    }
    begin_turn(h, 1, "anybody there?");
    EXPECT(finishes(h, 1, APR_TURN_FINISH, AP_E_UNAVAILABLE, NULL));
    EXPECT(host_stop(h));
  }
}

static void loading_twice_and_stopping_unloaded_are_harmless(void) {
  host *h = host_start(worker);
  EXPECT(host_stop(h));
  h = start_echo();
  const received *first = host_wait(h, NULL, APR_LOADED, 0, 0);
  load_with(h, "/nonexistent", "x", "1", "", 0);
  const received *second = host_wait(h, first, APR_LOADED, 0, 2000);
  EXPECT(second && second->message.status < 0);
  begin_turn(h, 1, "still here");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_stop(h));
}

/* ---- only workers ---- */

static void a_worker_dies_alone(void) {
  if (!worker) return;
  struct { const char *text; int signal, code; } cases[] = {{"crash", SIGABRT, 0}, {"segv", SIGSEGV, 0}, {"exit", 0, 0}};
  for (size_t i = 0; i < 3; i++) {
    host *h = start_echo();
    begin_turn(h, 1, cases[i].text);
    int status = host_wait_exit(h, 5000);
    EXPECT(cases[i].signal ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal
                           : WIFEXITED(status) && WEXITSTATUS(status) == cases[i].code);
    host_free(h);
  }
  const char *names[] = {"Truncated", "CrashesInConstructor", "CrashesInCreate", "ExitsInCreate"};
  for (size_t i = 0; i < 4; i++) {
    char path[1024], id[128];
    snprintf(path, sizeof path, "%s/bad/%s.agentplugin/lib%s.so", fixtures, names[i], names[i]);
    snprintf(id, sizeof id, "dev.agenthost.fixture.bad-%s", names[i]);
    for (char *at = id; *at; at++) *at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
    host *h = host_start(worker);
    apr_message load = {.op = APR_LOAD, .s = {text_of(path), text_of(id), text_of("1.0.0"), text_of("{}"), text_of("t")}};
    host_send(h, &load);
    int status = i ? host_wait_exit(h, 5000) : 0; /* a truncated library may be refused or crash */
    EXPECT(status != -1 && !host_wait(h, NULL, APR_LOADED, 0, 0) == (i > 0 || !host_wait(h, NULL, APR_LOADED, 0, 1000)));
    host_free(h);
  }
}

static void a_worker_ends_when_the_host_goes(void) {
  if (!worker) return;
  const char *busy[] = {"hang", "block 20000"};
  for (size_t i = 0; i < 2; i++) {
    host *h = start_echo();
    begin_turn(h, 1, busy[i]);
    usleep(20000);
    shutdown(h->fd, SHUT_RDWR);
    int status = host_wait_exit(h, 2000);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    host_free(h);
  }
}

static void a_worker_refuses_what_is_no_frame(void) {
  if (!worker) return;
  host *h = start_echo();
  uint8_t bytes[64];
  memset(bytes, 0xff, sizeof bytes);
  host_send_bytes(h, bytes, sizeof bytes);
  int status = host_wait_exit(h, 2000);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  host_free(h);
}

/* ---- frames ---- */

static void frames_survive_the_journey(void) {
  if (worker) return;
  apr_message m = {.op = 71, .status = -7, .item = 0xdeadbeef, .token = 1ull << 63 | 5, .number = -12345678901,
                   .s = {text_of("one"), {NULL, 0}, text_of("three")}};
  size_t size = apr_frame_size(&m);
  uint8_t *bytes = malloc(size);
  apr_frame_write(&m, bytes);
  apr_message out;
  for (size_t length = 0; length < size; length++) {
    uint8_t *part = malloc(length + !length); /* AddressSanitizer guards its end */
    memcpy(part, bytes, length);
    EXPECT(apr_frame_read(part, length, &out) == 0);
    free(part);
  }
  EXPECT(apr_frame_read(bytes, size, &out) == (int64_t)size);
  EXPECT(out.op == m.op && out.status == m.status && out.item == m.item && out.token == m.token && out.number == m.number);
  EXPECT(out.s[0].len == 3 && out.s[1].len == 0 && out.s[2].len == 5 && memcmp(out.s[2].ptr, "three", 5) == 0);
  EXPECT(out.s[5].len == 0 && out.s[5].ptr != NULL);
  EXPECT(apr_frame_size(&(apr_message){.op = 1}) == 29);
  free(bytes);
}

static void hostile_frames_are_refused(void) {
  if (worker) return;
  unsigned random = 42;
  size_t accepted = 0;
  for (int round = 0; round < 300000; round++) {
    size_t length = (size_t)rand_r(&random) % 96;
    uint8_t *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)rand_r(&random);
    if (length >= 29 && round % 2) { /* plausible: a length that fits, few strings */
      uint32_t size = (uint32_t)length - 4, text = (uint32_t)rand_r(&random) % 64;
      memcpy(bytes, &size, 4);
      bytes[28] = (uint8_t)(rand_r(&random) % 8);
      if (length >= 33) memcpy(bytes + 29, &text, 4);
      if (round % 4 == 1) bytes[28] = 1, text = (uint32_t)(length - 33), length >= 33 ? memcpy(bytes + 29, &text, 4) : NULL;
    }
    uint8_t *exact = malloc(length + !length);
    memcpy(exact, bytes, length);
    apr_message out;
    int64_t size = apr_frame_read(exact, length, &out);
    if (size > 0) {
      accepted++;
      EXPECT(size <= (int64_t)length);
      for (int i = 0; i < APR_MAX_STRINGS; i++) {
        const uint8_t *at = (const uint8_t *)out.s[i].ptr;
        EXPECT(out.s[i].len == 0 || (at >= exact && at + out.s[i].len <= exact + length));
      }
    }
    free(exact);
    free(bytes);
  }
  EXPECT(accepted > 10000);
  uint8_t large[4] = {0, 0, 0, 1}; /* 16 MiB */
  apr_message out;
  EXPECT(apr_frame_read(large, 4, &out) == -1);
}

/* ---- all ---- */

#define TEST(name) {#name, name}
static const struct { const char *name; void (*run)(void); } tests[] = {
    TEST(echo_streams_words_in_order_and_finishes_once),
    TEST(cancel_reaches_the_plugin_and_stops_text),
    TEST(refusals_and_double_finishes_count_once),
    TEST(broken_text_is_repaired_and_reported_once),
    TEST(credit_holds_a_fast_turn_back),
    TEST(workflows_config_and_logs_come_through),
    TEST(timers_are_limited_and_end_with_their_turn),
    TEST(a_lane_that_blocks_is_reported),
    TEST(a_revoked_turn_says_nothing_more),
    TEST(destroying_ends_what_is_open),
    TEST(services_ask_and_are_answered),
    TEST(requests_are_cancelled_with_their_turn),
    TEST(tools_answer_at_once_later_and_from_a_thread),
    TEST(the_counter_tries_again_after_a_conflict),
    TEST(the_model_calls_tools_and_tells_results),
    TEST(the_host_keeps_its_promises_to_a_probe),
    TEST(a_lane_that_never_rests_leaves_room_for_others),
    TEST(checking_a_handle_is_cheap),
    TEST(turns_used_by_many_threads_stay_whole),
    TEST(ten_thousand_turns_run_in_flat_memory),
    TEST(output_waits_for_a_host_that_does_not_read),
    TEST(one_lane_for_all_is_obeyed),
    TEST(bad_plugins_are_refused_with_a_reason),
    TEST(loading_twice_and_stopping_unloaded_are_harmless),
    TEST(a_worker_dies_alone),
    TEST(a_worker_ends_when_the_host_goes),
    TEST(a_worker_refuses_what_is_no_frame),
    TEST(frames_survive_the_journey),
    TEST(hostile_frames_are_refused),
};

static void run_all(void) {
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    if (only && strcmp(only, tests[i].name)) continue;
    failing = false;
    int64_t begun = milliseconds();
    tests[i].run();
    if (failing) failed++;
    else passed++;
    printf("%s %s (%s, %ld ms)\n", failing ? "FAILED" : "ok    ", tests[i].name, worker ? "worker" : "in process",
           (long)(milliseconds() - begun));
    fflush(stdout);
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
  worker_path = strcmp(argv[3], "-") ? argv[3] : NULL;
  only = argc > 4 ? argv[4] : NULL;
  run_all();
  if (worker_path) {
    worker = worker_path;
    run_all();
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
