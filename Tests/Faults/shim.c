/* Makes the disk of the database fail, as LD_PRELOAD of the server. The test switches it at run time through the shared page of the file
 * FAULTS_CONTROL; FAULTS_DATABASE is the path of the database. Only calls on that file, its log (-wal) and its index (-shm) are touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The page, as disk.py writes it. */
struct control {
  _Atomic int32_t calls; /* bits below: which calls fail */
  _Atomic int32_t error; /* with this errno */
  _Atomic int32_t files; /* bits below: on which files */
  _Atomic int32_t every; /* 1: each call, 3: each third */
  _Atomic int32_t part;  /* 1: a write that fails writes half of its bytes first */
  _Atomic int32_t count; /* calls that matched */
  _Atomic int32_t failed;
};
enum { WRITE = 1, SYNC = 2, READ = 4, OPEN = 8, TRUNCATE = 16 };
enum { MAIN = 1, WAL = 2, SHM = 4 };

static struct control *control;
static const char *database;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_CONTROL");
  database = getenv("FAULTS_DATABASE");
  int descriptor = path && database ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) abort();
  control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (control == MAP_FAILED) abort();
  close(descriptor);
}

static int file_of(const char *path) {
  size_t length = strlen(database);
  if (strncmp(path, database, length)) return 0;
  const char *suffix = path + length;
  return !*suffix ? MAIN : strcmp(suffix, "-wal") == 0 ? WAL : strcmp(suffix, "-shm") == 0 ? SHM : 0;
}

static int fails(int call, int file) {
  if (!(control->calls & call) || !(control->files & file)) return 0;
  if (atomic_fetch_add(&control->count, 1) % (control->every > 1 ? control->every : 1)) return 0;
  atomic_fetch_add(&control->failed, 1);
  errno = control->error;
  return 1;
}

static int fails_on(int call, int descriptor) {
  if (!control || !(control->calls & call)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return fails(call, file_of(path));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  if (!fails_on(WRITE, descriptor)) return REAL(pwrite64)(descriptor, bytes, count, offset);
  if (!control->part || count < 2) return -1;
  ssize_t written = REAL(pwrite64)(descriptor, bytes, count / 2, offset);
  return written; /* the call for the rest fails */
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) { return pwrite64(descriptor, bytes, count, offset); }

ssize_t write(int descriptor, const void *bytes, size_t count) {
  return fails_on(WRITE, descriptor) ? -1 : REAL(write)(descriptor, bytes, count);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
  return fails_on(READ, descriptor) ? -1 : REAL(pread64)(descriptor, bytes, count, offset);
}
ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) { return pread64(descriptor, bytes, count, offset); }

ssize_t read(int descriptor, void *bytes, size_t count) {
  return fails_on(READ, descriptor) ? -1 : REAL(read)(descriptor, bytes, count);
}

int fsync(int descriptor) { return fails_on(SYNC, descriptor) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_on(SYNC, descriptor) ? -1 : REAL(fdatasync)(descriptor); }
int ftruncate64(int descriptor, off64_t size) { return fails_on(TRUNCATE, descriptor) ? -1 : REAL(ftruncate64)(descriptor, size); }
int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | __O_TMPFILE)) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (control && fails(OPEN, file_of(path))) return -1;
  return REAL(open64)(path, flags, mode);
}
int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | __O_TMPFILE)) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open64(path, flags, mode);
}
