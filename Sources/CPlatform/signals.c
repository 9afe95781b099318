#define _GNU_SOURCE
#include "cplatform_signals.h"
#include <errno.h>
#include <signal.h>
#include <time.h>

static sigset_t held(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

void cplatform_signals_hold(void) {
  sigset_t set = held();
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int cplatform_signals_wait(int64_t timeout_ms) {
  sigset_t set = held();
  if (timeout_ms < 0) {
    int number = 0;
    while (sigwait(&set, &number) != 0) {
    }
    return number;
  }
  struct timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = (timeout_ms % 1000) * 1000000};
  int number = sigtimedwait(&set, NULL, &limit);
  return number > 0 ? number : 0;
}
