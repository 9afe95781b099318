/* A C face of simdjson's DOM parser: bytes in, a flat array of nodes in document order out. */
#ifndef CJSON_H
#define CJSON_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define CJSON_NULL 0
#define CJSON_FALSE 1
#define CJSON_TRUE 2
#define CJSON_INT 3
#define CJSON_DOUBLE 4
#define CJSON_STRING 5
#define CJSON_ARRAY 6  /* integer = number of elements, which follow */
#define CJSON_OBJECT 7 /* integer = number of members; each follows as a CJSON_STRING (the key) and a value */

typedef struct cjson_node {
  uint32_t kind;
  uint32_t length;             /* bytes of a string */
  union {
    int64_t integer;
    double real;
    const char *string;        /* valid until the parser's next use; not NUL-terminated */
  };
} cjson_node;

#define CJSON_OK 0
#define CJSON_E_SYNTAX 1
#define CJSON_E_DEPTH 2
#define CJSON_E_NUMBER 3       /* an integer outside 64 bits signed, or a number that is no finite double */
#define CJSON_E_DUPLICATE 4    /* an object names a key twice */
#define CJSON_E_UTF8 5
#define CJSON_E_MEMORY 6

typedef struct cjson_parser cjson_parser;
cjson_parser *cjson_parser_create(void);
void cjson_parser_destroy(cjson_parser *parser);

/* Parses one document that fills `bytes` exactly (white space around it is allowed). On CJSON_OK `*nodes` points to `*count`
 * nodes, valid until the next use. `max_depth` counts nested arrays and objects. Never throws. */
int cjson_parse(cjson_parser *parser, const uint8_t *bytes, size_t length, uint32_t max_depth, const cjson_node **nodes,
                size_t *count);

#ifdef __cplusplus
}
#endif
#endif
