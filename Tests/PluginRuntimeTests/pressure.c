/* pressure.c - fairness, back pressure, limits and memory when there is much to do. */
#include "tests.h"

#include <unistd.h>

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

static void a_lane_that_blocks_is_reported(void) {
  host *h = start_echo();
  begin_turn(h, 1, "block 40");
  const received *stall = host_wait(h, NULL, APR_STALL, 1, 2000);
  EXPECT(stall && stall->message.number >= 40);
  begin_turn(h, 2, "block 400");
  stall = host_wait(h, NULL, APR_STALL, 2, 390);
  EXPECT(stall && stall->message.number >= 250 && stall->message.number < 400);
  EXPECT(host_wait(h, stall, APR_STALL, 2, 2000));
  EXPECT(host_stop(h));
}

static void a_burst_on_a_lane_comes_at_once(void) {
  host *h = start_echo();
  begin_turn(h, 1, "one two three four five");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "one two three four five"));
  if (h->in_process) EXPECT(h->most_at_once == 7); /* five words, the item's end, the turn's */
  EXPECT(host_stop(h));
}

static void what_was_said_before_a_stall_does_not_wait_for_its_end(void) {
  host *h = start_probe();
  begin_turn(h, 1, "say-and-doze");
  int64_t begun = milliseconds();
  EXPECT(host_wait(h, host_wait(h, NULL, APR_TURN_TEXT, 1, 900), APR_TURN_TEXT, 1, 900));
  EXPECT(milliseconds() - begun < 900 && says(h, 1, "before long "));
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(says(h, 1, "before long after"));
  EXPECT(host_stop(h));
}

static void a_lane_that_hangs_does_not_hold_up_others_in_process(void) {
  if (worker) return; /* one thread runs all lanes there */
  host *h = start_probe();
  for (uint64_t token = 1; token < 100; token++) probe_test(h, token, "instance"); /* functions are short so far */
  begin_turn(h, 100, "doze");
  begin_turn(h, 101, "instance");
  int64_t begun = milliseconds();
  EXPECT(turn_finishes(h, 101, AP_OK));
  EXPECT(milliseconds() - begun < 500);
  EXPECT(turn_finishes(h, 100, AP_OK));
  EXPECT(host_stop(h));
}

static void the_pool_is_heard_while_a_lane_hangs(void) {
  host *h = start_probe();
  begin_turn(h, 1, "chatter"); /* a word each 20 ms, from the pool */
  EXPECT(host_wait(h, NULL, APR_TURN_TEXT, 1, 2000));
  begin_turn(h, 2, "doze"); /* a second on the lane */
  EXPECT(host_wait(h, NULL, APR_STALL, 2, 900));
  size_t heard = host_count(h, APR_TURN_TEXT, 1);
  EXPECT(!host_wait(h, NULL, APR_TURN_FINISH, 2, 400));
  EXPECT(host_count(h, APR_TURN_TEXT, 1) > heard + 5);
  send_cancel(h, 1, AP_E_CANCELLED);
  EXPECT(turn_finishes(h, 1, AP_E_CANCELLED));
  EXPECT(turn_finishes(h, 2, AP_OK));
  EXPECT(host_stop(h));
}

static void turns_beyond_ten_thousand_are_refused(void) {
  host *h = start_echo();
  const uint64_t most = 10000;
  for (uint64_t token = 1; token <= most; token++) begin_turn(h, token, "hang");
  begin_turn(h, most + 1, "hang");
  EXPECT(turn_finishes(h, most + 1, AP_E_LIMIT));
  begin_call(h, most + 2, "add", "{}", true);
  EXPECT(finishes(h, most + 2, APR_CALL_FINISH, AP_E_LIMIT, NULL));
  host_send(h, &(apr_message){.op = APR_REVOKE, .token = 7});
  begin_turn(h, most + 3, "fits again");
  EXPECT(turn_finishes(h, most + 3, AP_OK));
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

const test pressure_tests[] = {
    TEST(credit_holds_a_fast_turn_back),
    TEST(a_lane_that_blocks_is_reported),
    TEST(a_burst_on_a_lane_comes_at_once),
    TEST(what_was_said_before_a_stall_does_not_wait_for_its_end),
    TEST(a_lane_that_hangs_does_not_hold_up_others_in_process),
    TEST(the_pool_is_heard_while_a_lane_hangs),
    TEST(turns_beyond_ten_thousand_are_refused),
    TEST(a_lane_that_never_rests_leaves_room_for_others),
    TEST(checking_a_handle_is_cheap),
    TEST(ten_thousand_turns_run_in_flat_memory),
    TEST(output_waits_for_a_host_that_does_not_read),
    TEST(one_lane_for_all_is_obeyed),
    {NULL, NULL},
};
