/* internal.h - what the files of the runtime share.
 *
 * One mutex guards all state of a runtime. Functions whose name ends in `_locked` want it held. It is never held
 * while plugin code or the sink runs: `apr_emit_locked` lets go of it for the time of the sink.
 *
 * Lifetime: a root (turn or call) counts references: one while its handle is open, one for each job that is queued
 * or runs, one for each timer or request, one for the thread that sends for it or holds its messages back. */
#ifndef APR_INTERNAL_H
#define APR_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "cplatform_wake_policy.h"
#include "plugin_runtime.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/* ---- limits (abi.md 4.7) ---- */
#define APR_MAX_TEXT (64u * 1024u)
#define APR_MAX_JSON (1024u * 1024u)
#define APR_MAX_RESULT (4u * 1024u * 1024u)
#define APR_MAX_REQUEST (7u * 1024u * 1024u) /* op, json and body together; fits a frame */
#define APR_MAX_LOG (64u * 1024u)
#define APR_SLOW_ABOVE (256 * 1024)
#define APR_WRITABLE_BELOW (128 * 1024)
#define APR_MAX_OUTSTANDING (4 * 1024 * 1024)
#define APR_MAX_OPEN 10000u          /* turns and calls of one instance */
#define APR_MAX_REQUESTS 1024u       /* for each turn or call, whatever its limit */
#define APR_MAX_POSTS 65536u         /* queued work of one instance, lanes and pool each */
#define APR_MAX_OUTBOX (8u * 1024u * 1024u)
#define APR_LOG_LINES_PER_SECOND 1000u

#define APR_NANOSECONDS_PER_MS 1000000ll
#define APR_BUDGET_MS 20  /* a lane function that took longer is reported */
#define APR_STALL_MS 250  /* a lane function that runs longer is reported while it runs */
#define APR_HELP_NS 1000000ll /* a lane function that runs longer holds up others: another thread helps */
#define APR_SHORT_NS 100000ll /* lane functions that typically take less are run by one thread */
#define APR_BACKLOG_NS 5000000ll /* unless lanes have been waiting for so long: then there is too much for one */
#define APR_HOLD_NS 200000ll /* what lane functions say waits about so long for what others say, to go as one call */
#define APR_HOLD_ROOTS 64 /* or until so many have been called */
#define APR_PUMP_SLICE_MS 5
#ifndef APR_POOL_IDLE_MS
#define APR_POOL_IDLE_MS 10000 /* a thread of the blocking pool without work ends after this; tests set less */
#endif
#define APR_SPARE_REFUSALS 16
#define APR_SPARE_RUNNERS 16 /* lane threads that are started in place of stuck ones, at most */

typedef struct apr_root apr_root;
typedef struct apr_job apr_job;
typedef struct apr_child apr_child;
typedef struct apr_library apr_library; /* a plugin's library, for crash reports; crash.h */

typedef enum apr_type {
  APR_FREE = 0,
  APR_INSTANCE,
  APR_TURN,
  APR_CALL, /* of a tool or a model */
  APR_TIMER,
  APR_REQUEST,
} apr_type;

/* A message with its strings behind it; the strings have a NUL after their last byte. */
typedef struct apr_envelope {
  struct apr_envelope *next;
  size_t bytes;
  apr_message message;
  char text[];
} apr_envelope;

typedef enum apr_job_kind {
  APR_JOB_BEGIN,    /* the root's own */
  APR_JOB_CANCEL,   /* the root's own */
  APR_JOB_WRITABLE, /* the root's own */
  APR_JOB_WORK,     /* an apr_work */
  APR_JOB_DATA,     /* an apr_data */
  APR_JOB_END,      /* an apr_child's own */
  APR_JOB_REFUSE,   /* an apr_refusal */
} apr_job_kind;

/* Something to call in the plugin; lies in a lane or in the blocking pool. */
struct apr_job {
  apr_job *next;
  apr_root *root;
  apr_job_kind kind;
};

typedef struct apr_work {
  apr_job job; /* first */
  ap_work_fn fn;
  void *user;
} apr_work;

