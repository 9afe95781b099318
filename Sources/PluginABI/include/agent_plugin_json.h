/* agent_plugin_json.h - reading and writing the little JSON that a plugin meets, without a library.
 *
 * Not a part of the ABI: this header is compiled into your plugin (C11 or C++17), and you may as well take any JSON library.
 * Values are pieces of the text they were found in (`ap_str`), valid as long as that text is. Malformed or too deeply nested
 * text (more than 64 levels) reads as "not there"; nothing here reads beyond the text. */
#ifndef AGENT_PLUGIN_JSON_H
#define AGENT_PLUGIN_JSON_H

#include "agent_plugin/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An ap_str of a NUL-terminated text; null counts as empty. */
static inline ap_str ap_text(const char *AP_NULLABLE text) {
  ap_str s = {text, text ? strlen(text) : 0};
  return s;
}

static inline bool ap_equal(ap_str a, const char *AP_NONNULL b) {
  return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, a.len) == 0);
}

/* A NUL-terminated copy, to be freed with free(); null when memory runs out. */
static inline char *AP_NULLABLE ap_copy(ap_str text) {
  char *out = (char *)malloc(text.len + 1);
  if (!out) return NULL;
  if (text.len) memcpy(out, text.ptr, text.len);
  out[text.len] = 0;
  return out;
}

/* ---- reading ---- */

static inline size_t ap_json_blanks_(ap_str json, size_t at) {
  while (at < json.len && (json.ptr[at] == ' ' || json.ptr[at] == '\t' || json.ptr[at] == '\n' || json.ptr[at] == '\r')) at++;
  return at;
}

/* Just behind the string that begins at `at`; 0 when it does not end. */
static inline size_t ap_json_skip_string_(ap_str json, size_t at) {
  for (at++; at < json.len; at++) {
    if (json.ptr[at] == '\\') at++;
    else if (json.ptr[at] == '"') return at + 1;
  }
  return 0;
}

/* Just behind the value that begins at `at` (no blank); 0 when it is malformed. */
static inline size_t ap_json_skip_(ap_str json, size_t at) {
  char open[64];
  size_t depth = 0;
  do {
    at = ap_json_blanks_(json, at);
    if (at >= json.len) return 0;
    char c = json.ptr[at];
    if (c == '"') {
      at = ap_json_skip_string_(json, at);
      if (!at) return 0;
    } else if (c == '{' || c == '[') {
      if (depth == sizeof open) return 0;
      open[depth++] = c == '{' ? '}' : ']';
      at++;
    } else if (c == '}' || c == ']') {
      if (!depth || open[--depth] != c) return 0;
      at++;
    } else if (c == ',' || c == ':') {
      if (!depth) return 0;
      at++;
    } else {
      size_t begin = at;
      while (at < json.len && !strchr(",:]}[{\" \t\r\n", json.ptr[at])) at++;
      if (at == begin) return 0; /* a NUL */
    }
  } while (depth);
  return at;
}

/* Steps through an object or an array: begin with `*at` = 0; false at the end, or when it is neither. `*key` is the raw text of
 * a member's name between its quotes (empty in arrays), `*value` the text of the value. */
static inline bool ap_json_next(ap_str container, size_t *AP_NONNULL at, ap_str *AP_NULLABLE key, ap_str *AP_NONNULL value) {
  size_t begin = ap_json_blanks_(container, *at), end;
  if (*at == 0) {
    if (begin >= container.len || (container.ptr[begin] != '{' && container.ptr[begin] != '[')) return false;
    begin = ap_json_blanks_(container, begin + 1);
  } else {
    if (begin >= container.len || container.ptr[begin] != ',') return false;
    begin = ap_json_blanks_(container, begin + 1);
  }
  size_t first = ap_json_blanks_(container, 0);
  ap_str name = {NULL, 0};
  if (begin >= container.len || container.ptr[begin] == '}' || container.ptr[begin] == ']') return false;
  if (container.ptr[first] == '{') {
    if (container.ptr[begin] != '"' || !(end = ap_json_skip_string_(container, begin))) return false;
    name.ptr = container.ptr + begin + 1;
    name.len = end - begin - 2;
    begin = ap_json_blanks_(container, end);
    if (begin >= container.len || container.ptr[begin] != ':') return false;
    begin = ap_json_blanks_(container, begin + 1);
  }
  end = ap_json_skip_(container, begin);
  if (!end) return false;
  if (key) *key = name;
  value->ptr = container.ptr + begin;
  value->len = end - begin;
  *at = end;
  return true;
}

/* The value at a JSON Pointer (RFC 6901), e.g. "/items/0/title"; "" is the whole text. A last step "-" is the last element of
 * an array. Empty when there is none. Names are compared as they are written: do not look for names that need escapes. */
static inline ap_str ap_json_find(ap_str json, const char *AP_NONNULL pointer) {
  const ap_str none = {NULL, 0};
  size_t begin = ap_json_blanks_(json, 0), end;
  if (begin >= json.len || !(end = ap_json_skip_(json, begin))) return none;
  ap_str value = {json.ptr + begin, end - begin};
  while (*pointer == '/') {
    size_t length = strcspn(++pointer, "/"), at = 0, index = 0;
    char *rest = NULL;
    bool object = value.len && value.ptr[0] == '{', last = length == 1 && *pointer == '-', found = false;
    unsigned long wanted = strtoul(pointer, &rest, 10);
    if (!object && !last && rest != pointer + length) return none;
    ap_str key, element, chosen = none;
    while (!found && ap_json_next(value, &at, &key, &element)) {
      if (object) found = key.len == length && (length == 0 || memcmp(key.ptr, pointer, length) == 0);
      else found = !last && index++ == wanted;
      if (found || last) chosen = element;
    }
    if (!chosen.ptr) return none;
    value = chosen;
    pointer += length;
  }
  return *pointer ? none : value;
}

