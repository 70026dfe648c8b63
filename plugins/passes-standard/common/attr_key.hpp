// SPDX-License-Identifier: Apache-2.0
// attr_key.hpp - bytes that are equal just where the attributes of two nodes are.
#pragma once
#include <tenon/graph.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::passes {

inline void append(std::string* key, const void* data, size_t bytes) { key->append(static_cast<const char*>(data), bytes); }
template <class T> void append(std::string* key, T v) { append(key, &v, sizeof v); }

/// False when the value has no such bytes. Calls tensor(v) for the value that stands for v, and graph(g) to ask whether g's address may.
template <class Tensor, class GraphTest>
bool append_value(const tenon_attr& a, std::string* key, const Tensor& tensor, const GraphTest& graph) {
  switch (a.type) {
    case TENON_AT_INT: append(key, a.v.i); return true;
    case TENON_AT_FLOAT: append(key, a.v.f); return true;
    case TENON_AT_INTS: append(key, a.v.ints, a.count * sizeof(int64_t)); return true;
    case TENON_AT_FLOATS: append(key, a.v.floats, a.count * sizeof(double)); return true;
    case TENON_AT_RAW: append(key, a.v.raw, a.count); return true;
    case TENON_AT_TENSOR: append(key, tensor(a.v.tensor)); return true;
    case TENON_AT_GRAPH: append(key, a.v.graph); return graph(a.v.graph);
    case TENON_AT_STR:
    case TENON_AT_STRS:
      for (uint64_t k = 0; k < a.count; ++k) {
        append(key, a.v.strs[k].len);
        key->append(tenon::view(a.v.strs[k]));
      }
      return true;
    default: return false;
  }
}

/// Attributes in the order of their names.
template <class Tensor, class GraphTest>
bool append_attrs(const Attrs& attrs, std::string* key, const Tensor& tensor, const GraphTest& graph) {
  std::vector<const tenon_attr*> sorted;
  for (const tenon_attr& a : attrs.all()) sorted.push_back(&a);
  std::sort(sorted.begin(), sorted.end(), [](const tenon_attr* a, const tenon_attr* b) { return tenon::view(a->name) < tenon::view(b->name); });
  for (const tenon_attr* a : sorted) {
    const std::string_view name = tenon::view(a->name);
    append(key, name.size());
    key->append(name);
    append(key, a->type);
    append(key, a->count);
    if (!append_value(*a, key, tensor, graph)) return false;
  }
  return true;
}

}  // namespace tenon::passes
