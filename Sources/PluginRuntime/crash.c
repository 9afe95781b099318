/* crash.c - what is said about a crash, and the handler that says it. See plugin_crash.h.
 *
 * Threads that run plugin code leave a note of where they are (`apr_here`): the price is a few stores. A thread that a plugin has made
 * itself has none, and is attributed by the code it was in, or by its stack. */
#include "crash.h"
#include "plugin_crash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES 65536u
/* The status of a host that a plugin ended with exit(0) (sysexits.h, EX_SOFTWARE). */
#define EXIT_BY_PLUGIN 70

_Thread_local apr_place apr_here;
static _Thread_local void *signal_stack;

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
#define FAULTS (sizeof faults / sizeof *faults)
static struct sigaction before[FAULTS];

static bool is_installed, hands_over;
static const char *program = "", *folder;
static int spare = -1; /* a descriptor given up for the file of a report, when there are no others */
static atomic_int reporting; /* the thread that writes a report; 0 = none */
static apr_text report, file_name;

/* ---- words ---- */

static const char *name_of(int number) {
  switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    case SIGABRT: return "SIGABRT";
    case SIGTRAP: return "SIGTRAP";
    default: return "SIGSYS";
  }
}

/* Another process sent it: this thread only happened to take it. */
static bool is_from_outside(const siginfo_t *info) { return info && info->si_code <= 0 && info->si_pid != getpid(); }

static void add_signal(const siginfo_t *info) {
  apr_text_add(&report, name_of(info->si_signo));
  if (is_from_outside(info)) {
    apr_text_add(&report, ", sent by process ");
    apr_text_number(&report, info->si_pid);
    return;
  }
  if (info->si_signo == SIGSYS && info->si_code > 0) {
    apr_text_add(&report, ": a filter does not permit system call ");
    apr_text_number(&report, info->si_syscall);
  } else if (info->si_code > 0 && info->si_code != SI_KERNEL && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS)) {
    apr_text_add(&report, " at address ");
    apr_text_hex(&report, (uintptr_t)info->si_addr);
  }
}

/* "libName.so+0x1234", with the whole path if `whole`. */
static void add_code(uintptr_t address, bool whole) {
  const apr_module *module = apr_module_at(address);
  if (!module) {
    apr_text_hex(&report, address);
    return;
  }
  const char *path = whole ? module->path : apr_file_name(module->path);
  apr_text_add_some(&report, path, strlen(path));
  apr_text_add(&report, "+");
  apr_text_hex(&report, address - module->base);
}

static void add_string(ap_str text) {
  apr_text_add_some(&report, text.ptr, text.len < 128 ? text.len : 128);
}

/* Where the thread was: "turn_begin, agent x, thread y, token 7". */
static void add_place(const apr_place *place) {
  apr_text_add(&report, place->function);
  const apr_message *begin = place->begin;
  if (begin) {
    apr_text_add(&report, begin->op == APR_TURN_BEGIN ? ", agent " : begin->op == APR_CALL_BEGIN ? ", tool " : ", ");
    add_string(begin->s[0]);
    ap_str thread = begin->op == APR_TURN_BEGIN ? begin->s[1] : begin->op == APR_CALL_BEGIN ? begin->s[3] : (ap_str){"", 0};
    if (thread.len) {
      apr_text_add(&report, ", thread ");
      add_string(thread);
    }
  }
  if (place->token) {
    apr_text_add(&report, ", token ");
    apr_text_number(&report, (int64_t)place->token);
  }
}

/* ---- the report ---- */

typedef struct death {
  const siginfo_t *info; /* null: exit() */
  int status;            /* of exit() */
  uintptr_t pc, frame_pointer, stack_pointer;
} death;

static const apr_library *culprit(const death *death, const apr_frames *frames) {
  if (is_from_outside(death->info)) return NULL;
  if (apr_here.function) return apr_here.library;
  const apr_library *found = apr_library_of(apr_module_at(death->pc));
  for (size_t i = 0; i < frames->count && !found; i++) found = apr_library_of(apr_module_at(frames->addresses[i]));
  return found;
}

static void add_death(const death *death) {
  if (death->info) {
    add_signal(death->info);
    return;
  }
  apr_text_add(&report, "exit(");
  apr_text_number(&report, death->status);
  apr_text_add(&report, ") was called");
}

/* At the beginning: that of the process that spawned this one, whose memory it had until it became another program. */
static long first_peak;

/* Kilobytes that were resident at most; 0 when that is unknown. */
static long peak(void) {
  struct rusage used;
  return getrusage(RUSAGE_SELF, &used) == 0 ? used.ru_maxrss : 0;
}

