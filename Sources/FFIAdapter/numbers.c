/* numbers.c - numbers of C and of JSON: what does not fit is refused, never cut. */
#include "adapter.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

bool problem_set(problem *problem, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem->text, sizeof problem->text, format, arguments);
  va_end(arguments);
  return false;
}

typedef struct facts {
  size_t size;
  ffi_type *ffi;
  int64_t least;
  uint64_t most;
} facts;

static const facts *facts_of(kind kind) {
  static const facts all[] = {
      [KIND_VOID] = {0, &ffi_type_void, 0, 0},
      [KIND_BOOL] = {1, &ffi_type_uint8, 0, 1},
      [KIND_I8] = {1, &ffi_type_sint8, INT8_MIN, INT8_MAX},
      [KIND_I16] = {2, &ffi_type_sint16, INT16_MIN, INT16_MAX},
      [KIND_I32] = {4, &ffi_type_sint32, INT32_MIN, INT32_MAX},
      [KIND_I64] = {8, &ffi_type_sint64, INT64_MIN, INT64_MAX},
      [KIND_U8] = {1, &ffi_type_uint8, 0, UINT8_MAX},
      [KIND_U16] = {2, &ffi_type_uint16, 0, UINT16_MAX},
      [KIND_U32] = {4, &ffi_type_uint32, 0, UINT32_MAX},
      [KIND_U64] = {8, &ffi_type_uint64, 0, UINT64_MAX},
      [KIND_F32] = {4, &ffi_type_float, 0, 0},
      [KIND_F64] = {8, &ffi_type_double, 0, 0},
      [KIND_STRING] = {8, &ffi_type_pointer, 0, 0},
      [KIND_BYTES] = {8, &ffi_type_pointer, 0, 0},
      [KIND_BUFFER] = {8, &ffi_type_pointer, 0, 0},
      [KIND_STRUCT] = {0, NULL, 0, 0},
  };
  return &all[kind];
}

ffi_type *kind_ffi(kind kind) { return facts_of(kind)->ffi; }
size_t kind_size(kind kind) { return facts_of(kind)->size; }

static bool is_float(kind kind) { return kind == KIND_F32 || kind == KIND_F64; }

static bool float_read(kind kind, const char *digits, const char *name, void *out, problem *problem) {
  char *end = NULL;
  errno = 0;
  double number = strtod(digits, &end);
  float narrow = (float)number;
  if (*end || !isfinite(number)) return problem_set(problem, "%s must be a number that a double can hold, not %s.", name, digits);
  if (kind == KIND_F64) {
    memcpy(out, &number, sizeof number);
    return true;
  }
  if (!isfinite(narrow)) return problem_set(problem, "%s is too large for a float: %s.", name, digits);
  memcpy(out, &narrow, sizeof narrow);
  return true;
}

bool number_read(kind kind, ap_str value, const char *name, void *out, problem *problem) {
  char digits[64];
  if (kind == KIND_BOOL) {
    bool truth = ap_equal(value, "true");
    if (!truth && !ap_equal(value, "false")) return problem_set(problem, "%s must be true or false.", name);
    memcpy(out, &truth, 1);
    return true;
  }
  if (!value.len || value.len >= sizeof digits || !strchr("-0123456789", value.ptr[0])) {
    return problem_set(problem, "%s must be a number.", name);
  }
  memcpy(digits, value.ptr, value.len);
  digits[value.len] = 0;
  if (is_float(kind)) return float_read(kind, digits, name, out, problem);
  const facts *facts = facts_of(kind);
  bool negative = digits[0] == '-', fits;
  char *end = NULL;
  uint64_t bits;
  errno = 0;
  if (negative) {
    int64_t number = strtoll(digits, &end, 10);
    fits = number >= facts->least;
    bits = (uint64_t)number;
  } else {
    bits = strtoull(digits, &end, 10);
    fits = bits <= facts->most;
  }
  if (*end || errno || !fits) {
    return problem_set(problem, "%s must be a whole number from %" PRId64 " to %" PRIu64 ", not %s.", name, facts->least,
                       facts->most, digits);
  }
  memcpy(out, &bits, facts->size); /* little-endian */
  return true;
}

bool number_write(kind kind, const void *value, const char *name, ap_buffer *out, problem *problem) {
  if (is_float(kind)) {
    float narrow;
    double number;
    memcpy(&narrow, value, sizeof narrow);
    if (kind == KIND_F32) number = (double)narrow;
    else memcpy(&number, value, sizeof number);
    if (!isfinite(number)) return problem_set(problem, "%s is %g, which is no number that can be answered.", name, number);
    ap_putf(out, kind == KIND_F32 ? "%.9g" : "%.17g", number);
    return true;
  }
  const facts *facts = facts_of(kind);
  uint64_t bits = 0;
  memcpy(&bits, value, facts->size);
  if (kind == KIND_BOOL) {
    ap_putf(out, bits ? "true" : "false");
  } else if (facts->least < 0) {
    unsigned shift = 64 - 8 * (unsigned)facts->size;
    ap_putf(out, "%" PRId64, (int64_t)(bits << shift) >> shift);
  } else {
    ap_putf(out, "%" PRIu64, bits);
  }
  return true;
}
