/* load.c - maps the library, checks everything it says about itself, and makes the instance. */
#include "internal.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Why a plugin is refused. */
typedef struct refusal {
  ap_status status; /* 0 = not refused */
  char sentence[1024];
} refusal;

__attribute__((format(printf, 3, 4))) static bool refuse(refusal *why, ap_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  why->status = status;
  vsnprintf(why->sentence, sizeof why->sentence, format, arguments);
  va_end(arguments);
  return false;
}

static bool map(const apr_library *noted, const char *path, const ap_plugin_r1 **plugin, refusal *why) {
  apr_enter_plugin(noted, "what the library does while it is loaded", NULL, 0);
  /* Never unmapped again: a Swift library that is unmapped leaves records behind that crash the process. */
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  apr_leave_plugin();
  if (!library) {
    const char *reason = dlerror();
    return refuse(why, AP_E_INVALID, "The library cannot be loaded: %s.", reason ? reason : "no reason given");
  }
  void *symbol = dlsym(library, AP_ENTRY_SYMBOL);
  if (!symbol) {
    return refuse(why, AP_E_INVALID,
                  "The library does not export %s: define it with AP_EXPORT in front, see agent_plugin/plugin.h.",
                  AP_ENTRY_SYMBOL);
  }
  const ap_plugin_r1 *(*entry)(void);
  memcpy(&entry, &symbol, sizeof entry);
  apr_modules_update();
  apr_enter_plugin(noted, AP_ENTRY_SYMBOL, NULL, 0);
  *plugin = entry();
  apr_leave_plugin();
  if (*plugin) return true;
  return refuse(why, AP_E_UNAVAILABLE, "The entry function of the plugin answered null: it refuses to be loaded.");
}

static bool equal(const char *text, ap_str expected) {
  return strlen(text) == expected.len && memcmp(text, expected.ptr, expected.len) == 0;
}

static bool check_plugin(const ap_plugin_r1 *plugin, const apr_message *load, refusal *why) {
  if (plugin->abi_draft != AP_ABI_DRAFT) {
    return refuse(why, AP_E_UNSUPPORTED,
                  "Built against draft %u of the plugin ABI, this host speaks draft %u: rebuild against these headers.",
                  plugin->abi_draft, AP_ABI_DRAFT);
  }
  if (plugin->struct_size != sizeof *plugin) {
    return refuse(why, AP_E_INVALID,
                  "ap_plugin_r1 of the plugin says struct_size %u, this host knows %zu: set it to sizeof(ap_plugin_r1) "
                  "and rebuild against these headers.",
                  plugin->struct_size, sizeof *plugin);
  }
  if (!plugin->create || !plugin->destroy) {
    return refuse(why, AP_E_INVALID,
                  "The function `%s` of ap_plugin_r1 is null: every plugin needs create and destroy.",
                  plugin->create ? "destroy" : "create");
  }
  if (!plugin->id || !plugin->version) {
    return refuse(why, AP_E_INVALID, "`%s` of ap_plugin_r1 is null.", plugin->id ? "version" : "id");
  }
  if (!equal(plugin->id, load->s[1])) {
    return refuse(why, AP_E_INVALID,
                  "The library calls itself \"%.200s\", its manifest says \"%.200s\": make the ids equal.",
                  plugin->id, load->s[1].ptr);
  }
  if (!equal(plugin->version, load->s[2])) {
    return refuse(why, AP_E_INVALID,
                  "The library has version \"%.100s\", its manifest says \"%.100s\": make the versions equal.",
                  plugin->version, load->s[2].ptr);
  }
  return true;
}

static bool create(apr_runtime *runtime, const ap_plugin_r1 *plugin, refusal *why) {
  ap_instance *instance = NULL;
  apr_enter_plugin(runtime->library, "create", NULL, 0);
  ap_status status = plugin->create(&runtime->host, runtime->config_json, &instance);
  apr_leave_plugin();
  const char *missing = atomic_load(&runtime->not_granted);
  if (status < 0 && missing) {
    return refuse(why, AP_E_FAILED,
                  "The function `create` of the plugin failed with status %d after it was not given %s: list that in "
                  "`requires` or `uses` of the manifest.",
                  status, missing);
  }
  if (status < 0) return refuse(why, AP_E_FAILED, "The function `create` of the plugin failed with status %d.", status);
  if (!instance) {
    return refuse(why, AP_E_INVALID, "The function `create` of the plugin succeeded but stored no instance.");
  }
  runtime->instance = instance;
  return true;
}

