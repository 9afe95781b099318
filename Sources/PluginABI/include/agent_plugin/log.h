/* log.h - ap.host.log/1: lines in the host's log. */
#ifndef AGENT_PLUGIN_LOG_H
#define AGENT_PLUGIN_LOG_H

#include "host.h"

/* What a plugin prints to standard output or standard error is for debugging: from a worker it is logged, too, line by line; in the
 * host's process it goes where the host's goes. */
#define AP_HOST_LOG "ap.host.log/1"

#define AP_LOG_TRACE 0
#define AP_LOG_DEBUG 1
#define AP_LOG_INFO 2
#define AP_LOG_WARN 3
#define AP_LOG_ERROR 4

typedef struct ap_host_log_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Whether a line of this level would be kept: ask before composing an expensive one.                         [any] */
  bool (*AP_NONNULL enabled)(const ap_host_r1 *AP_NONNULL host, int32_t level);

  /* Writes a line. `scope` is the turn or call it belongs to, or 0; `fields_json` is an object or empty. More than 1,000
   * lines a second are sampled.                                                                                [any] */
  void (*AP_NONNULL log)(const ap_host_r1 *AP_NONNULL host, int32_t level, ap_handle scope, ap_str message,
                         ap_str fields_json);
} ap_host_log_r1;
AP_FROZEN(ap_host_log_r1, 24);

#endif
