/* crash_report.c - writes a crash report. Runs in a signal handler of a process whose memory may be spoilt: what matters most is
 * written first, and each line at once. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "crash.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_FRAMES 64
/* Bytes of the stack that are searched for an address in the plugin. */
#define STACK_SEARCH 4096

static struct {
  char text[1024];
  size_t length;
  int file; /* -1 = none */
} line = {.file = -1};

static void put(const char *text) {
  while (*text && line.length < sizeof line.text) line.text[line.length++] = *text++;
}

/* Text that a plugin's author chose: one line, and nothing that steers a terminal. */
static void put_foreign(const char *text) {
  for (size_t i = 0; text[i] && i < 512 && line.length < sizeof line.text; i++) {
    line.text[line.length++] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
  }
}

static void put_number(uint64_t value, unsigned base, int least_digits) {
  char digits[24];
  int count = 0;
  do digits[count++] = "0123456789abcdef"[value % base];
  while ((value /= base) || count < least_digits);
  while (count > 0 && line.length < sizeof line.text) line.text[line.length++] = digits[--count];
}

static void put_decimal(int64_t value) {
  if (value < 0) put("-");
  put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 1);
}

static void put_hex(uint64_t value) {
  put("0x");
  put_number(value, 16, 1);
}

static void write_fully(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written <= 0) return;
    bytes += written;
    count -= (size_t)written;
  }
}

static void end_line(void) {
  if (line.length == sizeof line.text) line.length--;
  line.text[line.length++] = '\n';
  write_fully(STDERR_FILENO, line.text, line.length);
  if (line.file >= 0) write_fully(line.file, line.text, line.length);
  line.length = 0;
}

/* ---- time: gmtime may take a lock ---- */

static void put_time(const char *date_separator, const char *middle, const char *time_separator) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t days = now.tv_sec / 86400, seconds = now.tv_sec % 86400;
  /* Howard Hinnant's civil_from_days, for days since 1970. */
  int64_t z = days + 719468, era = z / 146097, of_era = z - era * 146097;
  int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * of_year + 2) / 153;
  int64_t day = of_year - (153 * shifted + 2) / 5 + 1, month = shifted < 10 ? shifted + 3 : shifted - 9;
  put_number((uint64_t)(year_of_era + era * 400 + (month <= 2)), 10, 4);
  put(date_separator);
  put_number((uint64_t)month, 10, 2);
  put(date_separator);
  put_number((uint64_t)day, 10, 2);
  put(middle);
  put_number((uint64_t)seconds / 3600, 10, 2);
  put(time_separator);
  put_number((uint64_t)seconds / 60 % 60, 10, 2);
  put(time_separator);
  put_number((uint64_t)seconds % 60, 10, 2);
  put("Z");
}

/* ---- memory and code ---- */

/* Copies from an address that may be no good; false when it is not. */
static bool read_memory(const apr_crash_settings *settings, uintptr_t address, void *out, size_t count) {
  /* Not `write`: a sanitizer would look at the memory first. */
  ssize_t written = syscall(SYS_write, settings->probe[1], address, count);
  if (written <= 0) return false;
  return read(settings->probe[0], out, (size_t)written) == (ssize_t)count;
}

static const char *last_component(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* "libName.so+0x12ab" ("program" for the program itself), as addr2line takes it; the file's whole path if wanted. */
static void put_code(uintptr_t address, bool whole_path) {
  struct dl_find_object found;
  if (address == 0 || _dl_find_object((void *)address, &found) != 0) {
    put_hex(address); /* in no library */
    return;
  }
  const char *name = found.dlfo_link_map->l_name;
  if (!name || !*name) put("program");
  else put_foreign(whole_path ? name : last_component(name));
  put("+");
  put_hex(address - found.dlfo_link_map->l_addr);
}

/* What lies on the stack and points into a plugin's code: most probably where it called what failed. `plugin`: in this one only. */
static uintptr_t caller_on_stack(const apr_crash_settings *settings, uintptr_t sp, const apr_identity *plugin) {
  uintptr_t words[16];
  sp &= ~(uintptr_t)(sizeof *words - 1);
  for (uintptr_t at = sp; at < sp + STACK_SEARCH; at += sizeof words) {
    if (!read_memory(settings, at, words, sizeof words)) return 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
      const apr_identity *found = apr_identity_at(words[i]);
      if (found && (!plugin || found == plugin)) return words[i];
    }
  }
  return 0;
}

/* ---- what happened ---- */

static void put_signal(int number) {
  const char *name = sigabbrev_np(number);
  put("SIG");
  put(name ? name : "?");
}

static const char *meaning(const apr_crash *crash) {
  switch (crash->signal) {
    case SIGSEGV:
      if (crash->code == SEGV_ACCERR) return "the memory there is protected";
      return crash->code == SEGV_MAPERR ? "there is no memory there" : "the address cannot be used";
    case SIGBUS:
      return "the memory there cannot be reached: a mapped file that became shorter, or a misaligned address";
    case SIGFPE:
      return crash->code == FPE_INTDIV ? "an integer was divided by zero" : "arithmetic";
    case SIGILL:
      return "an instruction that ends the program: a trap of the compiler, or a jump to what is no code";
    case SIGTRAP:
      return "a trap: a check of the Swift or C runtime failed";
    case SIGABRT:
      return "abort was called, by the code itself or by a check of a library";
    default:
      return "";
  }
}

