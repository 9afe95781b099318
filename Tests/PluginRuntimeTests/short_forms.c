/* short_forms.c - starting plugins, and the messages that most tests send and await. */
#include "tests.h"

#define PROBE_GRANTS "ap.host.log/1 ap.host.turn/1 ap.host.call/1 ap.host.exec/1 ap.host.kv/1"

const received *load_with(host *h, const char *path, const char *id, const char *version, const char *grants,
                          uint32_t flags) {
  apr_message load = {
      .op = APR_LOAD,
      .item = flags,
      .s = {text_of(path), text_of(id), text_of(version), text_of(CONFIG), text_of("test"), text_of(grants)},
  };
  host_send(h, &load);
  return host_wait(h, NULL, APR_LOADED, 0, 5000);
}

host *start(const char *name, const char *id, uint32_t flags) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s.agentplugin/lib%s.so", fixtures, name, name);
  host *h = host_start(worker);
  const received *loaded = load_with(h, path, id, "1.0.0", ALL_GRANTS, flags);
  EXPECT(loaded && loaded->message.status == AP_OK);
  if (loaded && loaded->message.status) printf("  %s\n", loaded->message.s[0].ptr);
  return h;
}

host *start_echo(void) { return start("EchoC", "dev.agenthost.fixture.echo-c", 0); }
host *start_tools(void) { return start("ToolsC", "dev.agenthost.fixture.tools-c", 0); }

host *start_probe(void) {
  host *h = host_start(worker);
  const received *loaded = load_with(h, probe, "dev.agenthost.fixture.probe", "1.0.0", PROBE_GRANTS, 0);
  EXPECT(loaded && loaded->message.status == AP_OK);
  return h;
}

void begin_turn(host *h, uint64_t token, const char *text) {
  char input[1024];
  snprintf(input, sizeof input,
           "[{\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"%s\"}]}]", text);
  apr_message begin = {
      .op = APR_TURN_BEGIN,
      .token = token,
      .s = {text_of("echo-c"), text_of(text), text_of("subject"), text_of("user_message"), text_of(input),
            text_of("{}")},
  };
  host_send(h, &begin);
}

void begin_call(host *h, uint64_t token, const char *tool, const char *args, bool blocking) {
  apr_message begin = {.op = APR_CALL_BEGIN, .item = blocking, .token = token, .s = {text_of(tool), text_of(args)}};
  host_send(h, &begin);
}

void send_cancel(host *h, uint64_t token, ap_status why) {
  host_send(h, &(apr_message){.op = APR_CANCEL, .token = token, .status = (int16_t)why});
}

void answer(host *h, uint64_t token, uint32_t event, ap_status status, const char *data) {
  apr_message m = {
      .op = APR_SERVICE_EVENT, .token = token, .item = event, .status = (int16_t)status, .s = {text_of(data)},
  };
  host_send(h, &m);
}

bool finishes(host *h, uint64_t token, uint16_t op, ap_status status, const char *text) {
  const received *r = host_wait(h, NULL, op, token, 10000);
  if (!r) return printf("  %lu did not finish\n", (unsigned long)token), false;
  bool good = r->message.status == status && (!text || strcmp(r->message.s[0].ptr, text) == 0);
  if (!good) printf("  finished with %d \"%.200s\"\n", r->message.status, r->message.s[0].ptr);
  return good;
}

bool turn_finishes(host *h, uint64_t token, ap_status status) {
  return finishes(h, token, APR_TURN_FINISH, status, NULL);
}

bool says(host *h, uint64_t token, const char *expected) {
  char *text = host_text(h, token);
  bool same = strcmp(text, expected) == 0;
  if (!same) printf("  said \"%.200s\"\n", text);
  free(text);
  return same;
}

void probe_test(host *h, uint64_t token, const char *name) {
  begin_turn(h, token, name);
  EXPECT(finishes(h, token, APR_TURN_FINISH, AP_OK, ""));
}
