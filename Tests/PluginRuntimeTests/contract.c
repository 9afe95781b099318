/* contract.c - the promises of the ABI, tried from the inside by probe.c. */
#include "tests.h"

#include <unistd.h>

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

const test contract_tests[] = {
    TEST(the_host_keeps_its_promises_to_a_probe),
    TEST(turns_used_by_many_threads_stay_whole),
    {NULL, NULL},
};
