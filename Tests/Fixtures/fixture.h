/* fixture.h - what the fixture plugins share: text, a little JSON reading and writing, and the host's tables.
 * For tests only: memory that runs out ends the process. */
#ifndef FIXTURE_H
#define FIXTURE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "agent_plugin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNUSED __attribute__((unused))

/* ---- text ---- */

UNUSED static ap_str str(const char *text) { return (ap_str){text, strlen(text)}; }

UNUSED static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

/* printf into memory that the caller frees. */
__attribute__((format(printf, 1, 2))) UNUSED static char *format(const char *pattern, ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, pattern);
  if (vasprintf(&text, pattern, arguments) < 0) abort();
  va_end(arguments);
  return text;
}

UNUSED static char *copy(ap_str text) {
  char *out = must(malloc(text.len + 1));
  if (text.len) memcpy(out, text.ptr, text.len);
  out[text.len] = 0;
  return out;
}

/* `text` as a JSON string with its quotes; the caller frees it. */
UNUSED static char *quoted(const char *text) {
  char *out = must(malloc(strlen(text) * 6 + 3)), *to = out;
  *to++ = '"';
  for (const char *at = text; *at; at++) {
    if (*at == '"' || *at == '\\') {
      *to++ = '\\';
      *to++ = *at;
    } else if ((unsigned char)*at < 0x20) {
      to += sprintf(to, "\\u%04x", *at);
    } else {
      *to++ = *at;
    }
  }
  *to++ = '"';
  *to = 0;
  return out;
}

/* ---- JSON that the host wrote: valid, so the reading is short. Values are NUL-terminated text from their first byte on;
 *      null stands for what is not there. ---- */

UNUSED static const char *json_blank(const char *at) {
  while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') at++;
  return at;
}

/* Just behind the value at `at`. */
UNUSED static const char *json_skip(const char *at) {
  int depth = 0;
  at = json_blank(at);
  do {
    if (*at == '"') {
      for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1]) at++;
      }
      if (*at) at++;
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      depth--;
      at++;
    } else if (depth && (*at == ',' || *at == ':' || *at == ' ' || *at == '\n')) {
      at++;
    } else {
      while (*at && !strchr(",:]} \n\"", *at)) at++;
    }
  } while (depth > 0 && *at);
  return at;
}

UNUSED static const char *json_member(const char *object, const char *key) {
  if (!object || *json_blank(object) != '{') return NULL;
  const char *at = json_blank(json_blank(object) + 1);
  size_t length = strlen(key);
  while (*at == '"') {
    const char *end = json_skip(at);
    const char *value = json_blank(json_blank(end) + 1);
    if ((size_t)(end - at) == length + 2 && memcmp(at + 1, key, length) == 0) return value;
    at = json_blank(json_skip(value));
    if (*at == ',') at = json_blank(at + 1);
  }
  return NULL;
}

/* The first element (`last` false) or the last one of an array. */
UNUSED static const char *json_element(const char *array, bool last) {
  if (!array || *json_blank(array) != '[') return NULL;
  const char *at = json_blank(json_blank(array) + 1), *found = NULL;
  while (*at && *at != ']') {
    found = at;
    if (!last) break;
    at = json_blank(json_skip(at));
    if (*at == ',') at = json_blank(at + 1);
  }
  return found;
}

