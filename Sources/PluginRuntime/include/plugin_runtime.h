/* plugin_runtime.h - the plugin's side of the host, the same code in both modes.
 *
 * A runtime holds one plugin instance: it loads the library, calls it on the right lanes, checks handles, keeps
 * timers and requests, and implements every `ap.host.*` table. It talks to the host only through messages: in
 * process the embedder passes them by direct call, in a worker process they are frames on a socket. So a plugin
 * cannot tell where it runs, and every verdict (GONE, LIMIT, SLOW, ...) is local.
 *
 *   host (Swift)  --- apr_deliver(runtime, message) --->  runtime  --- lanes --->  plugin
 *   host (Swift)  <--- sink(context, message) ----------  runtime  <--- any -----  plugin
 *
 * In process:  apr_create with lane_threads = 2, sink = a function of the host.
 * In a worker: apr_create with lane_threads = 0, sink = append a frame to the output; the main thread pumps.
 */
#ifndef PLUGIN_RUNTIME_H
#define PLUGIN_RUNTIME_H

#include "agent_plugin.h"

/* ---- messages -------------------------------------------------------------------------------------------------------
 * `token` names a turn, call or request between host and runtime. Turn and call tokens are chosen by the host, unique
 * for the life of the instance and below 2^63; request tokens are chosen by the runtime and have bit 63 set. The plugin
 * sees neither: the runtime maps tokens to generation-checked handles. Strings are borrowed during the call. */

#define APR_MAX_STRINGS 6
#define APR_MAX_FRAME (8u * 1024u * 1024u)

/* host -> runtime */
#define APR_LOAD 1          /* item: APR_LOAD_* flags; s: library path, plugin id, plugin version, config json, host
                               version, granted extension ids separated by blanks. Answer: APR_LOADED */
#define APR_TURN_BEGIN 2    /* token; item: bit 0 = blocking, APR_TURN_AS_CALL; number: deadline; s: agent_id, thread_id,
                               subject, kind, input_json, context_json. Refusal by the plugin is answered as
                               APR_TURN_FINISH, or as APR_CALL_FINISH with APR_TURN_AS_CALL */
#define APR_CALL_BEGIN 3    /* token; item: bit 0 = blocking; number: deadline; s: tool, args_json, subject, thread_id,
                               agent_id, locale. Refusal is answered as APR_CALL_FINISH */
#define APR_MODEL_BEGIN 4   /* token; item: bit 0 = blocking; number: deadline; s: model_id, request_json. As above */
#define APR_CANCEL 5        /* token of a turn or call; status: AP_E_CANCELLED or AP_E_DEADLINE */
#define APR_REVOKE 6        /* token of a turn or call: the handle goes stale now; its requests end with CANCELLED */
#define APR_CREDIT 7        /* token; number: bytes the client has taken since the last credit, counted as the lengths
                               of all strings of APR_TURN_TEXT, APR_TURN_EMIT and APR_CALL_PROGRESS as they arrived */
#define APR_SERVICE_EVENT 8 /* token of a request; item: ap_event; status; s: data */
#define APR_CONFIG 9        /* s: config json. Answer: APR_CONFIG_DONE */
#define APR_DRAIN 10        /* no answer */
#define APR_DESTROY 11      /* Answer: APR_DESTROYED, after which no message follows */
#define APR_LOG_LEVEL 12    /* number: lowest level that is kept */
#define APR_PING 13         /* Answer: APR_METER several times, then APR_PONG. Who pumps lanes himself answers only when no plugin function holds him up */

#define APR_LIMIT 24        /* item: APR_LIMIT_*; number: the limit. Before APR_LOAD or later; unknown ones are ignored */

#define APR_HEALTH 14       /* token; number: deadline. Answered like a call: APR_CALL_FINISH */
#define APR_STATE_SAVE 15   /* the same; the result is the state */
#define APR_HOOK_BEGIN 17   /* token; number: deadline; s: agent_id, point, json, subject, thread_id, locale. Answered like a call */
#define APR_STATE_LOAD 16   /* the same; s: version that saved, state */

