/* tools.h - ap.tools/1: the plugin executes the tools of its manifest. */
#ifndef AGENT_PLUGIN_TOOLS_H
#define AGENT_PLUGIN_TOOLS_H

#include "base.h"

#define AP_EXT_TOOLS "ap.tools/1"

/* One call of a tool: the same whether it comes from a turn, from MCP or from the chat API. Borrowed during
 * `call_begin`. Fields that are not known are empty. */
typedef struct ap_call_request_r1 {
  uint32_t struct_size;
  uint32_t flags;   /* 0 */
  ap_str tool;      /* name in the manifest */
  ap_str args_json; /* object, already checked against the tool's input_schema */
  ap_str subject;   /* the person asking: opaque, stable for this plugin, meaningless elsewhere */
  ap_str thread_id;
  ap_str agent_id;
  ap_str locale;    /* BCP 47 tag */
  ap_time deadline;
} ap_call_request_r1;
AP_FROZEN(ap_call_request_r1, 112);

typedef struct ap_tools_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Starts a call. AP_OK: the plugin will finish `call` with `ap.host.call/1` finish, now or later. Otherwise the call
   * fails with that status.                                             [turn], or [blocking] if the manifest says so */
  ap_status (*AP_NONNULL call_begin)(ap_instance *AP_NONNULL self, ap_handle call,
                                     const ap_call_request_r1 *AP_NONNULL request);

  /* Nobody waits any more (AP_E_CANCELLED), time is up (AP_E_DEADLINE), or the call has passed a limit on all that it may do
   * (AP_E_LIMIT; docs/limits.md). Finish soon; the result is ignored. With mode "blocking" this may come while `call_begin`
   * still runs. Optional, may be null.                                                                          [turn] */
  void (*AP_NULLABLE call_cancel)(ap_instance *AP_NONNULL self, ap_handle call, ap_status why);
} ap_tools_r1;
AP_FROZEN(ap_tools_r1, 24);

#endif
