/* Villain - does harm: the deed that the first word of the message names, in turn_begin.
 *
 *   segv abort fpe trap exit exit0 _exit0 kill stop null     ends (or stops) its process
 *   wild                                                     the same with a stack pointer that leads nowhere
 *   loop deadlock                                            never returns
 *   leak memory overflow threads forks descriptors           takes all it can get (within bounds that spare the machine: see MOST_…)
 *   garbage frame1g half stdout close                        spoils what its process speaks to the host through
 *   exec ptrace database connect listen killhost write       reaches for what is not its own; the second word names the target
 *   thread-segv cancel-loop later-segv later-loop            the same from a thread of its own, in turn_cancel, in a timer
 *
 * What returns is told: "denied: <why>" when the system refused it, "done" when the harm was done. Anything else is said again.
 * `harm` is a tool that does the same. In `drain`, `destroy` and `create` it does the deed that its configuration names: {"create": "loop"}. */
#include "../fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FIXTURE_ID
#define FIXTURE_ID "dev.agenthost.fixture.villain"
#endif
#define MOST_MEMORY (512u << 20)
#define MOST_THREADS 2000
#define MOST_FORKS 64
#define MOST_DESCRIPTORS 100000

struct ap_instance {
  tables t;
  char *drain, *destroy;
  pthread_mutex_t lock;
  struct turn *turns;
};

typedef struct turn {
  ap_instance *self;
  ap_handle handle;
  struct turn *next;
  char *text;
} turn;

/* ---- deeds: answer 0, or the errno of the refusal ---- */

/* Hides from the compiler what is never true. */
static volatile int zero;

__attribute__((noinline)) static int overflow(int depth) {
  volatile char big[4096];
  big[0] = (char)depth;
  return zero ? 0 : overflow(depth + 1) + big[0];
}

static int forever(void) {
  while (!zero) continue;
  return 0;
}

static int deadlock(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  return pthread_mutex_lock(&lock);
}

__attribute__((no_sanitize("undefined", "address"))) static void *segv(void *unused) {
  (void)unused;
  *(volatile int *)16 = 1;
  return NULL;
}

static int wild(void) {
#if defined(__x86_64__)
  __asm__ volatile("movq $4096, %%rsp\n\tmovq %%rax, (%%rsp)" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("mov sp, #4096\n\tstr x0, [sp]" ::: "memory");
#endif
  return 0;
}

static void *sleeper(void *unused) {
  while (!zero) pause();
  return unused;
}

static int thread_segv(void) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, segv, NULL);
  return error ? error : pthread_join(thread, NULL);
}

static int leak(bool touch) {
  for (size_t had = 0; had < MOST_MEMORY; had += 1 << 20) {
    char *memory = malloc(1 << 20);
    if (!memory) return ENOMEM;
    memset(memory, touch ? 1 : 0, touch ? 1 << 20 : 4096);
  }
  return 0;
}

static int threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (int i = 0; i < MOST_THREADS; i++) {
    pthread_t thread;
    int error = pthread_create(&thread, &small, sleeper, NULL);
    if (error) return error;
  }
  return 0;
}

static int forks(void) {
  for (int i = 0; i < MOST_FORKS; i++) {
    pid_t pid = fork();
    if (pid < 0) return errno;
    if (pid == 0) sleeper(NULL);
  }
  return 0;
}

static int descriptors(void) {
  for (int i = 0; i < MOST_DESCRIPTORS; i++) {
    if (dup(1) < 0) return errno;
  }
  return 0;
}

static int put(int descriptor, const void *bytes, size_t count) { return write(descriptor, bytes, count) < 0 ? errno : 0; }

static int garbage(void) {
  char bytes[4096];
  memset(bytes, 0xff, sizeof bytes);
  return put(3, bytes, sizeof bytes);
}

/* A frame begins with its length. */
static int frame(uint32_t length) {
  char bytes[64] = {(char)length, (char)(length >> 8), (char)(length >> 16), (char)(length >> 24), 1};
  return put(3, bytes, 20);
}

static int talk(void) {
  static char bytes[1 << 16];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
  for (int i = 0; i < 160; i++) {
    if (write(i % 2 ? 1 : 2, bytes, sizeof bytes) < 0) return errno;
  }
  return 0;
}

static int close_all(void) {
  for (int i = 0; i <= 100; i++) close(i);
  return 0;
}

static int run_program(void) {
  char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {NULL};
  execve("/bin/sleep", arguments, environment);
  return errno;
}

static int trace_host(void) {
  if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) != 0) return errno;
  return 0;
}

static int open_file(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  close(file);
  return 0;
}

static int reach(const char *port, bool listens) {
  int made = socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0) return errno;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int result = listens ? bind(made, (struct sockaddr *)&address, sizeof address) : connect(made, (struct sockaddr *)&address, sizeof address);
  if (result == 0 && listens) result = listen(made, 1);
  int error = result ? errno : 0;
  close(made);
  return error;
}

