/* relay <port> <upstream port> - the floor of a host between a model's server and its clients: one thread, epoll, forwards what it reads and looks
 * at nothing. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct side {
  int fd;
  struct side *other;
} side;

static const int one = 1;
static int poller;

static struct sockaddr_in loopback(const char *port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static side *watch(int fd) {
  side *made = calloc(1, sizeof *made);
  if (!made || fd < 0) exit((perror("relay"), 1));
  made->fd = fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = made};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  return made;
}

static void join(int client, const struct sockaddr_in *upstream) {
  int server = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(server, (const struct sockaddr *)upstream, sizeof *upstream)) exit((perror("connect"), 1));
  side *a = watch(client), *b = watch(server);
  a->other = b;
  b->other = a;
}

static void forward(side *from) {
  static char bytes[65536];
  ssize_t count = recv(from->fd, bytes, sizeof bytes, 0);
  if (count > 0 && send(from->other->fd, bytes, (size_t)count, MSG_NOSIGNAL) == count) return;
  epoll_ctl(poller, EPOLL_CTL_DEL, from->fd, NULL);
  shutdown(from->other->fd, SHUT_RDWR); /* its own end comes to be read, too */
  close(from->fd);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct sockaddr_in own = loopback(argv[1]), upstream = loopback(argv[2]);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 4096)) exit((perror("bind"), 1));
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN}, events[128];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(poller, events, 128, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr) forward(events[i].data.ptr);
      else join(accept(listener, NULL, NULL), &upstream);
    }
  }
}
