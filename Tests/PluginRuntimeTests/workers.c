/* workers.c - what concerns only the worker program: its end, and the bytes it reads. */
#include "tests.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_worker_dies_alone(void) {
  if (!worker) return;
  struct { const char *text; int signal, code; } cases[] = {
      {"crash", SIGABRT, 0}, {"segv", SIGSEGV, 0}, {"exit", 0, 0},
  };
  for (size_t i = 0; i < 3; i++) {
    host *h = start_echo();
    begin_turn(h, 1, cases[i].text);
    int status = host_wait_exit(h, 5000);
    EXPECT(cases[i].signal ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal
                           : WIFEXITED(status) && WEXITSTATUS(status) == cases[i].code);
    host_free(h);
  }
  const char *names[] = {"Truncated", "CrashesInConstructor", "CrashesInCreate", "ExitsInCreate"};
  for (size_t i = 0; i < 4; i++) {
    char path[1024], id[128];
    snprintf(path, sizeof path, "%s/bad/%s.agentplugin/lib%s.so", fixtures, names[i], names[i]);
    snprintf(id, sizeof id, "dev.agenthost.fixture.bad-%s", names[i]);
    for (char *at = id; *at; at++) *at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
    host *h = host_start(worker);
    apr_message load = {
        .op = APR_LOAD, .s = {text_of(path), text_of(id), text_of("1.0.0"), text_of("{}"), text_of("t")},
    };
    host_send(h, &load);
    int status = i ? host_wait_exit(h, 5000) : 0; /* a truncated library may be refused or crash */
    bool answered = host_wait(h, NULL, APR_LOADED, 0, i ? 0 : 1000) != NULL;
    EXPECT(status != -1 && !(i && answered));
    host_free(h);
  }
}

static void a_worker_ends_when_the_host_goes(void) {
  if (!worker) return;
  const char *busy[] = {"hang", "block 20000"};
  for (size_t i = 0; i < 2; i++) {
    host *h = start_echo();
    begin_turn(h, 1, busy[i]);
    usleep(20000);
    shutdown(h->fd, SHUT_RDWR);
    int status = host_wait_exit(h, 2000);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    host_free(h);
  }
}

static void a_worker_refuses_what_is_no_frame(void) {
  if (!worker) return;
  host *h = start_echo();
  uint8_t bytes[64];
  memset(bytes, 0xff, sizeof bytes);
  host_send_bytes(h, bytes, sizeof bytes);
  int status = host_wait_exit(h, 2000);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  host_free(h);
}

const test worker_tests[] = {
    TEST(a_worker_dies_alone),
    TEST(a_worker_ends_when_the_host_goes),
    TEST(a_worker_refuses_what_is_no_frame),
    {NULL, NULL},
};
