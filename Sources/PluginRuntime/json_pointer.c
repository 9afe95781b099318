/* json_pointer.c - finds a value in JSON text by its JSON Pointer (RFC 6901), without building a tree. */
#include "internal.h"

#define MOST_LEVELS 64

/* Reads JSON text. `at` never passes `end`; a malformed text makes functions answer false. */
typedef struct scanner {
  const char *at, *end;
} scanner;

static void skip_blanks(scanner *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool take(scanner *s, char expected) {
  skip_blanks(s);
  if (s->at == s->end || *s->at != expected) return false;
  s->at++;
  return true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(scanner *s, uint32_t *value) {
  *value = 0;
  if (s->end - s->at < 4) return false;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(*s->at++);
    if (digit < 0) return false;
    *value = *value << 4 | (uint32_t)digit;
  }
  return true;
}

static size_t utf8_of(uint32_t scalar, char out[4]) {
  if (scalar < 0x80) {
    out[0] = (char)scalar;
    return 1;
  }
  size_t size = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
  for (size_t i = size - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (scalar & 0x3f));
    scalar >>= 6;
  }
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (char)(first[size] | scalar);
  return size;
}

/* One character of a string, after its opening quote, as UTF-8. Answers its size, 0 at the closing quote, -1 on
 * error. */
static int read_character(scanner *s, char out[4]) {
  if (s->at == s->end) return -1;
  char c = *s->at++;
  if (c == '"') return 0;
  if (c != '\\') {
    out[0] = c;
    return 1;
  }
  if (s->at == s->end) return -1;
  c = *s->at++;
  static const char escaped[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
  const char *found = c ? strchr(escaped, c) : NULL;
  if (found) {
    out[0] = plain[found - escaped];
    return 1;
  }
  uint32_t scalar, low;
  if (c != 'u' || !read_hex(s, &scalar)) return -1;
  if (scalar >= 0xd800 && scalar < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u') {
    scanner ahead = {s->at + 2, s->end};
    if (read_hex(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
      scalar = 0x10000 + ((scalar - 0xd800) << 10) + (low - 0xdc00);
      s->at = ahead.at;
    }
  }
  return (int)utf8_of(scalar, out);
}

/* Reads a string whose opening quote is taken; `same` tells whether it equals `token` (in pointer escapes), if not
 * null. */
static bool read_string(scanner *s, const ap_str *token, bool *same) {
  bool equal = token != NULL;
  size_t at = 0;
  char piece[4];
  int size;
  while ((size = read_character(s, piece)) > 0) {
    for (int i = 0; i < size && equal; i++) {
      if (at == token->len) {
        equal = false;
        break;
      }
      char c = token->ptr[at++];
      if (c == '~') c = token->ptr[at++] == '0' ? '~' : '/'; /* checked by is_pointer */
      equal = c == piece[i];
    }
  }
  if (token) *same = equal && at == token->len;
  return size == 0;
}

/* Skips a value. Iterative: one bit of `objects` for each open level. */
static bool skip_value(scanner *s) {
  uint64_t objects = 0;
  int depth = 0;
  for (;;) {
    skip_blanks(s);
    if (s->at == s->end) return false;
    char c = *s->at++;
    if (c == '"') {
      if (!read_string(s, NULL, NULL)) return false;
    } else if (c == '{' || c == '[') {
      if (depth == MOST_LEVELS) return false;
      objects = objects << 1 | (c == '{');
      depth++;
      skip_blanks(s);
      if (s->at < s->end && *s->at == (c == '{' ? '}' : ']')) {
        s->at++;
        depth--;
        objects >>= 1;
      } else {
        if (c == '{' && !(take(s, '"') && read_string(s, NULL, NULL) && take(s, ':'))) return false;
        continue;
      }
    } else {
      while (s->at < s->end && !strchr(",]} \t\n\r", *s->at)) s->at++;
    }
    while (depth) {
      if (take(s, ',')) {
        if ((objects & 1) && !(take(s, '"') && read_string(s, NULL, NULL) && take(s, ':'))) return false;
        break;
      }
      if (!take(s, objects & 1 ? '}' : ']')) return false;
      depth--;
      objects >>= 1;
    }
    if (!depth) return true;
  }
}

static bool enter_object(scanner *s, ap_str token) {
  if (take(s, '}')) return false;
  do {
    bool same;
    if (!take(s, '"') || !read_string(s, &token, &same) || !take(s, ':')) return false;
    if (same) return true;
    if (!skip_value(s)) return false;
  } while (take(s, ','));
  return false;
}

static bool enter_array(scanner *s, ap_str token) {
  if (token.len == 0 || token.len > 9 || (token.len > 1 && token.ptr[0] == '0')) return false;
  uint32_t index = 0;
  for (size_t i = 0; i < token.len; i++) {
    if (token.ptr[i] < '0' || token.ptr[i] > '9') return false;
    index = index * 10 + (uint32_t)(token.ptr[i] - '0');
  }
  skip_blanks(s);
  if (s->at < s->end && *s->at == ']') return false;
  for (; index; index--) {
    if (!skip_value(s) || !take(s, ',')) return false;
  }
  return true;
}

static bool is_pointer(ap_str pointer) {
  if (pointer.len && pointer.ptr[0] != '/') return false;
  for (size_t i = 0; i < pointer.len; i++) {
    if (pointer.ptr[i] != '~') continue;
    if (i + 1 == pointer.len || (pointer.ptr[i + 1] != '0' && pointer.ptr[i + 1] != '1')) return false;
  }
  return true;
}

/* Finds the value at `pointer` in `json`, as a piece of its text. Answers its length, AP_E_NOT_FOUND or
 * AP_E_INVALID. */
int64_t apr_json_pointer(ap_str json, ap_str pointer, ap_str *value) {
  if (!is_pointer(pointer)) return AP_E_INVALID;
  scanner s = {json.ptr, json.ptr + json.len};
  size_t at = 0;
  while (at < pointer.len) {
    size_t begin = ++at;
    while (at < pointer.len && pointer.ptr[at] != '/') at++;
    ap_str token = {pointer.ptr + begin, at - begin};
    bool found = take(&s, '{') ? enter_object(&s, token) : take(&s, '[') && enter_array(&s, token);
    if (!found) return AP_E_NOT_FOUND;
  }
  skip_blanks(&s);
  const char *begin = s.at;
  if (!skip_value(&s) || s.at == begin) return AP_E_NOT_FOUND;
  *value = (ap_str){begin, (size_t)(s.at - begin)};
  return (int64_t)value->len;
}
