/* call.h - ap.host.call/1: how a tool or a model answers. */
#ifndef AGENT_PLUGIN_CALL_H
#define AGENT_PLUGIN_CALL_H

#include "host.h"

#define AP_HOST_CALL "ap.host.call/1"

typedef struct ap_host_call_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* News while the call runs. For tools: {"text"?: "...", "icon"?: "..."}; for models see model.h. At most 1 MiB. Answers as
   * `text` of ap.host.turn/1; after AP_W_SLOW pause for a moment, nobody tells a call when to go on.           [any] */
  ap_status (*AP_NONNULL progress)(const ap_host_r1 *AP_NONNULL host, ap_handle call, ap_str json);

  /* Ends the call, exactly once (a second time is logged as a fault: where `call_cancel` may have been faster, ask `state`). AP_OK: `result` is JSON (at most 4 MiB). Negative: `result` is text, for tools with
   * AP_E_FAILED a text that the model reads.                                                                   [any] */
  ap_status (*AP_NONNULL finish)(const ap_host_r1 *AP_NONNULL host, ap_handle call, ap_status status, ap_str result);

  /* AP_OK while the call is wanted, AP_E_CANCELLED, AP_E_DEADLINE, AP_E_LIMIT (it has passed a limit on all that a call may
   * do) or AP_E_GONE.                                                                                          [any] */
  ap_status (*AP_NONNULL state)(const ap_host_r1 *AP_NONNULL host, ap_handle call);
} ap_host_call_r1;
AP_FROZEN(ap_host_call_r1, 32);

#endif