/* Looks up a table of the plugin; null if it offers none. All tables begin with a struct_size, which must be `size`. */
static bool find_table(const apr_runtime *runtime, const char *id, uint32_t size, const void **found, refusal *why) {
  apr_enter_plugin(runtime->library, "get_extension", NULL, 0);
  *found = runtime->plugin->get_extension ? runtime->plugin->get_extension(runtime->instance, id) : NULL;
  apr_leave_plugin();
  if (!*found) return true;
  uint32_t struct_size;
  memcpy(&struct_size, *found, sizeof struct_size);
  if (struct_size == size) return true;
  return refuse(why, AP_E_INVALID, "The plugin's table \"%s\" says struct_size %u, this host knows %u.", id,
                struct_size, size);
}

static bool need(bool present, const char *function, const char *id, refusal *why) {
  if (present) return true;
  return refuse(why, AP_E_INVALID, "The function `%s` of the plugin's table \"%s\" is null.", function, id);
}

static bool find_tables(apr_runtime *runtime, refusal *why) {
  const void *found[7];
  if (!find_table(runtime, AP_EXT_AGENT, sizeof(ap_agent_r1), &found[0], why)) return false;
  if (!find_table(runtime, AP_EXT_TOOLS, sizeof(ap_tools_r1), &found[1], why)) return false;
  if (!find_table(runtime, AP_EXT_MODEL, sizeof(ap_model_r1), &found[2], why)) return false;
  if (!find_table(runtime, AP_EXT_CONFIG, sizeof(ap_config_r1), &found[3], why)) return false;
  if (!find_table(runtime, AP_EXT_HEALTH, sizeof(ap_health_r1), &found[4], why)) return false;
  if (!find_table(runtime, AP_EXT_STATE, sizeof(ap_state_r1), &found[5], why)) return false;
  if (!find_table(runtime, AP_EXT_AGENT_HOOKS, sizeof(ap_agent_hooks_r1), &found[6], why)) return false;
  const ap_agent_r1 *agent = found[0];
  const ap_tools_r1 *tools = found[1];
  const ap_model_r1 *model = found[2];
  const ap_config_r1 *config = found[3];
  const ap_health_r1 *health = found[4];
  const ap_agent_hooks_r1 *hooks = found[6];
  const ap_state_r1 *state = found[5];
  if (!need(!agent || agent->turn_begin, "turn_begin", AP_EXT_AGENT, why)) return false;
  if (!need(!agent || agent->turn_cancel, "turn_cancel", AP_EXT_AGENT, why)) return false;
  if (!need(!tools || tools->call_begin, "call_begin", AP_EXT_TOOLS, why)) return false;
  if (!need(!model || model->complete, "complete", AP_EXT_MODEL, why)) return false;
  if (!need(!config || config->changed, "changed", AP_EXT_CONFIG, why)) return false;
  if (!need(!hooks || hooks->hook_begin, "hook_begin", AP_EXT_AGENT_HOOKS, why)) return false;
  if (!need(!health || health->check, "check", AP_EXT_HEALTH, why)) return false;
  if (!need(!state || state->save, "save", AP_EXT_STATE, why)) return false;
  if (!need(!state || state->load, "load", AP_EXT_STATE, why)) return false;
  pthread_mutex_lock(&runtime->lock);
  runtime->agent = agent;
  runtime->tools = tools;
  runtime->model = model;
  runtime->config_table = config;
  runtime->health = health;
  runtime->hooks = hooks;
  runtime->state = state;
  pthread_mutex_unlock(&runtime->lock);
  return true;
}

