/* tokens <port> <per second> [step] - a model's server for benchmarks: answers each POST with an endless stream of Chat Completions, so many tokens
 * a second, each in a write of its own, about 250 bytes, with the time of sending in microseconds behind an '@'. The first comes after a random part
 * of the interval, as streams do not know of each other; with `step` after the whole: streams that began together then stay together. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct stream {
  int fd;
  bool is_open;
  int64_t due;
  size_t length;
  struct stream *next; /* by the time that is due; all have the same interval, so who was served comes last */
  char request[65536];
} stream;

static stream *first, *last;
static int64_t interval;
static bool in_step;

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

static void insert(stream *s) {
  stream **place = &first;
  while (*place && (*place)->due <= s->due) place = &(*place)->next;
  s->next = *place;
  *place = s;
  if (!s->next) last = s;
}

static void beat(int64_t now) {
  while (first && first->due <= now) {
    stream *s = first;
    first = s->next;
    if (!first) last = NULL;
    char event[512], chunk[600];
    int length = snprintf(event, sizeof event,
                          "data: {\"id\":\"chatcmpl-0123456789abcdef01234567\",\"object\":\"chat.completion.chunk\",\"created\":1764150000,"
                          "\"model\":\"bench\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"@%lld \"},"
                          "\"logprobs\":null,\"finish_reason\":null}]}\n\n",
                          (long long)(now_ns() / 1000));
    int size = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", length, event);
    if (!s->is_open || send(s->fd, chunk, (size_t)size, MSG_NOSIGNAL) != size) {
      close(s->fd);
      free(s);
      continue;
    }
    s->due += interval;
    append(s);
  }
}

/* Whether the whole request is there. */
static bool is_whole(stream *s) {
  s->request[s->length] = 0;
  char *end = strstr(s->request, "\r\n\r\n"), *length = strcasestr(s->request, "\r\nContent-Length:");
  return end && length && s->length >= (size_t)(end + 4 - s->request) + strtoul(length + 17, NULL, 10);
}

static void begin(stream *s) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  send(s->fd, head, sizeof head - 1, MSG_NOSIGNAL);
  s->is_open = true;
  s->due = now_ns() + (in_step ? interval : (int64_t)(drand48() * (double)interval));
  insert(s);
}

int main(int argc, char **argv) {
  if (argc < 3 || atoi(argv[2]) < 1) return 2;
  in_step = argc > 3;
  interval = 1000000000 / atoi(argv[2]);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) exit((perror("bind"), 1));
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN}, events[64];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    beat(now_ns());
    int64_t wait = first ? (first->due - now_ns()) / 1000 : 1000000;
    struct timespec limit = {wait > 0 ? wait / 1000000 : 0, wait > 0 ? wait % 1000000 * 1000 : 0};
    int count = epoll_pwait2(poller, events, 64, &limit, NULL);
    for (int i = 0; i < count; i++) {
      stream *s = events[i].data.ptr;
      if (!s) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        s = calloc(1, sizeof *s);
        s->fd = fd;
        event = (struct epoll_event){.events = EPOLLIN, .data.ptr = s};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      ssize_t read = recv(s->fd, s->request + s->length, sizeof s->request - 1 - s->length, 0);
      if (read <= 0) {
        epoll_ctl(poller, EPOLL_CTL_DEL, s->fd, NULL);
        if (s->is_open) {
          s->is_open = false; /* the next beat frees it */
        } else {
          close(s->fd);
          free(s);
        }
        continue;
      }
      if (s->is_open) continue;
      s->length += (size_t)read;
      if (is_whole(s)) begin(s);
    }
  }
}