typedef struct apr_data {
  apr_job job; /* first */
  ap_event_fn fn;
  void *user;
  ap_handle handle;
  ap_event event;
  ap_status status;
  size_t length;
  char bytes[];
} apr_data;

/* A begin that found no room: answered from a lane, because apr_deliver never calls the sink. */
typedef struct apr_refusal {
  apr_job job; /* first; its root is the instance */
  bool spare;  /* one of the runtime's own, and taken */
  uint16_t op; /* APR_TURN_FINISH or APR_CALL_FINISH */
  uint64_t token;
  const char *sentence; /* static */
} apr_refusal;

/* A timer or a request. Lives until its AP_EV_END has been delivered. */
struct apr_child {
  apr_job end; /* first; its root is the scope */
  apr_type type;
  bool open; /* AP_EV_END is not queued yet; the handle is good */
  ap_handle handle;
  ap_event_fn fn;
  void *user;
  apr_child *previous, *next; /* in the scope */
  size_t heap_index;          /* timers: where it lies in the heap */
  ap_status status;
  char *data; /* of AP_EV_END, malloc'ed or null */
  size_t length;
};

typedef struct apr_lane {
  apr_job *first, *last;
  struct apr_lane *next; /* in the ready queue */
  bool active;           /* ready or running */
  bool held;             /* takes jobs but does not run them yet */
} apr_lane;

/* A turn, a call, or the instance itself. */
struct apr_root {
  apr_type type;
  uint16_t op;      /* APR_*_BEGIN */
  bool open;        /* the handle is good */
  bool begun;       /* the begin function was entered */
  bool blocking;    /* begin runs on the pool */
  bool slow;        /* AP_W_SLOW was answered and turn_writable is owed */
  bool writable_queued;
  bool sending;     /* a thread is in the sink for this root, or its lane holds messages back */
  int32_t cancelled; /* 0, or why */
  uint32_t references;
  uint32_t timers, requests;
  uint64_t token;
  ap_handle handle;
  int64_t outstanding; /* bytes the client has not taken yet */
  int64_t said;        /* bytes in all */
  int64_t lane_ns;     /* of the functions that have returned */
  uint32_t timers_started, requests_started;
  uint8_t over;        /* the limit that ended it, 0 = none */
  uint8_t refused_by;  /* the limit that last refused it something */
  apr_root *bucket_next;
  apr_lane lane;
  apr_job begin_job, cancel_job, writable_job;
  apr_envelope *begin; /* until the begin function has returned */
  apr_child *children;
  apr_envelope *outbox_first, *outbox_last;
  apr_root *held_next; /* among those whose messages wait to be sent together */
  size_t outbox_bytes;
  uint16_t owed_op; /* 0, or a message that must not be lost but found no memory; follows the outbox without its text */
  int16_t owed_status;
  uint32_t owed_item;
};

typedef struct apr_slot {
  uint32_t generation;
  uint32_t next_free; /* slot + 1; 0 = none */
  apr_type type;
  bool finished; /* the previous holder ended by finish, not by revocation */
  void *object;
} apr_slot;

/* What a lane thread, or the thread that pumps, is doing; for the clock thread. */
typedef struct apr_runner {
  apr_runtime *runtime;
  pthread_t thread; /* of lane threads */
  bool awake;             /* does not wait for work */
  bool running, reported; /* in a function of the plugin; that was reported as stalled */
  bool stuck;             /* that was reported as stuck */
  bool sending;           /* in the sink */
  bool others_wait;       /* what earlier functions said waits for the one that runs */
  uint64_t token;
  int64_t started; /* when the function, or the sink, was entered; nanoseconds */
  apr_root *held_first, *held_last; /* whose messages wait to be sent together */
  uint32_t held_count;
  int64_t held_since; /* nanoseconds */
  cplatform_wake_policy wakes;
  uint32_t ran; /* functions, since it last waited */
} apr_runner;

/* A timer in the heap. The time lies beside the pointer: comparing touches no timer. */
typedef struct apr_due {
  int64_t at;        /* nanoseconds, monotonic */
  uint64_t sequence; /* equal times fire in order */
  apr_child *timer;
} apr_due;