static void put_event(const apr_crash *crash) {
  if (crash->signal == 0) {
    put("exit(");
    put_decimal(crash->status);
    put(") was called");
    return;
  }
  put_signal(crash->signal);
  if (crash->sender) {
    put(", sent by process ");
    put_decimal(crash->sender);
    return;
  }
  if (crash->code > 0 && (crash->signal == SIGSEGV || crash->signal == SIGBUS)) {
    put(" at address ");
    put_hex(crash->address);
  }
  put(": ");
  put(meaning(crash));
  uintptr_t distance = crash->address > crash->sp ? crash->address - crash->sp : crash->sp - crash->address;
  if (crash->signal == SIGSEGV && crash->code > 0 && distance < 65536) put("; that is beside the stack pointer: the stack is full");
}

/* ---- the two forms ---- */

/* A worker's last words. The host reads them: WorkerChannel, LastWords. */
static void write_brief(const apr_crash_settings *settings, const apr_crash *crash) {
  if (crash->sender) return; /* the host knows that it was ended from outside */
  put(settings->program);
  put(": ");
  if (crash->signal == 0) {
    put("exit");
  } else {
    put_signal(crash->signal);
    put(" at ");
    put_code(crash->pc, false);
    uintptr_t from = apr_here.plugin && apr_identity_at(crash->pc) != apr_here.plugin
                         ? caller_on_stack(settings, crash->sp, apr_here.plugin) : 0;
    if (from) {
      put(" from ");
      put_code(from - 1, false);
    }
  }
  if (apr_here.plugin) {
    put(" in ");
    put(apr_here.function);
  }
  end_line();
}

static void open_file(const apr_crash_settings *settings) {
  if (!settings->folder[0]) return;
  static char path[sizeof settings->folder + 64];
  line.length = 0;
  put("/crash-");
  put_time("", "T", "");
  put("-");
  put_decimal(getpid());
  put(".txt");
  size_t folder = strlen(settings->folder);
  memcpy(path, settings->folder, folder);
  memcpy(path + folder, line.text, line.length);
  path[folder + line.length] = 0;
  line.length = 0;
  if (settings->spare >= 0) close(settings->spare);
  line.file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  put(settings->program);
  put(line.file >= 0 ? ": crash report, also in " : ": crash report; it could not be written to ");
  put_foreign(path);
  int file = line.file;
  line.file = -1;
  end_line();
  line.file = file;
}

static void write_plugin(const apr_crash_settings *settings, const apr_crash *crash) {
  const apr_identity *plugin = crash->sender ? NULL : apr_here.plugin;
  const char *how = "";
  if (!plugin && !crash->sender && crash->signal) {
    /* A thread that the plugin made itself, or a callback into it that nobody announced. */
    plugin = apr_identity_at(crash->pc);
    uintptr_t caller = plugin ? crash->pc : caller_on_stack(settings, crash->sp, NULL);
    plugin = apr_identity_at(caller);
    how = " (by its code: on a thread that is not the host's)";
  }
  if (!plugin) {
    put("plugin: none; no plugin's code was running on this thread");
    return end_line();
  }
  put("plugin: ");
  put_foreign(plugin->id);
  put(" ");
  put_foreign(plugin->version);
  put(how);
  end_line();
  put("library: ");
  put_foreign(plugin->library);
  end_line();
  if (!apr_here.plugin) return;
  put("function: ");
  put(apr_here.function);
  if (apr_here.token) {
    put(", work ");
    put_decimal((int64_t)apr_here.token);
  }
  end_line();
}

static void write_thread(void) {
  char name[17] = "?";
  prctl(PR_GET_NAME, name);
  name[16] = 0;
  put("thread: ");
  put_foreign(name);
  put(" (");
  put_decimal(syscall(SYS_gettid));
  put(")");
  end_line();
}

/* The unwinder follows tables, and may stumble over a spoilt stack: last, and a second fault only cuts the report. */
static void write_stack(const apr_crash_settings *settings, const apr_crash *crash) {
  put("stack:");
  end_line();
  int first = 0, count = 0;
  void *frames[MOST_FRAMES + 8];
  if (crash->signal) {
    put("  ");
    put_code(crash->pc, true);
    end_line();
  }
  count = backtrace(frames, MOST_FRAMES + 8);
  /* What lies above the fault is this handler. */
  while (first < count && crash->signal && (uintptr_t)frames[first] != crash->pc) first++;
  if (first == count) {
    uintptr_t caller = caller_on_stack(settings, crash->sp, NULL);
    if (!caller) return;
    put("  ");
    put_code(caller - 1, true);
    put(" (found on the stack)");
    return end_line();
  }
  for (int i = crash->signal ? first + 1 : 0; i < count && i < first + MOST_FRAMES; i++) {
    put("  ");
    put_code((uintptr_t)frames[i] - 1, true); /* into the call, not behind it */
    end_line();
  }
}

void apr_crash_report(const apr_crash_settings *settings, const apr_crash *crash) {
  if (settings->brief) return write_brief(settings, crash);
  open_file(settings);
  put("time: ");
  put_time("-", "T", ":");
  end_line();
  put("program: ");
  put(settings->program);
  put(" ");
  put(settings->version);
  put(", process ");
  put_decimal(getpid());
  end_line();
  put("ended by: ");
  put_event(crash);
  end_line();
  write_plugin(settings, crash);
  write_thread();
  write_stack(settings, crash);
  put("end of report");
  end_line();
}

void apr_crash_report_cut(void) {
  line.length = 0;
  put("end of report: the rest could not be read");
  end_line();
}
