/* refusals.c - the handler behind trapped system calls.
 *
 * A plugin may replace it; then it learns of its refusals by itself, for the call is never made. */
#define _GNU_SOURCE
#include "refusals.h"

#include "sandbox.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const struct {
  int number;
  int error;
  const char *name;
} refusals[] = {
#define ENTRY(name, error) {SCMP_SYS(name), error, #name},
    REFUSALS(ENTRY) REFUSALS_BY_ARGUMENT(ENTRY)
#undef ENTRY
};
#define COUNT (sizeof refusals / sizeof refusals[0])

static atomic_bool told[COUNT];

static void append(char *line, size_t capacity, size_t *length, const char *text) {
  size_t more = strlen(text);
  if (*length + more > capacity) return;
  memcpy(line + *length, text, more);
  *length += more;
}

/* Only what may be called in a signal handler. */
static void tell(size_t index) {
  if (atomic_exchange_explicit(&told[index], true, memory_order_relaxed)) return;
  char line[160];
  size_t length = 0;
  append(line, sizeof line, &length, "plugin-worker: the sandbox refused the system call ");
  append(line, sizeof line, &length, refusals[index].name);
  append(line, sizeof line, &length, refusals[index].error == EACCES ? " with EACCES" : " with EPERM");
  append(line, sizeof line, &length, " (told once; see docs/sandbox.md)\n");
  if (write(2, line, length) < 0) return; /* nobody listens */
}

static void answer(ucontext_t *context, long value) {
#if defined(__x86_64__)
  context->uc_mcontext.gregs[REG_RAX] = value;
#elif defined(__aarch64__)
  context->uc_mcontext.regs[0] = (unsigned long long)value;
#else
#error "say where this machine returns the result of a system call"
#endif
}

static void refused(int signal_number, siginfo_t *info, void *context) {
  int before = errno;
  if (info->si_code != 1 /* SYS_SECCOMP */) { /* somebody raised it */
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  int error = EPERM;
  for (size_t i = 0; i < COUNT; i++) {
    if (refusals[i].number != info->si_syscall) continue;
    error = refusals[i].error;
    tell(i);
    break;
  }
  answer(context, -error);
  errno = before;
}

bool refusals_install(sandbox_reason *why) {
  struct sigaction action = {.sa_sigaction = refused, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSYS, &action, NULL) == 0) return true;
  return sandbox_fail(why, "sigaction: %s", strerror(errno));
}
