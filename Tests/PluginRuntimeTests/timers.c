/* timers.c - timers keep time and order, whoever looks at them, and what is said on lanes does not wait for other lanes. */
#include "tests.h"

#include <unistd.h>

static void timers_fire_in_order_and_never_early(void) {
  host *h = start_probe();
  for (uint64_t token = 1; token <= 20; token++) begin_turn(h, token, "timers");
  for (uint64_t token = 1; token <= 20; token++) EXPECT(turn_finishes(h, token, AP_OK));
  EXPECT(host_stop(h));
}

static void a_timer_does_not_wait_for_a_later_one(void) {
  host *h = start_probe();
  begin_turn(h, 1, "timer 60000");
  for (uint64_t token = 2; token < 20; token++) {
    usleep(2000); /* all lane threads sleep again */
    begin_turn(h, token, token % 2 ? "timer 3" : "pool-timer 3"); /* from a lane, and from elsewhere */
    EXPECT(turn_finishes(h, token, AP_OK));
  }
  EXPECT(host_stop(h));
}

static void timers_are_kept_while_a_lane_hangs_in_process(void) {
  if (worker) return; /* one thread runs all lanes there */
  host *h = start_probe();
  for (uint64_t token = 1; token < 100; token++) probe_test(h, token, "instance"); /* functions are short so far */
  begin_turn(h, 100, "timer 20");
  begin_turn(h, 101, "doze");
  int64_t begun = milliseconds();
  EXPECT(turn_finishes(h, 100, AP_OK));
  for (uint64_t token = 102; token < 110; token++) { /* meanwhile, the other thread goes to sleep and comes back */
    begin_turn(h, token, token % 2 ? "timer 5" : "pool-timer 5");
    EXPECT(turn_finishes(h, token, AP_OK));
  }
  EXPECT(milliseconds() - begun < 900);
  EXPECT(turn_finishes(h, 101, AP_OK));
  EXPECT(host_stop(h));
}

static void what_many_lanes_say_comes_together_in_process(void) {
  if (worker) return;
  host *h = start_echo();
  begin_turn(h, 1, "block 40");
  begin_turn(h, 2, "block 40");
  for (uint64_t token = 10; token < 60; token++) begin_turn(h, token, "word");
  EXPECT(host_wait_finished(h, 52, 5000));
  EXPECT(h->most_at_once > 3); /* alone, each says three things: the word, the item's end, the turn's */
  for (uint64_t token = 10; token < 60; token++) EXPECT(says(h, token, "word") && turn_finishes(h, token, AP_OK));
  EXPECT(host_stop(h));
}

static void what_one_lane_has_said_does_not_wait_for_another(void) {
  if (worker) return;
  host *h = start_probe();
  for (uint64_t token = 1; token < 100; token++) probe_test(h, token, "instance");
  bool early = false;
  const received *stall = NULL;
  for (uint64_t token = 100; token < 103; token++) {
    begin_turn(h, token, "say-before-others-doze");
    EXPECT(turn_finishes(h, token, AP_OK));
    /* Before the other lane's function was reported, at 250 ms: in one round at least, on a busy machine. */
    if (!host_wait(h, stall, APR_STALL, 0, 0)) early = true;
    stall = host_wait(h, host_wait(h, stall, APR_STALL, 0, 5000), APR_STALL, 0, 5000); /* it has returned */
    EXPECT(stall);
  }
  EXPECT(early);
  EXPECT(host_stop(h));
}

const test timer_tests[] = {
    TEST(timers_fire_in_order_and_never_early),
    TEST(a_timer_does_not_wait_for_a_later_one),
    TEST(timers_are_kept_while_a_lane_hangs_in_process),
    TEST(what_many_lanes_say_comes_together_in_process),
    TEST(what_one_lane_has_said_does_not_wait_for_another),
    {NULL, NULL},
};
