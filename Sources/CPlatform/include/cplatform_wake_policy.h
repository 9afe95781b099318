/* cplatform_wake_policy.h - whether a thread that serves others pushes aside what runs when it is woken (sched(7)).
 *
 * With little to do it does (SCHED_OTHER): otherwise whoever waits for it would wait for the end of a time slice of whatever else
 * computes, once for each thread on the way. With much to do it waits for its turn (SCHED_BATCH): more comes meanwhile, and one
 * round serves it all, which takes a third fewer thread switches (docs/performance.md). What it has to do is counted in
 * pieces of work for a second, not for a round: rounds are small because the thread is prompt. */
#ifndef CPLATFORM_WAKE_POLICY_H
#define CPLATFORM_WAKE_POLICY_H
#include "cplatform_load.h"

#include <sched.h>
#include <time.h>

enum {
  CPLATFORM_SCHED_BATCH = 3, /* <sched.h> has it for _GNU_SOURCE only, which modules are not compiled with */
  /* Pieces of work in a second: from so many on the thread is patient, below so many it is prompt again. */
  CPLATFORM_WAKE_MUCH = 4000,
  CPLATFORM_WAKE_LITTLE = 2000,
};

/* Of one thread, which began under SCHED_BATCH. All zero at first. Only that thread touches it. */
typedef struct cplatform_wake_policy {
  cplatform_load load;
  bool is_prompt;
} cplatform_wake_policy;

/* The calling thread has found so many pieces of work in this round. A failure changes nothing but the speed. */
static inline void cplatform_wake_policy_note(cplatform_wake_policy *policy, uint32_t found) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  int64_t now_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
  if (!cplatform_load_count(&policy->load, found, now_ms, CPLATFORM_WAKE_LITTLE, CPLATFORM_WAKE_MUCH)) return;
  if (policy->is_prompt == !policy->load.is_high) return;
  policy->is_prompt = !policy->load.is_high;
  struct sched_param none = {0};
  sched_setscheduler(0, policy->is_prompt ? SCHED_OTHER : CPLATFORM_SCHED_BATCH, &none);
}

#endif
