/* plugin.h - what every plugin exports. */
#ifndef AGENT_PLUGIN_PLUGIN_H
#define AGENT_PLUGIN_PLUGIN_H

#include "host.h"

/* Static data of the plugin; lives as long as the process. */
typedef struct ap_plugin_r1 {
  uint32_t struct_size; /* sizeof(ap_plugin_r1) */
  uint32_t abi_draft;   /* AP_ABI_DRAFT the plugin was compiled with */
  const char *AP_NONNULL id;      /* NUL-terminated, must equal `id` of the manifest */
  const char *AP_NONNULL version; /* NUL-terminated, must equal `version` of the manifest */

  /* Makes the instance.                                                                          [control] may block, 10 s
   * `config_json` is an object: the plugin's configuration (the operator's file <AGENTHOST_PLUGIN_CONFIG>/<id>.json, else {}),
   * valid during the call.
   * On AP_OK stores the instance, which then belongs to the plugin until `destroy`; on any other status stores nothing
   * and the plugin is refused: what it asked for in here is not called any more. Host functions may be called from here
   * on, but completions and work arrive only after create returned: do not wait for one inside create. */
  ap_status (*AP_NONNULL create)(const ap_host_r1 *AP_NONNULL host, ap_str config_json,
                                 ap_instance *AP_NULLABLE *AP_NONNULL out);

  /* No new work will come; finish what is open. Optional, may be null.                                     [control] */
  void (*AP_NULLABLE drain)(ap_instance *AP_NONNULL self);

  /* Nothing is open any more. Join your threads and free the instance before returning.          [control] may block, 10 s
   * The library stays mapped afterwards. */
  void (*AP_NONNULL destroy)(ap_instance *AP_NONNULL self);

  /* Looks up a table of the plugin by its id, e.g. AP_EXT_TOOLS. Null means: not offered. The table must live until
   * `destroy` returned. Optional, may be null if the plugin offers none.                                       [any] */
  const void *AP_NULLABLE (*AP_NULLABLE get_extension)(ap_instance *AP_NONNULL self, const char *AP_NONNULL id);
} ap_plugin_r1;
AP_FROZEN(ap_plugin_r1, 56);

/* The name of the entry function; the ABI's major is part of it. */
#define AP_ENTRY_SYMBOL "ap_plugin_entry_v1"

/* The entry. Must be idempotent and free of side effects: it may be called several times.                        [any]
 * Null refuses to be loaded. */
AP_EXPORT const ap_plugin_r1 *AP_NULLABLE ap_plugin_entry_v1(void);

#endif
