/* plugin_crash.h - says which plugin it was when the process crashes, or ends by exit() inside a plugin.
 *
 * The handler only uses what is safe in a signal handler, writes its report and lets the process end with the signal it got: nothing is
 * survived. docs/crash-reports.md shows a report. */
#ifndef PLUGIN_CRASH_H
#define PLUGIN_CRASH_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct apr_crash_options {
  const char *program; /* the first words of what is written */
  const char *folder;  /* where a file with the report goes (made with mode 0700 when it is needed); null: one line on stderr is all */
  bool hands_over;     /* afterwards, handlers that were there before come: that of Swift's backtraces */
} apr_crash_options;

/* Installs the handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and (with a folder) SIGSYS, and a hook for exit(). Once in a process, before
 * the first runtime is created; the strings are copied. Answers 0 or an errno. */
int apr_crash_install(const apr_crash_options *options);

#ifdef __cplusplus
}
#endif

#endif
