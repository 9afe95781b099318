#define _GNU_SOURCE
#include "cplatform_process.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Variables a child may see. Everything else stays here: the environment of a server holds keys. */
static const char *const passed[] = {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS"};
#define PASSED (sizeof passed / sizeof passed[0])

static void set_nonblocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

/* Moves a descriptor above those the child gets, so that giving them out never overwrites one that is still needed. */
static int raise_descriptor(int *descriptor) {
  int raised = fcntl(*descriptor, F_DUPFD_CLOEXEC, 10);
  if (raised < 0) return errno;
  close(*descriptor);
  *descriptor = raised;
  return 0;
}

static int spawn(const char *program, char *const *arguments, int socket, int output, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  if ((error = posix_spawnattr_init(&attributes))) {
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 2);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, socket, 3);
  if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!error) error = posix_spawnattr_setpgroup(&attributes, 0);
  if (!error) {
    error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  char *environment[PASSED + 1] = {NULL};
  size_t count = 0;
  for (size_t index = 0; !error && index < PASSED; index++) {
    const char *value = getenv(passed[index]);
    if (!value) continue;
    if (asprintf(&environment[count], "%s=%s", passed[index], value) < 0) {
      environment[count] = NULL;
      error = ENOMEM;
    } else {
      count++;
    }
  }
  if (!error) error = posix_spawn(pid, program, &actions, &attributes, arguments, environment);
  for (size_t index = 0; index < count; index++) free(environment[index]);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int cplatform_child_start(const char *program, char *const *arguments, cplatform_child *out) {
  int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
  int error = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) error = errno;
  if (!error && pipe2(pipes, O_CLOEXEC) != 0) error = errno;
  if (!error) error = raise_descriptor(&sockets[1]);
  if (!error) error = raise_descriptor(&pipes[1]);
  pid_t pid = 0;
  if (!error) error = spawn(program, arguments, sockets[1], pipes[1], &pid);
  if (sockets[1] >= 0) close(sockets[1]);
  if (pipes[1] >= 0) close(pipes[1]);
  if (error) {
    if (sockets[0] >= 0) close(sockets[0]);
    if (pipes[0] >= 0) close(pipes[0]);
    return error;
  }
  set_nonblocking(sockets[0]);
  set_nonblocking(pipes[0]);
  out->pid = pid;
  out->socket = sockets[0];
  out->output = pipes[0];
  out->end = (int32_t)syscall(SYS_pidfd_open, pid, 0);
  return 0;
}

void cplatform_environment_erase(const char *name) {
  char *value = getenv(name);
  if (!value) return;
  explicit_bzero(value, strlen(value));
  unsetenv(name);
}

int64_t cplatform_child_output(const char *program, char *const *arguments, int32_t milliseconds, void *bytes, size_t capacity) {
  cplatform_child child;
  int error = cplatform_child_start(program, arguments, &child);
  if (error) return -error;
  close(child.socket);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t end = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
  size_t filled = 0;
  while (!error && filled < capacity) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = end - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    struct pollfd output = {.fd = child.output, .events = POLLIN};
    int ready = left > 0 ? poll(&output, 1, (int)left) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      error = ready < 0 ? errno : ETIMEDOUT;
      break;
    }
    int64_t count = cplatform_stream_read(child.output, (char *)bytes + filled, capacity - filled);
    if (count == 0 || count == -2) break;
    if (count > 0) filled += (size_t)count;
  }
  close(child.output);
  if (child.end >= 0) close(child.end);
  cplatform_child_kill(child.pid);
  int32_t signal, status;
  int64_t peak;
  cplatform_child_reap(child.pid, &signal, &status, &peak);
  return error ? -error : (int64_t)filled;
}

int64_t cplatform_library_folder(const char *symbol, char *buffer, size_t capacity) {
  void *address = dlsym(RTLD_DEFAULT, symbol);
  Dl_info info;
  if (!address || !dladdr(address, &info) || !info.dli_fname) return 0;
  char *path = realpath(info.dli_fname, NULL);
  char *slash = path ? strrchr(path, '/') : NULL;
  size_t length = slash ? (size_t)(slash - path) : 0;
  /* Of a program that holds its libraries itself nothing is to be learned. */
  if (!slash || !strstr(slash, ".so") || length == 0 || length > capacity) length = 0;
  memcpy(buffer, path ? path : "", length);
  free(path);
  return (int64_t)length;
}

