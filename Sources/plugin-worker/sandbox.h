/* sandbox.h - the walls that the worker builds around itself before it loads anything (docs/sandbox.md).
 *
 * Everything here runs on the main thread, before there is another one. */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include "arguments.h"

/* True where the program is built with a sanitizer: their shadow memory does not live with a limit on data. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* Why a part of the sandbox cannot be had; empty: it can, or it is there. */
typedef struct sandbox_reason {
  char text[160];
} sandbox_reason;

/* Says why, printf style, and answers false. */
__attribute__((format(printf, 2, 3))) bool sandbox_fail(sandbox_reason *why, const char *format, ...);

/* Builds all walls. False: at least one is missing and the policy is `require`; `sentence` then says which, and what to do.
 * With `warn` each missing one is told on stderr. */
bool sandbox_enter(const worker_arguments *arguments, char *sentence, size_t capacity);

/* Prints what this kernel gives, as one line of JSON. */
void sandbox_probe(const worker_arguments *arguments);

/* The parts. Each answers false, with a reason, when it is missing. */
bool limits_enter(const worker_arguments *arguments, sandbox_reason *why);
bool privileges_enter(sandbox_reason *why);
bool landlock_enter(const worker_arguments *arguments, sandbox_reason *why);
bool seccomp_enter(const worker_arguments *arguments, sandbox_reason *why);

/* The version of Landlock that this kernel has; 0, with a reason: none. */
int landlock_version(sandbox_reason *why);
bool seccomp_available(sandbox_reason *why);

/* Installs the handler that answers trapped system calls with an error and tells, once for each, on stderr. */
bool refusals_install(sandbox_reason *why);

/* Bytes of a thread's stack, unless the thread asks for something else. */
#define WORKER_STACK_SIZE (2u << 20)

#endif
