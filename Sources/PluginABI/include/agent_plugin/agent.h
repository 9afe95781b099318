/* agent.h - ap.agent/1: the plugin answers turns itself. Declarative agents need none of this. */
#ifndef AGENT_PLUGIN_AGENT_H
#define AGENT_PLUGIN_AGENT_H

#include "base.h"

#define AP_EXT_AGENT "ap.agent/1"

/* What there is to answer. Borrowed during `turn_begin`. */
typedef struct ap_turn_request_r1 {
  uint32_t struct_size;
  uint32_t flags;      /* 0 */
  ap_str agent_id;     /* one of the manifest's coded agents */
  ap_str thread_id;
  ap_str subject;      /* the person: opaque, stable for this plugin, meaningless elsewhere */
  ap_str kind;         /* user_message | retry | client_tool_output | structured_input; and, where the manifest's "accepts"
                          lists them, action | sync_action | feedback | transcription. Refuse unknown ones with
                          AP_E_UNSUPPORTED. `turn` of a transcription is a call: finish it with ap.host.call/1,
                          {"text": "..."} */
  ap_str input_json;   /* array of the items that caused the turn, in ChatKit shape; for the kinds that no item causes see
                          docs/plugin-abi.md */
  ap_str context_json; /* object: "items" (recent items of the thread, oldest first), "locale", "model", "tool_choice",
                          "metadata", "trace_id"; each may be absent */
  ap_time deadline;
} ap_turn_request_r1;
AP_FROZEN(ap_turn_request_r1, 112);

typedef struct ap_agent_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Starts a turn. AP_OK: the plugin will finish `turn` with `ap.host.turn/1` finish. Otherwise the turn fails with that
   * status.                                                             [turn], or [blocking] if the manifest says so */
  ap_status (*AP_NONNULL turn_begin)(ap_instance *AP_NONNULL self, ap_handle turn,
                                     const ap_turn_request_r1 *AP_NONNULL request);

  /* The client left, pressed stop (AP_E_CANCELLED), time is up (AP_E_DEADLINE), or the turn has passed a limit on all that it
   * may do (AP_E_LIMIT; docs/limits.md). Finish soon: after 10 s the handle goes stale. With mode "blocking" this may come
   * while `turn_begin` still runs. Timers and requests of the turn go on until it is finished: finish it here, and they
   * end with AP_E_CANCELLED; or cancel them (ap.host.exec/1) and finish in their AP_EV_END.                     [turn] */
  void (*AP_NONNULL turn_cancel)(ap_instance *AP_NONNULL self, ap_handle turn, ap_status why);

  /* An emission answered AP_W_SLOW and the client has caught up. May come before an emission that another thread makes
   * has returned its AP_W_SLOW. Optional, may be null.                                                         [turn] */
  void (*AP_NULLABLE turn_writable)(ap_instance *AP_NONNULL self, ap_handle turn);
} ap_agent_r1;
AP_FROZEN(ap_agent_r1, 32);

#endif
