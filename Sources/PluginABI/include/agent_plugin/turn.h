/* turn.h - ap.host.turn/1: what a coded agent says. */
#ifndef AGENT_PLUGIN_TURN_H
#define AGENT_PLUGIN_TURN_H

#include "host.h"

#define AP_HOST_TURN "ap.host.turn/1"

/* `item` is a number of the plugin's choice that names one item within the turn; the host makes the real ids.
 *
 * text, emit and item_done answer AP_OK, AP_W_SLOW (accepted; the client is behind by more than 256 KiB: pause until
 * `turn_writable`), AP_E_LIMIT (behind by more than 4 MiB, a piece larger than 64 KiB of text or 1 MiB of JSON, or more
 * than a turn may say or do in all, see `state`: not accepted), AP_E_CANCELLED or AP_E_DEADLINE (not accepted: finish), AP_E_GONE, AP_E_UNSUPPORTED (unknown kind). */
typedef struct ap_host_turn_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Appends `delta` to the assistant message `item`; the first call starts the message.                        [any] */
  ap_status (*AP_NONNULL text)(const ap_host_r1 *AP_NONNULL host, ap_handle turn, uint32_t item, ap_str delta);

  /* Emits something with structure. Kinds and their JSON are listed in docs/emit-kinds.md; examples: "workflow", "task",
   * "widget", "progress", "notice", "client_tool_call", "thread".                                              [any] */
  ap_status (*AP_NONNULL emit)(const ap_host_r1 *AP_NONNULL host, ap_handle turn, uint32_t item, ap_str kind,
                               ap_str json);

  /* The item is complete: it is stored and shown as such.                                                      [any] */
  ap_status (*AP_NONNULL item_done)(const ap_host_r1 *AP_NONNULL host, ap_handle turn, uint32_t item);

  /* Ends the turn, exactly once. AP_OK completes items that are still open. A negative status becomes an error for the
   * client; `message` is a sentence for people (may be empty). A second finish is logged as a fault: where `turn_cancel`
   * may have finished the turn already, ask `state` first.                                                     [any] */
  ap_status (*AP_NONNULL finish)(const ap_host_r1 *AP_NONNULL host, ap_handle turn, ap_status status, ap_str message);

  /* AP_OK while the turn is wanted, AP_E_CANCELLED, AP_E_DEADLINE, AP_E_LIMIT (it has passed a limit on all that a turn may
   * do, and its client was told so) or AP_E_GONE.                                                              [any] */
  ap_status (*AP_NONNULL state)(const ap_host_r1 *AP_NONNULL host, ap_handle turn);
} ap_host_turn_r1;
AP_FROZEN(ap_host_turn_r1, 48);

#endif
