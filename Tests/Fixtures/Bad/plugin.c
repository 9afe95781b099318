/* Bad - one way to be a bad plugin for each BAD_* macro that build.sh defines. BAD_ID is the id of the manifest. */
#include "../fixture.h"

struct ap_instance {
  int unused;
};

UNUSED static ap_instance the_instance;

UNUSED static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
  (void)host, (void)config_json;
#if defined(BAD_NOT_GRANTED)
  (void)out;
  return host->get_extension(host, AP_HOST_KV) ? AP_OK : AP_E_UNSUPPORTED;
#elif defined(BAD_CREATE_FAILS)
  (void)out;
  return AP_E_UNAVAILABLE;
#elif defined(BAD_NULL_INSTANCE)
  *out = NULL;
  return AP_OK;
#else
#if defined(BAD_CREATE_HANGS)
  sleep_ms(60000);
#elif defined(BAD_CRASHES_IN_CREATE)
  abort();
#elif defined(BAD_EXITS_IN_CREATE)
  exit(0);
#endif
  *out = &the_instance;
  return AP_OK;
#endif
}

static void destroy(ap_instance *self) { (void)self; }

#if defined(BAD_CRASHES_IN_CONSTRUCTOR)
__attribute__((constructor)) static void crash(void) { abort(); }
#endif

#if defined(BAD_NULL_CALL_BEGIN)
static const ap_tools_r1 tools = {.struct_size = sizeof tools};
#elif defined(BAD_TABLE_SIZE)
static const ap_tools_r1 tools = {.struct_size = sizeof tools + 8};
#endif

static const void *get_extension(ap_instance *self, const char *id) {
  (void)self;
#if defined(BAD_NULL_CALL_BEGIN) || defined(BAD_TABLE_SIZE)
  if (strcmp(id, AP_EXT_TOOLS) == 0) return &tools;
#endif
  (void)id;
  return NULL;
}

UNUSED static const ap_plugin_r1 the_bad_plugin = {
#if defined(BAD_STRUCT_SIZE)
    .struct_size = sizeof(ap_plugin_r1) - 8,
#else
    .struct_size = sizeof(ap_plugin_r1),
#endif
#if defined(BAD_DRAFT)
    .abi_draft = AP_ABI_DRAFT + 1,
#else
    .abi_draft = AP_ABI_DRAFT,
#endif
#if defined(BAD_ID_MISMATCH)
    .id = "dev.agenthost.fixture.somebody-else",
#else
    .id = BAD_ID,
#endif
#if defined(BAD_VERSION_MISMATCH)
    .version = "9.9.9",
#else
    .version = "1.0.0",
#endif
#if !defined(BAD_NULL_CREATE)
    .create = create,
#endif
    .destroy = destroy,
    .get_extension = get_extension,
};

#if defined(BAD_NO_SYMBOL)
AP_EXPORT const ap_plugin_r1 *another_name(void) { return &the_bad_plugin; }
#elif defined(BAD_ENTRY_NULL)
AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) { return NULL; }
#else
AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) { return &the_bad_plugin; }
#endif
