/* SandboxC - an agent that tries to get out of its sandbox. A message is the name of an attempt and its arguments; the answer
 * is "ok", with what was found, or the name of the error. attempts.h lists them. Never load it in process. */
#include "attempts.h"

struct ap_instance {
  tables t;
};

static const char *error_name(int error) {
  const char *name = strerrorname_np(error);
  return name ? name : "an unknown error";
}

static void answer(ap_instance *self, ap_handle turn, const char *text) {
  self->t.turn->text(self->t.host, turn, 1, str(text));
  self->t.turn->item_done(self->t.host, turn, 1);
  self->t.turn->finish(self->t.host, turn, AP_OK, str(""));
}

/* Runs the attempt that `text` names. */
static void attempt(ap_instance *self, ap_handle turn, char *text) {
  char *words[4] = {0};
  size_t count = 0;
  for (char *rest = text, *word; count < 4 && (word = strsep(&rest, " "));) words[count++] = word;
  char found[256] = "";
  for (const struct attempt *each = attempts; each->name; each++) {
    if (strcmp(each->name, words[0]) != 0) continue;
    int error = each->run(words[1] ? words[1] : "", found, sizeof found);
    char *said = error ? format("%s", error_name(error)) : format("ok%s%s", *found ? " " : "", found);
    answer(self, turn, said);
    free(said);
    return;
  }
  answer(self, turn, "no such attempt");
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  char *input = copy(request->input_json);
  char *text = json_content(json_member(json_element(input, true), "content"));
  attempt(self, turn, text);
  free(text);
  free(input);
  return AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) { (void)self, (void)turn, (void)why; }

static const ap_agent_r1 agent = {
    .struct_size = sizeof(ap_agent_r1), .turn_begin = turn_begin, .turn_cancel = turn_cancel};

static ap_status create(const ap_host_r1 *host, ap_str config, ap_instance **out) {
  (void)config;
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  *out = self;
  return AP_OK;
}
static void destroy(ap_instance *self) { free(self); }
static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

PLUGIN("dev.agenthost.fixture.sandbox-c", "1.0.0", create, NULL, destroy, get_extension)
