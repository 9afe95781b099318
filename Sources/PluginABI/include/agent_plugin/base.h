/* base.h - words that every other header uses. */
#ifndef AGENT_PLUGIN_BASE_H
#define AGENT_PLUGIN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define AP_EXTERN_C extern "C"
#define AP_STATIC_ASSERT(condition, sentence) static_assert(condition, sentence)
#else
#define AP_EXTERN_C
#define AP_STATIC_ASSERT(condition, sentence) _Static_assert(condition, sentence)
#endif

/* Nullability, for clang and for Swift, which reads it. clang's -Wpedantic calls the words an extension: they are one. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wnullability-extension"
#define AP_NULLABLE _Nullable
#define AP_NONNULL _Nonnull
#else
#define AP_NULLABLE
#define AP_NONNULL
#endif

/* Put before the definition of the entry function: the one symbol a plugin has to export. */
#define AP_EXPORT AP_EXTERN_C __attribute__((visibility("default")))

/* Checks the layout of a struct at compile time (LP64). */
#define AP_FROZEN(type, size) AP_STATIC_ASSERT(sizeof(type) == (size), #type " changed its layout")

#define AP_ABI_MAJOR 1
/* Counts incompatible changes of the draft. Host and plugin must agree exactly; goes away when the ABI is frozen. */
#define AP_ABI_DRAFT 1

/* UTF-8 text or bytes, not NUL-terminated. `ptr` may be null only if `len` is 0. */
typedef struct ap_str {
  const char *AP_NULLABLE ptr;
  size_t len;
} ap_str;
AP_FROZEN(ap_str, 16);

/* A turn, a call, a request; generation-checked. 0 means the instance itself. */
typedef uint64_t ap_handle;

/* Milliseconds of the host's monotonic clock (`ap.host.exec/1` now); 0 means none. */
typedef int64_t ap_time;

/* 0 is success, positive is success with advice, negative is failure. The list may grow: treat unknown negative values
 * as AP_E_FAILED. */
typedef int32_t ap_status;
#define AP_OK 0             /* done, or accepted */
#define AP_W_SLOW 1         /* accepted; please pause until `turn_writable` */
#define AP_E_FAILED (-1)    /* failed; for tools: the text is for the model to read */
#define AP_E_INVALID (-2)   /* an argument breaks the contract */
#define AP_E_GONE (-3)      /* the handle is stale, finished or not yours */
#define AP_E_CANCELLED (-4) /* cancelled by the client or the host */
#define AP_E_DEADLINE (-5)  /* out of time */
#define AP_E_DENIED (-6)    /* not permitted */
#define AP_E_LIMIT (-7)     /* larger, or more, than the limits allow */
#define AP_E_UNSUPPORTED (-8) /* not known here */
#define AP_E_UNAVAILABLE (-9) /* not now; trying later may help */
#define AP_E_CRASHED (-10)    /* the other side died */
#define AP_E_NOT_FOUND (-11)  /* no such thing */
#define AP_E_CONFLICT (-12)   /* somebody else changed it first */

/* Events of a request. Exactly one AP_EV_END for every accepted request, always last. Ignore unknown values. */
typedef uint32_t ap_event;
#define AP_EV_DATA 1u     /* a piece of the answer */
#define AP_EV_HEAD 2u     /* what precedes the first piece (status and headers of an HTTP answer) */
#define AP_EV_PROGRESS 3u /* news about work that goes on */
#define AP_EV_END 4u      /* the end: `status` says how it went, `data` is the result or the reason */

/* The one callback shape of all asynchronous host services.                                                     [turn]
 * `request` is the handle that the starting function gave out; `data` is valid during the call. */
typedef void (*ap_event_fn)(void *AP_NULLABLE user, ap_handle request, ap_event event, ap_status status, ap_str data);

/* A piece of work for `post` ([turn]) or `run_blocking` ([blocking]). */
typedef void (*ap_work_fn)(void *AP_NULLABLE user);

/* The plugin's own object, made by `create`; the host only passes it back. */
typedef struct ap_instance ap_instance;

#endif
