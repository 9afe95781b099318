/* plugin_crash.h - what a process says when plugin code ends it (docs/crash-reports.md).
 *
 * Handlers for the signals of a thread's own faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT) write a report that names
 * the plugin, then let the signal end the process. They do only what a signal handler may: no memory is allocated, no lock is
 * taken. The same for exit(3), if a plugin calls it. */
#ifndef PLUGIN_CRASH_H
#define PLUGIN_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define APR_CRASH_NULLABLE _Nullable
#else
#define APR_CRASH_NULLABLE
#endif

/* Installs the handlers for the whole process; once, before plugins are loaded. `program` and `version` name it in the report.
 * `folder`: an existing folder for the file of a report; null: the report goes to stderr alone. `brief`: one line on
 * stderr and no file, as a worker's last words. The strings are copied. 0, or an errno. */
int apr_crash_install(const char *program, const char *version, const char *APR_CRASH_NULLABLE folder, bool brief);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
