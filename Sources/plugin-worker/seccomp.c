/* seccomp.c - puts the list of allowed system calls into force. filters/rules.c says what is on it. */
#define _GNU_SOURCE
#include "sandbox.h"
#include "seccomp_filters.h"
#include "self.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool seccomp_available(sandbox_reason *why) {
  uint32_t trap = SECCOMP_RET_TRAP;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) == 0) return true;
  return sandbox_fail(why, "%s", errno == ENOSYS ? "this kernel has none, or the call is forbidden here" : strerror(errno));
}

bool seccomp_enter(const worker_arguments *arguments, sandbox_reason *why) {
  static struct sock_filter filter[BPF_MAXINSNS];
  const struct sock_filter *chosen = arguments->runtime == RUNTIME_SWIFT ? swift_filter : native_filter;
  size_t size = arguments->runtime == RUNTIME_SWIFT ? sizeof swift_filter : sizeof native_filter;
  memcpy(filter, chosen, size);
  struct sock_fprog program = {.len = (unsigned short)(size / sizeof filter[0]), .filter = filter};
  for (size_t i = 0; i < program.len; i++) {
    if (BPF_CLASS(filter[i].code) == BPF_JMP && filter[i].k == FILTER_SELF) filter[i].k = (uint32_t)getpid();
  }
  if (!refusals_install(why)) return false;
  /* For threads, too, that somebody may have started before main. */
  long failed = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (!failed) return true;
  return sandbox_fail(why, "%s", failed > 0 ? "a thread has a filter of its own" : strerror(errno));
}