/* A plugin that gets no more memory mostly ends itself, with a signal that says nothing about that. */
static void add_memory(void) {
  long most = peak();
  if (most <= first_peak) return;
  apr_text_add(&report, "; ");
  apr_text_number(&report, most / 1024);
  apr_text_add(&report, " MB were resident at most");
}

/* One line, for a worker: the host puts it into its log. */
static void say_last_words(const death *death) {
  apr_text_add(&report, program);
  apr_text_add(&report, ": last words: ");
  add_death(death);
  if (death->pc) {
    apr_text_add(&report, " in ");
    add_code(death->pc, false);
  }
  apr_frames frames = {0};
  const apr_module *module = apr_module_at(death->pc);
  if (!apr_library_of(module)) {
    apr_stack_walk(&frames, death->frame_pointer, death->stack_pointer);
    for (size_t i = 0; i < frames.count; i++) {
      if (!apr_library_of(apr_module_at(frames.addresses[i]))) continue;
      apr_text_add(&report, frames.guessed ? ", perhaps called from " : ", called from ");
      add_code(frames.addresses[i], false);
      break;
    }
  }
  apr_text_add(&report, apr_here.function ? ", in " : ", on a thread of its own");
  if (apr_here.function) add_place(&apr_here);
  add_memory();
  apr_text_add(&report, "\n");
  apr_text_write(&report, 2);
}

static void add_line(const char *title) {
  apr_text_add(&report, "\n");
  apr_text_add(&report, title);
}

static void add_stack(const death *death, const apr_frames *frames) {
  if (death->pc) {
    add_line("code:      ");
    add_code(death->pc, true);
  }
  add_line(frames->guessed ? "stack:     guessed, as no frame pointers lead to the plugin" : "stack:");
  if (!frames->count) apr_text_add(&report, "     unknown");
  for (size_t i = 0; i < frames->count; i++) {
    add_line("  ");
    add_code(frames->addresses[i], true);
  }
}

static void compose(const death *death, int64_t now) {
  apr_frames frames;
  apr_stack_walk(&frames, death->frame_pointer, death->stack_pointer);
  const apr_library *library = culprit(death, &frames);
  char name[17] = "";
  prctl(PR_GET_NAME, name);
  apr_text_add(&report, "AgentHost crash report\ntime:      ");
  apr_text_time(&report, now, false);
  add_line("process:   ");
  apr_text_add(&report, program);
  apr_text_add(&report, ", pid ");
  apr_text_number(&report, getpid());
  add_line("thread:    ");
  apr_text_number(&report, syscall(SYS_gettid));
  apr_text_add(&report, " ");
  apr_text_add_some(&report, name, strlen(name));
  add_line("what:      ");
  add_death(death);
  add_line("plugin:    ");
  if (library) {
    apr_text_add(&report, library->id);
    apr_text_add(&report, " ");
    apr_text_add(&report, library->version);
    add_line("where:     ");
    if (apr_here.function) add_place(&apr_here);
    else apr_text_add(&report, "on a thread that the plugin made itself; it is named because of the code below");
    add_line("library:   ");
    apr_text_add(&report, library->path);
    const apr_module *module = apr_module_at(death->pc);
    for (size_t i = 0; i < frames.count && apr_library_of(module) != library; i++) module = apr_module_at(frames.addresses[i]);
    if (apr_library_of(module) == library && *module->build_id) {
      add_line("build id:  ");
      apr_text_add(&report, module->build_id);
    }
  } else {
    apr_text_add(&report, "none that is known; the fault is the host's own, or of a thread whose code is no plugin's");
  }
  add_stack(death, &frames);
  apr_text_add(&report, "\n");
}