static inline size_t ap_json_utf8_(unsigned long scalar, char *AP_NONNULL out) {
  if (scalar < 0x80) {
    out[0] = (char)scalar;
    return 1;
  }
  size_t size = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
  for (size_t i = size - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (scalar & 0x3f));
    scalar >>= 6;
  }
  out[0] = (char)((size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0) | scalar);
  return size;
}

/* Four hexadecimal digits at `at`, or -1. */
static inline long ap_json_hex_(ap_str text, size_t at) {
  long value = 0;
  if (at + 4 > text.len) return -1;
  for (size_t i = at; i < at + 4; i++) {
    char c = text.ptr[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* The text of a string value, without quotes and escapes, NUL-terminated; its length into `*length` (may be null; the text may
 * hold \u0000). Free it with free(). Null when `value` is no string, or memory runs out. */
static inline char *AP_NULLABLE ap_json_decode(ap_str value, size_t *AP_NULLABLE length) {
  if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"') return NULL;
  char *out = (char *)malloc(value.len), *to = out; /* an escape is never shorter than what it stands for */
  if (!out) return NULL;
  for (size_t at = 1; at < value.len - 1; at++) {
    char c = value.ptr[at];
    if (c != '\\') {
      *to++ = c;
      continue;
    }
    c = value.ptr[++at];
    long unit = c == 'u' ? ap_json_hex_(value, at + 1) : -1;
    if (unit < 0) {
      *to++ = c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
      continue;
    }
    at += 4;
    if (unit >= 0xd800 && unit < 0xe000) {
      long low = unit < 0xdc00 && at + 2 < value.len && value.ptr[at + 1] == '\\' && value.ptr[at + 2] == 'u'
                     ? ap_json_hex_(value, at + 3)
                     : -1;
      bool pair = low >= 0xdc00 && low < 0xe000;
      unit = pair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      if (pair) at += 6;
    }
    to += ap_json_utf8_((unsigned long)unit, to);
  }
  *to = 0;
  if (length) *length = (size_t)(to - out);
  return out;
}

/* The text of the string at `pointer`, to be freed with free(); null when there is none. */
static inline char *AP_NULLABLE ap_json_string(ap_str json, const char *AP_NONNULL pointer) {
  return ap_json_decode(ap_json_find(json, pointer), NULL);
}

/* The number at `pointer`, else `otherwise`. */
static inline double ap_json_number(ap_str json, const char *AP_NONNULL pointer, double otherwise) {
  ap_str value = ap_json_find(json, pointer);
  char digits[64], *end = NULL;
  if (!value.len || value.len >= sizeof digits || !strchr("-0123456789", value.ptr[0])) return otherwise;
  memcpy(digits, value.ptr, value.len);
  digits[value.len] = 0;
  double number = strtod(digits, &end);
  return *end ? otherwise : number;
}

/* Whether the value at `pointer` is true. */
static inline bool ap_json_true(ap_str json, const char *AP_NONNULL pointer) {
  return ap_equal(ap_json_find(json, pointer), "true");
}

/* ---- writing ---- */

/* Text that grows. Begin with {0}; free it with ap_buffer_free. When memory runs out it is `failed` and stays empty. */
typedef struct ap_buffer {
  char *AP_NULLABLE bytes;
  size_t length, capacity;
  bool failed;
} ap_buffer;

static inline ap_str ap_buffer_text(const ap_buffer *AP_NONNULL buffer) {
  ap_str text = {buffer->bytes, buffer->failed ? 0 : buffer->length};
  return text;
}

static inline void ap_buffer_free(ap_buffer *AP_NONNULL buffer) {
  free(buffer->bytes);
  memset(buffer, 0, sizeof *buffer);
}

/* Appends the text as it is. */
static inline void ap_put(ap_buffer *AP_NONNULL buffer, ap_str text) {
  if (buffer->failed || text.len == 0) return;
  if (buffer->capacity - buffer->length < text.len) {
    size_t capacity = (buffer->length + text.len) * 2 + 64;
    char *bytes = (char *)realloc(buffer->bytes, capacity);
    if (!bytes) {
      buffer->failed = true;
      return;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->length, text.ptr, text.len);
  buffer->length += text.len;
}

/* Appends like printf, at most 1,023 bytes in one go. */
__attribute__((format(printf, 2, 3))) static inline void ap_putf(ap_buffer *AP_NONNULL buffer, const char *AP_NONNULL format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (count < 0 || (size_t)count >= sizeof text) {
    buffer->failed = true;
    return;
  }
  ap_str piece = {text, (size_t)count};
  ap_put(buffer, piece);
}

/* Appends the text as a JSON string, with its quotes and escapes. */
static inline void ap_put_string(ap_buffer *AP_NONNULL buffer, ap_str text) {
  ap_put(buffer, ap_text("\""));
  size_t plain = 0;
  for (size_t at = 0; at < text.len; at++) {
    unsigned char c = (unsigned char)text.ptr[at];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    ap_str before = {text.ptr + plain, at - plain};
    ap_put(buffer, before);
    if (c < 0x20) ap_putf(buffer, "\\u%04x", c);
    else ap_putf(buffer, "\\%c", c);
    plain = at + 1;
  }
  ap_str rest = {text.ptr ? text.ptr + plain : NULL, text.len - plain};
  ap_put(buffer, rest);
  ap_put(buffer, ap_text("\""));
}

#endif
