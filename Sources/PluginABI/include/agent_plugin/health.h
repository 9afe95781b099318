/* health.h - ap.health/1: the plugin says whether it is well, before it gets its first turn. */
#ifndef AGENT_PLUGIN_HEALTH_H
#define AGENT_PLUGIN_HEALTH_H

#include "base.h"

#define AP_EXT_HEALTH "ap.health/1"

typedef struct ap_health_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Called once after `create`, before a new version takes over: look whether everything you need is there (files, a
   * service, a licence). AP_OK: the plugin will finish `call` with `ap.host.call/1` finish, now or within 10 s: AP_OK if
   * it is well, else a status and a sentence. If it is not, the version before goes on, and the operator reads the
   * sentence.                                                                                                 [turn] */
  ap_status (*AP_NONNULL check)(ap_instance *AP_NONNULL self, ap_handle call);
} ap_health_r1;
AP_FROZEN(ap_health_r1, 16);

#endif
