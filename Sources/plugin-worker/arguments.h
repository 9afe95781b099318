/* arguments.h - what the worker is told on its command line, before it reads the first frame. */
#ifndef WORKER_ARGUMENTS_H
#define WORKER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of a plugin when the kernel cannot give it the whole sandbox. */
typedef enum sandbox_policy { SANDBOX_OFF, SANDBOX_WARN, SANDBOX_REQUIRE } sandbox_policy;

/* Which list of system calls the library gets. */
typedef enum library_runtime { RUNTIME_NATIVE, RUNTIME_SWIFT } library_runtime;

/* Parts of the sandbox, as `--without` names them. */
#define PART_LIMITS 1u
#define PART_PRIVILEGES 2u
#define PART_LANDLOCK 4u
#define PART_SECCOMP 8u

#define MOST_READ_FOLDERS 64

typedef struct worker_arguments {
  int socket; /* -1 with --probe */
  bool probe;
  sandbox_policy policy;
  library_runtime runtime;
  const char *folder; /* the private copy of the bundle; null: none */
  const char *read[MOST_READ_FOLDERS];
  size_t read_count;
  uint32_t memory_mb;
  uint32_t threads;
  uint32_t without; /* PART_*: as if the kernel had none of it */
} worker_arguments;

/* Reads the command line. False: it makes no sense, and a sentence is on stderr. The strings stay in `argv`. */
bool arguments_read(int argc, char **argv, worker_arguments *out);

/* The name of one PART_*. */
const char *part_name(uint32_t part);

#endif
