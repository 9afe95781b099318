/* describe.c - reads how a function is called from the manifest, and finds it in its library. */
#include "adapter.h"

#include <dlfcn.h>

static const char *const kind_names[] = {"void", "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64",
                                         "f32", "f64", "string", "bytes", "buffer"};

static bool kind_read(ap_str name, kind *out) {
  for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
    size_t length = strlen(kind_names[i]);
    if (name.len != length + 2 || memcmp(name.ptr + 1, kind_names[i], length) != 0) continue;
    *out = (kind)i;
    return true;
  }
  return false;
}

static bool is_number(kind kind) { return kind >= KIND_BOOL && kind <= KIND_F64; }

/* {"struct": [{"name", "type"}]}: laid out as C does. */
static bool struct_read(ap_str json, type *out, problem *problem) {
  ap_str fields = ap_json_find(json, "/struct"), member;
  size_t at = 0, offset = 0, alignment = 1;
  out->kind = KIND_STRUCT;
  while (ap_json_next(fields, &at, NULL, &member)) {
    if (out->count == MOST_FIELDS) return problem_set(problem, "a struct may have %d fields at most.", MOST_FIELDS);
    field *f = &out->fields[out->count];
    f->name = ap_json_string(member, "/name");
    if (!f->name || !kind_read(ap_json_find(member, "/type"), &f->kind) || !is_number(f->kind)) {
      return problem_set(problem, "each field of a struct needs a name, and a number or bool as its type.");
    }
    size_t size = kind_size(f->kind);
    offset = (offset + size - 1) / size * size;
    f->offset = offset;
    offset += size;
    if (size > alignment) alignment = size;
    out->elements[out->count++] = kind_ffi(f->kind);
  }
  if (!out->count) return problem_set(problem, "a struct needs a list of fields.");
  out->elements[out->count] = NULL;
  out->ffi = (ffi_type){.type = FFI_TYPE_STRUCT, .elements = out->elements};
  return true;
}

static bool type_read(ap_str json, type *out, problem *problem) {
  if (json.len && json.ptr[0] == '{') return struct_read(json, out, problem);
  if (kind_read(json, &out->kind)) return true;
  return problem_set(problem, "the type %.*s is unknown.", (int)(json.len < 40 ? json.len : 40), json.len ? json.ptr : "");
}

static ffi_type *type_ffi(type *type) { return type->kind == KIND_STRUCT ? &type->ffi : kind_ffi(type->kind); }

static bool is_base64(ap_str json) { return ap_equal(ap_json_find(json, "/encoding"), "\"base64\""); }

/* What an argument is for follows from the members that it has. */
static bool argument_read(ap_str json, argument *out, problem *problem) {
  if (!type_read(ap_json_find(json, "/type"), &out->type, problem)) return false;
  kind kind = out->type.kind;
  out->base64 = is_base64(json);
  out->nullable = ap_json_true(json, "/nullable");
  out->inout = ap_json_true(json, "/inout");
  out->constant = ap_json_find(json, "/value");
  char *length_of = ap_json_string(json, "/length_of"), *capacity_of = ap_json_string(json, "/capacity_of");
  out->name = length_of ? length_of : capacity_of ? capacity_of : ap_json_string(json, "/name");
  if (length_of && capacity_of) free(capacity_of);
  if (kind == KIND_VOID) return problem_set(problem, "an argument cannot be void.");
  if (out->constant.len && !out->name) {
    out->role = ROLE_CONSTANT;
    return true;
  }
  if (!out->name) return problem_set(problem, "an argument needs one of name, value, length_of and capacity_of.");
  if (length_of || capacity_of) {
    out->role = length_of ? ROLE_LENGTH : ROLE_CAPACITY;
    if (!is_number(kind) || kind == KIND_BOOL || kind >= KIND_F32) {
      return problem_set(problem, "the length or capacity of \"%s\" must be a whole number.", out->name);
    }
    return true;
  }
  if (kind == KIND_BUFFER) {
    out->role = ROLE_BUFFER;
    out->capacity_from = ap_json_string(json, "/capacity");
    double capacity = ap_json_number(json, "/capacity", 0);
    if (!out->capacity_from && (capacity < 1 || capacity > MOST_CAPACITY)) {
      return problem_set(problem, "the buffer \"%s\" needs a capacity from 1 to %u.", out->name, MOST_CAPACITY);
    }
    out->capacity = (size_t)capacity;
    out->length = ap_equal(ap_json_find(json, "/length"), "\"returned\"") ? LENGTH_RETURNED : LENGTH_NUL;
    return true;
  }
  out->role = ap_json_true(json, "/out") ? ROLE_OUT : ROLE_GIVEN;
  if (out->role == ROLE_OUT && !is_number(kind)) {
    return problem_set(problem, "the out-parameter \"%s\" must be a number or bool.", out->name);
  }
  return true;
}

