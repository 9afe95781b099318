/* Rogue - a coded agent that does what a plugin must not. The message names the deed, `deeds` below lists them; what is no deed is said
 * again. A deed that was refused, or done without harm to the process, is answered in words: "denied: <why>" or "did it: <what>".
 *
 * The tool `misdeed` does the deed in its arguments, the model `rogue-model` the one that the last message names. The configuration
 * may name deeds for the other functions: {"create": …, "drain": …, "destroy": …, "cancel": …}; a turn with the message "still" waits
 * for its cancel. */
#include "../fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FIXTURE_ID
#define FIXTURE_ID "dev.agenthost.fixture.rogue"
#endif

struct ap_instance {
  tables t;
  _Atomic ap_handle waiting; /* the turn that said "still" */
};

static char *denied(const char *what) { return format("denied: %s: %s", what, strerror(errno)); }

/* ---- ends of the process ---- */

static volatile int *volatile nowhere = (int *)16;

__attribute__((noinline, no_sanitize("undefined", "address"))) static void touch_nowhere(void) { *nowhere = 1; }

static char *crash(const char *argument) {
  (void)argument;
  touch_nowhere();
  return NULL;
}

static char *do_abort(const char *argument) {
  (void)argument;
  abort();
}

static char *do_exit(const char *argument) {
  exit(*argument ? atoi(argument) : 3);
}

static char *do_quick_exit(const char *argument) {
  (void)argument;
  _exit(0);
}

static int deeper(volatile int *from);
static int (*volatile next)(volatile int *) = deeper; /* or the compiler would see the end of it */

static int deeper(volatile int *from) {
  volatile char room[4096];
  memset((char *)room, 1, sizeof room);
  volatile int here = *from + room[17];
  return next(&here) + here;
}

static char *overflow(const char *argument) {
  (void)argument;
  volatile int zero = 0;
  return format("%d", deeper(&zero));
}

static void *crash_main(void *unused) {
  (void)unused;
  touch_nowhere();
  return NULL;
}

/* On a thread that the host does not know. */
static char *crash_on_thread(const char *argument) {
  (void)argument;
  pthread_t thread;
  int error = pthread_create(&thread, NULL, crash_main, NULL);
  if (error) {
    errno = error;
    return denied("pthread_create");
  }
  pthread_join(thread, NULL);
  return copy(str("did it: survived"));
}

static char *kill_self(const char *argument) {
  int number = strcmp(argument, "stop") == 0 ? SIGSTOP : SIGKILL;
  if (kill(getpid(), number) != 0) return denied("kill");
  return copy(str("did it: went on"));
}

/* A child that keeps what it has inherited open, and then a death. */
static char *orphan(const char *argument) {
  (void)argument;
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  abort();
}

/* ---- no end ---- */

static char *loop(const char *argument) {
  (void)argument;
  for (volatile unsigned long count = 0;; count++) {}
  return NULL;
}

static char *deadlock(const char *argument) {
  (void)argument;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  pthread_mutex_lock(&lock);
  return NULL;
}

/* ---- too much ---- */

static char *eat(const char *argument) {
  long wanted = *argument ? atol(argument) : 4096, got = 0;
  for (; got < wanted; got++) {
    char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return format("denied: after %ld MB: %s", got, strerror(errno));
    memset(piece, 1, 1 << 20);
  }
  return format("did it: %ld MB", got);
}

static char *leak(const char *argument) {
  long wanted = *argument ? atol(argument) : 8;
  for (long got = 0; got < wanted; got++) memset(must(malloc(1 << 20)), 1, 1 << 20);
  return format("did it: leaked %ld MB", wanted);
}

/* Bounded, for the sake of the machine: where nothing keeps it from forking, it is enough to show that all of them end. */
static char *fork_bomb(const char *argument) {
  (void)argument;
  int count = 0;
  for (; count < 200; count++) {
    pid_t child = fork();
    if (child < 0) return count ? format("denied: after %d: %s", count, strerror(errno)) : denied("fork");
    if (child == 0) {
      for (;;) pause();
    }
  }
  return format("did it: %d processes", count);
}

static void *rest(void *unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static char *many_threads(const char *argument) {
  int wanted = *argument ? atoi(argument) : 2000, count = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (; count < wanted; count++) {
    pthread_t thread;
    int error = pthread_create(&thread, &small, rest, NULL);
    if (error) return format("denied: after %d threads: %s", count, strerror(error));
  }
  return format("did it: %d threads", count);
}

/* ---- what is the host's ---- */

static char *garbage(const char *argument) {
  (void)argument;
  unsigned char bytes[256];
  memset(bytes, 0xFF, sizeof bytes);
  return write(3, bytes, sizeof bytes) < 0 ? denied("write") : copy(str("did it: wrote to the socket"));
}

/* A frame that says it is 1 GB long, and bytes for as long as they are taken. */
static char *big_frame(const char *argument) {
  (void)argument;
  unsigned char bytes[65536] = {0, 0, 0, 0x40, 1};
  for (size_t sent = 0; sent < (1u << 30);) {
    ssize_t count = write(3, bytes, sizeof bytes);
    if (count < 0 && errno == EAGAIN) {
      sleep_ms(1);
      continue;
    }
    if (count < 0) return denied("write");
    sent += (size_t)count;
  }
  return copy(str("did it: sent 1 GB"));
}

/* Bytes that are no text and no lines, with words for a terminal among them. */
static char *print(const char *argument) {
  (void)argument;
  unsigned char bytes[65536];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 31 + i / 256);
  memcpy(bytes + 100, "\x1b[2J\x1b]0;owned\x07", 14);
  for (int round = 0; round < 16; round++) {
    for (int descriptor = 1; descriptor <= 2; descriptor++) {
      if (write(descriptor, bytes, sizeof bytes) < 0) return denied("write");
    }
  }
  return copy(str("did it: printed"));
}

