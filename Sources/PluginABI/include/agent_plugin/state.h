/* state.h - ap.state/1: what a plugin has in memory is handed over to its next version. */
#ifndef AGENT_PLUGIN_STATE_H
#define AGENT_PLUGIN_STATE_H

#include "base.h"

#define AP_EXT_STATE "ap.state/1"

/* For what is dear to make again: a cache, counters, an open session elsewhere. It is a snapshot: what turns change in the
 * old version after `save` is lost, so what must not be lost belongs into `ap.host.kv/1`. After a crash there is nobody
 * to ask: the new version starts without. */
typedef struct ap_state_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Asks the version that is about to be replaced. AP_OK: the plugin will finish `call` with `ap.host.call/1` finish, now
   * or within 10 s, with AP_OK and its state: JSON, at most 4 MiB. If it fails, the new version starts without. [turn] */
  ap_status (*AP_NONNULL save)(ap_instance *AP_NONNULL self, ap_handle call);

  /* Gives the new version the state of the old one, as JSON, before it gets turns; `version` is the old one's. AP_OK: the
   * plugin will finish `call`, AP_OK if it has taken the state over or chosen to ignore it. If it fails, the old version
   * goes on. `state_json` is borrowed during the call.                                                       [turn] */
  ap_status (*AP_NONNULL load)(ap_instance *AP_NONNULL self, ap_handle call, ap_str version, ap_str state_json);
} ap_state_r1;
AP_FROZEN(ap_state_r1, 24);

#endif
