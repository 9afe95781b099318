/* limits.c - what APR_LIMIT sets is kept, at the limit and one beyond; what the counters say. */
#include "tests.h"

#include <unistd.h>

static void set_limit(host *h, uint32_t limit, int64_t value) {
  host_send(h, &(apr_message){.op = APR_LIMIT, .item = limit, .number = value});
}

/* A turn of EchoC with a limit of its own. Requests are answered. */
static host *limited(uint32_t limit, int64_t value) {
  host *h = start_echo();
  h->answer = true;
  set_limit(h, limit, value);
  return h;
}

/* The value that the last counter of this kind has after a ping; -1 if there was none. */
static int64_t meter(host *h, uint32_t item) {
  const received *last = NULL;
  for (const received *r; (r = host_wait(h, last, APR_PONG, 0, 0));) last = r;
  host_send(h, &(apr_message){.op = APR_PING});
  const received *pong = host_wait(h, last, APR_PONG, 0, 2000);
  EXPECT(pong);
  int64_t value = -1;
  for (const received *r = last; (r = host_wait(h, r, APR_METER, 0, 0));) {
    if (r->message.item == item) value = r->message.number;
  }
  return value;
}

static int refused_by(const received *finish) { return finish ? (int)(finish->message.item >> 24) : -1; }

static const received *end_of(host *h, uint64_t token) { return host_wait(h, NULL, APR_TURN_FINISH, token, 10000); }

static void timers_of_a_turn(void) {
  host *h = limited(APR_LIMIT_TURN_TIMERS, 3);
  begin_turn(h, 1, "timers 3");
  EXPECT(turn_finishes(h, 1, AP_OK) && says(h, 1, "3"));
  EXPECT(refused_by(end_of(h, 1)) == 0 && (end_of(h, 1)->message.item & 0xffffff) == 3);
  begin_turn(h, 2, "timers 4");
  EXPECT(turn_finishes(h, 2, AP_OK) && says(h, 2, "3"));
  EXPECT(refused_by(end_of(h, 2)) == APR_LIMIT_TURN_TIMERS);
  begin_turn(h, 3, "greedy");
  EXPECT(turn_finishes(h, 3, AP_E_LIMIT));
  EXPECT(refused_by(end_of(h, 3)) == APR_LIMIT_TURN_TIMERS);
  EXPECT(host_count(h, APR_OVER, ~0ull) == 0);
  EXPECT(meter(h, APR_METER_REFUSED + APR_LIMIT_TURN_TIMERS) == 2);
  EXPECT(meter(h, APR_METER_TIMERS_STARTED) == 9 && meter(h, APR_METER_TIMERS) == 0);
  EXPECT(meter(h, APR_METER_REFUSED + APR_LIMIT_OPEN_REQUESTS) == -1);
  EXPECT(host_stop(h));
}

static void open_requests(void) {
  host *h = start_echo();
  set_limit(h, APR_LIMIT_TURN_OPEN_REQUESTS, 3);
  begin_turn(h, 1, "ask 4");
  const received *request = NULL;
  for (int i = 0; i < 3; i++) EXPECT((request = host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 2000)));
  EXPECT(!host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 50));
  set_limit(h, APR_LIMIT_OPEN_REQUESTS, 5);
  begin_turn(h, 2, "ask 3");
  for (int i = 0; i < 2; i++) EXPECT((request = host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 2000)));
  EXPECT(!host_wait(h, request, APR_SERVICE_REQUEST, ~0ull, 50));
  for (const received *r = NULL; (r = host_wait(h, r, APR_SERVICE_REQUEST, ~0ull, 0));) {
    answer(h, r->message.token, AP_EV_END, AP_OK, "{}");
  }
  EXPECT(turn_finishes(h, 1, AP_OK) && says(h, 1, "3"));
  EXPECT(turn_finishes(h, 2, AP_OK) && says(h, 2, "2"));
  EXPECT(refused_by(end_of(h, 1)) == APR_LIMIT_TURN_OPEN_REQUESTS);
  EXPECT(refused_by(end_of(h, 2)) == APR_LIMIT_OPEN_REQUESTS);
  EXPECT(host_stop(h));
}

