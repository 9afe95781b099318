#define _GNU_SOURCE
#include "cplatform_threads.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct start {
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *trampoline(void *argument) {
  struct start *start = argument;
  pthread_setname_np(pthread_self(), start->name);
  /* A failure changes nothing but the speed. */
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
  void (*body)(void *) = start->body;
  void *context = start->context;
  free(start);
  body(context);
  return NULL;
}

int cplatform_thread_start(const char *name, size_t stack_bytes, void (*body)(void *), void *context,
                           uintptr_t *out) {
  struct start *start = calloc(1, sizeof *start);
  if (!start) return ENOMEM;
  start->body = body;
  start->context = context;
  snprintf(start->name, sizeof start->name, "%s", name);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (stack_bytes) pthread_attr_setstacksize(&attributes, stack_bytes);
  /* Signals belong to the main thread, which waits for them. */
  sigset_t all, before;
  sigfillset(&all);
  /* Those of its own faults come all the same; not blocked, they can be reported. */
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, trampoline, start);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error) {
    free(start);
    return error;
  }
  *out = (uintptr_t)thread;
  return 0;
}

void cplatform_thread_detach(uintptr_t thread) { pthread_detach((pthread_t)thread); }

void cplatform_thread_join(uintptr_t thread) { pthread_join((pthread_t)thread, NULL); }

struct cplatform_condition {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

cplatform_condition *cplatform_condition_create(void) {
  cplatform_condition *made = malloc(sizeof *made);
  if (!made) abort();
  pthread_mutex_init(&made->mutex, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&made->condition, &attributes);
  pthread_condattr_destroy(&attributes);
  return made;
}

void cplatform_condition_destroy(cplatform_condition *condition) {
  pthread_cond_destroy(&condition->condition);
  pthread_mutex_destroy(&condition->mutex);
  free(condition);
}

void cplatform_condition_lock(cplatform_condition *condition) { pthread_mutex_lock(&condition->mutex); }
void cplatform_condition_unlock(cplatform_condition *condition) { pthread_mutex_unlock(&condition->mutex); }

bool cplatform_condition_wait(cplatform_condition *condition, int64_t deadline_ms) {
  if (deadline_ms < 0) {
    pthread_cond_wait(&condition->condition, &condition->mutex);
    return true;
  }
  struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = (deadline_ms % 1000) * 1000000};
  return pthread_cond_timedwait(&condition->condition, &condition->mutex, &until) != ETIMEDOUT;
}

void cplatform_condition_signal(cplatform_condition *condition) { pthread_cond_signal(&condition->condition); }
void cplatform_condition_broadcast(cplatform_condition *condition) { pthread_cond_broadcast(&condition->condition); }

int64_t cplatform_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cplatform_wall_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void cplatform_random(void *bytes, size_t count) {
  char *at = bytes;
  while (count > 0) {
    ssize_t got = getrandom(at, count, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      abort();
    }
    at += got;
    count -= (size_t)got;
  }
}

void cplatform_random_hex(char *digits, size_t count) {
  static const char hex[] = "0123456789abcdef";
  static _Thread_local unsigned char pool[256];
  static _Thread_local size_t used = sizeof pool;
  for (size_t i = 0; i < count; i += 2) {
    if (used == sizeof pool) {
      cplatform_random(pool, sizeof pool);
      used = 0;
    }
    unsigned char byte = pool[used];
    pool[used++] = 0; /* nobody can read later what was given out */
    digits[i] = hex[byte >> 4];
    if (i + 1 < count) digits[i + 1] = hex[byte & 15];
  }
}

void cplatform_sleep_ms(int64_t ms) {
  struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
  while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
  }
}

bool cplatform_write_fully(int descriptor, const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t put = write(descriptor, at, count);
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return false;
      struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
      poll(&writable, 1, -1);
      continue;
    }
    at += put;
    count -= (size_t)put;
  }
  return true;
}

static _Thread_local const void *current_wakeups;
const void *cplatform_current_wakeups(void) { return current_wakeups; }
void cplatform_set_current_wakeups(const void *wakeups) { current_wakeups = wakeups; }
