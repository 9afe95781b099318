/* plugin-worker <fd> [options] - one plugin in a process of its own (arguments.h lists the options).
 *
 * <fd> is a connected stream socket to the host; both sides speak the frames of plugin_runtime.h. Before the first is
 * read, the process builds the walls of its sandbox (sandbox.h). The main thread is the lane thread: it reads frames, pumps the runtime, and writes what the runtime has to say once for each round.
 * While it hangs in the plugin, other threads write for themselves. When the host closes the socket the process ends
 * at once, whatever the plugin is doing.
 *
 * Exit status: 0 the host is done with us; 2 wrong arguments or no memory; 3 the host sent something that is no
 * frame; 4 the sandbox cannot be built, which APR_LOADED has said. */
#define _GNU_SOURCE

#include "cplatform_wake_policy.h"
#include "plugin_crash.h"
#include "plugin_runtime.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_OUTPUT (64u * 1024u * 1024u)
#define LEAST_MOVE (4u * 1024u * 1024u)
#define READ_SIZE (64u * 1024u)

/* ---- output ---- */

/* Frames on their way to the host. Any thread appends; the main thread writes, as long as it comes to it. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t drained;
  uint8_t *bytes;
  size_t begin, end, capacity;
  bool main_sleeps; /* the main thread must be woken when something is appended */
  bool main_stuck;  /* the main thread hangs in the plugin: whoever appends writes, too */
  bool destroyed;   /* APR_DESTROYED is in there: nothing follows */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER, .drained = PTHREAD_COND_INITIALIZER};

static int host = -1, wake = -1;
static pthread_t main_thread;

/* The host is gone. Processes that the plugin has started, where no sandbox keeps it from that, go as well: the host's workers have
 * a process group each. */
static _Noreturn void leave(void) {
  if (getpgrp() == getpid()) kill(0, SIGKILL);
  _exit(0);
}

/* Writes what the socket takes. The lock is held. */
static void flush_locked(void) {
  while (output.begin < output.end) {
    ssize_t n = send(host, output.bytes + output.begin, output.end - output.begin, MSG_NOSIGNAL);
    if (n > 0) {
      output.begin += (size_t)n;
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else {
      leave();
    }
  }
  if (output.begin == output.end) {
    output.begin = output.end = 0;
    if (output.capacity > 1024 * 1024) { /* give a rare peak back */
      free(output.bytes);
      output.bytes = NULL;
      output.capacity = 0;
    }
  }
  pthread_cond_broadcast(&output.drained);
}

/* Makes room for `size` more bytes. Waits while too much is waiting already. */
static bool reserve_locked(size_t size) {
  while (output.end - output.begin > MOST_OUTPUT) {
    if (output.main_stuck || pthread_equal(pthread_self(), main_thread)) {
      struct pollfd writable = {.fd = host, .events = POLLOUT};
      pthread_mutex_unlock(&output.lock);
      poll(&writable, 1, -1);
      pthread_mutex_lock(&output.lock);
      flush_locked();
    } else {
      pthread_cond_wait(&output.drained, &output.lock);
    }
  }
  if (output.end + size <= output.capacity) return true;
  if (output.begin > LEAST_MOVE || output.begin > output.end - output.begin) { /* a move must be worth its bytes */
    memmove(output.bytes, output.bytes + output.begin, output.end - output.begin);
    output.end -= output.begin;
    output.begin = 0;
  }
  size_t capacity = output.capacity ? output.capacity : 64 * 1024;
  while (capacity < output.end + size) capacity *= 2;
  if (capacity == output.capacity) return true;
  uint8_t *bytes = realloc(output.bytes, capacity);
  if (!bytes) return false;
  output.bytes = bytes;
  output.capacity = capacity;
  return true;
}

static void write_one(const apr_message *message) {
  size_t size = apr_frame_size(message);
  pthread_mutex_lock(&output.lock);
  /* The clock thread speaks of a function that has not returned yet. */
  if ((message->op == APR_STALL || message->op == APR_STUCK) && !pthread_equal(pthread_self(), main_thread)) output.main_stuck = true;
  if (!reserve_locked(size)) {
    /* A lost message would leave the two sides with different ideas of what is open. */
    fprintf(stderr, "plugin-worker: no memory for a message to the host\n");
    _exit(2);
  }
  apr_frame_write(message, output.bytes + output.end);
  output.end += size;
  if (message->op == APR_DESTROYED) output.destroyed = true;
  if (output.main_stuck) flush_locked();
  bool sleeps = output.main_sleeps;
  output.main_sleeps = false;
  pthread_mutex_unlock(&output.lock);
  uint64_t one = 1;
  if (sleeps && write(wake, &one, sizeof one) < 0) return; /* the counter is full: it is awake */
}

static void write_to_host(void *context, const apr_message *const *messages, size_t count) {
  (void)context;
  for (size_t i = 0; i < count; i++) write_one(messages[i]);
}

/* ---- input ---- */

static struct {
  uint8_t *bytes;
  size_t begin, end, capacity;
} input;

static bool make_room(void) {
  if (input.begin == input.end) {
    input.begin = input.end = 0;
    if (input.capacity > 1024 * 1024) { /* give a rare peak back */
      free(input.bytes);
      input.bytes = NULL;
      input.capacity = 0;
    }
  }
  if (input.capacity - input.end >= READ_SIZE) return true;
  if (input.begin > 0) {
    memmove(input.bytes, input.bytes + input.begin, input.end - input.begin);
    input.end -= input.begin;
    input.begin = 0;
    if (input.capacity - input.end >= READ_SIZE) return true;
  }
  size_t capacity = input.capacity ? input.capacity * 2 : 2 * READ_SIZE;
  uint8_t *bytes = realloc(input.bytes, capacity);
  if (!bytes) return false;
  input.bytes = bytes;
  input.capacity = capacity;
  return true;
}

static void deliver_frames(apr_runtime *runtime) {
  for (;;) {
    apr_message message;
    int64_t size = apr_frame_read(input.bytes + input.begin, input.end - input.begin, &message);
    if (size == 0) return;
    if (size < 0) {
      fprintf(stderr, "plugin-worker: the host sent bytes that are no frame\n");
      _exit(3);
    }
    apr_deliver(runtime, &message);
    input.begin += (size_t)size;
  }
}

/* Reads what is there, up to a megabyte for each round, so that lanes get their turn. */
static void read_host(apr_runtime *runtime) {
  for (size_t total = 0; total < 1024 * 1024;) {
    if (!make_room()) _exit(2);
    size_t room = input.capacity - input.end;
    ssize_t n = recv(host, input.bytes + input.end, room, 0);
    if (n == 0) leave();
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0) leave();
    input.end += (size_t)n;
    total += (size_t)n;
    deliver_frames(runtime);
    if ((size_t)n < room) return;
  }
}

