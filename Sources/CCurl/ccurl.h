/* Many HTTP/1.1 requests on one thread: libcurl's multi interface over epoll (curl_multi_socket_action(3)), because Swift imports
 * neither its variadic functions nor its macros. Everything but ccurl_loop_wake belongs to the thread that calls ccurl_loop_wait. */
#ifndef CCURL_H
#define CCURL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ccurl_loop ccurl_loop;
typedef struct ccurl_transfer ccurl_transfer;

/* What becomes of a piece of a body. */
#define CCURL_TAKEN 0
#define CCURL_PAUSE 1 /* not taken: it is offered again after ccurl_transfer_resume */
#define CCURL_STOP 2  /* the transfer ends with CCURL_STOPPED */

/* Called from ccurl_loop_wait and ccurl_transfer_resume. They must not call functions of this header. */
typedef struct ccurl_callbacks {
  /* One line of a head, with its line end; also those of interim answers (1xx) and trailers. False ends the transfer with
   * CCURL_STOPPED. */
  bool (*_Nonnull line)(void *_Nonnull context, const uint8_t *_Nonnull bytes, size_t count);
  int (*_Nonnull body)(void *_Nonnull context, const uint8_t *_Nonnull bytes, size_t count);
} ccurl_callbacks;

/* Everything is copied. */
typedef struct ccurl_request {
  const char *_Nonnull method;
  const char *_Nonnull url; /* http or https */
  const char *_Nonnull fields; /* "Name: value" lines, each ended by LF; no CR, no NUL */
  const uint8_t *_Nullable body;
  size_t body_count;
  const char *_Nullable ca_file; /* null: the system's */
  int64_t connect_ms; /* for name, connection and TLS together */
  bool uses_proxies;  /* those of the environment */
  bool reuses;        /* may go over a connection that was used before, and leave one behind */
  bool only_public;   /* only addresses of the public internet are connected to */
} ccurl_request;

/* How a transfer ended. */
#define CCURL_DONE 0
#define CCURL_UNRESOLVED 1    /* the name, or the proxy's, has no address */
#define CCURL_UNREACHABLE 2   /* no connection */
#define CCURL_CONNECT_TIME 3  /* no connection in time */
#define CCURL_UNTRUSTED 4     /* TLS: the certificate does not check out */
#define CCURL_TLS 5           /* TLS, otherwise */
#define CCURL_BROKEN 6        /* the connection ended before the answer did */
#define CCURL_MALFORMED 7     /* the answer is no HTTP */
#define CCURL_STOPPED 8       /* a callback wanted no more */
#define CCURL_FORBIDDEN 9     /* only_public, and the address is not */
#define CCURL_OTHER 10

typedef struct ccurl_end {
  int32_t reason;
  int32_t code;             /* libcurl's, for the log */
  const char *_Nullable text; /* libcurl's words for the code; static */
} ccurl_end;

/* Null when the system has no descriptors or memory left. */
ccurl_loop *_Nullable ccurl_loop_create(const ccurl_callbacks *_Nonnull callbacks);
/* Closes the connections that are kept. All transfers must have been freed; nothing but ccurl_loop_wake and ccurl_loop_destroy may be
 * called from then on. */
void ccurl_loop_close(ccurl_loop *_Nonnull loop);
/* All transfers must have been freed. */
void ccurl_loop_destroy(ccurl_loop *_Nonnull loop);
/* Makes the waiting thread return. Any thread. */
void ccurl_loop_wake(const ccurl_loop *_Nonnull loop);
/* Waits up to `timeout_ms` (negative: for ever) for something to happen and does what is to be done. Answers how many
 * sockets there were to look at. */
int ccurl_loop_wait(ccurl_loop *_Nonnull loop, int timeout_ms);
/* The context of a transfer that has ended; null when there is none (left). */
void *_Nullable ccurl_loop_ended(ccurl_loop *_Nonnull loop, ccurl_end *_Nonnull end);

/* Null when there is no memory. */
ccurl_transfer *_Nullable ccurl_transfer_start(ccurl_loop *_Nonnull loop, const ccurl_request *_Nonnull request, void *_Nonnull context);
/* Lets a paused transfer go on. */
void ccurl_transfer_resume(ccurl_transfer *_Nonnull transfer);
/* Frees the transfer. One that has not ended is broken off: its connection is closed at once. */
void ccurl_transfer_free(ccurl_transfer *_Nonnull transfer);

/* Whether the numeric address ("192.0.2.1", "2001:db8::1") is one of the public internet: not private, loopback, link-local,
 * multicast, reserved, nor one of these in IPv6 clothes. */
bool ccurl_is_public(const char *_Nonnull address);
/* Whether the text is a numeric address. */
bool ccurl_is_address(const char *_Nonnull text);
#endif
