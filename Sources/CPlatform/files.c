#define _GNU_SOURCE
#include "cplatform_files.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the folder that holds `path` can be written: 0 or an errno. */
static int folder_writable(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash) return access(".", W_OK | X_OK) == 0 ? 0 : errno;
  size_t length = slash == path ? 1 : (size_t)(slash - path);
  if (length >= sizeof folder) return ENAMETOOLONG;
  memcpy(folder, path, length);
  folder[length] = 0;
  return access(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

int cplatform_file_prepare(const char *path, int64_t *size) {
  int error = folder_writable(path);
  if (error) return error;
  int made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    close(made);
  } else if (errno != EEXIST) {
    return errno;
  }
  struct stat status;
  if (stat(path, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  if (access(path, R_OK | W_OK) != 0) return errno;
  *size = status.st_size;
  return 0;
}

int cplatform_locks_open(const char *path) {
  int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return descriptor >= 0 ? descriptor : -errno;
}

static struct flock one_byte(int64_t byte) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
  return lock;
}

int cplatform_locks_take(int descriptor, int64_t byte) {
  struct flock lock = one_byte(byte);
  return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

int cplatform_locks_taken(int descriptor, int64_t byte) {
  struct flock lock = one_byte(byte);
  if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -errno;
  return lock.l_type != F_UNLCK;
}

void cplatform_locks_close(int descriptor) { close(descriptor); }
