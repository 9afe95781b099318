/* A worker program that breaks the rules, in the way its file name says:
 *
 *   garbage  sends bytes that are no frame       deaf   never answers        gone  closes its socket and lives on
 *   flood    loads, then sends text without end  talk   prints lines, then exits with status 7
 *   liar     loads, finishes what it is asked for, and tells impossible numbers and things of turns that are not there */
#include "plugin_runtime.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void send_message(uint16_t op, uint64_t token, const char *text, size_t length) {
  apr_message message = {.op = op, .token = token};
  message.item = op == APR_LOADED ? APR_HAS_AGENT : 0;
  message.s[0] = (ap_str){text, length};
  size_t size = apr_frame_size(&message);
  uint8_t *frame = malloc(size);
  if (!frame) abort();
  apr_frame_write(&message, frame);
  for (size_t at = 0; at < size;) {
    ssize_t count = write(3, frame + at, size - at);
    if (count <= 0) _exit(0);
    at += (size_t)count;
  }
  free(frame);
}

static void send_number(uint16_t op, uint64_t token, uint32_t item, int64_t number) {
  apr_message message = {.op = op, .token = token, .item = item, .number = number};
  uint8_t frame[64];
  size_t size = apr_frame_size(&message);
  apr_frame_write(&message, frame);
  if (write(3, frame, size) != (ssize_t)size) _exit(0);
}

static void lie(void) {
  static const int64_t numbers[] = {INT64_MAX, INT64_MIN, -1, 0, 1ll << 62};
  for (uint32_t item = 0; item < 64; item++) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) send_number(APR_METER, 0, item, numbers[i]);
  }
  send_number(APR_METER, 7, UINT32_MAX, INT64_MAX);
  for (uint32_t item = 0; item < 300; item += 7) send_number(APR_OVER, 4711, item, INT64_MAX);
  send_number(APR_OVER, UINT64_MAX, UINT32_MAX, -1);
  send_number(APR_STUCK, 4711, 0, INT64_MIN); /* it has returned, which it had never not */
}

/* Answers every turn with a finish that says it took 100,000 years. */
static void run_liar(void) {
  static uint8_t bytes[1 << 20];
  size_t length = 0;
  send_message(APR_LOADED, 0, "", 0);
  lie();
  for (;;) {
    ssize_t count = read(3, bytes + length, sizeof bytes - length);
    if (count <= 0) _exit(0);
    length += (size_t)count;
    size_t at = 0;
    apr_message message;
    for (int64_t size; (size = apr_frame_read(bytes + at, length - at, &message)) > 0; at += (size_t)size) {
      if (message.op == APR_PING) lie(), send_number(APR_PONG, 0, 0, 0);
      if (message.op == APR_TURN_BEGIN) send_number(APR_TURN_FINISH, message.token, UINT32_MAX, INT64_MAX);
      if (message.op == APR_DESTROY) send_number(APR_DESTROYED, 0, 0, 0), _exit(0);
    }
    memmove(bytes, bytes + at, length - at);
    length -= at;
  }
}

int main(int count, char **arguments) {
  (void)count;
  const char *slash = strrchr(arguments[0], '/');
  const char *how = slash ? slash + 1 : arguments[0];
  if (strcmp(how, "garbage") == 0) {
    char bytes[64];
    memset(bytes, 0xFF, sizeof bytes);
    if (write(3, bytes, sizeof bytes) < 0) return 1;
  } else if (strcmp(how, "gone") == 0) {
    close(3);
  } else if (strcmp(how, "talk") == 0) {
    printf("a line\nhalf ");
    fprintf(stderr, "an error\n");
    return 7;
  } else if (strcmp(how, "liar") == 0) {
    run_liar();
  } else if (strcmp(how, "flood") == 0) {
    static char text[60000];
    memset(text, 'x', sizeof text);
    send_message(APR_LOADED, 0, "", 0);
    for (;;) send_message(APR_TURN_TEXT, 1, text, sizeof text);
  }
  for (;;) pause();
}
