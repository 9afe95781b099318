/* host.h - a small host for the tests: one plugin, in process or in a worker, and every message it sent, in order. */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#define _GNU_SOURCE
#include "plugin_runtime.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef struct received {
  struct received *next;
  apr_message message; /* its strings point into `text` and have a NUL behind them */
  char text[];
} received;

typedef struct host {
  bool in_process;
  apr_runtime *runtime; /* in process */
  pid_t worker;
  int fd;
  pthread_t reader;
  pthread_mutex_t lock;
  pthread_cond_t news;
  received *first, *last;
  bool closed;      /* the worker closed its end */
  bool keep;        /* record messages; else only count */
  bool paused;      /* the reader leaves the socket alone */
  bool answer;      /* end service requests at once with "{}" */
  size_t finished, texts;
  size_t most_at_once; /* messages in one call of the sink; in process */
} host;

/* Starts an empty runtime. `worker` is the path of plugin-worker, or null for in process. */
host *host_start(const char *worker);
void host_send(host *h, const apr_message *message);
/* Writes bytes that need not be a frame. Workers only. */
void host_send_bytes(host *h, const void *bytes, size_t length);
/* The first recorded message after `after` (null: from the start) with this op and token, or any token for ~0. Waits up
 * to `ms`; null in vain. */
const received *host_wait(host *h, const received *after, uint16_t op, uint64_t token, int ms);
bool host_wait_finished(host *h, size_t count, int ms);
size_t host_count(host *h, uint16_t op, uint64_t token);
/* All text of a turn, joined; the caller frees it. */
char *host_text(host *h, uint64_t token);
void host_forget(host *h);
/* Stops and resumes reading from the worker. */
void host_pause(host *h, bool paused);
/* Waits for the worker to end; answers its wait status, or -1 after `ms`. */
int host_wait_exit(host *h, int ms);
/* Destroys the instance and frees everything. False if it did not answer within 10 s. */
bool host_stop(host *h);
void host_free(host *h);

ap_str text_of(const char *text);
int64_t milliseconds(void);

#endif