/* runtime -> host. Before the FINISH of a turn or call, APR_SERVICE_CANCEL names each request of it that was open;
 * after APR_REVOKE the host ends them by itself. */
#define APR_LOADED 64          /* status; item: APR_HAS_* of what the instance offers; s: sentence that says why it was
                                  refused */
#define APR_TURN_TEXT 65       /* token, item, s: delta */
#define APR_TURN_EMIT 66       /* token, item, s: kind, json */
#define APR_TURN_ITEM_DONE 67  /* token, item */
#define APR_TURN_FINISH 68     /* token, status, s: message. The handle is stale. number: microseconds its functions have had
                                  on lanes; item: timers it has started (24 bits), above them the APR_LIMIT_* that has last
                                  refused it something (0 = none) */
#define APR_CALL_PROGRESS 69   /* token, s: json */
#define APR_CALL_FINISH 70     /* token, status, s: result. Otherwise as APR_TURN_FINISH */
#define APR_SERVICE_REQUEST 71 /* token of the request; number: token of its scope (turn or call; 0 = instance);
                                  s: extension id, op, json, body */
#define APR_SERVICE_CANCEL 72  /* token of the request; the runtime has ended it already */
#define APR_LOG 73             /* item: level; token: scope (0 = instance); s: message, fields json */
#define APR_CONFIG_DONE 74     /* status */
#define APR_DESTROYED 75
#define APR_STALL 76           /* token of the lane's root (0 = instance); number: ms a lane function has taken so far.
                                  At 250 ms, while it runs, and at the end of any that took more than 20 ms */
#define APR_MISBEHAVED 77      /* token or 0; s: sentence ("finished twice", "text that is not UTF-8", ...) */
#define APR_PONG 78
#define APR_OVER 88            /* token; item: an APR_LIMIT_TURN_* that the turn or call has passed. It was cancelled with
                                  AP_E_LIMIT and can say nothing more; its FINISH follows, when the plugin gets to it */
#define APR_STUCK 89           /* token of the lane's root; number: ms; item: 1 = a lane function has run for longer than
                                  APR_LIMIT_LANE_MS, and another thread runs the other lanes; 0 = it has returned */
#define APR_METER 90           /* item: APR_METER_*; number: the value */

/* What APR_LIMIT sets; the limits of a turn are also those of a call. 0 = no limit, where that is said. */
#define APR_LIMIT_LANE_MS 1             /* a function on a lane, milliseconds: reported as APR_STUCK (5,000) */
#define APR_LIMIT_TURN_LANE_MS 2        /* all functions of a turn on its lane together; 0 = no limit (60,000) */
#define APR_LIMIT_TURN_BYTES 3          /* text, emissions and progress of a turn; 0 = no limit (64 MiB) */
#define APR_LIMIT_TURN_REQUESTS 4       /* requests of a turn to host services; 0 = no limit (10,000) */
#define APR_LIMIT_REQUESTS_PER_SECOND 5 /* of the instance; 0 = no limit (no limit) */
#define APR_LIMIT_OPEN_REQUESTS 6       /* of the instance at once (4,096) */
#define APR_LIMIT_TURN_OPEN_REQUESTS 7  /* of a turn at once, 1 to 1,024 (64) */
#define APR_LIMIT_TURN_TIMERS 8         /* of a turn, or of the instance outside of turns, at once (64) */
#define APR_LIMITS 9

/* What APR_METER tells. Of the instance, since it was loaded or now. */
#define APR_METER_LANE_US 1        /* microseconds that functions have had on lanes */
#define APR_METER_CPU_US 2         /* CPU time of the threads that call the plugin; only where the runtime has lane threads */
#define APR_METER_TIMERS 3         /* open now */
#define APR_METER_TIMERS_STARTED 4
#define APR_METER_POOL_THREADS 5   /* of the blocking pool, now */
#define APR_METER_STUCK 6          /* lane functions that APR_STUCK was told of and that have not returned */
#define APR_METER_REFUSED 32       /* plus an APR_LIMIT_*: how often it has refused something; not sent while 0 */

