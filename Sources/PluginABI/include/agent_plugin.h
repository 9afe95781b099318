/* agent_plugin.h - the AgentHost plugin ABI, draft of major 1.
 *
 * A plugin is one shared library that exports `ap_plugin_entry_v1` (agent_plugin/plugin.h). What it offers (tools,
 * agents, models) stands in its manifest, `plugin.json`; what the code does is reached through tables of functions.
 *
 * The ten rules, valid for every function in these headers:
 *
 *  1. Frozen: once released, a struct tag, an extension id and the meaning of a function never change. The ABI grows by
 *     a new extension id (`ap.tools/2`) with a new struct tag (`ap_tools_r2`). `struct_size` must be equal, it is a
 *     check and not a way to grow. (This is a draft: until 1.0, AP_ABI_DRAFT must match exactly.)
 *  2. Nobody frees the other side's memory. Every pointer passed in a call is borrowed until that call returns; to keep
 *     it, copy it. Tables returned by the plugin live until `destroy` returned, the ap_plugin_r1 for ever.
 *  3. Handles, not pointers: a turn, a call or a request is a 64-bit `ap_handle`, valid only for the instance it was
 *     given to. Any use of a stale or foreign one answers AP_E_GONE and does nothing else.
 *  4. Exactly once: if a `*_begin` (or `complete`) returned AP_OK, the plugin finishes that handle exactly once, also
 *     after a cancel. If it returned an error it must not. Finishing inside `*_begin` is allowed. A second finish
 *     answers AP_E_GONE.
 *  5. No re-entrancy: a host function never calls the plugin back on the caller's stack. Completions come later.
 *  6. Every function carries a lane in brackets, see below.
 *  7. Text is UTF-8 with a length; it needs no terminating NUL and may hold none. Invalid bytes are replaced by U+FFFD
 *     and logged as a fault of the plugin.
 *  8. What has structure is JSON, at most 64 levels deep; the hot path (text) is raw. Both sides ignore members they do
 *     not know.
 *  9. No exception, panic or longjmp may leave a function that the other side called.
 * 10. A plugin cannot tell whether it runs inside the host process or in a worker process.
 *
 * Lanes:
 *  [control]   the host calls create, drain, destroy, changed; one at a time for each instance; create and destroy
 *              exclude everything else. May block: 10 s for create, 10 s for destroy.
 *  [turn]      events of one root handle (a turn, or a call made outside a turn), of its calls and its requests. Never two
 *              at once for one root handle; different ones run in parallel unless the manifest says "serial": true. Must not
 *              block: 5 ms is the budget, 20 ms is logged, 250 ms counts as a stall. A worker that is held up for
 *              10 s is ended, and with it all it was doing.
 *  [blocking]  the begin function of an agent, tool or model whose manifest entry says "mode": "blocking", and the work of
 *              `run_blocking`: a pool of at most 32 threads for each instance. May block until the deadline.
 *  [any]       the plugin calls the host: from any thread, at the same time as others, from the moment `create` is called
 *              until `destroy` returns. The host does not block in it.
 *
 * Only 64-bit little-endian machines are promised.
 */
#ifndef AGENT_PLUGIN_H
#define AGENT_PLUGIN_H

#include "agent_plugin/base.h"
#include "agent_plugin/host.h"
#include "agent_plugin/plugin.h"

/* offered by plugins */
#include "agent_plugin/agent.h"
#include "agent_plugin/config.h"
#include "agent_plugin/health.h"
#include "agent_plugin/hooks.h"
#include "agent_plugin/model.h"
#include "agent_plugin/state.h"
#include "agent_plugin/tools.h"

/* offered by the host */
#include "agent_plugin/call.h"
#include "agent_plugin/exec.h"
#include "agent_plugin/log.h"
#include "agent_plugin/service.h"
#include "agent_plugin/turn.h"

#endif
