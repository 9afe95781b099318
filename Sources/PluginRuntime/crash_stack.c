/* crash_stack.c - who called whom, read from a stack that may be broken: memory is only read through the kernel, which answers EFAULT
 * instead of a second fault. */
#include "crash.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SCANNED_WORDS 2048

static int probe[2] = {-1, -1};

void apr_stack_load_unwinder(void) {
  void *one[1];
  backtrace(one, 1);
}

size_t apr_stack_unwind(apr_frames *frames, uintptr_t pc) {
  void *found[APR_MOST_FRAMES + 16];
  int count = backtrace(found, APR_MOST_FRAMES + 16), at = 0;
  frames->count = 0;
  /* What lies above the fault is the handler. */
  while (at < count && (uintptr_t)found[at] != pc) at++;
  for (at++; at < count && frames->count < APR_MOST_FRAMES; at++) frames->addresses[frames->count++] = (uintptr_t)found[at] - 1;
  return frames->count;
}

int apr_stack_prepare(void) {
  return pipe2(probe, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
}

/* Copies a word from anywhere. */
static bool read_word(uintptr_t address, uintptr_t *word) {
  /* Not through `write`, which AddressSanitizer guards. */
  if (address % sizeof *word || syscall(SYS_write, probe[1], address, sizeof *word) != sizeof *word) return false;
  return read(probe[0], word, sizeof *word) == sizeof *word;
}

static bool is_code(uintptr_t address) { return apr_module_at(address) != NULL; }

/* Along the frame pointers: Swift keeps them, C does with -fno-omit-frame-pointer. */
static void walk(apr_frames *frames, uintptr_t frame) {
  while (frames->count < APR_MOST_FRAMES) {
    uintptr_t next, back;
    if (!read_word(frame, &next) || !read_word(frame + sizeof next, &back) || !back || !is_code(back - 1)) return;
    frames->addresses[frames->count++] = back - 1;
    if (next <= frame || next - frame > 8u << 20) return;
    frame = next;
  }
}

static bool has_plugin(const apr_frames *frames) {
  for (size_t i = 0; i < frames->count; i++) {
    if (apr_library_of(apr_module_at(frames->addresses[i]))) return true;
  }
  return false;
}

void apr_stack_walk(apr_frames *frames, uintptr_t frame_pointer, uintptr_t stack_pointer) {
  frames->count = 0;
  frames->guessed = false;
  walk(frames, frame_pointer);
  if (has_plugin(frames)) return;
  /* The C library and most plugins keep no frame pointers: whatever looks like a way back into a plugin may be one. */
  stack_pointer &= ~(uintptr_t)(sizeof(uintptr_t) - 1);
  for (size_t i = 0; i < SCANNED_WORDS && frames->count < APR_MOST_FRAMES; i++) {
    uintptr_t word;
    if (!read_word(stack_pointer + i * sizeof word, &word)) return;
    if (!word || !apr_library_of(apr_module_at(word - 1))) continue;
    if (!frames->guessed) frames->count = 0;
    frames->guessed = true;
    frames->addresses[frames->count++] = word - 1;
  }
}
