/* call.c - one call: arguments from JSON, the call, the answer as JSON. */
#include "adapter.h"

#include <errno.h>

/* Memory of one argument. */
typedef union cell {
  uint64_t number;
  double real;
  void *pointer;
  unsigned char bytes[MOST_FIELDS * 8]; /* a struct */
} cell;

typedef struct call {
  const function *f;
  cell cells[MOST_ARGUMENTS];       /* what the function gets, or (pointers) what they lead to */
  void *pointers[MOST_ARGUMENTS];   /* out-parameters: address of the cell */
  void *values[MOST_ARGUMENTS];     /* for libffi */
  char *memory[MOST_ARGUMENTS];     /* strings, bytes, buffers; to be freed */
  size_t lengths[MOST_ARGUMENTS];   /* of these; of a buffer its capacity */
  union {
    ffi_arg number;
    float narrow;
    double real;
    void *pointer;
    unsigned char bytes[MOST_FIELDS * 8];
  } returned;
  int number; /* errno */
} call;

/* ---- arguments ---- */

static bool text_given(call *c, size_t i, ap_str value, problem *problem) {
  const argument *a = &c->f->arguments[i];
  size_t length = 0;
  char *text = ap_json_decode(value, &length);
  if (!text) return problem_set(problem, "%s must be text.", a->name ? a->name : "a constant");
  if (a->base64) {
    size_t count = 0;
    char *bytes = base64_decode(text, length, &count);
    free(text);
    if (!bytes) return problem_set(problem, "%s must be base64.", a->name);
    text = bytes;
    length = count;
  }
  c->memory[i] = text;
  c->lengths[i] = length;
  c->cells[i].pointer = text;
  if (a->type.kind == KIND_STRING && memchr(text, 0, length)) {
    return problem_set(problem, "%s must not hold a NUL character: the function would see only what stands before it.", a->name);
  }
  return true;
}

static bool struct_given(call *c, size_t i, ap_str value, problem *problem) {
  const argument *a = &c->f->arguments[i];
  for (size_t n = 0; n < a->type.count; n++) {
    const field *f = &a->type.fields[n];
    char pointer[128], name[160];
    snprintf(pointer, sizeof pointer, "/%s", f->name);
    snprintf(name, sizeof name, "%s.%s", a->name ? a->name : "a constant", f->name);
    if (!number_read(f->kind, ap_json_find(value, pointer), name, c->cells[i].bytes + f->offset, problem)) return false;
  }
  return true;
}

static bool value_given(call *c, size_t i, ap_str value, problem *problem) {
  const argument *a = &c->f->arguments[i];
  kind kind = a->type.kind;
  if (a->nullable && (!value.len || ap_equal(value, "null"))) {
    c->cells[i].pointer = NULL;
    return true;
  }
  if (!value.len) return problem_set(problem, "%s is missing.", a->name);
  if (kind == KIND_STRING || kind == KIND_BYTES) return text_given(c, i, value, problem);
  if (kind == KIND_STRUCT) return struct_given(c, i, value, problem);
  return number_read(kind, value, a->name ? a->name : "a constant", &c->cells[i], problem);
}

static ap_str member(ap_str object, const char *name) {
  ap_str key, value;
  size_t length = strlen(name);
  for (size_t at = 0; ap_json_next(object, &at, &key, &value);) {
    if (key.len == length && memcmp(key.ptr, name, length) == 0) return value;
  }
  return (ap_str){NULL, 0};
}

static bool buffer_made(call *c, size_t i, ap_str given, problem *problem) {
  const argument *a = &c->f->arguments[i];
  size_t capacity = a->capacity;
  if (a->capacity_from) {
    uint64_t number = 0;
    if (!number_read(KIND_U64, member(given, a->capacity_from), a->capacity_from, &number, problem)) return false;
    if (number < 1 || number > MOST_CAPACITY) {
      return problem_set(problem, "%s must be from 1 to %u.", a->capacity_from, MOST_CAPACITY);
    }
    capacity = (size_t)number;
  }
  c->memory[i] = calloc(1, capacity + 1); /* a NUL behind it, whatever the function does within */
  c->lengths[i] = capacity;
  c->cells[i].pointer = c->memory[i];
  return c->memory[i] || problem_set(problem, "There is no memory for \"%s\".", a->name);
}

/* What is given, constants and buffers first; lengths and capacities follow from them. */
static bool prepare(call *c, ap_str given, problem *problem) {
  const function *f = c->f;
  for (size_t i = 0; i < f->count; i++) {
    const argument *a = &f->arguments[i];
    bool fine = a->role == ROLE_GIVEN      ? value_given(c, i, member(given, a->name), problem)
                : a->role == ROLE_CONSTANT ? value_given(c, i, a->constant, problem)
                : a->role == ROLE_BUFFER   ? buffer_made(c, i, given, problem)
                                           : true;
    if (!fine) return false;
  }
  for (size_t i = 0; i < f->count; i++) {
    const argument *a = &f->arguments[i];
    c->values[i] = &c->cells[i];
    if (a->role == ROLE_LENGTH || a->role == ROLE_CAPACITY) {
      char digits[32];
      int length = snprintf(digits, sizeof digits, "%zu", c->lengths[a->of]);
      if (!number_read(a->type.kind, (ap_str){digits, (size_t)length}, a->name, &c->cells[i], problem)) return false;
    }
    if (a->role == ROLE_OUT || a->inout) {
      c->pointers[i] = &c->cells[i];
      c->values[i] = &c->pointers[i];
    }
  }
  return true;
}

/* ---- the answer ---- */

