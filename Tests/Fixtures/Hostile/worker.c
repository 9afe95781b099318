/* A worker program that breaks the rules, in the way its file name says:
 *
 *   garbage  sends bytes that are no frame       deaf   never answers        gone  closes its socket and lives on
 *   flood    loads, then sends text without end  talk   prints lines, then exits with status 7 */
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
  } else if (strcmp(how, "flood") == 0) {
    static char text[60000];
    memset(text, 'x', sizeof text);
    send_message(APR_LOADED, 0, "", 0);
    for (;;) send_message(APR_TURN_TEXT, 1, text, sizeof text);
  }
  for (;;) pause();
}