static void requests_of_a_turn(void) {
  host *h = limited(APR_LIMIT_TURN_REQUESTS, 5);
  begin_turn(h, 1, "chain 5");
  EXPECT(turn_finishes(h, 1, AP_OK) && says(h, 1, "chained"));
  begin_turn(h, 2, "chain 6");
  const received *over = host_wait(h, NULL, APR_OVER, 2, 2000);
  EXPECT(over && over->message.item == APR_LIMIT_TURN_REQUESTS);
  EXPECT(turn_finishes(h, 2, AP_E_LIMIT));
  EXPECT(host_count(h, APR_OVER, ~0ull) == 1);
  set_limit(h, APR_LIMIT_TURN_REQUESTS, 0); /* none */
  begin_turn(h, 3, "chain 300");
  EXPECT(turn_finishes(h, 3, AP_OK));
  EXPECT(host_stop(h));
}

static void requests_per_second(void) {
  host *h = limited(APR_LIMIT_REQUESTS_PER_SECOND, 50);
  /* Two seconds may meet in the middle of it. */
  begin_turn(h, 1, "ask 50");
  EXPECT(turn_finishes(h, 1, AP_OK) && says(h, 1, "50"));
  int64_t begun = milliseconds();
  for (uint64_t token = 2; token < 5; token++) {
    begin_turn(h, token, "ask 60");
    EXPECT(turn_finishes(h, token, AP_OK));
  }
  if (milliseconds() / 1000 - begun / 1000 < 2) EXPECT(meter(h, APR_METER_REFUSED + APR_LIMIT_REQUESTS_PER_SECOND) > 0);
  EXPECT(host_count(h, APR_OVER, ~0ull) == 0);
  EXPECT(host_stop(h));
}

/* Gives credit for all that a turn says. */
static void read_all(host *h, uint64_t token) {
  for (int i = 0; i < 1000 && !host_wait(h, NULL, APR_TURN_FINISH, token, 10); i++) {
    host_send(h, &(apr_message){.op = APR_CREDIT, .token = token, .number = 256 * 1024});
  }
}

static void bytes_of_a_turn(void) {
  host *h = limited(APR_LIMIT_TURN_BYTES, 64 * 16 * 1024);
  begin_turn(h, 1, "flood 64");
  read_all(h, 1);
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_count(h, APR_TURN_TEXT, 1) == 64 && host_count(h, APR_OVER, ~0ull) == 0);
  begin_turn(h, 2, "flood 65");
  read_all(h, 2);
  const received *over = host_wait(h, NULL, APR_OVER, 2, 2000);
  EXPECT(over && over->message.item == APR_LIMIT_TURN_BYTES);
  EXPECT(turn_finishes(h, 2, AP_E_LIMIT));
  EXPECT(host_count(h, APR_TURN_TEXT, 2) == 64);
  set_limit(h, APR_LIMIT_TURN_BYTES, 0); /* none */
  begin_turn(h, 3, "flood 65");
  read_all(h, 3);
  EXPECT(turn_finishes(h, 3, AP_OK));
  EXPECT(host_stop(h));
}

static void lane_time_of_a_turn(void) {
  host *h = limited(APR_LIMIT_TURN_LANE_MS, 1000);
  begin_turn(h, 1, "spin 3 10");
  EXPECT(turn_finishes(h, 1, AP_OK));
  const received *end = end_of(h, 1);
  EXPECT(end && end->message.number >= 30000);
  begin_turn(h, 2, "spin 1000 10");
  const received *over = host_wait(h, NULL, APR_OVER, 2, 5000);
  EXPECT(over && over->message.item == APR_LIMIT_TURN_LANE_MS);
  EXPECT(turn_finishes(h, 2, AP_E_LIMIT));
  EXPECT(end_of(h, 2)->message.number >= 1000000);
  EXPECT(meter(h, APR_METER_LANE_US) >= 1030000);
  EXPECT(host_stop(h));
}