/* Whole numbers come widened to a register. */
static int64_t returned_number(const call *c) {
  kind kind = c->f->returns.kind;
  if (kind == KIND_F32) return c->returned.narrow < 0 ? -1 : c->returned.narrow > 0;
  if (kind == KIND_F64) return c->returned.real < 0 ? -1 : c->returned.real > 0;
  uint64_t bits = 0;
  memcpy(&bits, &c->returned, kind_size(kind));
  unsigned shift = 64 - 8 * (unsigned)kind_size(kind);
  return kind >= KIND_U8 || kind == KIND_BOOL ? (int64_t)bits : (int64_t)(bits << shift) >> shift;
}

static bool check_error(const call *c, problem *problem) {
  const function *f = c->f;
  bool pointer = f->returns.kind == KIND_STRING, number = f->returns.kind >= KIND_BOOL && f->returns.kind <= KIND_F64;
  int64_t returned = number ? returned_number(c) : 0;
  bool failed = f->error == ERROR_NEGATIVE ? returned < 0 : f->error == ERROR_NONZERO ? returned != 0
                : f->error == ERROR_ZERO ? number && returned == 0 : f->error == ERROR_NULL ? pointer && !c->returned.pointer
                : f->error == ERROR_ERRNO && c->number != 0;
  if (!failed) return true;
  char key[32];
  snprintf(key, sizeof key, "%lld", (long long)returned);
  char *sentence = ap_json_decode(member(f->messages, key), NULL);
  if (sentence) problem_set(problem, "%s", sentence);
  else if (c->number) problem_set(problem, "%s failed: %s.", f->symbol, strerror(c->number));
  else problem_set(problem, "%s failed: it returned %s.", f->symbol, pointer ? "null" : key);
  free(sentence);
  return false;
}

static void put_name(ap_buffer *out, const char *name) {
  if (out->length > 1) ap_put(out, ap_text(","));
  ap_put_string(out, ap_text(name));
  ap_put(out, ap_text(":"));
}

static bool put_returned(const call *c, ap_buffer *out, problem *problem) {
  const type *type = &c->f->returns;
  const char *name = c->f->result;
  if (!name || type->kind == KIND_VOID) return true;
  put_name(out, name);
  if (type->kind == KIND_STRING) {
    if (c->returned.pointer) ap_put_string(out, ap_text(c->returned.pointer));
    else ap_put(out, ap_text("null"));
    return true;
  }
  if (type->kind != KIND_STRUCT) return number_write(type->kind, &c->returned, name, out, problem);
  ap_put(out, ap_text("{"));
  for (size_t i = 0; i < type->count; i++) {
    if (i) ap_put(out, ap_text(","));
    ap_put_string(out, ap_text(type->fields[i].name));
    ap_put(out, ap_text(":"));
    if (!number_write(type->fields[i].kind, c->returned.bytes + type->fields[i].offset, name, out, problem)) return false;
  }
  ap_put(out, ap_text("}"));
  return true;
}

static bool put_buffer(const call *c, size_t i, ap_buffer *out, problem *problem) {
  const argument *a = &c->f->arguments[i];
  size_t length = strlen(c->memory[i]);
  if (a->length == LENGTH_RETURNED) {
    int64_t returned = returned_number(c);
    if (returned < 0) return problem_set(problem, "%s returned %lld as a length.", c->f->symbol, (long long)returned);
    length = (size_t)returned;
  }
  for (size_t j = 0; a->length == LENGTH_INOUT && j < c->f->count; j++) {
    const argument *other = &c->f->arguments[j];
    if (other->role == ROLE_CAPACITY && other->inout && other->of == i) {
      length = 0;
      memcpy(&length, &c->cells[j], kind_size(other->type.kind));
    }
  }
  if (length > c->lengths[i]) { /* snprintf and others say what they would have needed */
    return problem_set(problem, "%s has room for %zu bytes, %zu are needed.", a->name, c->lengths[i], length);
  }
  put_name(out, a->name);
  if (!a->base64) {
    ap_put_string(out, (ap_str){c->memory[i], length});
    return true;
  }
  ap_put(out, ap_text("\""));
  base64_write(c->memory[i], length, out);
  ap_put(out, ap_text("\""));
  return true;
}

static bool write_answer(const call *c, ap_buffer *out, problem *problem) {
  ap_put(out, ap_text("{"));
  if (!put_returned(c, out, problem)) return false;
  for (size_t i = 0; i < c->f->count; i++) {
    const argument *a = &c->f->arguments[i];
    if (a->role == ROLE_BUFFER && !put_buffer(c, i, out, problem)) return false;
    if (a->role != ROLE_OUT) continue;
    put_name(out, a->name);
    if (!number_write(a->type.kind, &c->cells[i], a->name, out, problem)) return false;
  }
  ap_put(out, ap_text("}"));
  return !out->failed || problem_set(problem, "There is no memory for the answer.");
}

bool function_call(const function *f, ap_str arguments, ap_buffer *result, problem *problem) {
  call *c = calloc(1, sizeof *c);
  if (!c) return problem_set(problem, "There is no memory for the call.");
  c->f = f;
  bool fine = prepare(c, arguments, problem);
  if (fine) {
    void (*address)(void);
    memcpy(&address, &f->address, sizeof address);
    errno = 0;
    ffi_call((ffi_cif *)&f->cif, address, &c->returned, c->values);
    c->number = errno;
    fine = check_error(c, problem) && write_answer(c, result, problem);
    if (f->free_result && f->returns.kind == KIND_STRING && c->returned.pointer) f->free_result(c->returned.pointer);
  }
  for (size_t i = 0; i < f->count; i++) free(c->memory[i]);
  free(c);
  return fine;
}
