/* load - the load client of the benchmarks: one thread, epoll, keep-alive, closed loop.
 *
 *   load post    <port> <target> <body file> <connections> <seconds> <pid,...>   requests as fast as answers come
 *   load idle    <port> <target> <body file> <streams> <seconds> <pid,...>       opens streams and lets them be
 *   load tickers <port> <target> <body file> <streams> <seconds> <pid,...>       opens streams; how late are the deltas of every
 *                                                                                20th? The others are read once a second, so that
 *                                                                                the client does not take the time of the server
 *   load turns   <port> <target> <body file> <turns> <seconds> <pid,...>         as `tickers`, but the clients of those 19 leave as
 *                                                                                soon as their turns run, to come back later
 *                                                                                (X-ChatKit-Resume): what do the turns themselves cost?
 *   load crash   <port> <target> <body file> <body file> <rounds>                the first request crashes its plugin; how long
 *                                                                                does the second take, sent when its answer has ended?
 *   load until   <port> <target> <body file> <text> <seconds>                    asks until the answer has status 200 and that text;
 *                                                                                prints how many milliseconds that took
 *   load once    <port> <target> <body file>                                     prints one answer's body
 *
 * Prints `key=value` pairs. CPU time is that of the processes <pid,...> and their threads, from schedstat, within the window of
 * measurement; `memory_kb` is their private memory (smaps_rollup) at its end minus that at the beginning; `text_p50_us` is how long the
 * first delta of an answer takes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#define SLICE_NS 500000000
#define SWEEP_NS 10000000
#define WATCHED 20 /* of `tickers`, every so many */

typedef struct connection {
  int fd;
  bool in_body, is_chunked, is_done, has_text;
  int status;
  long left; /* bytes of the body or of the chunk; -1 while a chunk's size is read */
  size_t head_length;
  int64_t begun, ended;
  bool is_watched;
  unsigned deltas; /* of `turns` */
  uint64_t due; /* the number behind '@' that is being read */
  bool in_due;
  char head[2048];
} connection;

static char request[65536], resumed_request[65536];
static size_t request_length, resumed_request_length;
static int poller, port;
static const char *pids;
static char mode;
static bool leave_alone; /* `turns` */
static int64_t window_begin, window_end;
static uint64_t answers, failures, body_bytes, deltas;

/* Microseconds. */
typedef struct samples {
  uint32_t *each;
  size_t count, capacity;
} samples;
static samples answer_times, text_times; /* `tickers`: how late deltas are */
static const char *wanted_text;          /* `until` */
static char scratch[262144];
static connection *connections;
static int connection_count, opened_count;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- what the servers use ---- */

static uint64_t cpu_of(const char *pid) {
  char path[512];
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *folder = opendir(path);
  if (!folder) return 0;
  uint64_t sum = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, entry->d_name);
    FILE *file = fopen(path, "r");
    unsigned long long ns = 0;
    if (file && fscanf(file, "%llu", &ns) == 1) sum += ns;
    if (file) fclose(file);
  }
  closedir(folder);
  return sum;
}

