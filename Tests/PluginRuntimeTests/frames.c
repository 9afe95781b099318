/* frames.c - messages as bytes. */
#include "tests.h"

static void frames_survive_the_journey(void) {
  if (worker) return;
  apr_message m = {.op = 71, .status = -7, .item = 0xdeadbeef, .token = 1ull << 63 | 5, .number = -12345678901,
                   .s = {text_of("one"), {NULL, 0}, text_of("three")}};
  size_t size = apr_frame_size(&m);
  uint8_t *bytes = malloc(size);
  apr_frame_write(&m, bytes);
  apr_message out;
  for (size_t length = 0; length < size; length++) {
    uint8_t *part = malloc(length + !length); /* AddressSanitizer guards its end */
    memcpy(part, bytes, length);
    EXPECT(apr_frame_read(part, length, &out) == 0);
    free(part);
  }
  EXPECT(apr_frame_read(bytes, size, &out) == (int64_t)size);
  EXPECT(out.op == m.op && out.status == m.status && out.item == m.item);
  EXPECT(out.token == m.token && out.number == m.number);
  EXPECT(out.s[0].len == 3 && out.s[1].len == 0 && out.s[2].len == 5 && memcmp(out.s[2].ptr, "three", 5) == 0);
  EXPECT(out.s[5].len == 0 && out.s[5].ptr != NULL);
  EXPECT(apr_frame_size(&(apr_message){.op = 1}) == 29);
  free(bytes);
}

static void hostile_frames_are_refused(void) {
  if (worker) return;
  unsigned random = 42;
  size_t accepted = 0;
  for (int round = 0; round < 300000; round++) {
    size_t length = (size_t)rand_r(&random) % 96;
    uint8_t *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)rand_r(&random);
    if (length >= 29 && round % 2) { /* plausible: a length that fits, few strings */
      uint32_t size = (uint32_t)length - 4, text = (uint32_t)rand_r(&random) % 64;
      memcpy(bytes, &size, 4);
      bytes[28] = (uint8_t)(rand_r(&random) % 8);
      if (length >= 33) memcpy(bytes + 29, &text, 4);
      if (round % 4 == 1) {
        bytes[28] = 1;
        text = (uint32_t)(length - 33);
        if (length >= 33) memcpy(bytes + 29, &text, 4);
      }
    }
    uint8_t *exact = malloc(length + !length);
    memcpy(exact, bytes, length);
    apr_message out;
    int64_t size = apr_frame_read(exact, length, &out);
    if (size > 0) {
      accepted++;
      EXPECT(size <= (int64_t)length);
      for (int i = 0; i < APR_MAX_STRINGS; i++) {
        const uint8_t *at = (const uint8_t *)out.s[i].ptr;
        EXPECT(out.s[i].len == 0 || (at >= exact && at + out.s[i].len <= exact + length));
      }
    }
    free(exact);
    free(bytes);
  }
  EXPECT(accepted > 10000);
  uint8_t large[4] = {0, 0, 0, 1}; /* 16 MiB */
  apr_message out;
  EXPECT(apr_frame_read(large, 4, &out) == -1);
}

const test frame_tests[] = {
    TEST(frames_survive_the_journey),
    TEST(hostile_frames_are_refused),
    {NULL, NULL},
};
