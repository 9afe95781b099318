/* Child processes that speak over a socket, and the polling of many of them by one thread. */
#ifndef CPLATFORM_PROCESS_H
#define CPLATFORM_PROCESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cplatform_sockets.h" /* CPLATFORM_READABLE, CPLATFORM_WRITABLE */

typedef struct cplatform_child {
  int32_t pid;
  int32_t socket; /* ours to close; non-blocking */
  int32_t output; /* what the child writes to stdout and stderr; ours to close; non-blocking */
  int32_t end;    /* readable when it has ended (a pidfd); ours to close; -1 where the kernel has none to give */
} cplatform_child;

/* Starts `program` with `arguments` (the first is its name; null ends them): descriptor 3 is the other end of `socket`, 0 is /dev/null, 1 and 2 lead to `output`; nothing else is
 * inherited. The child has a process group of its own, default signal handling, and of our environment only what a library
 * needs to be found and to speak the right language: no secrets. Answers 0 or an errno. */
int cplatform_child_start(const char *_Nonnull program, char *_Nullable const *_Nonnull arguments,
                          cplatform_child *_Nonnull out);

/* Runs `program` so and reads what it prints, until it closes its output, for at most so many milliseconds; then it is killed.
 * Count of bytes, or minus an errno. */
int64_t cplatform_child_output(const char *_Nonnull program, char *_Nullable const *_Nonnull arguments, int32_t milliseconds,
                               void *_Nonnull bytes, size_t capacity);

/* Copies the folder of the shared library that this process has `symbol` from, not NUL-terminated. Count of bytes; 0 when it
 * comes from no library of its own or there is no room. */
int64_t cplatform_library_folder(const char *_Nonnull symbol, char *_Nonnull buffer, size_t capacity);

/* Overwrites the value of an environment variable in place and removes the variable. Not while other threads read the environment. */
void cplatform_environment_erase(const char *_Nonnull name);

/* Runs a command of the shell with `bytes` as its standard input, and answers its exit status, or -1. For the command line only: it blocks,
 * and the command has our environment. */
int cplatform_pipe_to(const char *_Nonnull command, const void *_Nullable bytes, size_t count);

/* Kills the process group of a child that was not reaped yet. */
void cplatform_child_kill(int32_t pid);

/* Waits for the end of the child. `*signal` is the signal that ended it, or 0; `*status` its exit status; `*peak_bytes` the most memory
 * that was resident, or 0 when that is not known, as it was less than this process has had itself. */
void cplatform_child_reap(int32_t pid, int32_t *_Nonnull signal, int32_t *_Nonnull status, int64_t *_Nonnull peak_bytes);

/* Copies the name of a signal ("SIGSEGV") into `buffer`, NUL-terminated. */
void cplatform_signal_name(int32_t signal, char *_Nonnull buffer, size_t capacity);

/* Reads or writes what can be had without waiting. Count of bytes; 0 at the end of the stream; -1 when it would block;
 * -2 when the stream is broken. Never raises SIGPIPE. */
int64_t cplatform_stream_read(int32_t descriptor, void *_Nonnull bytes, size_t capacity);
int64_t cplatform_socket_write(int32_t descriptor, const void *_Nonnull bytes, size_t count);


/* ---- waiting for many descriptors (epoll(7)) ---- */


typedef struct cplatform_poller {
  int32_t epoll;
  int32_t wake;
} cplatform_poller;

typedef struct cplatform_ready {
  uint64_t tag;
  uint32_t events; /* CPLATFORM_READABLE also for ends and errors */
} cplatform_ready;

/* Answers 0 or an errno. */
int cplatform_poller_open(cplatform_poller *_Nonnull poller);
void cplatform_poller_close(const cplatform_poller *_Nonnull poller);
/* Watches a descriptor for reading; `tag` (not 0) names it. */
int cplatform_poller_add(const cplatform_poller *_Nonnull poller, int32_t descriptor, uint64_t tag);
/* Watches it for writing as well, or no longer. */
int cplatform_poller_set_writable(const cplatform_poller *_Nonnull poller, int32_t descriptor, uint64_t tag, bool wanted);
void cplatform_poller_remove(const cplatform_poller *_Nonnull poller, int32_t descriptor);
/* Makes the waiting thread return. Any thread. */
void cplatform_poller_wake(const cplatform_poller *_Nonnull poller);
/* Waits, at most so many milliseconds (-1: without end), and fills `ready`. Count of entries; a wake-up alone answers 0. */
int32_t cplatform_poller_wait(const cplatform_poller *_Nonnull poller, cplatform_ready *_Nonnull ready, int32_t capacity,
                              int32_t milliseconds);
#endif