static bool prepare(apr_runtime *runtime, apr_envelope *load, refusal *why) {
  const apr_message *m = &load->message;
  pthread_mutex_lock(&runtime->lock);
  runtime->phase = APR_LOADING;
  runtime->pool_held = true;
  runtime->serial = m->item & APR_LOAD_SERIAL;
  runtime->granted = apr_grants(m->s[5]);
  pthread_mutex_unlock(&runtime->lock);
  pthread_mutex_lock(&runtime->config_lock);
  runtime->config = load;
  if (m->s[3].len) runtime->config_json = m->s[3];
  pthread_mutex_unlock(&runtime->config_lock);
  runtime->library = apr_library_note(m->s[1], m->s[2], m->s[0]);
  runtime->host_version = strdup(m->s[4].ptr);
  if (!runtime->host_version) return refuse(why, AP_E_LIMIT, "Memory ran out.");
  runtime->host = (ap_host_r1){
      .struct_size = sizeof(ap_host_r1),
      .abi_draft = AP_ABI_DRAFT,
      .name = "AgentHost",
      .version = runtime->host_version,
      .host_data = runtime,
      .get_extension = apr_get_extension,
  };
  return true;
}

static void answer(apr_runtime *runtime, const refusal *why) {
  apr_clean sentence = apr_clean_make(apr_string(why->sentence)); /* it quotes the plugin */
  apr_message loaded = {.op = APR_LOADED, .status = (int16_t)why->status, .s = {sentence.text}};
  if (runtime->agent) loaded.item |= APR_HAS_AGENT;
  if (runtime->tools) loaded.item |= APR_HAS_TOOLS;
  if (runtime->model) loaded.item |= APR_HAS_MODEL;
  if (runtime->config_table) loaded.item |= APR_HAS_CONFIG;
  if (runtime->health) loaded.item |= APR_HAS_HEALTH;
  if (runtime->hooks) loaded.item |= APR_HAS_HOOKS;
  if (runtime->state) loaded.item |= APR_HAS_STATE;
  pthread_mutex_lock(&runtime->lock);
  apr_emit_locked(runtime, &runtime->root, &loaded);
  pthread_mutex_unlock(&runtime->lock);
  free(sentence.owned);
}

/* Refuses the plugin: nothing that it asked for in create is called any more. */
static void give_up(apr_runtime *runtime, bool created) {
  pthread_mutex_lock(&runtime->lock);
  runtime->phase = APR_REFUSED;
  apr_revoke_locked(runtime, &runtime->root);
  apr_discard_lane_locked(runtime);
  apr_pool_discard_locked(runtime);
  pthread_mutex_unlock(&runtime->lock);
  if (created) {
    apr_enter_plugin(runtime->library, "destroy", NULL, 0);
    runtime->plugin->destroy(runtime->instance);
    apr_leave_plugin();
  }
  runtime->instance = NULL;
}

/* APR_LOAD, on the control thread. Takes over `load`, which stays for the configuration in it. */
void apr_load(apr_runtime *runtime, apr_envelope *load) {
  refusal why = {.status = AP_OK};
  if (runtime->phase != APR_EMPTY) {
    free(load);
    refuse(&why, AP_E_INVALID, "This runtime has loaded its plugin already.");
    apr_message loaded = {.op = APR_LOADED, .status = (int16_t)why.status, .s = {apr_string(why.sentence)}};
    pthread_mutex_lock(&runtime->lock);
    apr_emit_locked(runtime, &runtime->root, &loaded);
    pthread_mutex_unlock(&runtime->lock);
    return;
  }
  const ap_plugin_r1 *plugin = NULL;
  bool created = false;
  bool good = prepare(runtime, load, &why) && map(runtime->library, load->message.s[0].ptr, &plugin, &why) &&
              check_plugin(plugin, &load->message, &why);
  if (good) {
    runtime->plugin = plugin;
    good = created = create(runtime, plugin, &why);
  }
  if (good) good = find_tables(runtime, &why);
  if (!good) give_up(runtime, created);

  pthread_mutex_lock(&runtime->lock);
  if (good) runtime->phase = APR_LOADED_PHASE;
  pthread_mutex_unlock(&runtime->lock);
  answer(runtime, &why);
  pthread_mutex_lock(&runtime->lock);
  if (good) apr_release_lane_locked(runtime);
  apr_pool_release_locked(runtime);
  pthread_mutex_unlock(&runtime->lock);
}
