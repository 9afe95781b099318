/* hooks.h - ap.agent-hooks/1: the plugin has a say in the turns of its declarative agents. Optional; which agents call which hooks is
 * said in the manifest ("hooks"). docs/hooks.md says what comes and what may be answered at each point. */
#ifndef AGENT_PLUGIN_HOOKS_H
#define AGENT_PLUGIN_HOOKS_H

#include "base.h"

#define AP_EXT_AGENT_HOOKS "ap.agent-hooks/1"

/* Where a turn is. Borrowed during `hook_begin`. */
typedef struct ap_hook_request_r1 {
  uint32_t struct_size;
  uint32_t flags;   /* 0 */
  ap_str agent_id;  /* one of the manifest's declarative agents */
  ap_str point;     /* instructions | before_model | after_model | before_tool | after_tool. Answer what you do not know with
                       AP_OK and null */
  ap_str json;      /* what there is at this point: an object */
  ap_str subject;   /* the person: opaque, stable for this plugin, meaningless elsewhere */
  ap_str thread_id;
  ap_str locale;
  ap_time deadline; /* at most 5 s away */
} ap_hook_request_r1;
AP_FROZEN(ap_hook_request_r1, 112);

typedef struct ap_agent_hooks_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* The turn has come to this point and waits. AP_OK: the plugin will finish `call` with `ap.host.call/1` finish: AP_OK and
   * an object that says what changes, or null for nothing; else a status and a sentence for the log.        [turn] */
  ap_status (*AP_NONNULL hook_begin)(ap_instance *AP_NONNULL self, ap_handle call,
                                     const ap_hook_request_r1 *AP_NONNULL request);

  /* Nobody waits any more (AP_E_CANCELLED), or time is up (AP_E_DEADLINE). Finish soon. Optional, may be null. [turn] */
  void (*AP_NULLABLE hook_cancel)(ap_instance *AP_NONNULL self, ap_handle call, ap_status why);
} ap_agent_hooks_r1;
AP_FROZEN(ap_agent_hooks_r1, 24);

#endif
