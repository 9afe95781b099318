/* An agent for tests: "NAME {...}" calls that tool and says how it ended. */
#include <agent_plugin.h>
#include <agent_plugin_json.h>

struct ap_instance {
  const ap_host_r1 *host;
  const ap_host_turn_r1 *turn;
  const ap_host_service_r1 *tools;
};

typedef struct waiting {
  ap_instance *self;
  ap_handle turn;
} waiting;

static void answered(void *user, ap_handle request, ap_event event, ap_status status, ap_str data) {
  waiting *w = user;
  char head[32];
  (void)request;
  if (event != AP_EV_END) return;
  snprintf(head, sizeof head, "%d ", (int)status);
  w->self->turn->text(w->self->host, w->turn, 1, ap_text(head));
  w->self->turn->text(w->self->host, w->turn, 1, data);
  w->self->turn->finish(w->self->host, w->turn, AP_OK, ap_text(""));
  free(w);
}

static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
  char *text = ap_json_string(request->input_json, "/0/content/0/text");
  char *blank = text ? strchr(text, ' ') : NULL;
  waiting *w = malloc(sizeof *w);
  if (!blank || !w) return AP_E_INVALID;
  *w = (waiting){self, turn};
  ap_buffer json = {0};
  ap_put(&json, ap_text("{\"name\":"));
  ap_put_string(&json, (ap_str){text, (size_t)(blank - text)});
  ap_put(&json, ap_text(",\"arguments\":"));
  ap_put(&json, ap_text(blank + 1));
  ap_put(&json, ap_text("}"));
  ap_status status =
      self->tools->request(self->host, turn, ap_text("call"), ap_buffer_text(&json), ap_text(""), answered, w, NULL);
  ap_buffer_free(&json);
  free(text);
  if (status < 0) free(w);
  return status;
}

static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
  self->turn->finish(self->host, turn, why, ap_text(""));
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *self = calloc(1, sizeof *self);
  if (!self) return AP_E_LIMIT;
  *self = (ap_instance){host, host->get_extension(host, AP_HOST_TURN), host->get_extension(host, AP_HOST_TOOLS)};
  *out = self;
  return AP_OK;
}

static void destroy(ap_instance *self) { free(self); }

static const void *get_extension(ap_instance *self, const char *id) {
  static const ap_agent_r1 agent = {.struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel};
  (void)self;
  return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
}

AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
  static const ap_plugin_r1 plugin = {.struct_size = sizeof plugin, .abi_draft = AP_ABI_DRAFT, .id = "dev.example.caller",
                                      .version = "1.0.0", .create = create, .destroy = destroy, .get_extension = get_extension};
  return &plugin;
}
