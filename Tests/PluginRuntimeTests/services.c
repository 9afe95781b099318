/* services.c - requests to the host, tools and models. */
#include "tests.h"

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
  EXPECT(host_wait(h, NULL, APR_LOADED, 0, 0)->message.item == (APR_HAS_TOOLS | APR_HAS_MODEL | APR_HAS_HOOKS));
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
  answer(h, r->message.token, AP_EV_END, AP_OK,
         "{\"entries\":[{\"key\":\"counter\",\"value\":41,\"version\":\"v\\\"9\"}]}");
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
      {"[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"tool\",\"content\":\"{\\\"sum\\\":3}\"}]",
       "{\"text\":\"Tool \"}", "{\"finish_reason\":\"stop\"}"},
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

const test service_tests[] = {
    TEST(services_ask_and_are_answered),
    TEST(requests_are_cancelled_with_their_turn),
    TEST(tools_answer_at_once_later_and_from_a_thread),
    TEST(the_counter_tries_again_after_a_conflict),
    TEST(the_model_calls_tools_and_tells_results),
    {NULL, NULL},
};