#define APR_TURN_AS_CALL 2u    /* the handle is a call's: answered through ap.host.call/1 (kind "transcription") */

#define APR_LOAD_SERIAL 1u     /* one lane for everything (manifest "serial": true) */

#define APR_HAS_AGENT 1u
#define APR_HAS_TOOLS 2u
#define APR_HAS_MODEL 4u
#define APR_HAS_CONFIG 8u
#define APR_HAS_HEALTH 16u
#define APR_HAS_STATE 32u
#define APR_HAS_HOOKS 64u

typedef struct apr_message {
  uint16_t op;
  int16_t status;
  uint32_t item;
  uint64_t token;
  int64_t number;
  ap_str s[APR_MAX_STRINGS];
} apr_message;

/* ---- runtime ---------------------------------------------------------------------------------------------------- */

typedef struct apr_runtime apr_runtime;

/* Receives `count` messages of the runtime, in order. Called from any thread of the plugin or the runtime, several at a
 * time; messages of one token come in order. What functions say on their lanes comes as one call for many of them: at
 * once when no other lane is ready, else within about a fifth of a millisecond, and within a millisecond or two when the
 * next function takes long. Where the embedder pumps, and from other threads, each message comes by itself. Must not
 * block and must not call the runtime's apr_destroy. May call apr_deliver. */
typedef void (*apr_sink_fn)(void *AP_NULLABLE context, const apr_message *AP_NONNULL const *AP_NONNULL messages,
                            size_t count);

typedef struct apr_options {
  uint32_t lane_threads;     /* threads that run [turn] lanes; 0 = the embedder pumps */
  uint32_t blocking_threads; /* most threads of the [blocking] pool: start when needed, end when idle; 0 = 32 */
  apr_sink_fn AP_NONNULL sink;
  void *AP_NULLABLE context;
} apr_options;

/* Makes an empty runtime. Null when memory or threads run out.                                                 [any] */
apr_runtime *AP_NULLABLE apr_create(const apr_options *AP_NONNULL options);

/* Hands over a message of the host. Copies what it keeps; never runs plugin code or the sink on the caller's stack; does
 * not block. Messages with an unknown op or token are ignored. A begin for which there is no memory, no thread or no room
 * (10,000 may be open) is answered by its FINISH with AP_E_LIMIT.                                              [any] */
void apr_deliver(apr_runtime *AP_NONNULL runtime, const apr_message *AP_NONNULL message);

/* For lane_threads = 0. apr_pump_fd: a descriptor that polls readable when there is lane work or a timer is due;
 * apr_pump: runs what is due on the calling thread until nothing is left or about 5 ms have passed (then the
 * descriptor stays readable), and answers how many functions it ran. Always the same thread. */
int apr_pump_fd(apr_runtime *AP_NONNULL runtime);
uint32_t apr_pump(apr_runtime *AP_NONNULL runtime);

/* Joins all threads and frees the runtime. Only after APR_DESTROYED (or before APR_LOAD). */
void apr_destroy(apr_runtime *AP_NONNULL runtime);

/* ---- frames ---------------------------------------------------------------------------------------------------------
 * {u32 length of what follows, u16 op, i16 status, u32 item, u64 token, i64 number, u8 count, count x {u32 length,
 * bytes}}, little-endian, no padding. */

#define APR_FRAME_HEADER 4u

/* Bytes the frame of `message` takes, its length field included. Trailing empty strings are left out. */
size_t apr_frame_size(const apr_message *AP_NONNULL message);

/* Writes the frame; `out` has room for apr_frame_size bytes. */
void apr_frame_write(const apr_message *AP_NONNULL message, uint8_t *AP_NONNULL out);

/* Reads one frame from hostile bytes. Answers the number of bytes it took and fills `message`, whose strings point into
 * `bytes`; 0 if more bytes are needed; -1 if the bytes are no frame (too long, lengths that do not add up). */
int64_t apr_frame_read(const uint8_t *AP_NONNULL bytes, size_t length, apr_message *AP_NONNULL message);

#endif
