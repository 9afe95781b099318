/* model.h - ap.model/1: the plugin is a language model, or something that behaves like one. */
#ifndef AGENT_PLUGIN_MODEL_H
#define AGENT_PLUGIN_MODEL_H

#include "base.h"

#define AP_EXT_MODEL "ap.model/1"

typedef struct ap_model_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Makes one completion. `model_id` is one of the manifest's models. `request_json` is an object in the shapes of Chat
   * Completions: {"messages": [...], "tools": [...], "tool_choice"?: ..., "settings": {...}}. Whatever the model needs to
   * know is in `messages`: keep no state between calls.
   *
   * Output goes through `ap.host.call/1` with this `call`: progress with {"text": "..."}, {"reasoning": "..."} or
   * {"tool_call": {"index": 0, "id": "...", "name": "...", "arguments": "..."}} (arguments is a piece of JSON text; pieces
   * of one index are joined; id and name come with the first); then finish with AP_OK and
   * {"finish_reason": "stop" | "tool_calls" | "length" | "content_filter", "usage"?: {"prompt_tokens": 1,
   * "completion_tokens": 1}}.                                           [turn], or [blocking] if the manifest says so */
  ap_status (*AP_NONNULL complete)(ap_instance *AP_NONNULL self, ap_handle call, ap_str model_id, ap_str request_json,
                                   ap_time deadline);

  /* Nobody waits any more. Finish soon; the result is ignored. Optional, may be null.                          [turn] */
  void (*AP_NULLABLE cancel)(ap_instance *AP_NONNULL self, ap_handle call, ap_status why);
} ap_model_r1;
AP_FROZEN(ap_model_r1, 24);

#endif
