// SPDX-License-Identifier: Apache-2.0
#include "graph_changes.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::core {
namespace {

bool same(tenon_str a, tenon_str b) { return a.len == b.len && std::equal(a.data, a.data + a.len, b.data); }

template <class T>
bool same(const T* a, const T* b, uint64_t count) {
  return count == 0 || std::memcmp(a, b, count * sizeof(T)) == 0;
}

bool same(const tenon_attr& a, const tenon_attr& b) {
  if (a.type != b.type || !same(a.name, b.name)) return false;
  const bool list = a.type == TENON_AT_INTS || a.type == TENON_AT_FLOATS || a.type == TENON_AT_STRS || a.type == TENON_AT_TENSORS || a.type == TENON_AT_GRAPHS || a.type == TENON_AT_RAW;
  if (list && a.count != b.count) return false;
  switch (a.type) {
    case TENON_AT_INT: return a.v.i == b.v.i;
    case TENON_AT_FLOAT: return same(&a.v.f, &b.v.f, 1);
    case TENON_AT_STR: return same(a.v.strs[0], b.v.strs[0]);
    case TENON_AT_INTS: return same(a.v.ints, b.v.ints, a.count);
    case TENON_AT_FLOATS: return same(a.v.floats, b.v.floats, a.count);
    case TENON_AT_STRS: return std::equal(a.v.strs, a.v.strs + a.count, b.v.strs, [](tenon_str x, tenon_str y) { return same(x, y); });
    case TENON_AT_TENSOR: return a.v.tensor == b.v.tensor;
    case TENON_AT_TENSORS: return same(a.v.tensors, b.v.tensors, a.count);
    // A copy of a model has graphs of its own with the same numbers.
    case TENON_AT_GRAPH: return a.v.graph->index == b.v.graph->index;
    case TENON_AT_GRAPHS: return std::equal(a.v.graphs, a.v.graphs + a.count, b.v.graphs, [](auto* x, auto* y) { return x->index == y->index; });
    case TENON_AT_RAW: return same(static_cast<const char*>(a.v.raw), static_cast<const char*>(b.v.raw), a.count);
    default: return false;
  }
}

bool same(const AttrSet* a, const AttrSet* b) {
  if (a == b) return true;
  const uint64_t n = a ? a->size() : 0, m = b ? b->size() : 0;
  return n == m && (n == 0 || std::equal(a->data(), a->data() + n, b->data(), [](const auto& x, const auto& y) { return same(x, y); }));
}

bool same_inputs(const Model& a, const Model& b, Slot n) {
  const uint32_t count = a.nodes.in_count[n];
  return count == b.nodes.in_count[n] && same(a.operand_ids.data() + a.nodes.in_begin[n], b.operand_ids.data() + b.nodes.in_begin[n], count);
}

bool same_node(const Model& a, const Model& b, Slot n) {
  return a.nodes.op[n] == b.nodes.op[n] && same_inputs(a, b, n) && same(a.nodes.attrs[n].get(), b.nodes.attrs[n].get());
}

bool same_label(const Model& a, const Model& b, Slot n) {
  const auto &x = a.nodes.origins[n], &y = b.nodes.origins[n];
  return a.nodes.name[n] == b.nodes.name[n] && (x == y || (x && y && *x == *y));
}

bool same_value(const Model& a, const Model& b, Slot v) {
  return std::memcmp(&a.values.dtype[v], &b.values.dtype[v], sizeof(tenon_dtype)) == 0 && a.values.rank[v] == b.values.rank[v] && a.values.flags[v] == b.values.flags[v] &&
         (a.values.rank[v] <= 0 || same(a.dims(v), b.dims(v), static_cast<uint64_t>(a.values.rank[v]))) && a.values.name[v] == b.values.name[v];
}

}  // namespace

GraphChanges graph_changes(const Model* before, const Model& after) {
  GraphChanges c;
  for (Slot n = 1; before && n < before->nodes.generation.size(); ++n) {
    const tenon_node id = before->node_id(n);
    if (before->alive_node(id) && !after.alive_node(id)) c.removed.push_back(id);
  }
  for (Slot n = 1; n < after.nodes.generation.size(); ++n) {
    const tenon_node id = after.node_id(n);
    if (!after.alive_node(id)) continue;
    if (!before || !before->alive_node(id)) c.added.push_back(id);
    else if (!same_node(*before, after, n)) c.changed.push_back(id);
    else if (!same_label(*before, after, n)) c.touched.push_back(id);
  }
  for (Slot v = 1; v < after.values.generation.size(); ++v) {
    const tenon_value id = after.value_id(v);
    if (after.alive_value(id) && (!before || !before->alive_value(id) || !same_value(*before, after, v))) c.values.push_back(id);
  }
  return c;
}

}  // namespace tenon::core
