#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

ap_str text_of(const char *text) { return (ap_str){text, strlen(text)}; }

int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void receive(host *h, const apr_message *message) {
  if (message->op == APR_SERVICE_REQUEST && h->answer) {
    apr_message end = {.op = APR_SERVICE_EVENT, .token = message->token, .item = AP_EV_END, .s = {text_of("{}")}};
    host_send(h, &end);
  }
  size_t bytes = 0;
  for (int i = 0; i < APR_MAX_STRINGS; i++) bytes += message->s[i].len + 1;
  pthread_mutex_lock(&h->lock);
  if (message->op == APR_TURN_FINISH || message->op == APR_CALL_FINISH) h->finished++;
  if (message->op == APR_TURN_TEXT) h->texts++;
  if (h->keep || message->op == APR_DESTROYED || message->op == APR_LOADED) {
    received *r = calloc(1, sizeof *r + bytes);
    r->message = *message;
    char *at = r->text;
    for (int i = 0; i < APR_MAX_STRINGS; i++) {
      if (message->s[i].len) memcpy(at, message->s[i].ptr, message->s[i].len);
      r->message.s[i].ptr = at;
      at += message->s[i].len + 1;
    }
    if (h->last) h->last->next = r;
    else h->first = r;
    h->last = r;
  }
  pthread_cond_broadcast(&h->news);
  pthread_mutex_unlock(&h->lock);
}

static void receive_all(void *context, const apr_message *const *messages, size_t count) {
  host *h = context;
  pthread_mutex_lock(&h->lock);
  if (count > h->most_at_once) h->most_at_once = count;
  pthread_mutex_unlock(&h->lock);
  for (size_t i = 0; i < count; i++) receive(context, messages[i]);
}

