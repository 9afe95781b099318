#define _GNU_SOURCE
#include "cplatform_watch.h"
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

int cplatform_watch_open(cplatform_watch *watch) {
  watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (watch->wake < 0) return errno;
  watch->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return 0;
}

void cplatform_watch_close(const cplatform_watch *watch) {
  if (watch->notify >= 0) close(watch->notify);
  close(watch->wake);
}

int cplatform_watch_add(const cplatform_watch *watch, const char *path) {
  if (watch->notify < 0) return EMFILE;
  uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW;
  return inotify_add_watch(watch->notify, path, events) < 0 ? errno : 0;
}

int cplatform_watch_wait(const cplatform_watch *watch, int32_t milliseconds) {
  struct pollfd polled[] = {{.fd = watch->wake, .events = POLLIN}, {.fd = watch->notify, .events = POLLIN}};
  int ready = poll(polled, 2, milliseconds);
  if (ready <= 0) return 0;
  if (polled[0].revents) return -1;
  char events[4096];
  while (read(watch->notify, events, sizeof events) > 0) {
  }
  return 1;
}

void cplatform_watch_wake(const cplatform_watch *watch) {
  uint64_t one = 1;
  if (write(watch->wake, &one, sizeof one) < 0) return; /* it is awake */
}
