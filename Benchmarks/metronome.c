/* metronome <port> - the floor of `load tickers`: two processes that answer each POST with a stream of deltas, one each 50 ms, of the
 * size ours have, each in a write of its own, and do nothing else. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 50000000

typedef struct stream {
  int fd;
  int64_t due;
  struct stream *next; /* all have the same interval, so a list is in order */
} stream;

static stream *first, *last;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void append(stream *s) {
  s->next = NULL;
  if (last) last->next = s;
  else first = s;
  last = s;
}

static void beat(int64_t now) {
  while (first && first->due <= now) {
    stream *s = first;
    first = s->next;
    if (!first) last = NULL;
    char event[512], chunk[600];
    int length = snprintf(event, sizeof event,
                          "data: {\"type\":\"thread.item.updated\",\"item_id\":\"msg_0123456789abcdef01234567\",\"update\":{"
                          "\"type\":\"assistant_message.content_part.text_delta\",\"content_index\":0,\"delta\":\"@%lld \"}}\n\n",
                          (long long)(s->due / 1000));
    int size = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", length, event);
    if (send(s->fd, chunk, (size_t)size, MSG_NOSIGNAL) != size) {
      close(s->fd);
      free(s);
      continue;
    }
    s->due += INTERVAL_NS;
    append(s);
  }
}

static void begin(stream *s) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  send(s->fd, head, sizeof head - 1, MSG_NOSIGNAL);
  s->due = now_ns() + INTERVAL_NS;
  append(s);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) exit((perror("bind"), 1));
  if (fork() < 0) exit((perror("fork"), 1));
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE}, events[64];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int64_t now = now_ns();
    beat(now);
    int64_t wait = first ? (first->due - now_ns()) / 1000000 : 1000;
    int count = epoll_wait(poller, events, 64, wait > 0 ? (int)wait : 0);
    for (int i = 0; i < count; i++) {
      stream *s = events[i].data.ptr;
      char request[4096];
      if (!s) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        s = calloc(1, sizeof *s);
        s->fd = fd;
        event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.ptr = s};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
      } else if (recv(s->fd, request, sizeof request, 0) > 0) {
        begin(s);
      }
    }
  }
}
