/* rules.c - the list of system calls that a plugin may make.
 *
 * This program is run when the worker is built: libseccomp compiles the list, once for each runtime, and the filters are
 * printed as C for the worker to carry (seccomp_filters.h). Compiling them at each start would take 2 ms.
 *
 * What is on no list is answered with ENOSYS, as if the kernel were older: runtimes probe for new calls and go on without.
 * What only somebody who wants out would call is refused with an error and told (refusals.h). Calls of another
 * architecture end the process: this list could not judge them. */
#define _GNU_SOURCE
#include "../refusals.h"
#include "../self.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Allowed whatever the arguments: the base, for C, C++ and Rust. The kernel looks these up in a bitmap, without running the
 * filter, so their number costs nothing. */
static const int base[] = {
    /* memory */
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    SCMP_SYS(mincore), SCMP_SYS(msync), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(get_mempolicy),
    SCMP_SYS(pkey_alloc), SCMP_SYS(pkey_free), SCMP_SYS(pkey_mprotect), SCMP_SYS(membarrier),
    /* what is open: the socket to the host, output, files that Landlock let be opened */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(close),
    SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2),
    SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(getdents64), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(signalfd4),
    /* looking at files; Landlock guards their contents */
    SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs),
    SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(chdir), SCMP_SYS(fchdir), SCMP_SYS(umask),
    /* threads and their signals */
    SCMP_SYS(futex), SCMP_SYS(futex_waitv), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_max), SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(getpriority), SCMP_SYS(getcpu), SCMP_SYS(arch_prctl), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(pause), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* time */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(alarm), SCMP_SYS(getitimer),
    SCMP_SYS(setitimer), SCMP_SYS(timer_create), SCMP_SYS(timer_settime), SCMP_SYS(timer_gettime),
    SCMP_SYS(timer_getoverrun), SCMP_SYS(timer_delete),
    /* about itself and the machine */
    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid), SCMP_SYS(getsid), SCMP_SYS(capget), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Flags of open that would change a file. */
#define CHANGING (O_ACCMODE | O_CREAT | O_TRUNC)
/* Flags of clone that make a process or a name space instead of a thread. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define SOCKET_TYPE 0xfu /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define LOW_HALF 0xffffffffull /* of arguments that the kernel takes as int */

typedef struct filter {
  scmp_filter_ctx context;
  int error; /* the first; 0: none */
} filter;

/* Adds a rule with up to two conditions. */
static void rule(filter *f, uint32_t action, int call, unsigned count, struct scmp_arg_cmp a, struct scmp_arg_cmp b) {
  struct scmp_arg_cmp conditions[] = {a, b};
  int error = seccomp_rule_add_array(f->context, action, call, count, conditions);
  /* Calls that this machine does not have, and rules that are what happens anyway, are no mistakes. */
  if (error && error != -EACCES && error != -EDOM && !f->error) f->error = error;
}

static void always(filter *f, uint32_t action, int call) {
  rule(f, action, call, 0, (struct scmp_arg_cmp){0}, (struct scmp_arg_cmp){0});
}
static void when(filter *f, uint32_t action, int call, struct scmp_arg_cmp a) {
  rule(f, action, call, 1, a, (struct scmp_arg_cmp){0});
}
static void when_both(filter *f, uint32_t action, int call, struct scmp_arg_cmp a, struct scmp_arg_cmp b) {
  rule(f, action, call, 2, a, b);
}

#define ALLOW SCMP_ACT_ALLOW
#define TELL SCMP_ACT_TRAP
#define EQUAL(argument, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, LOW_HALF, (scmp_datum_t)(uint32_t)(value))
#define MASKED(argument, mask, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value)

static void add_files(filter *f) {
  /* Opening for reading. Landlock would refuse the rest as well; this also holds where it is missing. */
  static const struct {
    int call;
    unsigned flags;
  } opens[] = {{SCMP_SYS(openat), 2}, {SCMP_SYS(open), 1}};
  for (size_t i = 0; i < COUNT(opens); i++) {
    when(f, ALLOW, opens[i].call, MASKED(opens[i].flags, CHANGING, O_RDONLY));
    static const unsigned changing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
    for (size_t j = 0; j < COUNT(changing); j++) {
      when(f, TELL, opens[i].call, MASKED(opens[i].flags, changing[j], changing[j]));
    }
  }
  /* Not F_SETOWN and F_SETSIG: with them the kernel sends any process any signal. */
  static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK,
                                 F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ, F_SETPIPE_SZ};
  for (size_t i = 0; i < COUNT(commands); i++) when(f, ALLOW, SCMP_SYS(fcntl), EQUAL(1, commands[i]));
  static const int owners[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
  for (size_t i = 0; i < COUNT(owners); i++) when(f, TELL, SCMP_SYS(fcntl), EQUAL(1, owners[i]));
  static const unsigned long requests[] = {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ};
  for (size_t i = 0; i < COUNT(requests); i++) when(f, ALLOW, SCMP_SYS(ioctl), EQUAL(1, requests[i]));
  /* A pair of streams reaches nobody else. Datagrams could be sent to any socket in the file system. */
  when_both(f, ALLOW, SCMP_SYS(socketpair), EQUAL(0, AF_UNIX), MASKED(1, SOCKET_TYPE, SOCK_STREAM));
  when_both(f, TELL, SCMP_SYS(socketpair), EQUAL(0, AF_UNIX), MASKED(1, SOCKET_TYPE, SOCK_DGRAM));
  when(f, TELL, SCMP_SYS(socketpair), SCMP_CMP64(0, SCMP_CMP_NE, AF_UNIX));
}

