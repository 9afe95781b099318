/* service.h - host services that answer later. All have the same table; `op` and the JSON differ. */
#ifndef AGENT_PLUGIN_SERVICE_H
#define AGENT_PLUGIN_SERVICE_H

#include "host.h"

/* op "complete": json as `request_json` of model.h plus "model"?: an id or "default".
 * AP_EV_DATA = the objects of a model's progress, AP_EV_END = {"text", "tool_calls", "finish_reason", "usage"?}. */
#define AP_HOST_MODEL "ap.host.model/1"

/* Nothing of a call is shown to people: emit what they should see ("workflow", "task").
 * op "list": {} -> END {"tools": [{"name", "title", "description", "input_schema"}]}.
 *            "name" is unique in the host: a tool whose name was taken is listed with a prefix.
 * op "call": {"name", "arguments": {...}}, the name as listed, or an own tool's name in the manifest
 *            -> PROGRESS objects, END the tool's result; AP_E_FAILED with a text for the model, AP_E_NOT_FOUND,
 *               AP_E_INVALID (arguments do not fit), AP_E_DENIED, AP_E_DEADLINE, AP_E_CRASHED. */
#define AP_HOST_TOOLS "ap.host.tools/1"

/* Keys and values kept by the host, across restarts. "scope" is "plugin", "user" or "thread"; which user and thread is meant
 * follows from the handle `scope`, never from JSON (AP_E_DENIED where the handle has none, or the manifest's permissions do
 * not list it). Keys are 1 to 512 bytes; values any JSON up to 1 MiB; versions are strings that change with each write.
 * op "get":   {"scope", "keys": ["a"]}                        -> {"entries": [{"key", "value", "version"}]} (missing left out)
 * op "list":  {"scope", "prefix": "", "after"?: key, "limit"?: 1..1000 = 100}
 *                                           -> {"entries": [...], "after"?: key} in byte order; "after" when more follow
 * op "write": {"scope", "if"?: [{"key", "version": "..." | null}], "put"?: [{"key", "value"}], "delete"?: ["key"]}
 *                                           -> {"versions": {key: version}}; all or nothing; null means "does not exist";
 *                                              AP_E_CONFLICT when a condition does not hold */
#define AP_HOST_KV "ap.host.kv/1"

/* The thread of the handle `scope` (a turn or a tool call in a thread; AP_E_DENIED where it has none), and no other.
 * op "get":   {} -> {"id", "created_at", "title"?, "status", "allowed_image_domains"?, "metadata"}
 * op "items": {"limit"?: 1..1000 = 20, "order"?: "asc" | "desc" = "desc", "after"?: item id}
 *                                           -> {"data": [items], "has_more", "after"?: item id}; hidden items too. A page ends
 *                                              early when it grows large: go by "has_more". AP_E_NOT_FOUND: no such "after" */
#define AP_HOST_THREAD "ap.host.thread/1"

/* Servers of the internet, of those that the manifest's permissions.http lists ("host:port", `*` for any part of a name or for the port;
 * without a port 443). A name that leads to a private or loopback address is refused (AP_E_DENIED) unless that very address is listed.
 * op "request": {"url", "method"?: "GET", "headers"?: {name: value}, "timeout_ms"?: 1..300000 = 30000, "max_bytes"?: 0..16777216 = all of
 *                that, "redirects"?: 0..5 = 5}, `body` = the body
 *                -> HEAD {"status", "headers": {name in lower case: value}, "url"}, DATA = bytes of the answer, END {"bytes"};
 *                   any status is AP_OK. AP_E_DENIED (not listed; also where a redirect leads), AP_E_INVALID, AP_E_UNAVAILABLE,
 *                   AP_E_DEADLINE, AP_E_LIMIT (larger than max_bytes) */
#define AP_HOST_HTTP "ap.host.http/1"

typedef struct ap_host_service_r1 {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  /* Starts a request on behalf of `scope` (a turn, a call or 0). AP_OK: `fn` will be called on the lane of `scope`, with
   * AP_EV_END last. `out`, if not null, receives a handle for `ap.host.exec/1` cancel. `body` is for services that take
   * bytes; else empty. At most 64 open requests for each scope and 4,096 for each instance, else AP_E_LIMIT.    [any] */
  ap_status (*AP_NONNULL request)(const ap_host_r1 *AP_NONNULL host, ap_handle scope, ap_str op, ap_str json, ap_str body,
                                  ap_event_fn AP_NONNULL fn, void *AP_NULLABLE user, ap_handle *AP_NULLABLE out);
} ap_host_service_r1;
AP_FROZEN(ap_host_service_r1, 16);

#endif