/* A thread of the blocking pool. */
typedef struct apr_pool_thread {
  apr_runtime *runtime;
  pthread_t thread;
  bool used;
} apr_pool_thread;

typedef enum apr_phase {
  APR_EMPTY,   /* nothing loaded */
  APR_LOADING,
  APR_LOADED_PHASE,
  APR_REFUSED,
  APR_CLOSING, /* no new scopes, timers, requests or work */
  APR_CLOSED,  /* no message any more */
} apr_phase;

#define APR_GRANT_LOG 1u
#define APR_GRANT_TURN 2u
#define APR_GRANT_CALL 4u
#define APR_GRANT_EXEC 8u
#define APR_GRANT_CONFIG 16u
#define APR_GRANT_MODEL 32u
#define APR_GRANT_TOOLS 64u
#define APR_GRANT_KV 128u
#define APR_GRANT_THREAD 256u
#define APR_GRANT_HTTP 512u

/* Kinds of misbehaviour; each is reported at most APR_REPORTS_OF_A_KIND times (text that is not UTF-8: once). */
typedef enum apr_fault { APR_FAULT_UTF8, APR_FAULT_TWICE, APR_FAULT_REFUSED, APR_FAULTS } apr_fault;
#define APR_REPORTS_OF_A_KIND 16u

struct apr_runtime {
  apr_options options;
  pthread_mutex_t lock;
  apr_phase phase;
  bool stopping;
  bool serial;
  uint32_t granted;
  _Atomic(const char *) not_granted; /* the extension that was last asked for in vain; static */
  atomic_int log_level;

  /* the plugin */
  const apr_library *library; /* null until it is being loaded */
  ap_host_r1 host;
  char *host_version;
  const ap_plugin_r1 *plugin;
  ap_instance *instance;
  const ap_agent_r1 *agent;
  const ap_tools_r1 *tools;
  const ap_model_r1 *model;
  const ap_config_r1 *config_table;
  const ap_health_r1 *health;
  const ap_agent_hooks_r1 *hooks;
  const ap_state_r1 *state;

  pthread_mutex_t config_lock;
  apr_envelope *config; /* s[3] of APR_LOAD or s[0] of APR_CONFIG */
  ap_str config_json;

  /* handles.c */
  apr_slot *slots;
  uint32_t slot_count, slot_capacity, first_free;
  apr_root **buckets;
  size_t bucket_count, root_count;
  uint32_t first_generation;

  /* lanes.c */
  apr_root root; /* of the instance: scope 0 */
  apr_lane *ready_first, *ready_last;
  pthread_cond_t lane_work, idle;
  apr_lane refusals;
  apr_refusal spare_refusals[APR_SPARE_REFUSALS]; /* for when memory has run out */
  uint32_t idle_lane_threads;   /* that wait for work */
  uint32_t called_lane_threads; /* of these, that were signalled */
  int64_t typical_took;         /* nanoseconds a lane function takes, an average that forgets */
  int64_t backlog_since;        /* when the ready queue was last empty, if it is not */
  int64_t keeper_wakes;         /* when a lane thread that waits looks at the timers; INT64_MAX = none does */
  size_t lane_jobs, lane_posts; /* queued or running */
  apr_runner *runners; /* room for lane_threads + APR_SPARE_RUNNERS, or for the pump's one */
  uint32_t runner_count;
  uint32_t stuck_runners;
  int pump_fd, wake_fd, timer_fd;
  bool pumping, wake_signalled;
  int64_t timer_armed; /* 0 = not */

  /* timers.c */
  apr_due *heap;
  size_t heap_count, heap_capacity;
  uint64_t timer_sequence;
  pthread_t clock_thread;
  bool has_clock_thread;
  pthread_cond_t clock_work;
  int64_t clock_wakes; /* when the clock thread looks next; INT64_MAX = when told */

  /* blocking.c */
  apr_job *pool_first, *pool_last;
  pthread_cond_t pool_work;
  size_t pool_jobs;   /* queued or running */
  size_t pool_queued;
  bool pool_held; /* takes jobs but does not run them: create excludes everything else */
  uint32_t pool_idle, pool_running; /* threads that wait, all threads */
  apr_pool_thread *pool_threads;    /* options.blocking_threads */

