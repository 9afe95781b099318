/* attempts.h - the ways out that SandboxC tries. Each answers 0, or the error with which it failed; `found` is for what it got
 * to see. Where an attempt that works would do harm, it does the least that proves it. */
#ifndef ATTEMPTS_H
#define ATTEMPTS_H

#include "../fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTEMPT(name) static int name(const char *what, char *found, size_t room)
#define IGNORED (void)what, (void)found, (void)room
#define RAW(call) ((call) < 0 ? errno : 0)

/* Path of a file in the plugin's own bundle. */
static char *own(const char *file) {
  Dl_info info;
  if (!dladdr((void *)own, &info)) abort();
  char *slash = strrchr(info.dli_fname, '/');
  return format("%.*s/%s", (int)(slash - info.dli_fname), info.dli_fname, file);
}

static int open_and_close(const char *path, int flags) {
  int descriptor = open(path, flags | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno;
  close(descriptor);
  return 0;
}

/* ---- what a plugin may do ---- */

ATTEMPT(read_file) {
  int descriptor = open(what, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  ssize_t count = read(descriptor, found, room - 1);
  int error = count < 0 ? errno : 0;
  found[count > 0 ? count : 0] = 0;
  for (char *at = found; *at; at++) {
    if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) *at = '.';
  }
  close(descriptor);
  return error;
}
ATTEMPT(read_asset) {
  char *path = own(*what ? what : "assets/note.txt");
  int error = read_file(path, found, room);
  free(path);
  return error;
}
static void *nothing(void *unused) { return unused; }
ATTEMPT(start_thread) {
  IGNORED;
  pthread_t thread;
  int error = pthread_create(&thread, NULL, nothing, NULL);
  if (!error) pthread_join(thread, NULL);
  return error;
}
ATTEMPT(signal_self) {
  IGNORED;
  return RAW(kill(getpid(), SIGCONT));
}
ATTEMPT(stream_pair) {
  IGNORED;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return errno;
  close(pair[0]);
  close(pair[1]);
  return 0;
}
ATTEMPT(descriptors) {
  (void)what;
  int kept[4096], count = 0, error = 0;
  while (count < 4096 && (kept[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) count++;
  error = count == 4096 ? 0 : errno;
  for (int i = 0; i < count; i++) close(kept[i]);
  snprintf(found, room, "%d", count);
  return error;
}
ATTEMPT(allocate) {
  (void)found, (void)room;
  void *memory = malloc((size_t)atoi(what) << 20);
  if (!memory) return errno;
  memset(memory, 1, (size_t)atoi(what) << 20);
  free(memory);
  return 0;
}

/* ---- the network ---- */

ATTEMPT(tcp_connect) {
  (void)found, (void)room;
  int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  if (socket_ < 0) return errno;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(what)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int error = RAW(connect(socket_, (struct sockaddr *)&address, sizeof address));
  close(socket_);
  return error;
}
ATTEMPT(tcp_bind) {
  IGNORED;
  int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  if (socket_ < 0) return errno;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int error = RAW(bind(socket_, (struct sockaddr *)&address, sizeof address));
  close(socket_);
  return error;
}
static int just_socket(int family, int type) {
  int socket_ = socket(family, type, 0);
  if (socket_ < 0) return errno;
  close(socket_);
  return 0;
}
ATTEMPT(udp) {
  IGNORED;
  return just_socket(AF_INET, SOCK_DGRAM);
}
ATTEMPT(unix_socket) {
  IGNORED;
  return just_socket(AF_UNIX, SOCK_STREAM);
}
ATTEMPT(netlink) {
  IGNORED;
  return just_socket(AF_NETLINK, SOCK_RAW);
}
/* A datagram socket from a pair can be sent to any address. */
ATTEMPT(datagram_pair) {
  IGNORED;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair)) return errno;
  close(pair[0]);
  close(pair[1]);
  return 0;
}

/* ---- files ---- */

ATTEMPT(create_file) {
  (void)found, (void)room;
  return open_and_close(what, O_WRONLY | O_CREAT);
}
ATTEMPT(open_for_writing) {
  (void)found, (void)room;
  return open_and_close(what, O_RDWR);
}
static int with_own(const char *file, int (*run)(const char *path)) {
  char *path = own(file);
  int error = run(path) < 0 ? errno : 0;
  free(path);
  return error;
}
static int write_to(const char *path) { return (errno = open_and_close(path, O_WRONLY)) ? -1 : 0; }
static int truncate_it(const char *path) { return truncate(path, 0); }
static int change_mode(const char *path) { return chmod(path, 0777); }
static int change_owner(const char *path) { return chown(path, getuid(), getgid()); }
static int change_times(const char *path) { return utimensat(AT_FDCWD, path, NULL, 0); }
static int set_attribute(const char *path) { return setxattr(path, "user.sandbox", "x", 1, 0); }
static int rename_it(const char *path) { return rename(path, path); }
static int link_it(const char *path) { return link(path, "/tmp/agenthost-sandbox-link"); }
ATTEMPT(write_own) { IGNORED; return with_own("assets/note.txt", write_to); }
ATTEMPT(truncate_own) { IGNORED; return with_own("assets/note.txt", truncate_it); }
ATTEMPT(chmod_own) { IGNORED; return with_own("assets/note.txt", change_mode); }
ATTEMPT(chown_own) { IGNORED; return with_own("assets/note.txt", change_owner); }
ATTEMPT(utime_own) { IGNORED; return with_own("assets/note.txt", change_times); }
ATTEMPT(xattr_own) { IGNORED; return with_own("assets/note.txt", set_attribute); }
ATTEMPT(rename_own) { IGNORED; return with_own("assets/note.txt", rename_it); }
ATTEMPT(link_own) { IGNORED; return with_own("assets/note.txt", link_it); }
ATTEMPT(unlink_nothing) { (void)found, (void)room; return RAW(unlink(what)); }
ATTEMPT(make_folder) { (void)found, (void)room; return RAW(mkdir(what, 0700)); }
ATTEMPT(make_symlink) { (void)found, (void)room; return RAW(symlink("/", what)); }
ATTEMPT(shared_memory) {
  IGNORED;
  int descriptor = shm_open("/agenthost-sandbox", O_RDWR | O_CREAT, 0600);
  if (descriptor < 0) return errno;
  close(descriptor);
  shm_unlink("/agenthost-sandbox");
  return 0;
}
ATTEMPT(system_v_memory) {
  IGNORED;
  int id = (int)syscall(SYS_shmget, 0, 4096, 01600);
  if (id < 0) return errno;
  syscall(SYS_shmctl, id, 0, NULL);
  return 0;
}
ATTEMPT(watch_files) { (void)found, (void)room; (void)what; return RAW(syscall(SYS_inotify_init1, 0)); }

/* ---- processes ---- */

static int child_or_error(long pid) {
  if (pid < 0) return errno;
  if (pid == 0) _exit(0);
  waitpid((pid_t)pid, NULL, 0);
  return 0;
}
ATTEMPT(do_fork) { IGNORED; return child_or_error(fork()); }
ATTEMPT(raw_fork) { IGNORED; return child_or_error(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
#ifdef SYS_fork
ATTEMPT(fork_call) { IGNORED; return child_or_error(syscall(SYS_fork)); }
ATTEMPT(vfork_call) { IGNORED; return child_or_error(syscall(SYS_vfork)); }
#endif
ATTEMPT(clone3_call) {
  IGNORED;
  uint64_t arguments[11] = {[4] = SIGCHLD};
  return child_or_error(syscall(SYS_clone3, arguments, sizeof arguments));
}
ATTEMPT(spawn) {
  IGNORED;
  pid_t pid;
  char *arguments[] = {"true", NULL}, *environment[] = {NULL};
  int error = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environment);
  if (!error) waitpid(pid, NULL, 0);
  return error;
}
ATTEMPT(exec) {
  IGNORED;
  char *arguments[] = {"true", NULL}, *environment[] = {NULL};
  execve("/bin/true", arguments, environment);
  return errno;
}
ATTEMPT(memfd) {
  IGNORED;
  int descriptor = memfd_create("x", MFD_CLOEXEC);
  if (descriptor < 0) return errno;
  char *arguments[] = {"x", NULL}, *environment[] = {NULL};
  fexecve(descriptor, arguments, environment);
  int error = errno;
  close(descriptor);
  return error;
}
ATTEMPT(trace) { (void)found, (void)room; return RAW(ptrace(PTRACE_SEIZE, atoi(what), NULL, NULL)); }
ATTEMPT(read_memory) {
  (void)found, (void)room;
  char byte;
  struct iovec here = {&byte, 1}, there = {&byte, 1};
  return RAW(process_vm_readv(atoi(what), &here, 1, &there, 1, 0));
}
ATTEMPT(send_signal) { (void)found, (void)room; return RAW(kill(atoi(what), SIGCONT)); }
ATTEMPT(send_signal_to_group) { IGNORED; return RAW(kill(0, SIGCONT)); }
ATTEMPT(send_signal_to_thread) { (void)found, (void)room; return RAW(syscall(SYS_tgkill, atoi(what), atoi(what), SIGCONT)); }
ATTEMPT(send_signal_by_tkill) { (void)found, (void)room; return RAW(syscall(SYS_tkill, atoi(what), SIGCONT)); }
ATTEMPT(queue_signal) { (void)found, (void)room; return RAW(sigqueue(atoi(what), SIGCONT, (union sigval){0})); }
ATTEMPT(process_descriptor) { (void)found, (void)room; return RAW(syscall(SYS_pidfd_open, atoi(what), 0)); }
/* The kernel sends the owner of a descriptor any signal that was chosen. */
ATTEMPT(own_descriptor) {
  (void)found, (void)room;
  int pair[2];
  if (pipe(pair)) return errno;
  int error = RAW(fcntl(pair[0], F_SETOWN, atoi(what)));
  if (!error) error = RAW(fcntl(pair[0], F_SETSIG, SIGCONT));
  close(pair[0]);
  close(pair[1]);
  return error;
}
ATTEMPT(set_priority) { (void)found, (void)room; return RAW(setpriority(PRIO_PROCESS, (id_t)atoi(what), 5)); }
ATTEMPT(set_affinity) {
  (void)found, (void)room;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  return RAW(sched_setaffinity(atoi(what), sizeof set, &set));
}
ATTEMPT(set_limits) {
  (void)found, (void)room;
  struct rlimit limit = {1024, 1024};
  return RAW(prlimit(atoi(what), RLIMIT_NOFILE, &limit, NULL));
}
ATTEMPT(raise_limits) {
  IGNORED;
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  return RAW(setrlimit(RLIMIT_DATA, &limit));
}
ATTEMPT(new_session) { IGNORED; return RAW(setsid()); }
ATTEMPT(new_group) { IGNORED; return RAW(setpgid(0, getppid())); }
ATTEMPT(be_dumpable) { IGNORED; return RAW(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }

/* ---- the kernel ---- */

#define CALL(name, ...)                       \
  ATTEMPT(name) {                             \
    IGNORED;                                  \
    return RAW(syscall(__VA_ARGS__));         \
  }
CALL(unshare_files, SYS_unshare, CLONE_FS)
CALL(unshare_user, SYS_unshare, CLONE_NEWUSER)
CALL(set_namespace, SYS_setns, 0, 0)
CALL(mount_something, SYS_mount, "none", "/tmp", "tmpfs", 0, 0)
CALL(change_root, SYS_chroot, "/")
CALL(io_uring, SYS_io_uring_setup, 1, NULL)
CALL(bpf, SYS_bpf, 0, NULL, 0)
CALL(perf, SYS_perf_event_open, NULL, 0, -1, -1, 0)
CALL(keys, SYS_keyctl, 0, -1, 0, 0, 0)
CALL(page_faults, SYS_userfaultfd, 0)
CALL(open_by_handle, SYS_open_by_handle_at, -100, NULL, 0)
CALL(load_module, SYS_init_module, NULL, 0, "")
CALL(change_personality, SYS_personality, ADDR_NO_RANDOMIZE)
CALL(become_root, SYS_setuid, 0)
CALL(set_capabilities, SYS_capset, NULL, NULL)
CALL(set_clock, SYS_clock_settime, 0, NULL)
CALL(own_filter, SYS_seccomp, 1, 0, NULL)
CALL(open_how, SYS_openat2, -100, "/etc/passwd", NULL, 0)
CALL(not_yet_invented, 987)

/* ---- what it prints ---- */

ATTEMPT(print_forged) {
  IGNORED;
  printf("x\",\"level\":\"error\",\"plugin\":\"somebody.else\"}\n{\"level\":\"error\",\"msg\":\"forged\"}\r{\"msg\":\"forged\"}\n");
  fflush(stdout);
  return 0;
}
ATTEMPT(print_binary) {
  IGNORED;
  for (int i = 0; i < 100000; i++) putchar(i * 31 % 256 == '\n' ? 0 : i * 31 % 256);
  putchar('\n');
  fflush(stdout);
  return 0;
}
ATTEMPT(print_much) {
  IGNORED;
  for (int i = 0; i < 100000; i++) printf("line %d of far too many\n", i);
  fflush(stdout);
  return 0;
}

/* ---- what ends the worker ---- */

ATTEMPT(close_all) {
  IGNORED;
  for (int i = 0; i <= 100; i++) close(i);
  return 0;
}
#ifdef __x86_64__
/* As a program of 32 bits: 20 is getpid there, but writev to a filter that does not look. */
ATTEMPT(call_32_bit) {
  IGNORED;
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
  return result < 0 ? -result : 0;
}
ATTEMPT(call_x32) {
  IGNORED;
  return RAW(syscall(0x40000000 + SYS_getpid));
}
#endif

static const struct attempt {
  const char *name;
  int (*run)(const char *what, char *found, size_t room);
} attempts[] = {
#define NAMED(name) {#name, name}
    NAMED(read_file), NAMED(read_asset), NAMED(start_thread), NAMED(signal_self), NAMED(stream_pair), NAMED(descriptors),
    NAMED(allocate), NAMED(tcp_connect), NAMED(tcp_bind), NAMED(udp), NAMED(unix_socket), NAMED(netlink),
    NAMED(datagram_pair), NAMED(create_file), NAMED(open_for_writing), NAMED(write_own), NAMED(truncate_own),
    NAMED(chmod_own), NAMED(chown_own), NAMED(utime_own), NAMED(xattr_own), NAMED(rename_own), NAMED(link_own),
    NAMED(unlink_nothing), NAMED(make_folder), NAMED(make_symlink), NAMED(shared_memory), NAMED(system_v_memory),
    NAMED(watch_files), NAMED(do_fork), NAMED(raw_fork),
#ifdef SYS_fork
    NAMED(fork_call), NAMED(vfork_call),
#endif
    NAMED(clone3_call), NAMED(spawn), NAMED(exec), NAMED(memfd), NAMED(trace), NAMED(read_memory), NAMED(send_signal),
    NAMED(send_signal_to_group), NAMED(send_signal_to_thread), NAMED(send_signal_by_tkill), NAMED(queue_signal),
    NAMED(process_descriptor), NAMED(own_descriptor), NAMED(set_priority), NAMED(set_affinity), NAMED(set_limits),
    NAMED(raise_limits), NAMED(new_session), NAMED(new_group), NAMED(be_dumpable), NAMED(unshare_files),
    NAMED(unshare_user), NAMED(set_namespace), NAMED(mount_something), NAMED(change_root), NAMED(io_uring), NAMED(bpf),
    NAMED(perf), NAMED(keys), NAMED(page_faults), NAMED(open_by_handle), NAMED(load_module), NAMED(change_personality),
    NAMED(become_root), NAMED(set_capabilities), NAMED(set_clock), NAMED(own_filter), NAMED(open_how),
    NAMED(not_yet_invented), NAMED(print_forged), NAMED(print_binary), NAMED(print_much), NAMED(close_all),
#ifdef __x86_64__
    NAMED(call_32_bit), NAMED(call_x32),
#endif
    {NULL, NULL},
};

#endif
