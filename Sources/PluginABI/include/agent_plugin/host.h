/* host.h - what a plugin gets to know of its host. */
#ifndef AGENT_PLUGIN_HOST_H
#define AGENT_PLUGIN_HOST_H

#include "base.h"

/* One for each instance. Owned by the host, valid from the call of `create` until `destroy` has returned. */
typedef struct ap_host_r1 {
  uint32_t struct_size; /* sizeof(ap_host_r1) */
  uint32_t abi_draft;   /* AP_ABI_DRAFT of the host */
  const char *AP_NONNULL name;    /* NUL-terminated, for logs: "AgentHost" */
  const char *AP_NONNULL version; /* NUL-terminated */
  void *AP_NULLABLE host_data;    /* the host's own; not for the plugin */

  /* Looks up a table of the host by its id, e.g. AP_HOST_LOG. The table lives as long as this struct.            [any]
   * Null means: not offered by this host, or not granted to this plugin (listed in neither `requires` nor `uses` of the
   * manifest). */
  const void *AP_NULLABLE (*AP_NONNULL get_extension)(const struct ap_host_r1 *AP_NONNULL host,
                                                      const char *AP_NONNULL id);
} ap_host_r1;
AP_FROZEN(ap_host_r1, 40);

#endif