static uint64_t memory_of(const char *pid) {
  char path[512], line[256];
  snprintf(path, sizeof path, "/proc/%s/smaps_rollup", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  uint64_t sum = 0;
  while (fgets(line, sizeof line, file)) {
    unsigned long long kb;
    if (sscanf(line, "Private_Dirty: %llu", &kb) == 1) sum += kb;
  }
  fclose(file);
  return sum;
}

static uint64_t sum_over_pids(uint64_t (*of)(const char *)) {
  char list[1024];
  snprintf(list, sizeof list, "%s", pids);
  uint64_t sum = 0;
  for (char *pid = strtok(list, ","); pid; pid = strtok(NULL, ",")) sum += of(pid);
  return sum;
}

/* ---- samples ---- */

static void note(samples *s, int64_t us) {
  if (s->count == s->capacity) {
    s->capacity = s->capacity ? s->capacity * 2 : 65536;
    s->each = realloc(s->each, s->capacity * sizeof *s->each);
    if (!s->each) die("samples");
  }
  s->each[s->count++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void sort(samples *s) {
  if (s->count) qsort(s->each, s->count, sizeof *s->each, ascending);
}

static uint32_t quantile(const samples *s, double q) {
  return s->count ? s->each[(size_t)(q * (double)(s->count - 1))] : 0;
}

/* ---- one connection ---- */

static void begin(connection *c) {
  c->in_body = c->is_done = c->in_due = c->has_text = false;
  c->head_length = 0;
  c->begun = now_ns();
  const char *bytes = c->is_watched ? request : resumed_request;
  size_t length = c->is_watched ? request_length : resumed_request_length;
  if (send(c->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) die("send");
}

static void open_connection(connection *c) {
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (c->is_watched) epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void finish_head(connection *c) {
  c->head[c->head_length] = 0;
  c->status = atoi(c->head + 9);
  c->is_chunked = strcasestr(c->head, "\r\nTransfer-Encoding: chunked") != NULL;
  char *length = strcasestr(c->head, "\r\nContent-Length:");
  c->left = c->is_chunked ? -1 : length ? atol(length + 17) : 0;
  c->in_body = true;
  c->head_length = 0;
  c->is_done = !c->is_chunked && c->left == 0;
}

static void body(connection *c, const char *bytes, size_t count) {
  body_bytes += count;
  if (mode == 'o') fwrite(bytes, 1, count, stdout);
  const char *text = mode == 'u' ? wanted_text : "text_delta"; /* a piece that ends within it is not worth the trouble */
  if (!c->has_text && mode != 't' && memmem(bytes, count, text, strlen(text))) {
    c->has_text = true;
    int64_t now = now_ns();
    if (mode == 'p' && now >= window_begin && now < window_end) note(&text_times, (now - c->begun) / 1000);
  }
  if (mode != 't') return;
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] == '@') {
      c->in_due = true;
      c->due = 0;
    } else if (c->in_due && bytes[i] >= '0' && bytes[i] <= '9') {
      c->due = c->due * 10 + (uint64_t)(bytes[i] - '0');
    } else if (c->in_due) {
      c->in_due = false;
      int64_t now = now_ns();
      if (leave_alone) c->deltas++;
      if (now < window_begin || now >= window_end) continue;
      deltas++;
      if (c->is_watched) note(&answer_times, now / 1000 - (int64_t)c->due);
    }
  }
}

static void feed(connection *c, const char *bytes, size_t count) {
  while (count > 0 && !c->is_done) {
    if (!c->in_body || (c->is_chunked && c->left < 0)) {
      /* A line of a head, or the size of a chunk. */
      if (c->head_length == sizeof c->head - 1) exit((fprintf(stderr, "head too long\n"), 1));
      c->head[c->head_length++] = *bytes++;
      count--;
      if (!c->in_body) {
        if (c->head_length >= 4 && memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) == 0) finish_head(c);
      } else if (c->head_length > 2 && memcmp(c->head + c->head_length - 2, "\r\n", 2) == 0) {
        c->head[c->head_length] = 0;
        c->left = (long)strtoul(c->head, NULL, 16);
        c->head_length = 0;
        if (c->left == 0) c->left = -3; /* the last chunk: an empty line follows */
        else c->left += 2;
      } else if (c->left == -3 && c->head_length == 2) {
        c->is_done = true;
      }
      continue;
    }
    size_t piece = count < (size_t)c->left ? count : (size_t)c->left;
    size_t text = !c->is_chunked ? piece : c->left <= 2 ? 0 : piece <= (size_t)c->left - 2 ? piece : (size_t)c->left - 2;
    body(c, bytes, text);
    bytes += piece;
    count -= piece;
    c->left -= (long)piece;
    if (c->left == 0) {
      if (c->is_chunked) c->left = -1;
      else c->is_done = true;
    }
  }
}

/* Reads what is there. */
static void receive(connection *c) {
  ssize_t count = recv(c->fd, scratch, sizeof scratch, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    failures++;
    close(c->fd);
    c->fd = -1;
    return;
  }
  feed(c, scratch, (size_t)count);
  if (!c->is_done) return;
  int64_t now = c->ended = now_ns();
  if (c->status != 200) failures++;
  if (mode == 'p' && now >= window_begin && now < window_end) {
    answers++;
    note(&answer_times, (now - c->begun) / 1000);
  }
  if (mode == 'p') begin(c);
  else if (mode == 't' || mode == 'i') failures++;
}

/* Reads some of those that nobody watches: all in a second. */
static void sweep(int64_t now) {
  static int64_t last;
  static int at;
  if (now - last < SWEEP_NS) return;
  last = now;
  for (int left = connection_count / (1000000000 / SWEEP_NS) + 1; left > 0; left--) {
    if (++at >= opened_count) at = 0;
    connection *c = &connections[at];
    if (at >= opened_count || c->is_watched || c->fd < 0) continue;
    receive(c);
    if (!leave_alone || !c->deltas) continue;
    close(c->fd);
    c->fd = -1;
  }
}

static void run_until(int64_t end) {
  struct epoll_event events[256];
  for (int64_t now; (now = now_ns()) < end;) {
    int64_t wait = end - now;
    if (mode == 't' && wait > SWEEP_NS) wait = SWEEP_NS;
    int count = epoll_wait(poller, events, 256, (int)(wait / 1000000) + 1);
    for (int i = 0; i < count; i++) receive(events[i].data.ptr);
    if (mode == 't') sweep(now);
  }
}

/* ---- the request ---- */

static void make_request(const char *target, const char *path) {
  static char body_text[32768];
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  size_t length = fread(body_text, 1, sizeof body_text, file);
  fclose(file);
  request_length = (size_t)snprintf(request, sizeof request,
                                    "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                                    "Accept: text/event-stream\r\nContent-Length: %zu\r\n\r\n",
                                    target, length);
  /* A field more behind the first line. */
  char *fields = strstr(request, "\r\n") + 2;
  resumed_request_length = (size_t)snprintf(resumed_request, sizeof resumed_request, "%.*sX-ChatKit-Resume: 1\r\n%s",
                                            (int)(fields - request), request, fields);
  memcpy(request + request_length, body_text, length);
  memcpy(resumed_request + resumed_request_length, body_text, length);
  request_length += length;
  resumed_request_length += length;
}

/* ---- one request at a time ---- */

/* Sends the request and waits for the whole answer, ten seconds at most. */
static bool ask(connection *c) {
  if (c->fd < 0) open_connection(c);
  begin(c);
  int64_t limit = now_ns() + 10000000000;
  while (!c->is_done && c->fd >= 0 && now_ns() < limit) run_until(now_ns() + 1000000);
  return c->is_done && c->status == 200;
}

static int crash(const char *target, const char *crashing, const char *good, int rounds) {
  connection c = {.is_watched = true, .fd = -1};
  for (int i = 0; i < rounds; i++) {
    make_request(target, crashing);
    if (!ask(&c) || c.has_text) return fprintf(stderr, "the plugin was not crashed\n"), 1;
    make_request(target, good);
    if (!ask(&c) || !c.has_text) return fprintf(stderr, "no answer after a crash\n"), 1;
    note(&answer_times, (c.ended - c.begun) / 1000);
  }
  sort(&answer_times);
  printf("p50_us=%u p99_us=%u max_us=%u\n", quantile(&answer_times, 0.5), quantile(&answer_times, 0.99),
         quantile(&answer_times, 1));
  return 0;
}

static int until(const char *text, double seconds) {
  connection c = {.is_watched = true, .fd = -1};
  wanted_text = text;
  int64_t begun = now_ns();
  while ((double)(now_ns() - begun) < seconds * 1e9) {
    if (ask(&c) && c.has_text) return printf("ms=%.1f\n", (double)(c.ended - begun) / 1e6), 0;
    usleep(500);
  }
  fprintf(stderr, "never: %s\n", text);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 5 || (argv[1][0] != 'o' && argc < 7)) return 2;
  mode = argv[1][1] == 'n' && argv[1][0] != 'u' ? 'o' : argv[1][0];
  leave_alone = strcmp(argv[1], "turns") == 0;
  port = atoi(argv[2]);
  make_request(argv[3], argv[4]);
  poller = epoll_create1(0);
  if (mode == 'o') return ask(&(connection){.is_watched = true, .fd = -1}) ? 0 : 1;
  if (mode == 'c') return crash(argv[3], argv[4], argv[5], atoi(argv[6]));
  if (mode == 'u') return until(argv[5], atof(argv[6]));
  if (argc < 8) return 2;
  connection_count = atoi(argv[5]);
  int64_t length = (int64_t)(atof(argv[6]) * 1e9);
  pids = argv[7];
  connections = calloc((size_t)connection_count, sizeof *connections);
  window_begin = window_end = INT64_MAX;
  uint64_t memory = sum_over_pids(memory_of);
  int64_t opened = now_ns();
  for (int i = 0; i < connection_count; i++) {
    connections[i].is_watched = mode != 't' || i % WATCHED == 0;
    open_connection(&connections[i]);
    begin(&connections[i]);
    opened_count = i + 1;
    if (i % 32 == 31) run_until(now_ns() + 1);
  }
  opened = now_ns() - opened;
  /* Time to settle: caches fill, streams open. */
  run_until(now_ns() + (mode == 'p' ? 300000000 : leave_alone ? 6000000000 : 3000000000));
  uint64_t memory_open = sum_over_pids(memory_of), cpu = sum_over_pids(cpu_of);
  window_begin = now_ns();
  window_end = window_begin + length;
  /* The best half second counts too: others' work on this machine only ever makes it dearer. */
  double best = 0;
  uint64_t slice_cpu = cpu, slice_units = 0;
  for (int64_t end = window_begin + SLICE_NS; end <= window_end; end += SLICE_NS) {
    run_until(end);
    uint64_t now_cpu = sum_over_pids(cpu_of), units = mode == 't' ? deltas : answers;
    if (units > slice_units) {
      double each = (double)(now_cpu - slice_cpu) / 1000 / (double)(units - slice_units);
      if (best == 0 || each < best) best = each;
    }
    slice_cpu = now_cpu;
    slice_units = units;
  }
  run_until(window_end);
  cpu = sum_over_pids(cpu_of) - cpu;
  uint64_t memory_end = sum_over_pids(memory_of);
  sort(&answer_times);
  sort(&text_times);
  double us = (double)cpu / 1000, units = mode == 't' ? (double)deltas : (double)answers, seconds = (double)length / 1e9;
  printf("best_us=%.2f cpu_us=%.2f per_second=%.0f p50_us=%u p99_us=%u max_us=%u failures=%llu busy=%.0f", best, units > 0 ? us / units : 0,
         units / seconds, quantile(&answer_times, 0.5), quantile(&answer_times, 0.99), quantile(&answer_times, 1), (unsigned long long)failures, us / seconds / 1e4);
  printf(" text_p50_us=%u text_p99_us=%u", quantile(&text_times, 0.5), quantile(&text_times, 0.99));
  printf(" memory_kb=%lld memory_end_kb=%lld opened_ms=%lld\n", (long long)(memory_open - memory),
         (long long)(memory_end - memory), (long long)(opened / 1000000));
  return 0;
}
