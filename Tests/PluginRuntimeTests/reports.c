/* reports.c - what a crash report says, and under which circumstances it is written; crash.c has the ways to crash. */
#include "tests.h"

#include "plugin_crash.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "dev.agenthost.fixture.rogue"

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

static bool few_descriptors;

static void use_up_descriptors(void) {
  while (dup(STDERR_FILENO) >= 0) continue;
}

/* The life of the child: the plugin in process, and one turn with the deed. */
static void live(const char *folder, const char *deed) {
  if (apr_crash_install(&(apr_crash_options){.program = "tests", .folder = folder}) != 0) _exit(99);
  host *h = host_start(NULL);
  char path[1024];
  snprintf(path, sizeof path, "%s/rogue/Rogue.agentplugin/libRogue.so", fixtures);
  if (!load_with(h, path, ID, "6.6.6", ALL_GRANTS, 0)) _exit(98);
  if (few_descriptors) {
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, 256});
    use_up_descriptors();
  }
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

static void a_report_is_told_and_kept(void) {
  if (worker) return;
  outcome out = crash("crash", 0);
  EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSEGV);
  EXPECT(*out.filed && strcmp(out.told, out.filed) == 0);
  expect_words(&out, (const char *[]){"process:   tests, pid ", ", token 7\n", "library:   /", " plugin-lane\n", "build id:  ", NULL});
}

static void exit_in_plugin_code_is_a_failure_with_a_report(void) {
  if (worker) return;
  outcome out = crash("exit 0", 0);
  EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 70);
  expect_words(&out, (const char *[]){"what:      exit(0) was called\n", "plugin:    " ID " 6.6.6\n", "where:     turn_begin, agent ", NULL});
  out = crash("exit 3", 0);
#ifdef SANITIZED /* which looks for leaks on the way out, and has a status of its own for them */
  EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) != 0);
#else
  EXPECT(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 3);
#endif
  expect_words(&out, (const char *[]){"what:      exit(3) was called\n", NULL});
}

/* Somebody's `kill -SEGV`. */
static void a_signal_from_outside_blames_nobody(void) {
  if (worker) return;
  outcome out = crash("", SIGSEGV);
  EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSEGV);
  char sender[64];
  snprintf(sender, sizeof sender, "what:      SIGSEGV, sent by process %d\n", (int)getpid());
  expect_words(&out, (const char *[]){sender, "plugin:    none", NULL});
}

/* The last descriptors are gone, too. */
static void a_report_is_kept_when_descriptors_have_run_out(void) {
  if (worker) return;
  few_descriptors = true;
  outcome out = crash("crash", 0);
  few_descriptors = false;
  EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGSEGV);
  expect_words(&out, (const char *[]){"plugin:    " ID " 6.6.6\n", NULL});
}

/* What docs/crash-reports.md says: addr2line finds the line. */
static void addr2line_finds_the_function(void) {
  if (worker) return;
  outcome out = crash("crash", 0);
  const char *first = strstr(out.filed, "code:      ");
  EXPECT(first);
  if (!first) return;
  char library[1024] = "", offset[32] = "", command[1200], found[256] = "";
  EXPECT(sscanf(first, "code:      %1023[^+]+%31s", library, offset) == 2);
  snprintf(command, sizeof command, "addr2line -f -e '%s' %s", library, offset);
  FILE *answer = popen(command, "r");
  EXPECT(answer && fgets(found, sizeof found, answer) && strcmp(found, "touch_nowhere\n") == 0);
  if (answer) pclose(answer);
}

/* Frame pointers are not kept by most C code: the unwinder reads the tables that compilers write for exceptions. */
static void the_stack_is_followed_to_the_host(void) {
  if (worker) return;
  outcome out = crash("abort", 0);
  expect_words(&out, (const char *[]){"runtime-tests+0x", NULL});
}

const test report_tests[] = {
    TEST(a_report_is_told_and_kept),
    TEST(exit_in_plugin_code_is_a_failure_with_a_report),
    TEST(a_signal_from_outside_blames_nobody),
    TEST(a_report_is_kept_when_descriptors_have_run_out),
    TEST(addr2line_finds_the_function),
    TEST(the_stack_is_followed_to_the_host),
    {NULL, NULL},
};
