/* adapter.h - functions of existing libraries as tools: what the parts of the adapter share.
 *
 * The adapter is a plugin like any other. The host puts it beside the manifest of a bundle that has no library of its own; it reads there
 * which functions to call and how (docs/c-functions.md), and calls them by libffi. It runs in a worker only: a wrong signature is
 * undefined behaviour that nothing can catch. */
#ifndef FFI_ADAPTER_H
#define FFI_ADAPTER_H

#include "agent_plugin.h"
#include "agent_plugin_json.h"

#include <ffi.h>

#define MOST_ARGUMENTS 16
#define MOST_FIELDS 16
#define MOST_FUNCTIONS 256
#define MOST_CAPACITY (1u << 20) /* of an out-buffer */

typedef enum kind {
  KIND_VOID, KIND_BOOL, KIND_I8, KIND_I16, KIND_I32, KIND_I64, KIND_U8, KIND_U16, KIND_U32, KIND_U64, KIND_F32, KIND_F64,
  KIND_STRING, KIND_BYTES, KIND_BUFFER, KIND_STRUCT
} kind;

typedef struct field {
  char *name;
  kind kind; /* a number or bool */
  size_t offset;
} field;

typedef struct type {
  kind kind;
  /* Of a struct. */
  field fields[MOST_FIELDS];
  size_t count;
  ffi_type ffi;
  ffi_type *elements[MOST_FIELDS + 1];
} type;

typedef enum role {
  ROLE_GIVEN,    /* a member of the call's arguments */
  ROLE_CONSTANT, /* stands in the manifest */
  ROLE_LENGTH,   /* the length of another argument */
  ROLE_CAPACITY, /* the capacity of a buffer; `inout`: a pointer to it, and the length afterwards */
  ROLE_OUT,      /* a pointer to a value that the function sets */
  ROLE_BUFFER    /* memory that the function fills */
} role;

typedef struct argument {
  role role;
  type type;
  char *name;       /* of the member, or of the argument that a length or capacity is of */
  ap_str constant;
  bool nullable, base64, inout;
  size_t of;        /* index of that argument */
  size_t capacity;  /* of a buffer, unless it comes from a member */
  char *capacity_from;
  enum { LENGTH_NUL, LENGTH_RETURNED, LENGTH_INOUT } length; /* how much of a buffer was filled */
} argument;

typedef struct function {
  char *tool, *library, *symbol;
  void *address;
  ffi_cif cif;
  ffi_type *ffi_arguments[MOST_ARGUMENTS];
  argument arguments[MOST_ARGUMENTS];
  size_t count;
  type returns;
  char *result; /* member of the answer */
  void (*free_result)(void *);
  enum { ERROR_NEVER, ERROR_NEGATIVE, ERROR_NONZERO, ERROR_ZERO, ERROR_NULL, ERROR_ERRNO } error;
  ap_str messages; /* sentences by the returned number */
} function;

/* A sentence that says what is wrong. */
typedef struct problem {
  char text[512];
} problem;
__attribute__((format(printf, 2, 3))) bool problem_set(problem *problem, const char *format, ...); /* answers false */

/* The libffi type of a kind that is passed by itself; null for a struct. */
ffi_type *kind_ffi(kind kind);
/* The bytes of a number or bool. */
size_t kind_size(kind kind);

/* Reads the description of a tool's function and finds its symbol. */
bool function_read(function *out, ap_str tool, problem *problem);

/* Writes a JSON value into memory as a number or bool of that kind; refuses what does not fit. */
bool number_read(kind kind, ap_str value, const char *name, void *out, problem *problem);
/* Writes a number or bool as JSON; refuses what JSON has no word for. */
bool number_write(kind kind, const void *value, const char *name, ap_buffer *out, problem *problem);

/* Calls the function with the members of `arguments` and writes the object that it answers. */
bool function_call(const function *function, ap_str arguments, ap_buffer *result, problem *problem);

/* The bytes that base64 text stands for, to be freed; null with `*length` 0 when it is malformed. */
char *base64_decode(const char *text, size_t count, size_t *length);
void base64_write(const void *bytes, size_t count, ap_buffer *out);

#endif