/* Lengths and capacities name another argument. */
static bool references_resolve(function *f, problem *problem) {
  for (size_t i = 0; i < f->count; i++) {
    argument *a = &f->arguments[i];
    if (a->role != ROLE_LENGTH && a->role != ROLE_CAPACITY) continue;
    bool found = false;
    for (size_t j = 0; j < f->count && !found; j++) {
      argument *other = &f->arguments[j];
      bool has_length = other->role == ROLE_GIVEN && (other->type.kind == KIND_BYTES || other->type.kind == KIND_STRING);
      found = other->name && strcmp(other->name, a->name) == 0 && (a->role == ROLE_LENGTH ? has_length : other->role == ROLE_BUFFER);
      if (!found) continue;
      a->of = j;
      if (a->inout) other->length = LENGTH_INOUT;
    }
    if (!found) {
      return problem_set(problem, "there is no %s called \"%s\".", a->role == ROLE_LENGTH ? "string or bytes" : "buffer", a->name);
    }
  }
  return true;
}

static bool error_read(function *f, ap_str json, problem *problem) {
  static const char *const names[] = {"never", "negative", "nonzero", "zero", "null", "errno"};
  char *when = ap_json_string(json, "/error/when");
  f->messages = ap_json_find(json, "/error/messages");
  for (size_t i = 0; when && i < sizeof names / sizeof *names; i++) {
    if (strcmp(when, names[i]) != 0) continue;
    f->error = (unsigned)i;
    free(when);
    return true;
  }
  bool absent = !when;
  free(when);
  return absent || problem_set(problem, "error.when must be negative, nonzero, zero, null or errno.");
}

static bool returns_read(function *f, ap_str json, void *library, problem *problem) {
  ap_str returns = ap_json_find(json, "/returns");
  if (!type_read(ap_json_find(returns, "/type"), &f->returns, problem)) return false;
  if (f->returns.kind == KIND_BYTES || f->returns.kind == KIND_BUFFER) {
    return problem_set(problem, "a function cannot return bytes: nobody knows how many.");
  }
  f->result = ap_json_string(returns, "/name");
  char *release = ap_json_string(returns, "/free");
  if (release) {
    void *address = dlsym(library, release);
    if (!address) address = dlsym(RTLD_DEFAULT, release);
    if (!address) problem_set(problem, "the function \"%s\", which shall free the result, is not in \"%s\".", release, f->library);
    memcpy(&f->free_result, &address, sizeof address);
    free(release);
    if (!address) return false;
  }
  return error_read(f, returns, problem);
}

static bool find_symbol(function *f, void **library, problem *problem) {
  *library = dlopen(f->library, RTLD_NOW | RTLD_LOCAL);
  if (!*library) return problem_set(problem, "the library \"%s\" cannot be loaded: %s.", f->library, dlerror());
  f->address = dlsym(*library, f->symbol);
  if (f->address) return true;
  return problem_set(problem, "the library \"%s\" has no symbol \"%s\" (macros and inline functions are none).", f->library, f->symbol);
}

static bool describe(function *f, ap_str json, problem *problem) {
  void *library = NULL;
  f->library = ap_json_string(json, "/library");
  f->symbol = ap_json_string(json, "/symbol");
  if (!f->library || !f->symbol) return problem_set(problem, "function needs library and symbol.");
  if (!find_symbol(f, &library, problem) || !returns_read(f, json, library, problem)) return false;
  ap_str arguments = ap_json_find(json, "/arguments"), element;
  for (size_t at = 0; ap_json_next(arguments, &at, NULL, &element); f->count++) {
    if (f->count == MOST_ARGUMENTS) return problem_set(problem, "a function may have %d arguments at most.", MOST_ARGUMENTS);
    struct problem inner;
    if (!argument_read(element, &f->arguments[f->count], &inner)) {
      return problem_set(problem, "argument %zu: %.400s", f->count + 1, inner.text);
    }
  }
  if (!references_resolve(f, problem)) return false;
  for (size_t i = 0; i < f->count; i++) {
    argument *a = &f->arguments[i];
    bool pointer = a->role == ROLE_OUT || a->role == ROLE_BUFFER || a->inout;
    f->ffi_arguments[i] = pointer ? &ffi_type_pointer : type_ffi(&a->type);
  }
  if (ffi_prep_cif(&f->cif, FFI_DEFAULT_ABI, (unsigned)f->count, type_ffi(&f->returns), f->ffi_arguments) != FFI_OK) {
    return problem_set(problem, "libffi cannot call a function with these types.");
  }
  return true;
}

bool function_read(function *out, ap_str tool, problem *problem) {
  struct problem inner;
  memset(out, 0, sizeof *out);
  out->tool = ap_json_string(tool, "/name");
  if (describe(out, ap_json_find(tool, "/function"), &inner)) return true;
  return problem_set(problem, "tool \"%s\": %.440s", out->tool ? out->tool : "?", inner.text);
}
