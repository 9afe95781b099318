/* loading.c - plugins that cannot be loaded, and runtimes that hold none. */
#include "tests.h"

#include <unistd.h>

static void bad_plugins_are_refused_with_a_reason(void) {
  struct { const char *name, *sentence; ap_status status; } cases[] = {
      {"NotELF", "cannot be loaded", AP_E_INVALID},
      {"EmptyFile", "cannot be loaded", AP_E_INVALID},
      {"MissingLibrary", "cannot be loaded", AP_E_INVALID},
      {"WrongArchitecture", "cannot be loaded", AP_E_INVALID},
      {"MissingSymbol", "does not export ap_plugin_entry_v1", AP_E_INVALID},
      {"OtherDraft", "Built against draft 2 of the plugin ABI, this host speaks draft 1: rebuild", AP_E_UNSUPPORTED},
      {"WrongStructSize", "struct_size 48, this host knows 56", AP_E_INVALID},
      {"EntryNull", "answered null", AP_E_UNAVAILABLE},
      {"NullCreate", "`create` of ap_plugin_r1 is null", AP_E_INVALID},
      {"NullCallBegin", "`call_begin` of the plugin's table \"ap.tools/1\" is null", AP_E_INVALID},
      {"WrongTableSize", "\"ap.tools/1\" says struct_size 32, this host knows 24", AP_E_INVALID},
      {"IdMismatch", "calls itself \"dev.agenthost.fixture.somebody-else\"", AP_E_INVALID},
      {"VersionMismatch", "version \"9.9.9\", its manifest says \"1.0.0\"", AP_E_INVALID},
      {"CreateFails", "failed with status -9", AP_E_FAILED},
      {"NullInstance", "stored no instance", AP_E_INVALID},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[1024], id[128];
    snprintf(path, sizeof path, "%s/bad/%s.agentplugin/lib%s.so", fixtures, cases[i].name, cases[i].name);
    snprintf(id, sizeof id, "dev.agenthost.fixture.bad-%s", cases[i].name);
    for (char *at = id; *at; at++) *at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
    host *h = host_start(worker);
    const received *loaded = load_with(h, path, id, "1.0.0", ALL_GRANTS, 0);
    EXPECT(loaded && loaded->message.status == cases[i].status && strstr(loaded->message.s[0].ptr, cases[i].sentence));
    if (loaded && !strstr(loaded->message.s[0].ptr, cases[i].sentence)) {
      printf("  %s: %d %s\n", cases[i].name, loaded->message.status, loaded->message.s[0].ptr);
    }
    begin_turn(h, 1, "anybody there?");
    EXPECT(finishes(h, 1, APR_TURN_FINISH, AP_E_UNAVAILABLE, NULL));
    EXPECT(host_stop(h));
  }
}

static void loading_twice_and_stopping_unloaded_are_harmless(void) {
  host *h = host_start(worker);
  EXPECT(host_stop(h));
  h = start_echo();
  const received *first = host_wait(h, NULL, APR_LOADED, 0, 0);
  load_with(h, "/nonexistent", "x", "1", "", 0);
  const received *second = host_wait(h, first, APR_LOADED, 0, 2000);
  EXPECT(second && second->message.status < 0);
  begin_turn(h, 1, "still here");
  EXPECT(turn_finishes(h, 1, AP_OK));
  EXPECT(host_stop(h));
}

static void a_failed_create_leaves_nothing_behind(void) {
  for (uint32_t flags = 0; flags <= APR_LOAD_SERIAL; flags++) {
    host *h = host_start(worker);
    apr_message load = {
        .op = APR_LOAD,
        .item = flags,
        .s = {text_of(probe), text_of("dev.agenthost.fixture.probe"), text_of("1.0.0"), text_of("{\"fail\": 1}"),
              text_of("test"), text_of(ALL_GRANTS)},
    };
    host_send(h, &load);
    usleep(20000); /* it sleeps in create now */
    begin_turn(h, 1, "too early");
    begin_call(h, 2, "hold", "{}", true);
    const received *loaded = host_wait(h, NULL, APR_LOADED, 0, 5000);
    EXPECT(loaded && loaded->message.status == AP_E_FAILED);
    EXPECT(turn_finishes(h, 1, AP_E_UNAVAILABLE));
    EXPECT(finishes(h, 2, APR_CALL_FINISH, AP_E_UNAVAILABLE, NULL));
    EXPECT(!host_wait(h, NULL, APR_LOG, ~0ull, 50));
    EXPECT(host_stop(h));
  }
}

const test loading_tests[] = {
    TEST(bad_plugins_are_refused_with_a_reason),
    TEST(a_failed_create_leaves_nothing_behind),
    TEST(loading_twice_and_stopping_unloaded_are_harmless),
    {NULL, NULL},
};
