#include "cjson.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <simdjson.h>
#include <string_view>
#include <vector>

using namespace simdjson;

struct cjson_parser {
  dom::parser parser;
  std::vector<cjson_node> nodes;
  std::vector<std::string_view> keys;
};

namespace {

cjson_node string_node(std::string_view text) {
  cjson_node node{};
  node.kind = CJSON_STRING;
  node.length = static_cast<uint32_t>(text.size());
  node.string = text.data();
  return node;
}

/* A few keys are compared directly; many are sorted, so that 100,000 keys stay cheap. */
bool has_duplicates(cjson_parser *self, dom::object object, size_t count) {
  if (count < 2) return false;
  auto &keys = self->keys;
  keys.clear();
  for (auto field : object) keys.push_back(field.key);
  if (count <= 8) {
    for (size_t i = 1; i < keys.size(); i++)
      for (size_t j = 0; j < i; j++)
        if (keys[i] == keys[j]) return true;
    return false;
  }
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

/* Recursion is bounded by the parser's depth limit. */
int flatten(cjson_parser *self, dom::element element) {
  cjson_node node{};
  switch (element.type()) {
  case dom::element_type::NULL_VALUE: node.kind = CJSON_NULL; break;
  case dom::element_type::BOOL: node.kind = element.get_bool().value_unsafe() ? CJSON_TRUE : CJSON_FALSE; break;
  case dom::element_type::INT64:
    node.kind = CJSON_INT;
    node.integer = element.get_int64().value_unsafe();
    break;
  case dom::element_type::UINT64: return CJSON_E_NUMBER; /* only used beyond INT64_MAX */
  case dom::element_type::DOUBLE:
    node.kind = CJSON_DOUBLE;
    node.real = element.get_double().value_unsafe();
    if (!std::isfinite(node.real)) return CJSON_E_NUMBER;
    break;
  case dom::element_type::STRING: node = string_node(element.get_string().value_unsafe()); break;
  case dom::element_type::ARRAY: {
    /* Named: a range over the result of `value_unsafe` would refer into a temporary that is gone. */
    dom::array array = element.get_array().value_unsafe();
    size_t at = self->nodes.size(), count = 0;
    node.kind = CJSON_ARRAY;
    self->nodes.push_back(node);
    for (dom::element child : array) {
      int error = flatten(self, child);
      if (error) return error;
      count++;
    }
    self->nodes[at].integer = static_cast<int64_t>(count);
    return CJSON_OK;
  }
  case dom::element_type::OBJECT: {
    dom::object object = element.get_object().value_unsafe();
    size_t at = self->nodes.size(), count = 0;
    node.kind = CJSON_OBJECT;
    self->nodes.push_back(node);
    for (auto field : object) {
      self->nodes.push_back(string_node(field.key));
      int error = flatten(self, field.value);
      if (error) return error;
      count++;
    }
    if (has_duplicates(self, object, count)) return CJSON_E_DUPLICATE;
    self->nodes[at].integer = static_cast<int64_t>(count);
    return CJSON_OK;
  }
  }
  self->nodes.push_back(node);
  return CJSON_OK;
}

} // namespace

extern "C" cjson_parser *cjson_parser_create(void) { return new (std::nothrow) cjson_parser(); }
extern "C" void cjson_parser_destroy(cjson_parser *parser) { delete parser; }

extern "C" int cjson_parse(cjson_parser *self, const uint8_t *bytes, size_t length, uint32_t max_depth,
                           const cjson_node **nodes, size_t *count) {
  try {
    self->nodes.clear();
    /* Reserves for this document; simdjson rounds up, and copies the bytes into a padded buffer of its own. */
    if (self->parser.allocate(length ? length : 1, max_depth)) return CJSON_E_MEMORY;
    auto parsed = self->parser.parse(bytes, length, true);
    switch (parsed.error()) {
    case SUCCESS: break;
    case DEPTH_ERROR: return CJSON_E_DEPTH;
    case NUMBER_ERROR: return CJSON_E_NUMBER;
    case UTF8_ERROR: return CJSON_E_UTF8;
    case MEMALLOC: return CJSON_E_MEMORY;
    default: return CJSON_E_SYNTAX;
    }
    int error = flatten(self, parsed.value_unsafe());
    if (error) return error;
    *nodes = self->nodes.data();
    *count = self->nodes.size();
    return CJSON_OK;
  } catch (const std::bad_alloc &) {
    return CJSON_E_MEMORY;
  } catch (...) {
    return CJSON_E_SYNTAX;
  }
}
