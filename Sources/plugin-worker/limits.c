/* limits.c - what the process may use at most, and the privileges it gives up. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Threads of the worker itself and of a language's runtime, which are not the plugin's. */
#define OWN_THREADS 8u
/* What libraries, the worker's buffers (64 MiB of output may wait) and a language's runtime take before the plugin does. */
#define OWN_MEMORY_MB 96u
/* Arenas of malloc; each may keep free memory that the others cannot use. */
#define ARENAS 4
#define DESCRIPTORS 256u

static bool limit(int resource, const char *name, rlim_t most, sandbox_reason *why) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return sandbox_fail(why, "%s: %s", name, strerror(errno));
  if (now.rlim_max < most) most = now.rlim_max;
  struct rlimit wanted = {.rlim_cur = most, .rlim_max = most};
  if (setrlimit(resource, &wanted) == 0) return true;
  return sandbox_fail(why, "%s: %s", name, strerror(errno));
}

bool limits_enter(const worker_arguments *arguments, sandbox_reason *why) {
  mallopt(M_ARENA_MAX, ARENAS);
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_attr_setstacksize(&attributes, WORKER_STACK_SIZE);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
  /* Writing beyond RLIMIT_FSIZE shall be an error, not the end. */
  signal(SIGXFSZ, SIG_IGN);
  /* Not RLIMIT_AS: Swift reserves hundreds of megabytes that it never touches. Not RLIMIT_NPROC: it counts what all
   * processes of the user have, and root is exempt. */
  rlim_t threads = (rlim_t)(arguments->threads + OWN_THREADS) * WORKER_STACK_SIZE;
  rlim_t data = ((rlim_t)arguments->memory_mb + OWN_MEMORY_MB) * (1u << 20) + threads;
  return (SANDBOX_SANITIZED || limit(RLIMIT_DATA, "RLIMIT_DATA", data, why)) &&
         limit(RLIMIT_CORE, "RLIMIT_CORE", 0, why) && limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", DESCRIPTORS, why) &&
         limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", 0, why) && limit(RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0, why) &&
         limit(RLIMIT_RTPRIO, "RLIMIT_RTPRIO", 0, why) && limit(RLIMIT_NICE, "RLIMIT_NICE", 0, why) &&
         limit(RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 8u << 20, why);
}

bool privileges_enter(sandbox_reason *why) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return sandbox_fail(why, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
  }
  /* A server that runs as root would hand on all of its rights, such as that to trace any process. */
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, none) != 0) return sandbox_fail(why, "capset: %s", strerror(errno));
  /* Processes of the same user, other plugins among them, cannot trace it or read its memory. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return sandbox_fail(why, "PR_SET_DUMPABLE: %s", strerror(errno));
  return true;
}
