/* arguments.c - reads the command line. */
#include "arguments.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const usage =
    "usage: plugin-worker <fd> [--sandbox=off|warn|require] [--folder=PATH] [--read=PATH]... [--runtime=native|swift]\n"
    "                     [--memory=MB] [--threads=N] [--without=PART]...\n"
    "       plugin-worker --probe [--without=PART]...\n"
    "<fd> is an open socket to the host; PART is limits, privileges, landlock or seccomp.\n";

static const struct {
  const char *name;
  uint32_t part;
} parts[] = {
    {"limits", PART_LIMITS}, {"privileges", PART_PRIVILEGES}, {"landlock", PART_LANDLOCK}, {"seccomp", PART_SECCOMP},
};
#define PARTS (sizeof parts / sizeof parts[0])

const char *part_name(uint32_t part) {
  for (size_t i = 0; i < PARTS; i++) {
    if (parts[i].part == part) return parts[i].name;
  }
  return "unknown";
}

/* The value of `--name=value`; null for other arguments. */
static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  if (strncmp(argument, name, length) != 0 || argument[length] != '=') return NULL;
  return argument + length + 1;
}

static bool number(const char *text, long least, long most, long *out) {
  char *end = NULL;
  *out = strtol(text, &end, 10);
  return *text && !*end && *out >= least && *out <= most;
}

static bool read_policy(const char *value, sandbox_policy *out) {
  static const char *const names[] = {[SANDBOX_OFF] = "off", [SANDBOX_WARN] = "warn", [SANDBOX_REQUIRE] = "require"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(value, names[i]) != 0) continue;
    *out = (sandbox_policy)i;
    return true;
  }
  return false;
}

static bool read_runtime(const char *value, library_runtime *out) {
  *out = strcmp(value, "swift") == 0 ? RUNTIME_SWIFT : RUNTIME_NATIVE;
  return *out == RUNTIME_SWIFT || strcmp(value, "native") == 0;
}

static bool read_part(const char *value, uint32_t *out) {
  for (size_t i = 0; i < PARTS; i++) {
    if (strcmp(value, parts[i].name) != 0) continue;
    *out |= parts[i].part;
    return true;
  }
  return false;
}

/* True when the argument is one of ours and its value makes sense. */
static bool read_one(const char *argument, worker_arguments *out) {
  const char *value;
  long parsed = 0;
  if (strcmp(argument, "--probe") == 0) return out->probe = true;
  if ((value = value_of(argument, "--sandbox"))) return read_policy(value, &out->policy);
  if ((value = value_of(argument, "--runtime"))) return read_runtime(value, &out->runtime);
  if ((value = value_of(argument, "--without"))) return read_part(value, &out->without);
  if ((value = value_of(argument, "--folder"))) {
    out->folder = value;
    return *value == '/';
  }
  if ((value = value_of(argument, "--read"))) {
    if (*value != '/' || out->read_count == MOST_READ_FOLDERS) return false;
    out->read[out->read_count++] = value;
    return true;
  }
  if ((value = value_of(argument, "--memory"))) {
    if (!number(value, 0, 1 << 20, &parsed)) return false;
    out->memory_mb = parsed ? (uint32_t)parsed : 1u << 20;
    return true;
  }
  if ((value = value_of(argument, "--threads"))) {
    if (!number(value, 1, 4096, &parsed)) return false;
    out->threads = (uint32_t)parsed;
    return true;
  }
  if (out->socket >= 0 || !number(argument, 0, 1 << 20, &parsed)) return false;
  out->socket = (int)parsed;
  return fcntl(out->socket, F_GETFD) >= 0;
}

bool arguments_read(int argc, char **argv, worker_arguments *out) {
  *out = (worker_arguments){.socket = -1, .policy = SANDBOX_OFF, .memory_mb = 512, .threads = 32};
  for (int i = 1; i < argc; i++) {
    if (read_one(argv[i], out)) continue;
    fprintf(stderr, "plugin-worker: \"%s\" cannot be used\n%s", argv[i], usage);
    return false;
  }
  if (out->probe != (out->socket >= 0)) return true;
  fprintf(stderr, "%s", usage);
  return false;
}