  /* control */
  pthread_t control_thread;
  bool has_control_thread;
  pthread_cond_t control_work;
  apr_envelope *control_first, *control_last;
  uint32_t control_lost; /* bit op: a message that found no memory to wait in */

  /* outbox.c */
  size_t senders;
  uint32_t faults[APR_FAULTS];
  int64_t log_second;
  uint32_t log_lines;

  /* services.c */
  uint32_t requests;
  int64_t request_second;
  int64_t requests_in_second;

  /* meters.c */
  int64_t limits[APR_LIMITS];
  int64_t refused[APR_LIMITS];
  int64_t lane_ns;
  int64_t gone_cpu_ns; /* of threads of the pool that have ended */
  int64_t timers_started;
};

/* ---- outbox.c ---- */
apr_envelope *apr_envelope_make(const apr_message *message);
bool apr_emit_locked(apr_runtime *runtime, apr_root *root, const apr_message *message);
void apr_hold_locked(apr_runtime *runtime, apr_runner *runner, apr_root *root, int64_t now);
void apr_let_go_locked(apr_runtime *runtime, apr_runner *runner);
void apr_misbehaved_locked(apr_runtime *runtime, apr_fault fault, uint64_t token, const char *sentence);
ap_str apr_string(const char *text);

/* ---- handles.c ---- */
ap_handle apr_handle_make_locked(apr_runtime *runtime, apr_type type, void *object);
void *apr_handle_find_locked(apr_runtime *runtime, ap_handle handle, apr_type type);
void apr_handle_release_locked(apr_runtime *runtime, ap_handle handle, bool finished);
bool apr_handle_was_finished_locked(apr_runtime *runtime, ap_handle handle);
apr_root *apr_scope_find_locked(apr_runtime *runtime, ap_handle scope);
bool apr_token_insert_locked(apr_runtime *runtime, apr_root *root);
apr_root *apr_token_find_locked(apr_runtime *runtime, uint64_t token);
void apr_token_remove_locked(apr_runtime *runtime, apr_root *root);

/* ---- scopes.c ---- */
void apr_root_retain_locked(apr_root *root);
void apr_root_release_locked(apr_runtime *runtime, apr_root *root);
void apr_begin_locked(apr_runtime *runtime, const apr_message *message);
void apr_cancel_locked(apr_runtime *runtime, uint64_t token, ap_status why);
void apr_revoke_locked(apr_runtime *runtime, apr_root *root);
void apr_credit_locked(apr_runtime *runtime, uint64_t token, int64_t bytes);
void apr_finish_locked(apr_runtime *runtime, apr_root *root, ap_status status, ap_str message);
apr_child *apr_child_make_locked(apr_runtime *runtime, apr_root *scope, apr_type type, ap_event_fn fn, void *user);
void apr_child_end_locked(apr_runtime *runtime, apr_child *child, ap_status status, char *data, size_t length);
void apr_child_unlink_locked(apr_runtime *runtime, apr_child *child);

/* ---- lanes.c ---- */
typedef struct apr_plan {
  apr_job *job;
  bool skip;        /* nothing to call */
  ap_status status; /* of begin: in = why it is refused without a call, out = what the plugin answered */
  const char *sentence;
} apr_plan;
void apr_enqueue_locked(apr_runtime *runtime, apr_job *job);
void apr_release_lane_locked(apr_runtime *runtime);
void apr_discard_lane_locked(apr_runtime *runtime);
void apr_plan_locked(apr_runtime *runtime, apr_job *job, apr_plan *plan);
void apr_perform(apr_runtime *runtime, apr_plan *plan);
void apr_complete_locked(apr_runtime *runtime, apr_plan *plan);
void apr_wake_pump_locked(apr_runtime *runtime);
int64_t apr_current_lane_ns(const apr_root *root);
uint32_t apr_current_lane(const apr_runtime *runtime);
void apr_enter_lane(apr_runtime *runtime, uint32_t lane);

void apr_run_one_locked(apr_runtime *runtime, apr_runner *runner, int64_t *now);

