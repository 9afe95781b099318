/* crash.h - what the rest of the runtime tells the crash report: which plugins there are, and where each thread is. */
#ifndef APR_CRASH_H
#define APR_CRASH_H

#include "plugin_crash.h"

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* A library that was loaded, or is about to be. Lives for ever, as the library does. */
typedef struct apr_identity {
  struct apr_identity *next;
  const char *library, *id, *version;
  _Atomic uintptr_t code, code_end; /* its executable part; 0 until it is loaded */
} apr_identity;

/* Where a thread is in plugin code; `plugin` is null outside. */
typedef struct apr_place {
  const apr_identity *plugin;
  const char *function; /* static; one word */
  uint64_t token;       /* the turn, call or completion; 0 = none */
} apr_place;

/* Of the calling thread. Written before each call into a plugin, read by the handler on the same thread. */
extern _Thread_local apr_place apr_here __attribute__((tls_model("initial-exec")));

/* The identity with these strings, made when it is new. Null: no memory, so the report will not name it. */
const apr_identity *apr_identity_of(const char *library, const char *id, const char *version);
/* Takes note of where the library lies. */
void apr_identity_mapped(const apr_identity *identity);
/* The plugin in whose code the address lies, or null. Async-signal-safe. */
const apr_identity *apr_identity_at(uintptr_t address);

/* The calling thread goes into the plugin, and comes back. */
static inline void apr_enter_plugin(const apr_identity *plugin, const char *function, uint64_t token) {
  apr_here.function = function;
  apr_here.token = token;
  apr_here.plugin = plugin;
}
static inline void apr_leave_plugin(void) { apr_here.plugin = NULL; }

/* Gives the calling thread a stack for its handlers, for faults of a stack that is full. Given back at the thread's end. */
void apr_crash_thread_begins(void);

/* ---- the report (crash_report.c); all async-signal-safe ---- */

typedef struct apr_crash {
  int signal; /* 0: exit was called */
  int code;   /* si_code */
  int status; /* of exit */
  int sender; /* the process that sent the signal; 0 = a fault of the thread itself */
  uintptr_t address, pc, sp;
} apr_crash;

typedef struct apr_crash_settings {
  char program[32], version[32];
  char folder[4096]; /* empty = no file */
  bool brief;
  int spare; /* a descriptor given up for the file, when there are no others */
  int probe[2]; /* a pipe: writing from an address says whether it can be read */
} apr_crash_settings;

void apr_crash_report(const apr_crash_settings *settings, const apr_crash *crash);
/* Ends a report that could not be finished. */
void apr_crash_report_cut(void);

#pragma GCC visibility pop
#endif
