/* Stream sockets, epoll and eventfd: thin wrappers, because Swift does not import their macros and variadic functions.
 * Everything that can fail returns a negated errno. Descriptors are non-blocking and close on exec. */
#ifndef CPLATFORM_SOCKETS_H
#define CPLATFORM_SOCKETS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPLATFORM_READABLE 0x001u
#define CPLATFORM_WRITABLE 0x004u
#define CPLATFORM_ERROR 0x008u
#define CPLATFORM_HANG_UP 0x010u
#define CPLATFORM_PEER_SHUT 0x2000u

/* An error of name resolution, as cplatform_listen returns it. */
#define CPLATFORM_UNKNOWN_HOST (-100000)

/* What happened on a descriptor: `token` is the one it was added with. */
typedef struct cplatform_event {
  uint64_t token;
  uint32_t flags;
} cplatform_event;

int cplatform_epoll_create(void);
/* A connection: edge-triggered, for reading, writing and the peer's shutdown. */
int cplatform_epoll_add_stream(int epoll, int descriptor, uint64_t token);
/* An eventfd: edge-triggered, so that it never needs reading. */
int cplatform_epoll_add_wake(int epoll, int descriptor, uint64_t token);
/* A listener that several epolls share: level-triggered, one of them is woken. */
int cplatform_epoll_add_listener(int epoll, int descriptor, uint64_t token);
int cplatform_epoll_remove(int epoll, int descriptor);
/* Waits up to `timeout_ms` (negative = for ever); 0 events when interrupted. */
int cplatform_epoll_wait(int epoll, cplatform_event *_Nonnull events, int capacity, int timeout_ms);

int cplatform_eventfd_create(void);
void cplatform_eventfd_signal(int descriptor);

/* A listening socket on `host` (name or address) and `port` (0 = any free one, stored in `port_out`). May block to resolve. Of what a
 * client does not let through, the kernel holds at most 128 KiB for each connection. */
int cplatform_listen(const char *_Nonnull host, int port, int backlog, int *_Nonnull port_out);
/* The next connection, with TCP_NODELAY. */
int cplatform_accept(int listener);
/* Bytes read, 0 at the end of the stream. */
long cplatform_receive(int descriptor, void *_Nonnull buffer, size_t capacity);
/* Throws away up to `count` bytes without copying them. */
long cplatform_discard(int descriptor, size_t count);
/* Bytes sent; never raises SIGPIPE. */
long cplatform_send(int descriptor, const void *_Nonnull bytes, size_t count);
void cplatform_shutdown_write(int descriptor);
void cplatform_close(int descriptor);
/* A descriptor kept only to be given up when there are no others. */
int cplatform_reserve_descriptor(void);
/* Raises the process's soft limit of open descriptors to its hard limit; returns the limit in force. */
int64_t cplatform_raise_descriptor_limit(void);
/* The processors this process may run on, at least 1. */
int cplatform_core_count(void);
/* Ignores SIGPIPE in the whole process. */
void cplatform_ignore_sigpipe(void);

/* A pointer of the calling thread: the event loop that runs on it, or NULL. */
const void *_Nullable cplatform_current_loop(void);
void cplatform_set_current_loop(const void *_Nullable loop);

/* Text of an errno; static storage. */
const char *_Nonnull cplatform_error_text(int error);

#define CPLATFORM_EAGAIN 11
#define CPLATFORM_EINTR 4
#define CPLATFORM_EMFILE 24
#define CPLATFORM_ENFILE 23
#define CPLATFORM_EADDRINUSE 98
#define CPLATFORM_EADDRNOTAVAIL 99
#define CPLATFORM_EACCES 13
#endif
