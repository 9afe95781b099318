/* Threads, a blocking condition, clocks and random bytes: what Swift without Foundation lacks on Linux. */
#ifndef CPLATFORM_THREADS_H
#define CPLATFORM_THREADS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts a thread. `body(context)` runs on it. `stack_bytes` 0 = default. It begins under SCHED_BATCH: it does not push
 * aside what runs when it is woken (sched(7), cplatform_wake_policy.h). Returns 0 and stores the id, or an errno. */
int cplatform_thread_start(const char *_Nonnull name, size_t stack_bytes,
                           void (*_Nonnull body)(void *_Nullable), void *_Nullable context, uintptr_t *_Nonnull out);
void cplatform_thread_join(uintptr_t thread);
/* Nobody will join it: its resources go with its end. */
void cplatform_thread_detach(uintptr_t thread);

/* A mutex with a condition. */
typedef struct cplatform_condition cplatform_condition;
cplatform_condition *_Nonnull cplatform_condition_create(void);
void cplatform_condition_destroy(cplatform_condition *_Nonnull condition);
void cplatform_condition_lock(cplatform_condition *_Nonnull condition);
void cplatform_condition_unlock(cplatform_condition *_Nonnull condition);
/* Waits with the mutex held; `deadline_ms` on CLOCK_MONOTONIC, negative = no limit. False when it passed. */
bool cplatform_condition_wait(cplatform_condition *_Nonnull condition, int64_t deadline_ms);
void cplatform_condition_signal(cplatform_condition *_Nonnull condition);
void cplatform_condition_broadcast(cplatform_condition *_Nonnull condition);

int64_t cplatform_monotonic_ns(void);
int64_t cplatform_wall_us(void);
void cplatform_sleep_ms(int64_t ms);
/* Writes all bytes, waiting where the descriptor would block. False when it failed. */
bool cplatform_write_fully(int descriptor, const void *_Nullable bytes, size_t count);
/* Fills `bytes` from the kernel's generator; ends the process if that fails (it cannot on a booted Linux). */
void cplatform_random(void *_Nonnull bytes, size_t count);
/* Writes `count` random hexadecimal digits, from the kernel's generator through a small store of each thread: for ids,
 * of which every request needs several. No NUL behind them. */
void cplatform_random_hex(char *_Nonnull digits, size_t count);

/* A pointer of the calling thread: the wake-ups it gathers, or NULL. */
const void *_Nullable cplatform_current_wakeups(void);
void cplatform_set_current_wakeups(const void *_Nullable wakeups);

#endif
