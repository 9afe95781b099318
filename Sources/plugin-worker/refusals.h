/* refusals.h - the system calls that are refused with a word to whoever reads the log.
 *
 * Each is trapped: a handler answers with the error and tells, once for each, on stderr. So they must not be among those
 * that libraries make with all signals blocked (fork, clone: refused silently). REFUSAL(name, error). */
#ifndef WORKER_REFUSALS_H
#define WORKER_REFUSALS_H

#include <errno.h>
#include <seccomp.h>

/* The network. */
#define REFUSALS_NETWORK(REFUSAL)                                                                                    \
  REFUSAL(socket, EACCES) REFUSAL(connect, EACCES) REFUSAL(bind, EACCES) REFUSAL(listen, EACCES)                     \
  REFUSAL(accept, EACCES) REFUSAL(accept4, EACCES)

/* Changes of files, those too that Landlock does not know: owners, modes, times, attributes. */
#define REFUSALS_FILES(REFUSAL)                                                                                      \
  REFUSAL(creat, EACCES) REFUSAL(unlink, EACCES) REFUSAL(unlinkat, EACCES) REFUSAL(rename, EACCES)                   \
  REFUSAL(renameat, EACCES) REFUSAL(renameat2, EACCES) REFUSAL(mkdir, EACCES) REFUSAL(mkdirat, EACCES)               \
  REFUSAL(rmdir, EACCES) REFUSAL(link, EACCES) REFUSAL(linkat, EACCES) REFUSAL(symlink, EACCES)                      \
  REFUSAL(symlinkat, EACCES) REFUSAL(mknod, EACCES) REFUSAL(mknodat, EACCES) REFUSAL(chmod, EACCES)                  \
  REFUSAL(fchmod, EACCES) REFUSAL(fchmodat, EACCES) REFUSAL(chown, EACCES) REFUSAL(fchown, EACCES)                   \
  REFUSAL(lchown, EACCES) REFUSAL(fchownat, EACCES) REFUSAL(truncate, EACCES) REFUSAL(ftruncate, EACCES)             \
  REFUSAL(fallocate, EACCES) REFUSAL(utime, EACCES) REFUSAL(utimes, EACCES) REFUSAL(futimesat, EACCES)               \
  REFUSAL(utimensat, EACCES) REFUSAL(setxattr, EACCES) REFUSAL(lsetxattr, EACCES) REFUSAL(fsetxattr, EACCES)         \
  REFUSAL(removexattr, EACCES) REFUSAL(lremovexattr, EACCES) REFUSAL(fremovexattr, EACCES)                           \
  REFUSAL(memfd_create, EACCES) REFUSAL(memfd_secret, EACCES)

/* Other programs, other processes, their memory. */
#define REFUSALS_PROCESSES(REFUSAL)                                                                                  \
  REFUSAL(execve, EPERM) REFUSAL(execveat, EPERM) REFUSAL(ptrace, EPERM) REFUSAL(process_vm_readv, EPERM)            \
  REFUSAL(process_vm_writev, EPERM) REFUSAL(process_madvise, EPERM) REFUSAL(process_mrelease, EPERM)                 \
  REFUSAL(kcmp, EPERM) REFUSAL(pidfd_open, EPERM) REFUSAL(pidfd_getfd, EPERM) REFUSAL(pidfd_send_signal, EPERM)      \
  REFUSAL(setsid, EPERM) REFUSAL(setpgid, EPERM) REFUSAL(setrlimit, EPERM) REFUSAL(shmget, EPERM)                    \
  REFUSAL(shmat, EPERM) REFUSAL(semget, EPERM) REFUSAL(msgget, EPERM) REFUSAL(mq_open, EPERM)

/* Rights, name spaces and the inside of the kernel. */
#define REFUSALS_KERNEL(REFUSAL)                                                                                     \
  REFUSAL(setuid, EPERM) REFUSAL(setgid, EPERM) REFUSAL(setreuid, EPERM) REFUSAL(setregid, EPERM)                    \
  REFUSAL(setresuid, EPERM) REFUSAL(setresgid, EPERM) REFUSAL(setgroups, EPERM) REFUSAL(capset, EPERM)               \
  REFUSAL(unshare, EPERM) REFUSAL(setns, EPERM) REFUSAL(chroot, EPERM) REFUSAL(pivot_root, EPERM)                    \
  REFUSAL(mount, EPERM) REFUSAL(umount2, EPERM) REFUSAL(move_mount, EPERM) REFUSAL(open_tree, EPERM)                 \
  REFUSAL(fsopen, EPERM) REFUSAL(mount_setattr, EPERM) REFUSAL(open_by_handle_at, EPERM)                             \
  REFUSAL(name_to_handle_at, EPERM) REFUSAL(bpf, EPERM) REFUSAL(perf_event_open, EPERM)                              \
  REFUSAL(userfaultfd, EPERM) REFUSAL(io_uring_setup, EPERM) REFUSAL(io_uring_enter, EPERM)                          \
  REFUSAL(io_uring_register, EPERM) REFUSAL(io_setup, EPERM) REFUSAL(keyctl, EPERM) REFUSAL(add_key, EPERM)          \
  REFUSAL(request_key, EPERM) REFUSAL(fanotify_init, EPERM) REFUSAL(inotify_init, EPERM)                             \
  REFUSAL(inotify_init1, EPERM) REFUSAL(init_module, EPERM) REFUSAL(finit_module, EPERM)                             \
  REFUSAL(delete_module, EPERM) REFUSAL(kexec_load, EPERM) REFUSAL(kexec_file_load, EPERM) REFUSAL(reboot, EPERM)    \
  REFUSAL(swapon, EPERM) REFUSAL(swapoff, EPERM) REFUSAL(acct, EPERM) REFUSAL(quotactl, EPERM)                       \
  REFUSAL(settimeofday, EPERM) REFUSAL(clock_settime, EPERM) REFUSAL(adjtimex, EPERM) REFUSAL(clock_adjtime, EPERM)  \
  REFUSAL(sethostname, EPERM) REFUSAL(setdomainname, EPERM) REFUSAL(syslog, EPERM) REFUSAL(iopl, EPERM)              \
  REFUSAL(ioperm, EPERM) REFUSAL(modify_ldt, EPERM) REFUSAL(personality, EPERM) REFUSAL(seccomp, EPERM)              \
  REFUSAL(vmsplice, EPERM) REFUSAL(splice, EPERM)

#define REFUSALS(REFUSAL)                                                                                            \
  REFUSALS_NETWORK(REFUSAL) REFUSALS_FILES(REFUSAL) REFUSALS_PROCESSES(REFUSAL) REFUSALS_KERNEL(REFUSAL)

/* Allowed with some arguments, refused so with others. */
#define REFUSALS_BY_ARGUMENT(REFUSAL)                                                                                \
  REFUSAL(open, EACCES) REFUSAL(openat, EACCES) REFUSAL(kill, EPERM) REFUSAL(tgkill, EPERM)                          \
  REFUSAL(rt_sigqueueinfo, EPERM) REFUSAL(rt_tgsigqueueinfo, EPERM) REFUSAL(prlimit64, EPERM)                        \
  REFUSAL(socketpair, EACCES) REFUSAL(fcntl, EPERM) REFUSAL(prctl, EPERM)

#endif
