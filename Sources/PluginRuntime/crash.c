/* crash.c - the handlers behind plugin_crash.h, and the list of plugins they can name. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "crash.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Of address space; what is touched of it is some kilobytes. */
#define SIGNAL_STACK (128u * 1024u)
/* A report that takes longer is given up: the process must not hang where it should end. */
#define REPORT_SECONDS 10
/* Of a process that a plugin ended with exit(0): its supervisor is to see a failure (sysexits.h, EX_SOFTWARE). */
#define EXIT_BY_PLUGIN 70

_Thread_local apr_place apr_here;

/* ---- plugins ---- */

static _Atomic(apr_identity *) identities;

const apr_identity *apr_identity_of(const char *library, const char *id, const char *version) {
  for (apr_identity *at = atomic_load(&identities); at; at = at->next) {
    if (!strcmp(at->library, library) && !strcmp(at->id, id) && !strcmp(at->version, version)) return at;
  }
  size_t sizes[] = {strlen(library) + 1, strlen(id) + 1, strlen(version) + 1};
  apr_identity *made = calloc(1, sizeof *made + sizes[0] + sizes[1] + sizes[2]);
  if (!made) return NULL;
  char *text = (char *)(made + 1);
  made->library = memcpy(text, library, sizes[0]);
  made->id = memcpy(text + sizes[0], id, sizes[1]);
  made->version = memcpy(text + sizes[0] + sizes[1], version, sizes[2]);
  made->next = atomic_load(&identities);
  while (!atomic_compare_exchange_weak(&identities, &made->next, made)) continue;
  return made;
}

static int note_code(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  apr_identity *identity = context;
  if (!info->dlpi_name || strcmp(info->dlpi_name, identity->library) != 0) return 0;
  uintptr_t begin = UINTPTR_MAX, end = 0;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    uintptr_t from = info->dlpi_addr + part->p_vaddr;
    if (from < begin) begin = from;
    if (from + part->p_memsz > end) end = from + part->p_memsz;
  }
  if (begin < end) {
    atomic_store(&identity->code, begin);
    atomic_store(&identity->code_end, end);
  }
  return 1;
}

void apr_identity_mapped(const apr_identity *identity) {
  if (identity) dl_iterate_phdr(note_code, (void *)(uintptr_t)identity);
}

const apr_identity *apr_identity_at(uintptr_t address) {
  for (const apr_identity *at = atomic_load(&identities); at; at = at->next) {
    if (address >= atomic_load(&at->code) && address < atomic_load(&at->code_end)) return at;
  }
  return NULL;
}

/* ---- handlers ---- */

static apr_crash_settings settings;
static atomic_bool is_installed;
static pthread_key_t stack_key;
static atomic_int reporter; /* the thread that reports; 0 = none */

static pid_t this_thread(void) { return (pid_t)syscall(SYS_gettid); }

/* One thread reports; others that fail meanwhile wait for the end of the process. */
static void begin_report(int signal_number) {
  int none = 0;
  if (atomic_compare_exchange_strong(&reporter, &none, this_thread())) {
    alarm(REPORT_SECONDS);
    return;
  }
  if (none != this_thread()) {
    for (;;) pause();
  }
  apr_crash_report_cut();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
  _exit(128 + signal_number);
}

static void failed(int signal_number, siginfo_t *info, void *context) {
  begin_report(signal_number);
  const ucontext_t *at = context;
  apr_crash crash = {.signal = signal_number, .code = info->si_code};
#if defined(__x86_64__)
  crash.pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
  crash.sp = (uintptr_t)at->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  crash.pc = (uintptr_t)at->uc_mcontext.pc;
  crash.sp = (uintptr_t)at->uc_mcontext.sp;
#else
#error "say where this machine keeps the address of the instruction"
#endif
  if (info->si_code > 0) crash.address = (uintptr_t)info->si_addr;
  else if (info->si_pid != getpid()) crash.sender = info->si_pid ? info->si_pid : -1;
  apr_crash_report(&settings, &crash);
  signal(signal_number, SIG_DFL);
  raise(signal_number); /* this handler leaves its signal unblocked */
  _exit(128 + signal_number); /* the first process of a container is not ended by its own signals */
}

/* exit was called: by a plugin, if this thread is in one. */
static void exiting(int status, void *unused) {
  (void)unused;
  if (!apr_here.plugin) return;
  begin_report(SIGABRT);
  apr_crash_report(&settings, &(apr_crash){.status = status});
  if (settings.brief) {
    apr_here.plugin = NULL;
    return;
  }
  _exit(status ? status : EXIT_BY_PLUGIN);
}

static void free_stack(void *memory) {
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  munmap(memory, SIGNAL_STACK);
}

void apr_crash_thread_begins(void) {
  if (!atomic_load(&is_installed)) return;
  stack_t before;
  if (sigaltstack(NULL, &before) != 0 || !(before.ss_flags & SS_DISABLE)) return;
  void *memory = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return; /* only the report of a full stack is lost */
  stack_t stack = {.ss_sp = memory, .ss_size = SIGNAL_STACK};
  if (sigaltstack(&stack, NULL) != 0 || pthread_setspecific(stack_key, memory) != 0) free_stack(memory);
}

static int open_descriptors(void) {
  settings.spare = settings.probe[0] = settings.probe[1] = -1;
  if (pipe2(settings.probe, O_CLOEXEC | O_NONBLOCK) != 0) return errno;
  if (settings.brief) return 0;
  settings.spare = fcntl(settings.probe[0], F_DUPFD_CLOEXEC, 0);
  void *one[1];
  backtrace(one, 1); /* loads the unwinder now: a handler must not */
  return settings.spare < 0 ? errno : 0;
}

int apr_crash_install(const char *program, const char *version, const char *folder, bool brief) {
  if (atomic_exchange(&is_installed, true)) return EALREADY;
  if (folder && strlen(folder) + 64 > sizeof settings.folder) return ENAMETOOLONG;
  snprintf(settings.program, sizeof settings.program, "%s", program);
  snprintf(settings.version, sizeof settings.version, "%s", version);
  snprintf(settings.folder, sizeof settings.folder, "%s", folder ? folder : "");
  settings.brief = brief;
  int error = open_descriptors();
  if (error) return error;
  if ((error = pthread_key_create(&stack_key, free_stack))) return error;
  struct sigaction action = {.sa_sigaction = failed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    if (sigaction(faults[i], &action, NULL) != 0) return errno;
  }
  if (on_exit(exiting, NULL) != 0) return ENOMEM;
  apr_crash_thread_begins();
  return 0;
}
