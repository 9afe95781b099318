/* crash.c - the report of a process that plugin code ends. Each crash is in a child of its own. */
#include "tests.h"

#include "plugin_crash.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "dev.agenthost.fixture.villain"

/* ThreadSanitizer delivers signals late, and ends the process in its own way. */
#if defined(__SANITIZE_THREAD__)
#define CANNOT_RUN true
#else
#define CANNOT_RUN (worker != NULL)
#endif

typedef struct outcome {
  int status; /* of waitpid */
  char told[16384], filed[16384];
} outcome;

static void read_all(int descriptor, char *text, size_t capacity) {
  size_t length = 0;
  ssize_t count;
  while (length < capacity - 1 && (count = read(descriptor, text + length, capacity - 1 - length)) > 0) length += (size_t)count;
  text[length] = 0;
}

/* Reads the one report in the folder and removes it. */
static void read_report(const char *folder, outcome *out) {
  DIR *entries = opendir(folder);
  struct dirent *entry;
  while (entries && (entry = readdir(entries))) {
    if (strncmp(entry->d_name, "crash-", 6) != 0) continue;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    FILE *file = fopen(path, "r");
    if (file) {
      out->filed[fread(out->filed, 1, sizeof out->filed - 1, file)] = 0;
      fclose(file);
    }
    unlink(path);
  }
  if (entries) closedir(entries);
}

/* The life of the child: the plugin in process, and one turn with the deed. */
static void live(const char *folder, const char *deed) {
  if (apr_crash_install("tests", "1.2.3", folder, false) != 0) _exit(99);
  host *h = host_start(NULL);
  char path[1024];
  snprintf(path, sizeof path, "%s/villain/Villain.agentplugin/libVillain.so", fixtures);
  if (!load_with(h, path, ID, "1.0.0", ALL_GRANTS, 0)) _exit(98);
  if (*deed) begin_turn(h, 7, deed);
  sleep(10);
  _exit(97);
}

static outcome crash(const char *deed, int sent) {
  outcome out = {.status = -1};
  char folder[] = "/tmp/crash-tests-XXXXXX";
  int pipes[2];
  if (!mkdtemp(folder) || pipe(pipes) != 0) return out;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], STDERR_FILENO);
    close(pipes[0]);
    live(folder, deed);
  }
  close(pipes[1]);
  if (sent) {
    usleep(300000);
    kill(child, sent);
  }
  read_all(pipes[0], out.told, sizeof out.told);
  close(pipes[0]);
  waitpid(child, &out.status, 0);
  read_report(folder, &out);
  rmdir(folder);
  return out;
}

/* The report holds all of these words, on stderr and in the file. */
static void expect_words(const outcome *out, const char *const *words) {
  for (; *words; words++) {
    bool is_told = strstr(out->told, *words), is_filed = strstr(out->filed, *words);
    EXPECT(is_told && is_filed);
    if (!is_told || !is_filed) printf("  no \"%s\" in:\n%s\n", *words, is_told ? out->filed : out->told);
  }
}

static void a_report_names_the_plugin(void) {
  if (CANNOT_RUN) return;
  struct { const char *deed; int signal; const char *words[6]; } cases[] = {
      {"segv", SIGSEGV, {"ended by: SIGSEGV at address 0x10: there is no memory there\n", "function: turn_begin, work 7\n"}},
      {"null", SIGSEGV, {"ended by: SIGSEGV at address 0x0: ", "function: turn_begin, work 7\n"}},
      {"later-segv", SIGSEGV, {"function: event_callback, work 7\n"}},
      {"overflow", SIGSEGV, {"the stack is full\n", "function: turn_begin"}},
      {"fpe", SIGFPE, {"ended by: SIGFPE: an integer was divided by zero\n"}},
      {"trap", SIGILL, {"ended by: SIGILL: "}},
      {"abort", SIGABRT, {"ended by: SIGABRT: abort was called", "libc.so.6+0x"}},
      {"wild", SIGSEGV, {"ended by: SIGSEGV at address 0x", "function: turn_begin"}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    outcome out = crash(cases[i].deed, 0);
    EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == cases[i].signal);
    if (!WIFSIGNALED(out.status)) printf("  %s: status %x\n", cases[i].deed, out.status);
    expect_words(&out, cases[i].words);
    expect_words(&out, (const char *[]){
        "program: tests 1.2.3, process ", "plugin: " ID " 1.0.0\n", "library: /", "thread: plugin-lane (", "stack:\n",
        "libVillain.so+0x", "end of report", NULL});
    EXPECT(strstr(out.told, "tests: crash report, also in /tmp/crash-tests-"));
    EXPECT(strncmp(out.filed, "time: 20", 8) == 0);
  }
}

static void a_thread_of_the_plugin_is_known_by_its_code(void) {
  if (CANNOT_RUN) return;
  outcome out = crash("thread-segv", 0);
  EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSEGV);
  expect_words(&out, (const char *[]){"plugin: " ID " 1.0.0 (by its code: on a thread that is not the host's)\n", NULL});
  EXPECT(!strstr(out.filed, "function: "));
}

static void exit_in_plugin_code_is_a_failure_with_a_report(void) {
  if (CANNOT_RUN) return;
  outcome out = crash("exit0", 0);
  EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 70);
  expect_words(&out, (const char *[]){"ended by: exit(0) was called\n", "plugin: " ID " 1.0.0\n", "function: turn_begin, work 7\n", NULL});
  out = crash("exit", 0);
  EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 3);
  expect_words(&out, (const char *[]){"ended by: exit(3) was called\n", NULL});
}

static void a_signal_from_outside_blames_nobody(void) {
  if (CANNOT_RUN) return;
  outcome out = crash("", SIGSEGV);
  EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSEGV);
  char sender[64];
  snprintf(sender, sizeof sender, "ended by: SIGSEGV, sent by process %d\n", (int)getpid());
  expect_words(&out, (const char *[]){sender, "plugin: none", NULL});
}

/* What docs/crash-reports.md says: addr2line finds the line. */
static void addr2line_finds_the_function(void) {
  if (CANNOT_RUN) return;
  outcome out = crash("segv", 0);
  const char *first = strstr(out.filed, "stack:\n  ");
  EXPECT(first);
  if (!first) return;
  char library[1024] = "", offset[32] = "", command[1200], found[256] = "";
  EXPECT(sscanf(first, "stack:\n  %1023[^+]+%31s", library, offset) == 2);
  snprintf(command, sizeof command, "addr2line -f -e '%s' %s", library, offset);
  FILE *answer = popen(command, "r");
  EXPECT(answer && fgets(found, sizeof found, answer) && strcmp(found, "segv\n") == 0);
  if (answer) pclose(answer);
}

const test crash_tests[] = {
    TEST(a_report_names_the_plugin),
    TEST(a_thread_of_the_plugin_is_known_by_its_code),
    TEST(exit_in_plugin_code_is_a_failure_with_a_report),
    TEST(a_signal_from_outside_blames_nobody),
    TEST(addr2line_finds_the_function),
    {NULL, NULL},
};
