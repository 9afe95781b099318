#define _GNU_SOURCE
#include "cplatform_files.h"
#include "cplatform_threads.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Non-blocking: a named pipe must not hold us up. */
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

static char kind_of(mode_t mode) {
  if (S_ISREG(mode)) return 'f';
  if (S_ISDIR(mode)) return 'd';
  if (S_ISLNK(mode)) return 'l';
  return 'o';
}

static cplatform_facts facts_in(const struct stat *status) {
  return (cplatform_facts){kind_of(status->st_mode), status->st_uid, status->st_mode & 07777};
}

int cplatform_facts_of(const char *path, cplatform_facts *out) {
  struct stat status;
  if (lstat(path, &status) != 0) return errno;
  *out = facts_in(&status);
  return 0;
}

uint32_t cplatform_user(void) { return geteuid(); }

/* Reads the whole file and closes it. */
static int read_whole(int file, size_t limit, uint8_t **out, size_t *length, cplatform_facts *facts) {
  struct stat status;
  int error = 0;
  uint8_t *bytes = NULL;
  size_t count = 0;
  if (fstat(file, &status) != 0) error = errno;
  else if (facts) *facts = facts_in(&status);
  if (error) {
  } else if (!S_ISREG(status.st_mode)) {
    error = EINVAL;
  } else if ((uint64_t)status.st_size > limit) {
    error = EFBIG;
  }
  if (!error && status.st_size > 0) {
    size_t capacity = (size_t)status.st_size;
    bytes = malloc(capacity);
    if (!bytes) error = ENOMEM;
    while (!error && count < capacity) {
      ssize_t got = read(file, bytes + count, capacity - count);
      if (got > 0) count += (size_t)got;
      else if (got == 0) break; /* it shrank meanwhile */
      else if (errno != EINTR) error = errno;
    }
  }
  close(file);
  if (error || count == 0) {
    free(bytes);
    return error;
  }
  *out = bytes;
  *length = count;
  return 0;
}

int cplatform_file_read(const char *path, size_t limit, uint8_t **out, size_t *length) {
  *out = NULL;
  *length = 0;
  int file = open(path, READ_FLAGS);
  return file < 0 ? errno : read_whole(file, limit, out, length, NULL);
}

/* Opens `relative` step by step, so that no link is followed on the way. Works on every kernel, unlike openat2. */
static int open_in(const char *root, const char *relative) {
  int folder = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  while (folder >= 0) {
    const char *slash = strchr(relative, '/');
    char step[NAME_MAX + 1];
    size_t size = slash ? (size_t)(slash - relative) : strlen(relative);
    int next = -1;
    if (size == 0 || size > NAME_MAX || (size == 2 && memcmp(relative, "..", 2) == 0)) {
      errno = EINVAL;
    } else {
      memcpy(step, relative, size);
      step[size] = 0;
      next = openat(folder, step, slash ? O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : READ_FLAGS);
    }
    int error = errno;
    close(folder);
    errno = error;
    if (!slash) return next;
    folder = next;
    relative = slash + 1;
  }
  return -1;
}

int cplatform_file_read_in(const char *root, const char *relative, size_t limit, uint8_t **out, size_t *length,
                           cplatform_facts *facts) {
  *out = NULL;
  *length = 0;
  int file = open_in(root, relative);
  return file < 0 ? errno : read_whole(file, limit, out, length, facts);
}

int cplatform_file_create(const char *path, uint32_t mode, const void *bytes, size_t count) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
  if (file < 0) return errno;
  int error = 0;
  errno = 0;
  if (count > 0 && !cplatform_write_fully(file, bytes, count)) error = errno ? errno : EIO;
  if (!error && fsync(file) != 0) error = errno;
  if (close(file) != 0 && !error) error = errno;
  return error;
}

int cplatform_folder_list(const char *path, char **out, size_t *length) {
  *out = NULL;
  *length = 0;
  DIR *folder = opendir(path);
  if (!folder) return errno;
  char *names = NULL;
  size_t used = 0;
  int error = 0;
  while (!error) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry) {
      error = errno;
      break;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat status;
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue; /* gone meanwhile */
    size_t size = strlen(entry->d_name) + 2;
    char *grown = realloc(names, used + size);
    if (!grown) {
      error = ENOMEM;
      break;
    }
    names = grown;
    names[used] = kind_of(status.st_mode);
    memcpy(names + used + 1, entry->d_name, size - 1);
    used += size;
  }
  closedir(folder);
  if (error) {
    free(names);
    return error;
  }
  *out = names;
  *length = used;
  return 0;
}

int cplatform_folder_create(const char *path, uint32_t mode) { return mkdir(path, (mode_t)mode) == 0 ? 0 : errno; }

int cplatform_folder_sync(const char *path) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  int error = fsync(folder) == 0 ? 0 : errno;
  close(folder);
  return error;
}

char cplatform_kind(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? kind_of(status.st_mode) : 0;
}

int cplatform_rename(const char *from, const char *to) { return rename(from, to) == 0 ? 0 : errno; }
int cplatform_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : errno;
}

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3ull;
  return hash;
}

/* Of one entry and all below it. The sum does not depend on the order in which a folder lists them. */
static uint64_t signature_at(int folder, const char *name, int depth, int *left) {
  struct stat status;
  if (--*left < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  uint64_t hash = mix(0xcbf29ce484222325ull, name, strlen(name));
  const uint64_t facts[] = {(uint64_t)status.st_size, (uint64_t)status.st_ino, status.st_mode, (uint64_t)status.st_mtim.tv_sec,
                            (uint64_t)status.st_mtim.tv_nsec, (uint64_t)status.st_ctim.tv_sec, (uint64_t)status.st_ctim.tv_nsec};
  hash = mix(hash, facts, sizeof facts);
  if (!S_ISDIR(status.st_mode) || depth == 0) return hash;
  int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *entries = below < 0 ? NULL : fdopendir(below);
  if (!entries) {
    if (below >= 0) close(below);
    return hash;
  }
  uint64_t sum = 0;
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    sum += signature_at(dirfd(entries), entry->d_name, depth - 1, left);
  }
  closedir(entries);
  return mix(hash, &sum, sizeof sum);
}

uint64_t cplatform_tree_signature(const char *path) {
  int left = 8192;
  return signature_at(AT_FDCWD, path, 32, &left);
}

int cplatform_remove(const char *path) { return remove(path) == 0 ? 0 : errno; }
void cplatform_free(void *memory) { free(memory); }
