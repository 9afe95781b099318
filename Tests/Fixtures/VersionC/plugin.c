/* VersionC - one plugin in many versions, good and bad ones, for upgrades. LABEL is the version's last number; the flaws:
 *
 *   FLAW_CREATE_FAILS     create answers an error
 *   FLAW_CREATE_CRASHES   create dies
 *   FLAW_SICK             the health check fails
 *   FLAW_REFUSES_STATE    does not take over the state of the version before
 *   FLAW_CRASHES          each turn dies at its second word
 *
 * The agent version-c says "v<LABEL> " every 20 ms, as often as the first number in the message says (else 3 times), then what
 * its own tool `label` answers and how many turns were answered before: the count is handed over to the next version. */
#include "../fixture.h"

#ifndef LABEL
#define LABEL "1"
#endif
#define INTERVAL_MS 20

struct ap_instance {
  tables t;
  pthread_mutex_t lock;
  long turns;
};

typedef struct turn {
  ap_instance *self;
  ap_handle handle;
  long left, said;
} turn;

static void end(turn *t, ap_status status, const char *why) {
  t->self->t.turn->finish(t->self->t.host, t->handle, status, str(why));
  free(t);
}

static void labelled(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request;
  if (event != AP_EV_END) return;
  turn *t = user;
  if (status != AP_OK) {
    end(t, AP_E_FAILED, "The tool did not answer.");
    return;
  }
  pthread_mutex_lock(&t->self->lock);
  long before = t->self->turns++;
  pthread_mutex_unlock(&t->self->lock);
  char *result = copy(data);
  char *text = format("tool=%s before=%ld", result, before);
  t->self->t.turn->text(t->self->t.host, t->handle, 0, str(text));
  free(result);
  free(text);
  end(t, AP_OK, "");
}

static void tick(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  (void)request, (void)event, (void)data;
  turn *t = user;
  const tables *h = &t->self->t;
  if (status != AP_OK || h->turn->text(h->host, t->handle, 0, str("v" LABEL " ")) < 0) {
    end(t, AP_E_CANCELLED, "");
    return;
  }
  t->said++;
#ifdef FLAW_CRASHES
  if (t->said == 2) __builtin_trap();
#endif
  if (t->said < t->left) {
    if (h->exec->after(h->host, t->handle, INTERVAL_MS, tick, t, NULL) < 0) end(t, AP_E_LIMIT, "no timer");
  } else if (h->tools->request(h->host, t->handle, str("call"), str("{\"name\":\"label\",\"arguments\":{}}"), str(""),
                               labelled, t, NULL) < 0) {
    end(t, AP_E_FAILED, "The tool cannot be called.");
  }
}

static ap_status turn_begin(ap_instance *self, ap_handle handle, const ap_turn_request_r1 *request) {
  char *items = copy(request->input_json);
  char *text = json_content(json_member(json_element(items, true), "content"));
  long number = atol(text + strcspn(text, "0123456789"));
  free(items);
  free(text);
  turn *t = must(calloc(1, sizeof *t));
  *t = (turn){.self = self, .handle = handle, .left = number > 0 ? number : 3};
  ap_status status = self->t.exec->after(self->t.host, handle, 0, tick, t, NULL);
  if (status < 0) free(t);
  return status < 0 ? status : AP_OK;
}

static void turn_cancel(ap_instance *self, ap_handle handle, ap_status why) { (void)self, (void)handle, (void)why; }

static ap_status call_begin(ap_instance *self, ap_handle call, const ap_call_request_r1 *request) {
  (void)request;
  self->t.call->finish(self->t.host, call, AP_OK, str("\"" LABEL "\""));
  return AP_OK;
}

static ap_status check(ap_instance *self, ap_handle call) {
#ifdef FLAW_SICK
  self->t.call->finish(self->t.host, call, AP_E_FAILED, str("The licence has run out."));
#else
  self->t.call->finish(self->t.host, call, AP_OK, str("{}"));
#endif
  return AP_OK;
}

static ap_status save(ap_instance *self, ap_handle call) {
  pthread_mutex_lock(&self->lock);
  char *state = format("{\"turns\":%ld}", self->turns);
  pthread_mutex_unlock(&self->lock);
  self->t.call->finish(self->t.host, call, AP_OK, str(state));
  free(state);
  return AP_OK;
}

static ap_status load(ap_instance *self, ap_handle call, ap_str version, ap_str state_json) {
  (void)version;
#ifdef FLAW_REFUSES_STATE
  (void)state_json;
  self->t.call->finish(self->t.host, call, AP_E_FAILED, str("I do not know this state."));
#else
  char *state = copy(state_json);
  const char *turns = json_member(state, "turns");
  pthread_mutex_lock(&self->lock);
  if (turns) self->turns = atol(turns);
  pthread_mutex_unlock(&self->lock);
  free(state);
  self->t.call->finish(self->t.host, call, AP_OK, str("{}"));
#endif
  return AP_OK;
}

static const ap_agent_r1 agent = {.struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel};
static const ap_tools_r1 tools = {.struct_size = sizeof tools, .call_begin = call_begin};
static const ap_health_r1 health = {.struct_size = sizeof health, .check = check};
static const ap_state_r1 state = {.struct_size = sizeof state, .save = save, .load = load};

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
#ifdef FLAW_CREATE_CRASHES
  __builtin_trap();
#endif
#ifdef FLAW_CREATE_FAILS
  (void)host, (void)out;
  return AP_E_UNAVAILABLE;
#else
  ap_instance *self = must(calloc(1, sizeof *self));
  self->t = tables_of(host);
  pthread_mutex_init(&self->lock, NULL);
  *out = self;
  return AP_OK;
#endif
}

static void destroy(ap_instance *self) { free(self); }

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
  if (strcmp(id, AP_EXT_AGENT) == 0) return &agent;
  if (strcmp(id, AP_EXT_TOOLS) == 0) return &tools;
  if (strcmp(id, AP_EXT_HEALTH) == 0) return &health;
  if (strcmp(id, AP_EXT_STATE) == 0) return &state;
  return NULL;
}

PLUGIN("dev.agenthost.fixture.version-c", "1.0." LABEL, create, NULL, destroy, get_extension)
