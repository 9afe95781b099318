/* exec.h - ap.host.exec/1: time and threads. */
#ifndef AGENT_PLUGIN_EXEC_H
#define AGENT_PLUGIN_EXEC_H

#include "host.h"

#define AP_HOST_EXEC "ap.host.exec/1"

/* Answers of `lane`, as bits; 0 on a thread of the plugin's own. */
#define AP_LANE_CONTROL 1u
#define AP_LANE_TURN 2u
#define AP_LANE_BLOCKING 4u

/* `scope` is a turn, a call or 0 (the instance). Timers and requests of a scope end with AP_E_CANCELLED when it is finished, not
 * yet when it is cancelled. On the blocking pool their events do not arrive where you are: they come on the lane of `scope`, also
 * while a blocking function runs (agent_plugin_blocking.h waits for them). */
typedef struct ap_host_exec_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* The monotonic clock that deadlines are measured by.                                                        [any] */
  ap_time (*AP_NONNULL now)(const ap_host_r1 *AP_NONNULL host);

  /* Which lane the calling thread is on.                                                                       [any] */
  uint32_t (*AP_NONNULL lane)(const ap_host_r1 *AP_NONNULL host);

  /* Calls `fn` once with AP_EV_END and AP_OK after `ms` milliseconds (0 and more), on the lane of `scope`. `out`, if not
   * null, receives a handle for `cancel`. At most 64 timers for each scope (docs/limits.md), else AP_E_LIMIT.  [any] */
  ap_status (*AP_NONNULL after)(const ap_host_r1 *AP_NONNULL host, ap_handle scope, int64_t ms, ap_event_fn AP_NONNULL fn,
                                void *AP_NULLABLE user, ap_handle *AP_NULLABLE out);

  /* Calls `fn` soon on the lane of `scope`. If it was accepted it is called, also when the scope has ended.     [any] */
  ap_status (*AP_NONNULL post)(const ap_host_r1 *AP_NONNULL host, ap_handle scope, ap_work_fn AP_NONNULL fn,
                               void *AP_NULLABLE user);

  /* Calls `fn` soon on the blocking pool. If it was accepted it is called, also when the scope has ended.       [any] */
  ap_status (*AP_NONNULL run_blocking)(const ap_host_r1 *AP_NONNULL host, ap_handle scope, ap_work_fn AP_NONNULL fn,
                                       void *AP_NULLABLE user);

  /* Cancels a timer or request: its AP_EV_END still arrives, with AP_E_CANCELLED unless it had ended already.   [any] */
  ap_status (*AP_NONNULL cancel)(const ap_host_r1 *AP_NONNULL host, ap_handle request);
} ap_host_exec_r1;
AP_FROZEN(ap_host_exec_r1, 56);

#endif