/* In process another thread takes over; a worker has only one, and tells. */
static void a_function_that_does_not_return(void) {
  host *h = limited(APR_LIMIT_LANE_MS, 400);
  begin_turn(h, 1, "block 10");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_count(h, APR_STUCK, ~0ull) == 0);
  char path[64], text[80];
  snprintf(path, sizeof path, "/tmp/limits-%d-%d", (int)getpid(), worker != NULL);
  snprintf(text, sizeof text, "await %s", path);
  for (uint64_t token = 11; token < 15; token++) begin_turn(h, token, text);
  for (uint64_t token = 11; token < 15; token++) {
    const received *stuck = host_wait(h, NULL, APR_STUCK, token, 10000);
    EXPECT(stuck && stuck->message.item == 1 && stuck->message.number >= 400);
    if (worker) break; /* the others wait for it */
  }
  if (!worker) {
    begin_turn(h, 2, "goes on");
    EXPECT(host_wait(h, NULL, APR_TURN_FINISH, 2, 10000));
    EXPECT(host_count(h, APR_STUCK, ~0ull) == 4 && meter(h, APR_METER_STUCK) == 4);
  }
  FILE *file = fopen(path, "w");
  EXPECT(file && fclose(file) == 0);
  for (uint64_t token = 11; token < 15; token++) {
    EXPECT(turn_finishes(h, token, AP_OK));
    const received *stuck = host_wait(h, NULL, APR_STUCK, token, worker ? 0 : 10000);
    if (worker && token > 11) continue; /* it found the file */
    const received *back = host_wait(h, stuck, APR_STUCK, token, 10000);
    EXPECT(back && back->message.item == 0 && back->message.number >= 400);
  }
  EXPECT(meter(h, APR_METER_STUCK) == 0);
  EXPECT(meter(h, APR_METER_REFUSED + APR_LIMIT_LANE_MS) == (worker ? 1 : 4));
  unlink(path);
  EXPECT(host_stop(h));
}

/* More functions than there are spare threads: those that are there must be enough, and are in the end. */
static void functions_that_do_not_return_without_end(void) {
  if (worker) return;
  host *h = limited(APR_LIMIT_LANE_MS, 10);
  for (uint64_t token = 1; token <= 40; token++) begin_turn(h, token, "block 300");
  for (uint64_t token = 1; token <= 40; token++) EXPECT(turn_finishes(h, token, AP_OK));
  for (int i = 0; i < 500 && meter(h, APR_METER_STUCK) > 0; i++) usleep(10000); /* they return after they have finished */
  EXPECT(meter(h, APR_METER_STUCK) == 0);
  EXPECT(host_stop(h));
}

static void what_is_no_limit_changes_nothing(void) {
  host *h = limited(APR_LIMIT_TURN_TIMERS, 3);
  set_limit(h, APR_LIMIT_TURN_TIMERS, 0);
  set_limit(h, APR_LIMIT_TURN_TIMERS, -1);
  set_limit(h, 0, 1);
  set_limit(h, APR_LIMITS, 1);
  set_limit(h, ~0u, 1);
  set_limit(h, APR_LIMIT_LANE_MS, INT64_MAX);
  set_limit(h, APR_LIMIT_TURN_BYTES, INT64_MAX);
  set_limit(h, APR_LIMIT_TURN_LANE_MS, INT64_MIN);
  set_limit(h, APR_LIMIT_TURN_OPEN_REQUESTS, INT64_MAX);
  begin_turn(h, 1, "timers 4");
  EXPECT(turn_finishes(h, 1, AP_OK) && says(h, 1, "3"));
  begin_turn(h, 2, "ask 1025"); /* as many as a turn may ever have */
  EXPECT(turn_finishes(h, 2, AP_OK));
  EXPECT(host_stop(h));
}

static void the_time_of_threads(void) {
  host *h = start_echo();
  begin_turn(h, 1, "hello");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(worker ? meter(h, APR_METER_CPU_US) == -1 : meter(h, APR_METER_CPU_US) > 0);
  EXPECT(host_stop(h));
}

const test limit_tests[] = {
    TEST(timers_of_a_turn),
    TEST(open_requests),
    TEST(requests_of_a_turn),
    TEST(requests_per_second),
    TEST(bytes_of_a_turn),
    TEST(lane_time_of_a_turn),
    TEST(a_function_that_does_not_return),
    TEST(functions_that_do_not_return_without_end),
    TEST(what_is_no_limit_changes_nothing),
    TEST(the_time_of_threads),
    {NULL, NULL},
};
