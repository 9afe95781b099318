/* config.h - configuration: a snapshot at create, and (optionally) the news that it changed. */
#ifndef AGENT_PLUGIN_CONFIG_H
#define AGENT_PLUGIN_CONFIG_H

#include "host.h"

/* ---- offered by plugins ---- */
#define AP_EXT_CONFIG "ap.config/1"

typedef struct ap_config_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* The configuration is now `config_json` (an object). AP_OK: applied. Otherwise the host keeps the old one and loads the
   * plugin anew when it can.                                                                                [control] */
  ap_status (*AP_NONNULL changed)(ap_instance *AP_NONNULL self, ap_str config_json);
} ap_config_r1;
AP_FROZEN(ap_config_r1, 16);

/* ---- offered by the host ---- */
#define AP_HOST_CONFIG "ap.host.config/1"

typedef struct ap_host_config_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Copies the value at `json_pointer` (RFC 6901, "" is the whole object), as JSON text, into `buffer`, at most `capacity`
   * bytes and without a terminating NUL. Answers the full length in bytes, which may exceed `capacity` (then nothing was
   * copied; call again with more), or AP_E_NOT_FOUND, or AP_E_INVALID.                                         [any] */
  int64_t (*AP_NONNULL get)(const ap_host_r1 *AP_NONNULL host, ap_str json_pointer, char *AP_NULLABLE buffer,
                            size_t capacity);
} ap_host_config_r1;
AP_FROZEN(ap_host_config_r1, 16);

#endif
