/* canned <port> <file> - the floor: a server that answers each POST with the bytes of a file, chunked, and does nothing else. One
 * thread, epoll, one write an answer. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct connection {
  int fd;
  size_t length;
  char bytes[32768];
} connection;

static char *answer;
static size_t answer_length;

static void load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) exit((perror(path), 1));
  char *body = malloc(1 << 20);
  size_t length = fread(body, 1, 1 << 20, file);
  fclose(file);
  answer = malloc(length + 512);
  answer_length = (size_t)sprintf(answer,
                                  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                                  "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                                  length);
  memcpy(answer + answer_length, body, length);
  answer_length += length;
  memcpy(answer + answer_length, "\r\n0\r\n\r\n", 7);
  answer_length += 7;
  free(body);
}

/* False when the connection is over. */
static int serve(connection *c) {
  ssize_t count = recv(c->fd, c->bytes + c->length, sizeof c->bytes - c->length - 1, 0);
  if (count <= 0) return 0;
  c->length += (size_t)count;
  c->bytes[c->length] = 0;
  char *end = memmem(c->bytes, c->length, "\r\n\r\n", 4);
  if (!end) return 1;
  char *field = strcasestr(c->bytes, "\r\nContent-Length:");
  size_t whole = (size_t)(end + 4 - c->bytes) + (field && field < end ? strtoul(field + 17, NULL, 10) : 0);
  if (c->length < whole) return 1;
  c->length = 0;
  return send(c->fd, answer, answer_length, MSG_NOSIGNAL) == (ssize_t)answer_length;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  load(argv[2]);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) exit((perror("bind"), 1));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      if (!c) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c = calloc(1, sizeof *c);
        c->fd = fd;
        event = (struct epoll_event){.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
      } else if (!serve(c)) {
        close(c->fd);
        free(c);
      }
    }
  }
}