/* The text of a string value, or "" if it is none; the caller frees it. */
UNUSED static char *json_text(const char *value) {
  if (!value || *json_blank(value) != '"') return copy(str(""));
  const char *at = json_blank(value) + 1;
  char *out = must(malloc(strlen(at) + 1)), *to = out;
  for (; *at && *at != '"'; at++) {
    if (*at != '\\') {
      *to++ = *at;
      continue;
    }
    at++;
    const char *plain = "\"\"\\\\//b\bf\fn\nr\rt\t", *found = NULL;
    for (const char *p = plain; *p; p += 2) {
      if (*p == *at) found = p;
    }
    if (found) {
      *to++ = found[1];
    } else if (*at == 'u') {
      unsigned unit = 0;
      sscanf(at + 1, "%4x", &unit);
      at += 4;
      if (unit >= 0xd800 && unit < 0xdc00 && at[1] == '\\' && at[2] == 'u') {
        unsigned low = 0;
        sscanf(at + 3, "%4x", &low);
        at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        *to++ = (char)(0xf0 | unit >> 18);
        *to++ = (char)(0x80 | (unit >> 12 & 0x3f));
        *to++ = (char)(0x80 | (unit >> 6 & 0x3f));
        *to++ = (char)(0x80 | (unit & 0x3f));
      } else if (unit < 0x80) {
        *to++ = (char)unit;
      } else if (unit < 0x800) {
        *to++ = (char)(0xc0 | unit >> 6);
        *to++ = (char)(0x80 | (unit & 0x3f));
      } else {
        *to++ = (char)(0xe0 | unit >> 12);
        *to++ = (char)(0x80 | (unit >> 6 & 0x3f));
        *to++ = (char)(0x80 | (unit & 0x3f));
      }
    }
  }
  *to = 0;
  return out;
}

/* The JSON text of a value, without what follows; the caller frees it. */
UNUSED static char *json_raw(const char *value) {
  if (!value) return copy(str("null"));
  return copy((ap_str){value, (size_t)(json_skip(value) - value)});
}

/* The text of a content that is a string or an array of parts with "text"; the caller frees it. */
UNUSED static char *json_content(const char *content) {
  if (content && *json_blank(content) == '[') return json_text(json_member(json_element(content, true), "text"));
  return json_text(content);
}

/* The next piece of `text` from `*at`: a word with the blanks behind it. Empty at the end. */
UNUSED static ap_str next_word(const char *text, size_t *at) {
  size_t begin = *at, end = begin;
  while (text[end] && text[end] != ' ') end++;
  while (text[end] == ' ') end++;
  *at = end;
  return (ap_str){text + begin, end - begin};
}

/* ---- the host ---- */

typedef struct tables {
  const ap_host_r1 *host;
  const ap_host_log_r1 *log;
  const ap_host_turn_r1 *turn;
  const ap_host_call_r1 *call;
  const ap_host_exec_r1 *exec;
  const ap_host_config_r1 *config;
  const ap_host_service_r1 *model, *tools, *kv;
} tables;

UNUSED static tables tables_of(const ap_host_r1 *host) {
  return (tables){
      .host = host,
      .log = host->get_extension(host, AP_HOST_LOG),
      .turn = host->get_extension(host, AP_HOST_TURN),
      .call = host->get_extension(host, AP_HOST_CALL),
      .exec = host->get_extension(host, AP_HOST_EXEC),
      .config = host->get_extension(host, AP_HOST_CONFIG),
      .model = host->get_extension(host, AP_HOST_MODEL),
      .tools = host->get_extension(host, AP_HOST_TOOLS),
      .kv = host->get_extension(host, AP_HOST_KV),
  };
}

UNUSED static void sleep_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* Defines the entry function of a plugin. */
#define PLUGIN(plugin_id, plugin_version, create_fn, drain_fn, destroy_fn, get_extension_fn)                  \
  static const ap_plugin_r1 the_plugin = {                                                                     \
      .struct_size = sizeof(ap_plugin_r1),                                                                     \
      .abi_draft = AP_ABI_DRAFT,                                                                               \
      .id = plugin_id,                                                                                         \
      .version = plugin_version,                                                                               \
      .create = create_fn,                                                                                     \
      .drain = drain_fn,                                                                                       \
      .destroy = destroy_fn,                                                                                   \
      .get_extension = get_extension_fn,                                                                       \
  };                                                                                                           \
  AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) { return &the_plugin; }

#endif
