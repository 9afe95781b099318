#define _GNU_SOURCE
#include "cplatform_sockets.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(CPLATFORM_READABLE == EPOLLIN && CPLATFORM_WRITABLE == EPOLLOUT && CPLATFORM_ERROR == EPOLLERR &&
                   CPLATFORM_HANG_UP == EPOLLHUP && CPLATFORM_PEER_SHUT == EPOLLRDHUP,
               "the flags are epoll's");
_Static_assert(CPLATFORM_EAGAIN == EAGAIN && CPLATFORM_EINTR == EINTR && CPLATFORM_EMFILE == EMFILE &&
                   CPLATFORM_ENFILE == ENFILE && CPLATFORM_EADDRINUSE == EADDRINUSE &&
                   CPLATFORM_EADDRNOTAVAIL == EADDRNOTAVAIL && CPLATFORM_EACCES == EACCES,
               "the errors are Linux's");

static int result(int value) { return value < 0 ? -errno : value; }

int cplatform_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

static int add(int epoll, int descriptor, uint64_t token, uint32_t flags) {
  struct epoll_event event = {.events = flags, .data.u64 = token};
  return result(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

int cplatform_epoll_add_stream(int epoll, int descriptor, uint64_t token) {
  return add(epoll, descriptor, token, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}
int cplatform_epoll_add_wake(int epoll, int descriptor, uint64_t token) {
  return add(epoll, descriptor, token, EPOLLIN | EPOLLET);
}
int cplatform_epoll_add_listener(int epoll, int descriptor, uint64_t token) {
  return add(epoll, descriptor, token, EPOLLIN | EPOLLEXCLUSIVE);
}
int cplatform_epoll_remove(int epoll, int descriptor) {
  return result(epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL));
}

int cplatform_epoll_wait(int epoll, cplatform_event *events, int capacity, int timeout_ms) {
  struct epoll_event found[256];
  if (capacity > 256) capacity = 256;
  int count = epoll_wait(epoll, found, capacity, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int index = 0; index < count; index++) {
    events[index].token = found[index].data.u64;
    events[index].flags = found[index].events;
  }
  return count;
}

int cplatform_eventfd_create(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
void cplatform_eventfd_signal(int descriptor) { (void)eventfd_write(descriptor, 1); }

static int listen_on(const struct addrinfo *address, int backlog) {
  int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Accepted sockets inherit it (tcp(7)). Else the kernel takes some megabytes for a client that does not read, all of which an agent
   * believes to be read. */
  unsigned unsent = 128 * 1024;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  if (bind(descriptor, address->ai_addr, address->ai_addrlen) || listen(descriptor, backlog)) {
    int error = errno;
    close(descriptor);
    return -error;
  }
  return descriptor;
}

static int bound_port(int descriptor) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &size)) return 0;
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
  return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int cplatform_listen(const char *host, int port, int backlog, int *port_out) {
  char service[16];
  snprintf(service, sizeof service, "%d", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
  if (getaddrinfo(host, service, &hints, &found)) return CPLATFORM_UNKNOWN_HOST;
  int outcome = -EADDRNOTAVAIL;
  /* IPv4 first: `localhost` is 127.0.0.1 then, as people expect. */
  for (int round = 0; round < 2 && outcome < 0; round++)
    for (struct addrinfo *address = found; address && outcome < 0; address = address->ai_next)
      if ((address->ai_family == AF_INET) == (round == 0)) outcome = listen_on(address, backlog);
  freeaddrinfo(found);
  if (outcome >= 0) *port_out = bound_port(outcome);
  return outcome;
}

int cplatform_accept(int listener) {
  int descriptor;
  do descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (descriptor < 0) return -errno;
  int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

static long count_or_error(ssize_t count) { return count < 0 ? -errno : count; }

long cplatform_receive(int descriptor, void *buffer, size_t capacity) {
  ssize_t count;
  do count = recv(descriptor, buffer, capacity, 0);
  while (count < 0 && errno == EINTR);
  return count_or_error(count);
}

long cplatform_discard(int descriptor, size_t count) {
  ssize_t discarded;
  /* tcp(7): MSG_TRUNC throws the bytes away; the buffer is not written to. */
  do discarded = recv(descriptor, NULL, count, MSG_TRUNC);
  while (discarded < 0 && errno == EINTR);
  return count_or_error(discarded);
}

long cplatform_send(int descriptor, const void *bytes, size_t count) {
  ssize_t sent;
  do sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return count_or_error(sent);
}

void cplatform_shutdown_write(int descriptor) { shutdown(descriptor, SHUT_WR); }
void cplatform_close(int descriptor) { close(descriptor); }
int cplatform_reserve_descriptor(void) { return result(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

int64_t cplatform_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return -errno;
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit)) return (int64_t)before;
  return (int64_t)limit.rlim_cur;
}

int cplatform_core_count(void) {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors)) return 1;
  int count = CPU_COUNT(&processors);
  return count > 0 ? count : 1;
}

void cplatform_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

static _Thread_local const void *current_loop;
const void *cplatform_current_loop(void) { return current_loop; }
void cplatform_set_current_loop(const void *loop) { current_loop = loop; }

const char *cplatform_error_text(int error) {
  const char *text = strerrordesc_np(error);
  return text ? text : "unknown error";
}