static void *read_frames(void *context) {
  host *h = context;
  size_t capacity = 16 * 1024 * 1024, length = 0;
  uint8_t *bytes = malloc(capacity);
  for (;;) {
    pthread_mutex_lock(&h->lock);
    while (h->paused) pthread_cond_wait(&h->news, &h->lock);
    pthread_mutex_unlock(&h->lock);
    ssize_t n = recv(h->fd, bytes + length, capacity - length, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    length += (size_t)n;
    size_t at = 0;
    apr_message message;
    int64_t size;
    while ((size = apr_frame_read(bytes + at, length - at, &message)) > 0) {
      receive(h, &message);
      at += (size_t)size;
    }
    if (size < 0) abort();
    memmove(bytes, bytes + at, length - at);
    length -= at;
  }
  free(bytes);
  pthread_mutex_lock(&h->lock);
  h->closed = true;
  pthread_cond_broadcast(&h->news);
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

static bool start_worker(host *h, const char *path) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
  h->fd = pair[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pair[1], 3);
  if (pair[1] == 3) fcntl(3, F_SETFD, 0);
  /* In its sandbox, as the host does it; all that the tests load lies beside the program. */
  char folder[4096];
  snprintf(folder, sizeof folder, "--folder=%.*s", (int)(strrchr(path, '/') - path), path);
  char *arguments[] = {(char *)path, (char *)"3", (char *)"--sandbox=require", folder, NULL};
  int failed = posix_spawn(&h->worker, path, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pair[1]);
  return !failed && pthread_create(&h->reader, NULL, read_frames, h) == 0;
}

host *host_start(const char *worker) {
  host *h = calloc(1, sizeof *h);
  pthread_mutex_init(&h->lock, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&h->news, &monotonic);
  h->in_process = !worker;
  h->keep = true;
  h->fd = -1;
  if (worker) {
    if (!start_worker(h, worker)) abort();
  } else {
    apr_options options = {.lane_threads = 2, .sink = receive_all, .context = h};
    h->runtime = apr_create(&options);
    if (!h->runtime) abort();
  }
  return h;
}

void host_send_bytes(host *h, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  while (length) {
    ssize_t n = send(h->fd, at, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    at += n;
    length -= (size_t)n;
  }
}

void host_send(host *h, const apr_message *message) {
  if (h->in_process) {
    apr_deliver(h->runtime, message);
    return;
  }
  size_t size = apr_frame_size(message);
  uint8_t *frame = malloc(size);
  apr_frame_write(message, frame);
  host_send_bytes(h, frame, size);
  free(frame);
}

static struct timespec until(int ms) {
  int64_t at = milliseconds() + ms;
  return (struct timespec){at / 1000, at % 1000 * 1000000};
}

const received *host_wait(host *h, const received *after, uint16_t op, uint64_t token, int ms) {
  struct timespec deadline = until(ms);
  pthread_mutex_lock(&h->lock);
  for (;;) {
    for (received *r = after ? after->next : h->first; r; r = r->next) {
      if (r->message.op == op && (token == ~0ull || r->message.token == token)) {
        pthread_mutex_unlock(&h->lock);
        return r;
      }
    }
    if (pthread_cond_timedwait(&h->news, &h->lock, &deadline) == ETIMEDOUT) break;
  }
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

bool host_wait_finished(host *h, size_t count, int ms) {
  struct timespec deadline = until(ms);
  pthread_mutex_lock(&h->lock);
  while (h->finished < count && pthread_cond_timedwait(&h->news, &h->lock, &deadline) != ETIMEDOUT) continue;
  bool done = h->finished >= count;
  pthread_mutex_unlock(&h->lock);
  return done;
}

size_t host_count(host *h, uint16_t op, uint64_t token) {
  size_t count = 0;
  pthread_mutex_lock(&h->lock);
  for (received *r = h->first; r; r = r->next) {
    if (r->message.op == op && (token == ~0ull || r->message.token == token)) count++;
  }
  pthread_mutex_unlock(&h->lock);
  return count;
}

char *host_text(host *h, uint64_t token) {
  size_t length = 0;
  char *text = calloc(1, 1);
  pthread_mutex_lock(&h->lock);
  for (received *r = h->first; r; r = r->next) {
    if (r->message.op != APR_TURN_TEXT || r->message.token != token) continue;
    text = realloc(text, length + r->message.s[0].len + 1);
    memcpy(text + length, r->message.s[0].ptr, r->message.s[0].len);
    length += r->message.s[0].len;
    text[length] = 0;
  }
  pthread_mutex_unlock(&h->lock);
  return text;
}

void host_forget(host *h) {
  pthread_mutex_lock(&h->lock);
  while (h->first) {
    received *next = h->first->next;
    free(h->first);
    h->first = next;
  }
  h->last = NULL;
  h->finished = h->texts = 0;
  pthread_mutex_unlock(&h->lock);
}

void host_pause(host *h, bool paused) {
  pthread_mutex_lock(&h->lock);
  h->paused = paused;
  pthread_cond_broadcast(&h->news);
  pthread_mutex_unlock(&h->lock);
}

int host_wait_exit(host *h, int ms) {
  int64_t deadline = milliseconds() + ms;
  int status = 0;
  while (waitpid(h->worker, &status, WNOHANG) == 0) {
    if (milliseconds() > deadline) return -1;
    usleep(1000);
  }
  h->worker = 0;
  return status;
}

void host_free(host *h) {
  if (!h->in_process) {
    if (h->worker > 0) {
      kill(h->worker, SIGKILL);
      waitpid(h->worker, NULL, 0);
    }
    if (h->fd >= 0) shutdown(h->fd, SHUT_RDWR);
    pthread_join(h->reader, NULL);
    if (h->fd >= 0) close(h->fd);
  }
  host_forget(h);
  pthread_mutex_destroy(&h->lock);
  pthread_cond_destroy(&h->news);
  free(h);
}

bool host_stop(host *h) {
  host_send(h, &(apr_message){.op = APR_DESTROY});
  bool good = host_wait(h, NULL, APR_DESTROYED, 0, 10000) != NULL;
  if (good && h->in_process) apr_destroy(h->runtime);
  if (good && !h->in_process) good = host_wait_exit(h, 5000) == 0;
  host_free(h);
  return good;
}
