/* A database file's place on disk, and locks on single bytes of a file that end with their owner. */
#ifndef CPLATFORM_FILES_H
#define CPLATFORM_FILES_H
#include <stdint.h>

/* Makes sure that `path` is a regular file that this process may read and write, in a folder it may write (SQLite puts its
 * log there): creates it empty, mode 0600, when it is missing. Stores its size. Returns 0 or an errno: ENOENT (no such folder),
 * ENOTDIR, EISDIR, EACCES, EROFS, EINVAL (no regular file), … Never opens an existing file: closing it again would drop the
 * locks that SQLite holds on it in this process (POSIX, fcntl(2)). */
int cplatform_file_prepare(const char *_Nonnull path, int64_t *_Nonnull size);

/* Opens a file for byte locks, creating it with mode 0600. Not inherited by programs this one starts. A descriptor, or minus
 * an errno. */
int cplatform_locks_open(const char *_Nonnull path);
/* Locks one byte through this descriptor (an open-file-description lock, fcntl(2) F_OFD_SETLK): the kernel releases it when
 * the descriptor is closed or the process ends, however it ends. 0 or an errno (EAGAIN: somebody else has it). */
int cplatform_locks_take(int descriptor, int64_t byte);
/* Whether some other descriptor has locked the byte: 1, 0, or minus an errno. */
int cplatform_locks_taken(int descriptor, int64_t byte);
void cplatform_locks_close(int descriptor);
#endif
