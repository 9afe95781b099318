/* plugin.c - the adapter as a plugin: its id, version and tools are those of the manifest that lies beside it. */
#define _GNU_SOURCE
#include "adapter.h"

#include <dlfcn.h>
#include <pthread.h>

/* Read once, by the first call of the entry. */
static struct {
  char *manifest, *id, *version;
} self;

struct ap_instance {
  const ap_host_r1 *host;
  const ap_host_call_r1 *call;
  pthread_mutex_t lock; /* with "serial": one call at a time, also on the blocking pool */
  bool serial;
  size_t count;
  function functions[];
};

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rbe");
  if (!file) return NULL;
  ap_buffer text = {0};
  char piece[4096];
  for (size_t count; (count = fread(piece, 1, sizeof piece, file)) > 0;) ap_put(&text, (ap_str){piece, count});
  fclose(file);
  ap_put(&text, (ap_str){"", 1});
  return text.failed ? NULL : text.bytes;
}

static void read_manifest(void) {
  Dl_info here;
  char path[4096];
  const void *me = &self;
  if (!dladdr(me, &here) || !here.dli_fname) return;
  const char *slash = strrchr(here.dli_fname, '/');
  int folder = slash ? (int)(slash - here.dli_fname) : 0;
  snprintf(path, sizeof path, "%.*s/plugin.json", folder, here.dli_fname);
  self.manifest = read_file(path);
  self.id = ap_json_string(ap_text(self.manifest), "/id");
  self.version = ap_json_string(ap_text(self.manifest), "/version");
}

/* What is wrong goes into the log: by its table if the manifest lists it, else by standard error. */
static void complain(const ap_host_r1 *host, const char *sentence) {
  const ap_host_log_r1 *log = host->get_extension(host, AP_HOST_LOG);
  if (log) log->log(host, AP_LOG_ERROR, 0, ap_text(sentence), ap_text(""));
  else fprintf(stderr, "%s\n", sentence);
}

static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)config_json;
  ap_instance *instance = calloc(1, sizeof *instance + MOST_FUNCTIONS * sizeof(function));
  if (!instance) return AP_E_LIMIT;
  instance->host = host;
  instance->call = host->get_extension(host, AP_HOST_CALL);
  instance->serial = ap_json_true(ap_text(self.manifest), "/serial");
  pthread_mutex_init(&instance->lock, NULL);
  problem problem;
  bool fine = instance->call || problem_set(&problem, "The manifest must list ap.host.call/1 under requires.");
  ap_str tools = ap_json_find(ap_text(self.manifest), "/tools"), tool;
  for (size_t at = 0; fine && ap_json_next(tools, &at, NULL, &tool);) {
    if (ap_equal(ap_json_find(tool, "/mode"), "\"client\"")) continue;
    fine = instance->count < MOST_FUNCTIONS ? function_read(&instance->functions[instance->count++], tool, &problem)
                                            : problem_set(&problem, "There may be %d functions at most.", MOST_FUNCTIONS);
  }
  if (fine) {
    *out = instance;
    return AP_OK;
  }
  complain(host, problem.text);
  free(instance);
  return AP_E_INVALID;
}

static void destroy(ap_instance *instance) {
  pthread_mutex_destroy(&instance->lock);
  free(instance); /* what the functions point to lives as long as the process, like their libraries */
}

static ap_status call_begin(ap_instance *instance, ap_handle call, const ap_call_request_r1 *request) {
  for (size_t i = 0; i < instance->count; i++) {
    const function *f = &instance->functions[i];
    if (!f->tool || !ap_equal(request->tool, f->tool)) continue;
    ap_buffer result = {0};
    problem problem;
    if (instance->serial) pthread_mutex_lock(&instance->lock);
    bool fine = function_call(f, request->args_json, &result, &problem);
    if (instance->serial) pthread_mutex_unlock(&instance->lock);
    instance->call->finish(instance->host, call, fine ? AP_OK : AP_E_FAILED, fine ? ap_buffer_text(&result) : ap_text(problem.text));
    ap_buffer_free(&result);
    return AP_OK;
  }
  return AP_E_NOT_FOUND;
}

static const void *get_extension(ap_instance *instance, const char *id) {
  static const ap_tools_r1 tools = {.struct_size = sizeof tools, .call_begin = call_begin};
  (void)instance;
  return strcmp(id, AP_EXT_TOOLS) == 0 ? &tools : NULL;
}

AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static ap_plugin_r1 plugin = {.struct_size = sizeof plugin,
                                .abi_draft = AP_ABI_DRAFT,
                                .create = create,
                                .destroy = destroy,
                                .get_extension = get_extension};
  pthread_once(&once, read_manifest);
  if (!self.id || !self.version) return NULL;
  plugin.id = self.id;
  plugin.version = self.version;
  return &plugin;
}
