/* Notices when something changes in folders: inotify(7). Functions answer 0 or an errno unless they say otherwise. */
#ifndef CPLATFORM_WATCH_H
#define CPLATFORM_WATCH_H
#include <stdint.h>

typedef struct cplatform_watch {
  int32_t notify; /* -1 where the kernel has no more of them: then only time-outs wake */
  int32_t wake;
} cplatform_watch;

int cplatform_watch_open(cplatform_watch *_Nonnull watch);
void cplatform_watch_close(const cplatform_watch *_Nonnull watch);

/* Watches what happens in the folder `path` itself, not in folders below it. Adding it again does nothing. */
int cplatform_watch_add(const cplatform_watch *_Nonnull watch, const char *_Nonnull path);

/* Waits until something changes, `milliseconds` have passed, or cplatform_watch_wake is called. Answers 1 for a change, 0
 * for the time, -1 for the wake. One thread at a time. */
int cplatform_watch_wait(const cplatform_watch *_Nonnull watch, int32_t milliseconds);
/* Any thread. */
void cplatform_watch_wake(const cplatform_watch *_Nonnull watch);
#endif