static char *close_descriptors(const char *argument) {
  (void)argument;
  for (int descriptor = 0; descriptor <= 100; descriptor++) close(descriptor);
  return copy(str("did it: closed"));
}

static char *do_exec(const char *argument) {
  execl(*argument ? argument : "/bin/true", "true", (char *)NULL);
  return denied("exec");
}

static char *trace(const char *argument) {
  (void)argument;
  if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) != 0) return denied("ptrace");
  return copy(str("did it: traces the host"));
}

static char *peek(const char *argument) {
  (void)argument;
  char byte = 0;
  struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  if (process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 && errno != EFAULT) return denied("process_vm_readv");
  return copy(str("did it: reads the host's memory"));
}

static char *signal_host(const char *argument) {
  (void)argument;
  return kill(getppid(), SIGCONT) ? denied("kill") : copy(str("did it: signals the host"));
}

static char *open_file(const char *path) {
  int file = open(path, O_RDWR);
  if (file < 0) file = open(path, O_RDONLY);
  if (file < 0) return denied("open");
  close(file);
  return copy(str("did it: opened"));
}

static char *connect_to(const char *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return denied("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char *words = connect(fd, (struct sockaddr *)&address, sizeof address) ? denied("connect") : copy(str("did it: connected"));
  close(fd);
  return words;
}

static const struct {
  const char *name;
  char *(*body)(const char *argument);
} deeds[] = {
    {"crash", crash},       {"abort", do_abort},     {"exit", do_exit},         {"_exit", do_quick_exit},
    {"overflow", overflow}, {"thread", crash_on_thread}, {"kill", kill_self},   {"orphan", orphan},
    {"loop", loop},         {"deadlock", deadlock},  {"eat", eat},              {"leak", leak},
    {"forks", fork_bomb},   {"threads", many_threads}, {"garbage", garbage},    {"frame", big_frame},
    {"print", print},       {"close", close_descriptors}, {"exec", do_exec},    {"trace", trace},
    {"peek", peek},         {"signal", signal_host}, {"open", open_file},       {"connect", connect_to},
};

/* Does what the words name and answers what came of it; what is no deed is answered as it is. The caller frees it. */
static char *do_deed(const char *words) {
  size_t length = strcspn(words, " ");
  for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
    if (strlen(deeds[i].name) != length || strncmp(words, deeds[i].name, length) != 0) continue;
    return deeds[i].body(words + length + strspn(words + length, " "));
  }
  return copy(str(words));
}

static void do_configured(const ap_host_config_r1 *config, const ap_host_r1 *host, const char *pointer) {
  char words[256];
  int64_t length = config ? config->get(host, str(pointer), words, sizeof words - 1) : -1;
  if (length <= 2 || length >= (int64_t)sizeof words) return;
  words[length] = 0;
  char *deed = json_text(words);
  free(do_deed(deed));
  free(deed);
}

/* ---- the plugin ---- */

static ap_status turn_begin(ap_instance *self, ap_handle handle, const ap_turn_request_r1 *request) {
  char *input = copy(request->input_json);
  char *words = json_content(json_member(json_element(input, true), "content"));
  free(input);
  if (strcmp(words, "still") != 0) {
    char *answer = do_deed(words);
    self->t.turn->text(self->t.host, handle, 0, str(answer));
    self->t.turn->finish(self->t.host, handle, AP_OK, str(""));
    free(answer);
  } else {
    self->waiting = handle;
    self->t.turn->text(self->t.host, handle, 0, str("waiting"));
  }
  free(words);
  return AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle handle, ap_status why) {
  if (self->waiting != handle) return;
  do_configured(self->t.config, self->t.host, "/cancel");
  self->t.turn->finish(self->t.host, handle, why, str(""));
}

static ap_status call_begin(ap_instance *self, ap_handle call, const ap_call_request_r1 *request) {
  char *arguments = copy(request->args_json), *deed = json_text(json_member(arguments, "deed")), *answer = do_deed(deed);
  char *json = quoted(answer);
  self->t.call->finish(self->t.host, call, AP_OK, str(json));
  free(json);
  free(answer);
  free(deed);
  free(arguments);
  return AP_OK;
}

static ap_status complete(ap_instance *self, ap_handle handle, ap_str model_id, ap_str request_json, ap_time deadline) {
  (void)model_id, (void)deadline;
  char *request = copy(request_json);
  char *words = json_content(json_member(json_element(json_member(request, "messages"), true), "content"));
  char *answer = do_deed(words), *text = quoted(answer), *delta = format("{\"text\":%s}", text);
  self->t.call->progress(self->t.host, handle, str(delta));
  self->t.call->finish(self->t.host, handle, AP_OK, str("{\"finish_reason\":\"stop\"}"));
  free(delta);
  free(text);
  free(answer);
  free(words);
  free(request);
  return AP_OK;
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  do_configured(self->t.config, host, "/create");
  *out = self;
  return AP_OK;
}

static void drain(ap_instance *self) { do_configured(self->t.config, self->t.host, "/drain"); }

static void destroy(ap_instance *self) {
  do_configured(self->t.config, self->t.host, "/destroy");
  free(self);
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, NULL};
static const ap_tools_r1 tools = {sizeof tools, 0, call_begin, NULL};
static const ap_model_r1 model = {sizeof model, 0, complete, NULL};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  if (strcmp(id, AP_EXT_TOOLS) == 0) return &tools;
  return strcmp(id, AP_EXT_MODEL) == 0 ? &model : NULL;
}

PLUGIN(FIXTURE_ID, "6.6.6", create, drain, destroy, get_extension)