/* ---- lane_threads.c ---- */
void apr_call_for_work_locked(apr_runtime *runtime, bool only);
void apr_timer_added_locked(apr_runtime *runtime, int64_t due);
void apr_watch_until_locked(apr_runtime *runtime, int64_t look);
void apr_watch_timers_locked(apr_runtime *runtime, int64_t now);
int64_t apr_lanes_help_locked(apr_runtime *runtime, int64_t now);
bool apr_replace_runner_locked(apr_runtime *runtime);
void *apr_lane_main(void *runner);

/* ---- timers.c ---- */
int64_t apr_now(void); /* nanoseconds, monotonic */
bool apr_timer_add_locked(apr_runtime *runtime, apr_child *timer, int64_t ms);
void apr_timer_remove_locked(apr_runtime *runtime, apr_child *timer);
void apr_timers_fire_locked(apr_runtime *runtime, int64_t now);
void *apr_clock_main(void *runtime);

/* ---- blocking.c ---- */
bool apr_pool_enqueue_locked(apr_runtime *runtime, apr_job *job);
void apr_pool_release_locked(apr_runtime *runtime);
void apr_pool_discard_locked(apr_runtime *runtime);
void apr_pool_join(apr_runtime *runtime);

/* ---- meters.c ---- */
void apr_limits_initialize(apr_runtime *runtime);
void apr_limit_set_locked(apr_runtime *runtime, uint32_t limit, int64_t value);
bool apr_exceeds_locked(const apr_runtime *runtime, uint32_t limit, int64_t value);
ap_status apr_refuse_locked(apr_runtime *runtime, apr_root *root, uint32_t limit);
ap_status apr_over_locked(apr_runtime *runtime, apr_root *root, uint32_t limit);
void apr_meters_send_locked(apr_runtime *runtime);
int64_t apr_thread_cpu(pthread_t thread);

/* ---- load.c ---- */
void apr_load(apr_runtime *runtime, apr_envelope *load);

/* ---- host_tables.c, emissions.c, services.c ---- */
const void *apr_get_extension(const ap_host_r1 *host, const char *id);
uint32_t apr_grants(ap_str ids);
extern const ap_host_turn_r1 apr_turn_table;
extern const ap_host_call_r1 apr_call_table;
extern const ap_host_service_r1 apr_model_service, apr_tools_service, apr_kv_service, apr_thread_service, apr_http_service;
void apr_service_event_locked(apr_runtime *runtime, const apr_message *message);

/* ---- utf8.c ---- */
bool apr_utf8_valid(const char *text, size_t length);
char *apr_utf8_repair(const char *text, size_t length, size_t *repaired);

/* Text of the plugin made fit to be sent: `text` is the plugin's own memory, or `owned` if it had to be repaired. */
typedef struct apr_clean {
  ap_str text;
  char *owned; /* free it */
  bool repaired, failed;
} apr_clean;
apr_clean apr_clean_make(ap_str text);

/* ---- json_pointer.c ---- */
int64_t apr_json_pointer(ap_str json, ap_str pointer, ap_str *value);

/* ---- crash.c, crash_modules.c ---- */
/* Where in a plugin a thread is, for the report if it crashes there. */
typedef struct apr_place {
  const char *function; /* static; null = not in a plugin */
  const apr_library *library;
  const apr_message *begin; /* of a begin function: what it was given; else null */
  uint64_t token;
} apr_place;
extern _Thread_local apr_place apr_here;
static inline void apr_enter_plugin(const apr_library *library, const char *function, const apr_message *begin, uint64_t token) {
  apr_here = (apr_place){function, library, begin, token};
}
static inline void apr_leave_plugin(void) { apr_here.function = NULL; }
/* Gives the thread a stack for signal handlers, and takes it back. Nothing without `apr_crash_install`. */
void apr_crash_begin_thread(void);
void apr_crash_end_thread(void);
/* Notes what is mapped now, and a plugin's library before it is; for quiet times. */
void apr_modules_update(void);
const apr_library *apr_library_note(ap_str id, ap_str version, ap_str path);

/* ---- runtime.c ---- */
bool apr_thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *argument);

#pragma GCC visibility pop

#endif
