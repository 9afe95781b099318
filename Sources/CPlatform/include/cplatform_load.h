/* cplatform_load.h - whether there is much to do or little: pieces of work for a second, with two bounds, so that it does not change to and
 * fro between them. */
#ifndef CPLATFORM_LOAD_H
#define CPLATFORM_LOAD_H
#include <stdbool.h>
#include <stdint.h>

enum { CPLATFORM_LOAD_WINDOW_MS = 50 };

/* All zero at first: little, until the first window is over. */
typedef struct cplatform_load {
  int64_t window_began_ms;
  uint32_t found;
  bool is_high;
} cplatform_load;

/* Counts what was found at `now_ms`, a monotonic time. From `high` pieces a second on it is high, below `low` no more. Answers whether a
 * window has ended with this, and `is_high` was decided anew. */
static inline bool cplatform_load_count(cplatform_load *load, uint32_t found, int64_t now_ms, int64_t low, int64_t high) {
  load->found = found > UINT32_MAX - load->found ? UINT32_MAX : load->found + found;
  int64_t took = now_ms - load->window_began_ms;
  if (took < CPLATFORM_LOAD_WINDOW_MS) return false;
  load->is_high = (int64_t)load->found * 1000 / took >= (load->is_high ? low : high);
  load->window_began_ms = now_ms;
  load->found = 0;
  return true;
}

#endif
