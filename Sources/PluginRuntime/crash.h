/* crash.h - what the files of the crash report share. All but what is said to be for quiet times is safe in a signal handler. */
#ifndef APR_CRASH_H
#define APR_CRASH_H

#include "internal.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* ---- crash_text.c: text without stdio ---- */
typedef struct apr_text {
  size_t length;
  char bytes[16384]; /* what does not fit is left out */
} apr_text;
void apr_text_add(apr_text *text, const char *words);
void apr_text_add_some(apr_text *text, const char *bytes, size_t count); /* what is not visible ASCII becomes "?" */
void apr_text_number(apr_text *text, int64_t number);
void apr_text_hex(apr_text *text, uint64_t number);
void apr_text_time(apr_text *text, int64_t seconds, bool for_file); /* UTC */
void apr_text_write(const apr_text *text, int descriptor);

/* ---- crash_modules.c: what is mapped where ---- */
typedef struct apr_module {
  uintptr_t start, end; /* of its code */
  uintptr_t base;       /* addresses minus this are those of its file */
  const char *path;
  char build_id[65]; /* hexadecimal, or empty */
} apr_module;
bool apr_crash_is_installed(void);
const apr_module *apr_module_at(uintptr_t address);
const char *apr_file_name(const char *path);
/* The plugin whose library, or a file beside it, a module is; null = none. */
const apr_library *apr_library_of(const apr_module *module);

struct apr_library {
  const char *id, *version, *path;
  size_t folder; /* bytes of the path, with the last slash */
};

/* ---- crash_stack.c ---- */
#define APR_MOST_FRAMES 32
typedef struct apr_frames {
  uintptr_t addresses[APR_MOST_FRAMES]; /* of calls, the innermost first */
  size_t count;
  bool guessed; /* words on the stack that look like addresses of a plugin's code */
} apr_frames;
int apr_stack_prepare(void); /* for quiet times; answers 0 or an errno */
void apr_stack_walk(apr_frames *frames, uintptr_t frame_pointer, uintptr_t stack_pointer);
void apr_stack_load_unwinder(void); /* for quiet times */
/* The callers of the fault at `pc` as the C library's unwinder finds them, from the tables that compilers write for exceptions; counts
 * them. It reads the stack itself, and faults if that is spoilt. */
size_t apr_stack_unwind(apr_frames *frames, uintptr_t pc);

#pragma GCC visibility pop

#endif
