/* sandbox.c - the order in which the walls are built, and what is said when one is missing. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if SANDBOX_SANITIZED
/* Looking for leaks takes a second process that traces this one. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return 1; }
#endif

bool sandbox_fail(sandbox_reason *why, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why->text, sizeof why->text, format, arguments);
  va_end(arguments);
  return false;
}

static bool enter(uint32_t part, const worker_arguments *arguments, sandbox_reason *why) {
  if (arguments->without & part) return sandbox_fail(why, "it is switched off by --without=%s", part_name(part));
  switch (part) {
    case PART_LIMITS: return limits_enter(arguments, why);
    case PART_PRIVILEGES: return privileges_enter(why);
    case PART_LANDLOCK: return landlock_enter(arguments, why);
    default: return seccomp_enter(arguments, why);
  }
}

bool sandbox_enter(const worker_arguments *arguments, char *sentence, size_t capacity) {
  if (arguments->policy == SANDBOX_OFF) return true;
  /* Relative paths then begin at what the plugin may read, not where the server was started. */
  if (arguments->folder && chdir(arguments->folder) != 0 && chdir("/") != 0) {
    snprintf(sentence, capacity, "The folder %s of the plugin cannot be entered.", arguments->folder);
    return false;
  }
  /* Landlock needs no-new-privileges, and seccomp forbids what the others need. */
  static const uint32_t order[] = {PART_LIMITS, PART_PRIVILEGES, PART_LANDLOCK, PART_SECCOMP};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    sandbox_reason why = {""};
    if (enter(order[i], arguments, &why)) continue;
    if (arguments->policy == SANDBOX_REQUIRE) {
      snprintf(sentence, capacity,
               "The sandbox cannot be built: %s is missing (%s). Run it where the kernel has it, or set "
               "AGENTHOST_SANDBOX=warn to run plugins without; docs/sandbox.md says what is lost then.",
               part_name(order[i]), why.text);
      return false;
    }
    fprintf(stderr, "plugin-worker: runs without %s: %s\n", part_name(order[i]), why.text);
  }
  return true;
}

static void print_reason(const char *name, const sandbox_reason *why) {
  printf(",\"%s\":\"", name);
  for (const char *at = why->text; *at; at++) {
    if (*at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) putchar(*at);
  }
  putchar('"');
}

void sandbox_probe(const worker_arguments *arguments) {
  sandbox_reason landlock = {""}, seccomp = {""};
  int version = 0;
  bool has_seccomp = false;
  if (arguments->without & PART_LANDLOCK) sandbox_fail(&landlock, "it is switched off by --without=landlock");
  else version = landlock_version(&landlock);
  if (arguments->without & PART_SECCOMP) sandbox_fail(&seccomp, "it is switched off by --without=seccomp");
  else has_seccomp = seccomp_available(&seccomp);
  printf("{\"limits\":%s,\"privileges\":%s,\"landlock\":%d,\"seccomp\":%s", arguments->without & PART_LIMITS ? "false" : "true",
         arguments->without & PART_PRIVILEGES ? "false" : "true", version, has_seccomp ? "true" : "false");
  if (!version) print_reason("landlock_reason", &landlock);
  if (!has_seccomp) print_reason("seccomp_reason", &seccomp);
  if (SANDBOX_SANITIZED) printf(",\"sanitized\":true"); /* memory has no limit then */
  printf("}\n");
}