/* -1: it is no deed. A sanitizer would forestall some. */
__attribute__((no_sanitize("undefined"))) static int harm(const char *deed, const char *target) {
#define DEED(name, ...) if (strcmp(deed, name) == 0) __VA_ARGS__
  DEED("segv", { segv(NULL); return 0; })
  DEED("null", { ((void (*)(void))(uintptr_t)zero)(); return 0; })
  DEED("wild", { return wild(); })
  DEED("fpe", { return 7 / zero; })
  DEED("trap", { __builtin_trap(); })
  DEED("abort", { abort(); })
  DEED("exit", { exit(3); })
  DEED("exit0", { exit(0); })
  DEED("_exit0", { _exit(0); })
  DEED("kill", { return kill(getpid(), SIGKILL) ? errno : 0; })
  DEED("stop", { return kill(getpid(), SIGSTOP) ? errno : 0; })
  DEED("loop", { return forever(); })
  DEED("deadlock", { return deadlock(); })
  DEED("leak", { return leak(false); })
  DEED("memory", { return leak(true); })
  DEED("overflow", { return overflow(0); })
  DEED("threads", { return threads(); })
  DEED("forks", { return forks(); })
  DEED("descriptors", { return descriptors(); })
  DEED("garbage", { return garbage(); })
  DEED("frame1g", { return frame(1u << 30); })
  DEED("half", { frame(64); _exit(0); })
  DEED("stdout", { return talk(); })
  DEED("close", { return close_all(); })
  DEED("exec", { return run_program(); })
  DEED("ptrace", { return trace_host(); })
  DEED("database", { return open_file(target, O_RDWR); })
  DEED("write", { return open_file(target, O_WRONLY | O_CREAT); })
  DEED("connect", { return reach(target, false); })
  DEED("listen", { return reach(target, true); })
  DEED("killhost", { return kill(getppid(), SIGKILL) ? errno : 0; })
  DEED("thread-segv", { return thread_segv(); })
#undef DEED
  return -1;
}

/* The words of a text; the caller frees the first. */
static void split(const char *text, char **first, const char **second) {
  *first = copy(str(text));
  char *blank = strchr(*first, ' ');
  *second = blank ? blank + 1 : "";
  if (blank) *blank = 0;
}

/* What to say about a deed that returned; the caller frees it. */
static char *verdict(const char *text) {
  char *deed;
  const char *target;
  split(text, &deed, &target);
  int error = harm(deed, target);
  free(deed);
  return error < 0 ? copy(str(text)) : error == 0 ? copy(str("done")) : format("denied: %s", strerror(error));
}

/* ---- turns ---- */

static void end(turn *t, ap_status status) {
  pthread_mutex_lock(&t->self->lock);
  turn **at = &t->self->turns;
  while (*at && *at != t) at = &(*at)->next;
  bool was_open = *at == t;
  if (was_open) *at = t->next;
  pthread_mutex_unlock(&t->self->lock);
  if (!was_open) return;
  t->self->t.turn->finish(t->self->t.host, t->handle, status, str(""));
  free(t->text);
  free(t);
}

static void act(turn *t, const char *text) {
  char *said = verdict(text);
  t->self->t.turn->text(t->self->t.host, t->handle, 0, str(said));
  free(said);
  end(t, AP_OK);
}

static void later(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  turn *t = user;
  if (status == AP_OK) act(t, t->text + strlen("later-"));
}

static ap_status turn_begin(ap_instance *self, ap_handle handle, const ap_turn_request_r1 *request) {
  turn *t = must(calloc(1, sizeof *t));
  char *input = copy(request->input_json);
  *t = (turn){.self = self, .handle = handle};
  t->text = json_content(json_member(json_element(input, true), "content"));
  free(input);
  pthread_mutex_lock(&self->lock);
  t->next = self->turns;
  self->turns = t;
  pthread_mutex_unlock(&self->lock);
  if (strncmp(t->text, "later-", 6) == 0) {
    if (self->t.exec->after(self->t.host, handle, 20, later, t, NULL) < 0) end(t, AP_E_FAILED);
  } else if (strcmp(t->text, "cancel-loop") == 0) {
    self->t.turn->text(self->t.host, handle, 0, str("waits"));
  } else {
    act(t, t->text);
  }
  return AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle handle, ap_status why) {
  pthread_mutex_lock(&self->lock);
  turn *t = self->turns;
  while (t && t->handle != handle) t = t->next;
  pthread_mutex_unlock(&self->lock);
  if (!t) return;
  if (strcmp(t->text, "cancel-loop") == 0) forever();
  end(t, why);
}

/* ---- the tool ---- */

static ap_status call_begin(ap_instance *self, ap_handle handle, const ap_call_request_r1 *request) {
  char *arguments = copy(request->args_json);
  char *deed = json_text(json_member(arguments, "deed"));
  char *said = verdict(deed), *json = quoted(said);
  self->t.call->finish(self->t.host, handle, AP_OK, str(json));
  free(json);
  free(said);
  free(deed);
  free(arguments);
  return AP_OK;
}

/* ---- life ---- */

static void do_configured(const char *deed) {
  if (*deed) harm(deed, "");
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  char *config = copy(config_json);
  char *deed = json_text(json_member(config, "create"));
  do_configured(deed);
  free(deed);
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  self->drain = json_text(json_member(config, "drain"));
  self->destroy = json_text(json_member(config, "destroy"));
  pthread_mutex_init(&self->lock, NULL);
  free(config);
  *out = self;
  return AP_OK;
}

static void drain(ap_instance *self) { do_configured(self->drain); }

static void destroy(ap_instance *self) {
  do_configured(self->destroy);
  pthread_mutex_destroy(&self->lock);
  free(self->drain);
  free(self->destroy);
  free(self);
}

static const ap_agent_r1 agent = {sizeof agent, 0, turn_begin, turn_cancel, NULL};
static const ap_tools_r1 tools = {sizeof tools, 0, call_begin, NULL};

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  if (strcmp(id, AP_EXT_TOOLS) == 0) return &tools;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN(FIXTURE_ID, "1.0.0", create, drain, destroy, get_extension)
