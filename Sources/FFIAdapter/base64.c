/* base64.c - bytes as text (RFC 4648, 4). */
#include "adapter.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_decode(const char *text, size_t count, size_t *length) {
  *length = 0;
  if (count % 4) return NULL;
  char *out = malloc(count / 4 * 3 + 1);
  size_t used = 0;
  if (!out) return NULL;
  for (size_t at = 0; at < count; at += 4) {
    bool last = at + 4 == count;
    size_t padding = last && text[at + 3] == '=' ? (text[at + 2] == '=' ? 2 : 1) : 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
      const char *digit = i < 4 - padding && text[at + i] ? strchr(alphabet, text[at + i]) : NULL;
      if (i < 4 - padding && !digit) {
        free(out);
        return NULL;
      }
      bits = bits << 6 | (digit ? (uint32_t)(digit - alphabet) : 0);
    }
    for (size_t i = 0; i < 3 - padding; i++) out[used++] = (char)(bits >> (16 - 8 * i));
  }
  out[used] = 0;
  *length = used;
  return out;
}

void base64_write(const void *bytes, size_t count, ap_buffer *out) {
  const unsigned char *from = bytes;
  for (size_t at = 0; at < count; at += 3) {
    size_t left = count - at < 3 ? count - at : 3;
    uint32_t bits = (uint32_t)from[at] << 16 | (left > 1 ? (uint32_t)from[at + 1] << 8 : 0) | (left > 2 ? from[at + 2] : 0);
    char digits[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], left > 1 ? alphabet[bits >> 6 & 63] : '=',
                      left > 2 ? alphabet[bits & 63] : '='};
    ap_put(out, (ap_str){digits, 4});
  }
}