/* `<folder>/crash-20261126T093000Z-<pid>.txt` */
static int keep_report(int64_t now) {
  mkdir(folder, 0700);
  apr_text_add(&file_name, folder);
  apr_text_add(&file_name, "/crash-");
  apr_text_time(&file_name, now, true);
  apr_text_add(&file_name, "-");
  apr_text_number(&file_name, getpid());
  apr_text_add(&file_name, ".txt");
  if (file_name.length >= sizeof file_name.bytes) return -1;
  file_name.bytes[file_name.length] = 0;
  if (spare >= 0) close(spare);
  int file = open(file_name.bytes, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return -1;
  apr_text_write(&report, file);
  fsync(file);
  return file;
}

/* Written last: the unwinder may stumble over a spoilt stack, and then all else is said. */
static void add_unwound(const death *death, int file) {
  apr_frames frames = {0};
  if (!death->pc || !apr_stack_unwind(&frames, death->pc)) return;
  report.length = 0;
  apr_text_add(&report, "callers:   as the unwinder finds them");
  for (size_t i = 0; i < frames.count; i++) {
    add_line("  ");
    add_code(frames.addresses[i], true);
  }
  apr_text_add(&report, "\n");
  apr_text_write(&report, 2);
  if (file >= 0) apr_text_write(&report, file);
}

static void tell(const death *death) {
  if (!folder) {
    say_last_words(death);
    return;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  compose(death, now.tv_sec);
  apr_text_write(&report, 2);
  add_unwound(death, keep_report(now.tv_sec));
}

/* ---- the ways to die ---- */

static void restore(int number) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (size_t i = 0; i < FAULTS; i++) {
    if (faults[i] == number && hands_over) action = before[i];
  }
  sigaction(number, &action, NULL);
}

static void handle(int number, siginfo_t *info, void *context) {
  int error = errno, self = (int)syscall(SYS_gettid), other = 0;
  if (atomic_compare_exchange_strong(&reporting, &other, self)) {
    const ucontext_t *state = context;
    death death = {.info = info};
#if defined(__x86_64__)
    death.pc = (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
    death.frame_pointer = (uintptr_t)state->uc_mcontext.gregs[REG_RBP];
    death.stack_pointer = (uintptr_t)state->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    death.pc = (uintptr_t)state->uc_mcontext.pc;
    death.frame_pointer = (uintptr_t)state->uc_mcontext.regs[29];
    death.stack_pointer = (uintptr_t)state->uc_mcontext.sp;
#endif
    tell(&death);
  } else if (other != self) {
    /* Another thread has crashed as well: the first report goes first, and ends the process. */
    const struct timespec most = {.tv_sec = 5};
    nanosleep(&most, NULL);
  }
  restore(number);
  /* A fault comes again as soon as this returns. What was sent, or does not come again, is sent again: it waits until then. */
  if (info->si_code <= 0 || number == SIGTRAP || number == SIGSYS) syscall(SYS_tgkill, getpid(), self, number);
  errno = error;
}

/* exit() from a plugin runs the host's own exit handlers as well, and ends the process: only the name of the plugin can be saved. */
static void exiting(int status, void *unused) {
  (void)unused;
  apr_frames frames = {0};
  uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  if (!apr_here.function) {
    /* The main thread comes here in peace. */
    if (syscall(SYS_gettid) == getpid()) return;
    apr_stack_walk(&frames, frame, frame);
    if (!culprit(&(death){0}, &frames)) return;
  }
  int nobody = 0;
  if (!atomic_compare_exchange_strong(&reporting, &nobody, (int)syscall(SYS_gettid))) return;
  tell(&(death){.status = status, .frame_pointer = frame, .stack_pointer = frame});
  /* Whoever supervises this server must see a failure. */
  if (folder && status == 0) _exit(EXIT_BY_PLUGIN);
}

/* ---- quiet times ---- */

bool apr_crash_is_installed(void) { return is_installed; }

void apr_crash_begin_thread(void) {
  stack_t present;
  if (!is_installed || signal_stack || sigaltstack(NULL, &present) != 0 || !(present.ss_flags & SS_DISABLE)) return;
  void *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return; /* an overflow of this thread's stack will go without a report */
  stack_t stack = {.ss_sp = memory, .ss_size = STACK_BYTES};
  if (sigaltstack(&stack, NULL) == 0) signal_stack = memory;
  else munmap(memory, STACK_BYTES);
}

void apr_crash_end_thread(void) {
  if (!signal_stack) return;
  sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
  munmap(signal_stack, STACK_BYTES);
  signal_stack = NULL;
}

int apr_crash_install(const apr_crash_options *options) {
  if (is_installed) return EALREADY;
  char *name = strdup(options->program), *path = options->folder ? strdup(options->folder) : NULL;
  if (!name || (options->folder && !path)) {
    free(name);
    free(path);
    return ENOMEM;
  }
  int error = apr_stack_prepare();
  if (path) {
    apr_stack_load_unwinder();
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  if (error) {
    free(name);
    free(path);
    return error;
  }
  program = name;
  folder = path;
  first_peak = peak();
  hands_over = options->hands_over;
  is_installed = true;
  apr_modules_update();
  apr_crash_begin_thread();
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < FAULTS; i++) {
    /* In a worker the sandbox answers for the system calls that it does not permit. */
    if (faults[i] == SIGSYS && !folder) continue;
    if (sigaction(faults[i], &action, &before[i]) != 0) return errno;
  }
  return on_exit(exiting, NULL) == 0 ? 0 : ENOMEM;
}
