/* Files and folders, for code without Foundation. Nothing here follows a symbolic link in the last part of a path. Functions
 * answer 0 or an errno and may block: never call them on an event loop. */
#ifndef CPLATFORM_FILES_H
#define CPLATFORM_FILES_H
#include <stddef.h>
#include <stdint.h>

/* Reads a whole regular file of at most `limit` bytes (EFBIG beyond). `*out` is the caller's, to be freed with
 * cplatform_free; null when the file is empty. ELOOP for a symbolic link, EINVAL for what is no regular file. */
int cplatform_file_read(const char *_Nonnull path, size_t limit, uint8_t *_Nullable *_Nonnull out, size_t *_Nonnull length);

/* Who owns something and what others may do with it. */
typedef struct cplatform_facts {
  char kind;      /* as cplatform_kind */
  uint32_t owner; /* user id */
  uint32_t mode;  /* permission bits, with sticky, set-user and set-group */
} cplatform_facts;

/* Of what is at `path`, of the link itself if it is one. */
int cplatform_facts_of(const char *_Nonnull path, cplatform_facts *_Nonnull out);
/* The user whose rights this process has. */
uint32_t cplatform_user(void);

/* As cplatform_file_read, of `relative` in the folder `root`, and no symbolic link is followed on the way: neither the folder itself nor
 * one in `relative`. `*facts` are those of the file that was read, not of what is at its path by then. */
int cplatform_file_read_in(const char *_Nonnull root, const char *_Nonnull relative, size_t limit, uint8_t *_Nullable *_Nonnull out,
                           size_t *_Nonnull length, cplatform_facts *_Nonnull facts);

/* Makes a new file (EEXIST if there is one) with `mode`, writes the bytes and syncs them to the disk. */
int cplatform_file_create(const char *_Nonnull path, uint32_t mode, const void *_Nullable bytes, size_t count);

/* Lists a folder: `*out` holds for each entry a kind letter (f file, d folder, l symbolic link, o other), the name and a NUL;
 * free it with cplatform_free. `.` and `..` are left out; the order is the file system's. */
int cplatform_folder_list(const char *_Nonnull path, char *_Nullable *_Nonnull out, size_t *_Nonnull length);

/* Makes a folder; its parent must exist. */
int cplatform_folder_create(const char *_Nonnull path, uint32_t mode);
/* Syncs a folder's entries to the disk. */
int cplatform_folder_sync(const char *_Nonnull path);
/* The kind letter of what is at `path` (of the link itself, if it is one), 0 if there is nothing. */
char cplatform_kind(const char *_Nonnull path);
int cplatform_rename(const char *_Nonnull from, const char *_Nonnull to);
/* Lets two existing paths change places in one step (renameat2(2)). */
int cplatform_exchange(const char *_Nonnull one, const char *_Nonnull other);
/* A number that changes when something below `path` does: names, sizes, times and inodes of at most 8,192 files and folders
 * at most 32 levels deep. 0 if there is nothing. */
uint64_t cplatform_tree_signature(const char *_Nonnull path);
/* Removes a file or an empty folder. */
int cplatform_remove(const char *_Nonnull path);

void cplatform_free(void *_Nullable memory);
#endif