static void add_processes(filter *f, bool swift) {
  const uint32_t self = FILTER_SELF; /* the worker puts its process id in its place */
  /* A thread, and nothing but a thread. The others silently: they are tried with signals blocked. */
  when(f, ALLOW, SCMP_SYS(clone), MASKED(0, CLONE_THREAD | NAMESPACES, CLONE_THREAD));
  when(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), MASKED(0, CLONE_THREAD, 0));
  always(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fork));
  always(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(vfork));
  /* Its flags lie in memory, where a filter cannot look; libraries fall back on clone. */
  always(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  /* Signals to itself only. */
  static const int signals[] = {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo)};
  for (size_t i = 0; i < COUNT(signals); i++) {
    when(f, ALLOW, signals[i], EQUAL(0, self));
    when(f, TELL, signals[i], SCMP_CMP64(0, SCMP_CMP_NE, (scmp_datum_t)self));
  }
  always(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tkill));
  /* Its limits may be read. */
  when_both(f, ALLOW, SCMP_SYS(prlimit64), EQUAL(0, 0), SCMP_CMP64(2, SCMP_CMP_EQ, 0));
  when_both(f, ALLOW, SCMP_SYS(prlimit64), EQUAL(0, self), SCMP_CMP64(2, SCMP_CMP_EQ, 0));
  when(f, TELL, SCMP_SYS(prlimit64), SCMP_CMP64(2, SCMP_CMP_NE, 0));
  /* The calling thread's own scheduling; with other ids they would reach other processes of the user. Silently: libraries
   * that compute ask for it for the threads they have started, and go on without. */
  static const int scheduling[] = {SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setaffinity)};
  for (size_t i = 0; i < COUNT(scheduling); i++) {
    when(f, ALLOW, scheduling[i], EQUAL(0, 0));
    when(f, SCMP_ACT_ERRNO(EPERM), scheduling[i], SCMP_CMP64(0, SCMP_CMP_NE, 0));
  }
  static const int more_scheduling[] = {SCMP_SYS(sched_setparam), SCMP_SYS(sched_setattr), SCMP_SYS(ioprio_set)};
  for (size_t i = 0; i < COUNT(more_scheduling); i++) always(f, SCMP_ACT_ERRNO(EPERM), more_scheduling[i]);
  static const int names[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
                              PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_CAPBSET_READ};
  for (size_t i = 0; i < COUNT(names); i++) when(f, ALLOW, SCMP_SYS(prctl), EQUAL(0, names[i]));
  static const int tracing[] = {PR_SET_DUMPABLE, PR_SET_PTRACER};
  for (size_t i = 0; i < COUNT(tracing); i++) when(f, TELL, SCMP_SYS(prctl), EQUAL(0, tracing[i]));
  if (swift) {
    /* libdispatch gives its threads the niceness of their quality of service, some below zero, and complains to syslog
     * when it may not. It is told that it has worked; all threads stay alike. */
    when_both(f, SCMP_ACT_ERRNO(0), SCMP_SYS(setpriority), EQUAL(0, PRIO_PROCESS), EQUAL(1, 0));
    when(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpriority), SCMP_CMP64(1, SCMP_CMP_NE, 0));
  } else {
    always(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpriority));
  }
}

static void fill(filter *f, bool swift) {
  for (size_t i = 0; i < COUNT(base); i++) always(f, ALLOW, base[i]);
#define ENTRY(name, error) always(f, TELL, SCMP_SYS(name));
  REFUSALS(ENTRY)
#undef ENTRY
  add_files(f);
  add_processes(f, swift);
}

/* Prints the program in `file` as the array `name`. */
static int print(const char *name, FILE *file) {
  struct sock_filter instruction;
  unsigned count = 0, selves = 0;
  printf("static const struct sock_filter %s[] = {\n", name);
  rewind(file);
  while (fread(&instruction, sizeof instruction, 1, file) == 1) {
    printf("    {0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt, instruction.jf, instruction.k);
    count++;
    if (instruction.k == FILTER_SELF) selves++;
  }
  printf("};\n");
  /* Calls that take a process id ask for it; those that ask alike share it. */
  return count > 100 && count <= BPF_MAXINSNS && selves > 0 ? 0 : -EINVAL;
}

static int compile(const char *name, bool swift) {
  filter f = {.context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS))};
  FILE *file = tmpfile();
  if (!f.context || !file) return -1;
  fill(&f, swift);
  int error = f.error;
  if (!error) error = seccomp_attr_set(f.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  /* A balanced tree: a call with conditions on it meets few comparisons. */
  if (!error) error = seccomp_attr_set(f.context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (!error) error = seccomp_export_bpf(f.context, fileno(file));
  if (!error) error = print(name, file);
  seccomp_release(f.context);
  fclose(file);
  if (error) fprintf(stderr, "filters: %s cannot be compiled: %s\n", name, strerror(-error));
  return error;
}

int main(void) {
  printf("/* Printed by filters/rules.c when the worker is built. */\n#include <linux/filter.h>\n");
  return compile("native_filter", false) || compile("swift_filter", true) ? EXIT_FAILURE : EXIT_SUCCESS;
}
