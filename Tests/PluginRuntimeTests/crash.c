/* crash.c - what is said when a plugin takes its process down. */
#include "plugin_crash.h"
#include "tests.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROGUE_ID "dev.agenthost.fixture.rogue"

static char folder[64];

/* The one report in the folder, which is removed; the caller frees it. "" if there is none. */
static char *take_report(void) {
  char *text = calloc(1, 65536);
  if (!text) abort();
  DIR *listing = opendir(folder);
  if (!listing) return text;
  struct dirent *entry;
  while ((entry = readdir(listing))) {
    if (strncmp(entry->d_name, "crash-", 6) != 0) continue;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    FILE *file = fopen(path, "r");
    if (file) {
      if (fread(text, 1, 65535, file) == 0) text[0] = 0;
      fclose(file);
    }
    unlink(path);
  }
  closedir(listing);
  rmdir(folder);
  return text;
}

static host *start_rogue(void) {
  char path[1024];
  snprintf(path, sizeof path, "%s/rogue/Rogue.agentplugin/libRogue.so", fixtures);
  host *h = host_start(worker);
  const received *loaded = load_with(h, path, ROGUE_ID, "6.6.6", ALL_GRANTS, 0);
  EXPECT(loaded && loaded->message.status == AP_OK);
  return h;
}

/* The plugin does the deed in a process of its own. Answers its wait status. */
static int die_of(const char *deed) {
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(99);
    if (apr_crash_install(&(apr_crash_options){.program = "a test", .folder = folder}) != 0) _exit(98);
    begin_turn(start_rogue(), 7, deed);
    sleep(20);
    _exit(97);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return status;
}

static void reports_name_the_plugin(void) {
  if (worker) return;
  snprintf(folder, sizeof folder, "/tmp/crash-reports-%d", getpid());
  const struct { const char *deed; int signal, status; const char *what, *where; } cases[] = {
      {"crash", SIGSEGV, 0, "what:      SIGSEGV at address 0x10\n", "where:     turn_begin, agent "},
      {"abort", SIGABRT, 0, "what:      SIGABRT\n", "where:     turn_begin, agent "},
      {"thread", SIGSEGV, 0, "what:      SIGSEGV at address 0x10\n", "where:     on a thread that the plugin made itself"},
#ifndef SANITIZED
      {"overflow", SIGSEGV, 0, "what:      SIGSEGV at address 0x", "where:     turn_begin, agent "},
      {"exit 5", 0, 5, "what:      exit(5) was called\n", "where:     turn_begin, agent "},
#endif
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int status = die_of(cases[i].deed);
    EXPECT(cases[i].signal ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal
                           : WIFEXITED(status) && WEXITSTATUS(status) == cases[i].status);
    char *report = take_report();
    bool good = strstr(report, "AgentHost crash report\ntime:      20") && strstr(report, cases[i].what) &&
                strstr(report, "plugin:    " ROGUE_ID " 6.6.6\n") && strstr(report, cases[i].where) &&
                strstr(report, "process:   a test, pid ") && strstr(report, "libRogue.so");
    EXPECT(good);
    if (!good) printf("  %s (status %d):\n%s\n", cases[i].deed, status, report);
    free(report);
  }
}

static void a_plugin_that_ends_well_leaves_no_report(void) {
  if (worker) return;
  snprintf(folder, sizeof folder, "/tmp/crash-reports-%d", getpid());
  pid_t child = fork();
  if (child == 0) {
    if (apr_crash_install(&(apr_crash_options){.program = "a test", .folder = folder}) != 0) _exit(98);
    host *h = start_rogue();
    begin_turn(h, 7, "well");
    bool good = turn_finishes(h, 7, AP_OK) && says(h, 7, "well") && host_stop(h);
    exit(good ? 0 : 1); /* runs the hook for exit */
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  char *report = take_report();
  EXPECT(!*report);
  free(report);
}

static void a_worker_dies_of_the_signal_it_got(void) {
  if (!worker) return;
  const struct { const char *deed; int signal; } cases[] = {
      {"crash", SIGSEGV}, {"abort", SIGABRT}, {"thread", SIGSEGV}, {"overflow", SIGSEGV}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    host *h = start_rogue();
    begin_turn(h, 7, cases[i].deed);
    int status = host_wait_exit(h, 10000);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal);
    host_free(h);
  }
}

const test crash_tests[] = {
    TEST(reports_name_the_plugin),
    TEST(a_plugin_that_ends_well_leaves_no_report),
    TEST(a_worker_dies_of_the_signal_it_got),
    {NULL, NULL},
};
