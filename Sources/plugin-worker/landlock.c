/* landlock.c - which files the plugin may read. Nothing may be written, and with newer kernels no TCP port, no abstract
 * socket and no process outside can be reached. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (linux/landlock.h), up to version 6: headers of the system may be older than its kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)

struct ruleset_attributes {
  uint64_t files, network, scoped;
};
struct path_beneath {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

/* Rights on files by version; the last one holds for newer kernels. */
static uint64_t file_rights(int version) {
  if (version >= 5) return (1ull << 16) - 1; /* ioctl on devices */
  if (version >= 3) return (1ull << 15) - 1; /* truncate */
  if (version == 2) return (1ull << 14) - 1; /* move between folders */
  return (1ull << 13) - 1;
}

int landlock_version(sandbox_reason *why) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
  if (version > 0) return (int)version;
  const char *what = errno == ENOSYS       ? "this kernel is older than 5.13, or its calls are forbidden here"
                     : errno == EOPNOTSUPP ? "this kernel has it but was started without it, see lsm= on its command line"
                                           : strerror(errno);
  sandbox_fail(why, "%s", what);
  return 0;
}

/* ---- rules ---- */

/* Lets the plugin read a file, or all of a folder. What does not exist is left out. */
static bool allow(int ruleset, const char *path, sandbox_reason *why) {
  int descriptor = open(path, O_PATH | O_CLOEXEC);
  if (descriptor < 0) return true;
  struct stat status;
  struct path_beneath rule = {.allowed = READ_FILE, .parent = descriptor};
  if (fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) rule.allowed |= READ_DIR;
  long failed = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
  int error = errno;
  close(descriptor);
  if (!failed) return true;
  return sandbox_fail(why, "%.80s: %s", path, strerror(error));
}

typedef struct libraries {
  int ruleset;
  sandbox_reason *why;
  char last[4096];
  bool good;
} libraries;

static void allow_twins(libraries *self, const char *folder) {
  self->good = self->good && allow(self->ruleset, folder, self->why);
  /* Where /lib and /usr/lib are two folders, a library may lie in either. */
  char twin[sizeof self->last + 4];
  if (strncmp(folder, "/usr/lib", 8) == 0) snprintf(twin, sizeof twin, "%s", folder + 4);
  else if (strncmp(folder, "/lib", 4) == 0) snprintf(twin, sizeof twin, "/usr%s", folder);
  else return;
  self->good = self->good && allow(self->ruleset, twin, self->why);
}

/* Where this program's own libraries lie, there the system has the others too, whatever it calls that folder. */
static int allow_library(struct dl_phdr_info *info, size_t size, void *user) {
  (void)size;
  libraries *self = user;
  if (!info->dlpi_name || info->dlpi_name[0] != '/') return 0;
  char *path = realpath(info->dlpi_name, NULL);
  char *slash = path ? strrchr(path, '/') : NULL;
  if (slash && slash > path) {
    *slash = 0;
    if (strcmp(path, self->last) != 0) {
      snprintf(self->last, sizeof self->last, "%s", path);
      allow_twins(self, path);
    }
  }
  free(path);
  return self->good ? 0 : 1;
}

static bool allow_libraries(int ruleset, sandbox_reason *why) {
  libraries self = {.ruleset = ruleset, .why = why, .good = true};
  dl_iterate_phdr(allow_library, &self);
  if (!self.good) return false;
  static const char *const others[] = {
      "/lib64",
      "/usr/lib64",
      "/usr/local/lib",
      "/etc/ld.so.cache",
      "/usr/lib/locale", /* setlocale */
  };
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    if (!allow(ruleset, others[i], why)) return false;
  }
  /* Given by the operator; the dynamic linker looks there. */
  char *path = strdup(getenv("LD_LIBRARY_PATH") ? getenv("LD_LIBRARY_PATH") : ""), *rest = path;
  for (char *folder; rest && (folder = strsep(&rest, ":;"));) {
    if (*folder == '/') self.good = self.good && allow(ruleset, folder, why);
  }
  free(path);
  return self.good;
}

/* What runtimes of languages look at. None of it tells of other processes or people. */
static bool allow_facts(int ruleset, sandbox_reason *why) {
  static const char *const facts[] = {
      "/dev/null",
      "/dev/zero",
      "/dev/random",
      "/dev/urandom",
      "/etc/localtime",
      "/usr/share/zoneinfo",
      "/proc/self/maps", /* where the main thread's stack ends: pthread_getattr_np */
      "/proc/cpuinfo",
      "/proc/meminfo",
      "/proc/sys/vm/overcommit_memory", /* malloc */
      "/sys/devices/system/cpu",        /* how many processors */
      "/sys/kernel/mm/transparent_hugepage",
  };
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
    if (!allow(ruleset, facts[i], why)) return false;
  }
  return true;
}

bool landlock_enter(const worker_arguments *arguments, sandbox_reason *why) {
  int version = landlock_version(why);
  if (!version) return false;
  struct ruleset_attributes attributes = {.files = file_rights(version)};
  size_t size = 8;
  if (version >= 4) {
    attributes.network = 3; /* bind and connect */
    size = 16;
  }
  if (version >= 6) {
    attributes.scoped = 3; /* abstract sockets, signals */
    size = 24;
  }
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (ruleset < 0) return sandbox_fail(why, "%s", strerror(errno));
  bool good = allow_libraries(ruleset, why) && allow_facts(ruleset, why);
  if (good && arguments->folder) good = allow(ruleset, arguments->folder, why);
  for (size_t i = 0; good && i < arguments->read_count; i++) good = allow(ruleset, arguments->read[i], why);
  if (good && syscall(SYS_landlock_restrict_self, ruleset, 0)) good = sandbox_fail(why, "%s", strerror(errno));
  close(ruleset);
  return good;
}
