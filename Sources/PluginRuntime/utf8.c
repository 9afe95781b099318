/* utf8.c - checking and repairing text of plugins (Unicode 15, table 3-7). */
#include "internal.h"

#include <stdlib.h>

/* Bytes of the well-formed character at `text`, or 0. A NUL counts as broken: plugin text holds none. */
static size_t character(const unsigned char *text, size_t length) {
  unsigned char first = text[0];
  if (first < 0x80) return first != 0;
  if (first < 0xc2 || first > 0xf4) return 0;
  unsigned char low = 0x80, high = 0xbf;
  size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (length < size || text[1] < low || text[1] > high) return 0;
  for (size_t i = 2; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  return size;
}

/* Bytes of the longest broken piece at `text` that one U+FFFD replaces (the "maximal subpart"), at least 1. */
static size_t broken(const unsigned char *text, size_t length) {
  unsigned char first = text[0];
  if (first < 0xc2 || first > 0xf4 || length < 2) return 1;
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < low || text[1] > high) return 1;
  size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, good = 2;
  while (good < size && good < length && (text[good] & 0xc0) == 0x80) good++;
  return good;
}

/* Whether eight bytes are ASCII without a NUL. */
static bool is_plain(const unsigned char *text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
  return !((word | (word - 0x0101010101010101ull)) & 0x8080808080808080ull);
}

bool apr_utf8_valid(const char *text, size_t length) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t at = 0;
  while (at < length) {
    if (length - at >= 8 && is_plain(bytes + at)) {
      at += 8;
      continue;
    }
    size_t size = character(bytes + at, length - at);
    if (!size) return false;
    at += size;
  }
  return true;
}

/* A copy with U+FFFD for each broken piece; the caller frees it. Null when memory runs out. */
char *apr_utf8_repair(const char *text, size_t length, size_t *repaired) {
  const unsigned char *bytes = (const unsigned char *)text;
  char *out = malloc(length * 3 + 1);
  if (!out) return NULL;
  size_t at = 0, to = 0;
  while (at < length) {
    size_t size = character(bytes + at, length - at);
    if (size) {
      memcpy(out + to, bytes + at, size);
      to += size;
      at += size;
    } else {
      memcpy(out + to, "\xef\xbf\xbd", 3);
      to += 3;
      at += broken(bytes + at, length - at);
    }
  }
  out[to] = 0;
  *repaired = to;
  return out;
}

/* `text` as it is, or repaired. */
apr_clean apr_clean_make(ap_str text) {
  apr_clean clean = {.text = text};
  if (text.len == 0 || apr_utf8_valid(text.ptr, text.len)) return clean;
  clean.repaired = true;
  clean.owned = apr_utf8_repair(text.ptr, text.len, &clean.text.len);
  clean.text.ptr = clean.owned;
  clean.failed = !clean.owned;
  if (clean.failed) clean.text.len = 0;
  return clean;
}