void cplatform_child_kill(int32_t pid) {
  if (pid <= 1) return;
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);
}

void cplatform_child_reap(int32_t pid, int32_t *signal, int32_t *status, int64_t *peak_bytes) {
  int result = 0;
  struct rusage used = {0}, own = {0};
  *signal = 0;
  *status = 0;
  *peak_bytes = 0;
  while (wait4(pid, &result, 0, &used) < 0) {
    if (errno != EINTR) return;
  }
  /* A program that was spawned begins with the peak of the process that spawned it, whose memory it had until then: only what is
   * above is its own. */
  if (getrusage(RUSAGE_SELF, &own) == 0 && used.ru_maxrss > own.ru_maxrss) *peak_bytes = (int64_t)used.ru_maxrss * 1024;
  if (WIFSIGNALED(result)) *signal = WTERMSIG(result);
  else *status = WEXITSTATUS(result);
}

void cplatform_signal_name(int32_t signal, char *buffer, size_t capacity) {
  if (capacity == 0) return;
  const char *name = sigabbrev_np(signal);
  if (name) snprintf(buffer, capacity, "SIG%s", name);
  else snprintf(buffer, capacity, "signal %d", (int)signal);
}

static int64_t verdict(ssize_t count) {
  if (count >= 0) return count;
  return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
}

int64_t cplatform_stream_read(int32_t descriptor, void *bytes, size_t capacity) {
  ssize_t count;
  do count = read(descriptor, bytes, capacity);
  while (count < 0 && errno == EINTR);
  return verdict(count);
}

int64_t cplatform_socket_write(int32_t descriptor, const void *bytes, size_t count) {
  ssize_t written;
  do written = send(descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (written < 0 && errno == EINTR);
  return verdict(written);
}


int cplatform_poller_open(cplatform_poller *poller) {
  poller->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (poller->epoll < 0) return errno;
  poller->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int error = poller->wake < 0 ? errno : cplatform_poller_add(poller, poller->wake, 0);
  if (error) {
    if (poller->wake >= 0) close(poller->wake);
    close(poller->epoll);
  }
  return error;
}

void cplatform_poller_close(const cplatform_poller *poller) {
  close(poller->wake);
  close(poller->epoll);
}

int cplatform_poller_add(const cplatform_poller *poller, int32_t descriptor, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
  return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int cplatform_poller_set_writable(const cplatform_poller *poller, int32_t descriptor, uint64_t tag, bool wanted) {
  struct epoll_event event = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.u64 = tag};
  return epoll_ctl(poller->epoll, EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : errno;
}

void cplatform_poller_remove(const cplatform_poller *poller, int32_t descriptor) {
  epoll_ctl(poller->epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

void cplatform_poller_wake(const cplatform_poller *poller) {
  uint64_t one = 1;
  ssize_t ignored = write(poller->wake, &one, sizeof one);
  (void)ignored;
}

int32_t cplatform_poller_wait(const cplatform_poller *poller, cplatform_ready *ready, int32_t capacity,
                              int32_t milliseconds) {
  struct epoll_event events[64];
  int count = epoll_wait(poller->epoll, events, capacity < 64 ? capacity : 64, milliseconds);
  int32_t filled = 0;
  for (int index = 0; index < count; index++) {
    if (events[index].data.u64 == 0) {
      uint64_t value;
      ssize_t ignored = read(poller->wake, &value, sizeof value);
      (void)ignored;
      continue;
    }
    ready[filled].tag = events[index].data.u64;
    ready[filled].events = (events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP) ? CPLATFORM_READABLE : 0) |
                           (events[index].events & EPOLLOUT ? CPLATFORM_WRITABLE : 0);
    filled++;
  }
  return filled;
}

int cplatform_pipe_to(const char *command, const void *bytes, size_t count) {
  FILE *pipe = popen(command, "we");
  if (!pipe) return -1;
  if (count) fwrite(bytes, 1, count, pipe); /* a command that does not read says why by its status */
  int status = pclose(pipe);
  return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
