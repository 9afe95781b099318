/* frames.c - messages as bytes on a socket. The machine is little-endian (base.h promises no other). */
#include "internal.h"

#define FIXED (2u + 2u + 4u + 8u + 8u + 1u) /* op, status, item, token, number, count */

static int strings_of(const apr_message *message) {
  int count = APR_MAX_STRINGS;
  while (count && message->s[count - 1].len == 0) count--;
  return count;
}

size_t apr_frame_size(const apr_message *message) {
  size_t size = APR_FRAME_HEADER + FIXED;
  for (int i = 0, count = strings_of(message); i < count; i++) size += 4 + message->s[i].len;
  return size;
}

static uint8_t *put(uint8_t *at, const void *value, size_t size) {
  if (size) memcpy(at, value, size);
  return at + size;
}

void apr_frame_write(const apr_message *message, uint8_t *out) {
  uint32_t length = (uint32_t)(apr_frame_size(message) - APR_FRAME_HEADER);
  uint8_t count = (uint8_t)strings_of(message);
  uint8_t *at = put(out, &length, sizeof length);
  at = put(at, &message->op, sizeof message->op);
  at = put(at, &message->status, sizeof message->status);
  at = put(at, &message->item, sizeof message->item);
  at = put(at, &message->token, sizeof message->token);
  at = put(at, &message->number, sizeof message->number);
  at = put(at, &count, sizeof count);
  for (uint8_t i = 0; i < count; i++) {
    uint32_t size = (uint32_t)message->s[i].len;
    at = put(at, &size, sizeof size);
    at = put(at, message->s[i].ptr, size);
  }
}

static const uint8_t *get(const uint8_t *at, void *value, size_t size) {
  memcpy(value, at, size);
  return at + size;
}

int64_t apr_frame_read(const uint8_t *bytes, size_t length, apr_message *message) {
  if (length < APR_FRAME_HEADER) return 0;
  uint32_t size;
  const uint8_t *at = get(bytes, &size, sizeof size);
  if (size < FIXED || size > APR_MAX_FRAME) return -1;
  if (length - APR_FRAME_HEADER < size) return 0;
  const uint8_t *end = at + size;
  memset(message, 0, sizeof *message);
  uint8_t count;
  at = get(at, &message->op, sizeof message->op);
  at = get(at, &message->status, sizeof message->status);
  at = get(at, &message->item, sizeof message->item);
  at = get(at, &message->token, sizeof message->token);
  at = get(at, &message->number, sizeof message->number);
  at = get(at, &count, sizeof count);
  if (count > APR_MAX_STRINGS) return -1;
  for (int i = 0; i < APR_MAX_STRINGS; i++) message->s[i] = (ap_str){"", 0};
  for (uint8_t i = 0; i < count; i++) {
    uint32_t text;
    if ((size_t)(end - at) < sizeof text) return -1;
    at = get(at, &text, sizeof text);
    if ((size_t)(end - at) < text) return -1;
    message->s[i] = (ap_str){(const char *)at, text};
    at += text;
  }
  return at == end ? (int64_t)(APR_FRAME_HEADER + size) : -1;
}