/* ---- life ---- */

/* Ends the process when the host goes while the main thread is stuck in the plugin. */
static void *watch_host(void *unused) {
  (void)unused;
  for (;;) {
    struct pollfd closed = {.fd = host, .events = POLLRDHUP};
    if (poll(&closed, 1, -1) > 0 && closed.revents) leave();
  }
}

static void run(apr_runtime *runtime) {
  enum { HOST, PUMP, WAKE };
  struct pollfd polled[] = {
      [HOST] = {.fd = host},
      [PUMP] = {.fd = apr_pump_fd(runtime), .events = POLLIN},
      [WAKE] = {.fd = wake, .events = POLLIN},
  };
  cplatform_wake_policy wakes = {0};
  for (;;) {
    pthread_mutex_lock(&output.lock);
    output.main_stuck = false;
    flush_locked();
    bool empty = output.begin == output.end;
    if (empty && output.destroyed) _exit(0);
    output.main_sleeps = empty;
    pthread_mutex_unlock(&output.lock);

    polled[HOST].events = empty ? POLLIN : POLLIN | POLLOUT;
    int ready = poll(polled, 3, -1);
    pthread_mutex_lock(&output.lock);
    output.main_sleeps = false;
    pthread_mutex_unlock(&output.lock);
    if (ready < 0) continue;
    if (polled[WAKE].revents) {
      uint64_t count;
      if (read(wake, &count, sizeof count) < 0) continue;
    }
    if (polled[HOST].revents & (POLLIN | POLLHUP | POLLERR)) read_host(runtime);
    cplatform_wake_policy_note(&wakes, apr_pump(runtime));
  }
}

/* Answers the load that is to come: the plugin is refused. */
static void refuse_load(const char *sentence) {
  apr_message loaded = {.op = APR_LOADED, .status = AP_E_UNAVAILABLE, .s = {{sentence, strlen(sentence)}}};
  uint8_t frame[1024];
  if (apr_frame_size(&loaded) > sizeof frame) return;
  apr_frame_write(&loaded, frame);
  if (send(host, frame, apr_frame_size(&loaded), MSG_NOSIGNAL) < 0) _exit(0); /* the host is gone */
}

int main(int argc, char **argv) {
  worker_arguments arguments;
  if (!arguments_read(argc, argv, &arguments)) return 2;
  if (arguments.probe) {
    sandbox_probe(&arguments);
    return 0;
  }
  host = arguments.socket;
  main_thread = pthread_self();
  signal(SIGPIPE, SIG_IGN);
  /* The line it prints says to the host why the process died; without it only the signal is known. */
  apr_crash_install(&(apr_crash_options){.program = "plugin-worker"});
  fcntl(host, F_SETFD, FD_CLOEXEC);
  char sentence[512];
  if (!sandbox_enter(&arguments, sentence, sizeof sentence)) {
    refuse_load(sentence);
    return 4;
  }
  /* Inherited by all threads: when woken, they do not push the host aside, but for this one, which serves it, while there is little
   * to do (cplatform_wake_policy.h). If it fails, only speed is lost. */
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
  fcntl(host, F_SETFL, fcntl(host, F_GETFL) | O_NONBLOCK);
  wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  apr_options options = {.lane_threads = 0, .blocking_threads = arguments.threads, .sink = write_to_host};
  apr_runtime *runtime = apr_create(&options);
  pthread_t watcher;
  if (wake < 0 || !runtime || pthread_create(&watcher, NULL, watch_host, NULL)) {
    fprintf(stderr, "plugin-worker: cannot start: %s\n", strerror(errno));
    return 2;
  }
  run(runtime);
}
