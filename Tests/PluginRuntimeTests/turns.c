/* turns.c - what a turn says, and how it ends. */
#include "tests.h"

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

static void workflows_config_and_logs_come_through(void) {
  host *h = start_echo();
  begin_turn(h, 1, "wf");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_count(h, APR_TURN_EMIT, 1) == 3);
  struct { const char *pointer, *value; } cases[] = {
      {"", CONFIG}, {"/name", "\"x\""}, {"/deep/a~1b/0", "1"},
      {"/deep/a~1b/1/t~0", "\"\\u00e4 \\\"q\\\"\""},
      {"/deep/a~1b/2", "true"}, {"/deep/a~1b/3", "error -11"}, {"/deep/a~1b/01", "error -11"},
      {"/nothing", "error -11"},
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

/* Starts a turn of kind "transcription" with this type of media: its handle is a call's. */
static void begin_transcription(host *h, uint64_t token, const char *type) {
  char input[256];
  snprintf(input, sizeof input, "[{\"audio_base64\":\"QUJD\",\"mime_type\":\"%s\"}]", type);
  apr_message begin = {
      .op = APR_TURN_BEGIN,
      .item = APR_TURN_AS_CALL,
      .token = token,
      .s = {text_of("kinds-c"), {0}, text_of("subject"), text_of("transcription"), text_of(input), text_of("{}")},
  };
  host_send(h, &begin);
}

static void a_turn_may_be_answered_as_a_call(void) {
  host *h = start("KindsC", "dev.agenthost.fixture.kinds-c", 0);
  begin_transcription(h, 1, "audio/webm");
  EXPECT(finishes(h, 1, APR_CALL_FINISH, AP_OK, "{\"text\":\"4 characters of speech\"}"));
  begin_transcription(h, 2, "video/mp4");
  EXPECT(finishes(h, 2, APR_CALL_FINISH, AP_E_UNSUPPORTED, NULL));
  EXPECT(host_count(h, APR_TURN_FINISH, ~0ull) == 0);
  host_stop(h);
  h = start_tools(); /* no agents there: refused in the same way */
  begin_transcription(h, 3, "audio/webm");
  EXPECT(finishes(h, 3, APR_CALL_FINISH, AP_E_UNSUPPORTED, NULL));
  EXPECT(host_stop(h));
}

static void new_kinds_are_known_and_others_are_not(void) {
  host *h = start("KindsC", "dev.agenthost.fixture.kinds-c", 0);
  begin_turn(h, 1, "all");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_count(h, APR_TURN_EMIT, 1) == 33); /* none was refused: the fixture would have stopped there */
  EXPECT(host_stop(h));
}

static void the_thread_is_read_through_its_service(void) {
  host *h = start("KindsC", "dev.agenthost.fixture.kinds-c", 0);
  begin_turn(h, 1, "items {\\\"limit\\\":2}");
  const received *request = host_wait(h, NULL, APR_SERVICE_REQUEST, ~0ull, 2000);
  EXPECT(request && strcmp(request->message.s[0].ptr, AP_HOST_THREAD) == 0);
  EXPECT(request && strcmp(request->message.s[1].ptr, "items") == 0 && request->message.number == 1);
  answer(h, request->message.token, AP_EV_END, AP_OK, "{\"data\":[]}");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "{\"data\":[]}"));
  EXPECT(host_stop(h));
}

const test turn_tests[] = {
    TEST(echo_streams_words_in_order_and_finishes_once),
    TEST(cancel_reaches_the_plugin_and_stops_text),
    TEST(refusals_and_double_finishes_count_once),
    TEST(broken_text_is_repaired_and_reported_once),
    TEST(workflows_config_and_logs_come_through),
    TEST(timers_are_limited_and_end_with_their_turn),
    TEST(a_revoked_turn_says_nothing_more),
    TEST(destroying_ends_what_is_open),
    TEST(a_turn_may_be_answered_as_a_call),
    TEST(new_kinds_are_known_and_others_are_not),
    TEST(the_thread_is_read_through_its_service),
    {NULL, NULL},
};
