// SPDX-License-Identifier: Apache-2.0
#include "graph_json.hpp"

#include <fmt/format.h>

#include "../ir/quote.hpp"
#include "../ir/walk.hpp"
#include "../pipeline/inputs.hpp"

namespace tenon::core {
namespace {

constexpr size_t kLongestText = 300;
constexpr size_t kMostOrigins = 64;

template <class F>
std::string list_text(uint64_t count, F&& element) {
  std::string s = "[";
  for (uint64_t k = 0; k < count && s.size() < kLongestText; ++k) s += (k ? ", " : "") + element(k);
  return s.size() < kLongestText ? s + "]" : s + fmt::format(", ... {} in all]", count);
}

/// Cut where a character begins.
std::string shortened(std::string s) {
  if (s.size() <= kLongestText) return s;
  size_t end = kLongestText;
  while (end > 0 && (static_cast<uint8_t>(s[end]) & 0xC0) == 0x80) --end;
  return s.substr(0, end) + "...";
}

std::string graph_text(const tenon_graph& g) { return "graph " + quote(g.name); }

}  // namespace

std::string op_text(tenon_op op) {
  const OpName n = op_name(op);
  return fmt::format("{}::{}{}", n.domain, n.name, n.version == 1 ? "" : fmt::format("@{}", n.version));
}

std::string attr_text(const Model& m, const tenon_attr& a) {
  const auto string = [&](uint64_t k) { return shortened(quote({a.v.strs[k].data, a.v.strs[k].len})); };
  const auto tensor = [&](tenon_value v) { return v ? "%" + std::string(m.value_name(v)) : std::string("absent"); };
  switch (a.type) {
    case TENON_AT_INT: return std::to_string(a.v.i);
    case TENON_AT_FLOAT: return fmt::format("{:.9g}", a.v.f);
    case TENON_AT_STR: return string(0);
    case TENON_AT_INTS: return list_text(a.count, [&](uint64_t k) { return std::to_string(a.v.ints[k]); });
    case TENON_AT_FLOATS: return list_text(a.count, [&](uint64_t k) { return fmt::format("{:.9g}", a.v.floats[k]); });
    case TENON_AT_STRS: return list_text(a.count, string);
    case TENON_AT_TENSOR: return tensor(a.v.tensor);
    case TENON_AT_TENSORS: return list_text(a.count, [&](uint64_t k) { return tensor(a.v.tensors[k]); });
    case TENON_AT_GRAPH: return graph_text(*a.v.graph);
    case TENON_AT_GRAPHS: return list_text(a.count, [&](uint64_t k) { return graph_text(*a.v.graphs[k]); });
    case TENON_AT_RAW: return fmt::format("{} bytes", a.count);
    default: return "?";
  }
}

uint64_t used_constant_bytes(const Model& m) {
  uint64_t bytes = 0;
  for (Slot v = 1; v < m.values.generation.size(); ++v)
    if (m.values.generation[v] & 1 && m.values.constant[v] && m.values.n_uses[v] + m.values.extra_uses[v] > 0) bytes += m.constants[m.values.constant[v]].bytes;
  return bytes;
}

uint32_t GraphNumbers::number(Table* t, uint64_t id, uint32_t* next) {
  const auto [it, fresh] = t->try_emplace(id, *next);
  if (fresh) ++*next;
  return it->second;
}

Json GraphNumbers::values_json(const std::vector<tenon_value>& all) {
  Json j = Json::array();
  for (tenon_value v : all) j.push_back(v ? Json(value(v)) : Json(-1));
  return j;
}

Json GraphNumbers::node_json(const Model& m, tenon_node n) {
  const Slot s = slot(n);
  std::vector<tenon_value> in, out;
  m.inputs(n, &in);
  m.outputs(n, &out);
  Json attrs = Json::array(), origins = Json::array(), graphs = Json::array();
  const AttrSet* a = m.attrs(n);
  for (uint64_t k = 0; a && k < a->size(); ++k) {
    const tenon_attr& x = a->data()[k];
    attrs.push_back(Json::array({std::string(x.name.data, x.name.len), attr_text(m, x)}));
    for_each_reference(x, [&](const tenon_graph& g) { graphs.push_back(g.index); }, [](tenon_value) {});
  }
  const auto& from = m.nodes.origins[s];
  for (size_t k = 0; from && k < std::min(from->size(), kMostOrigins); ++k) {
    const Origin& o = m.origins[(*from)[k]];
    origins.push_back(origins_.try_emplace({o.name, o.operator_name}, static_cast<uint32_t>(origins_.size())).first->second);
  }
  return Json::array({node(n), op(m.nodes.op[s]), m.nodes.name[s], m.nodes.graph[s], values_json(in), values_json(out), attrs, origins, from ? from->size() : 0, graphs});
}

Json GraphNumbers::value_json(const Model& m, tenon_value v) {
  const uint32_t c = m.values.constant[slot(v)];
  return Json::array({value(v), std::string(m.value_name(v)), value_type_text(m, v), c ? Json(m.constants[c].bytes) : Json(-1)});
}

Json GraphNumbers::graph_json(const tenon_graph& g) {
  return Json::array({g.index, g.name, values_json(g.inputs), values_json(g.outputs), g.output_names});
}

Json GraphNumbers::tables() const {
  std::vector<std::string> ops(ops_.size());
  for (const auto& [op, k] : ops_) ops[k] = op_text(static_cast<tenon_op>(op));
  std::vector<Json> origins(origins_.size());
  for (const auto& [o, k] : origins_) origins[k] = Json::array({o.first, o.second});
  return {{"operators", ops}, {"origins", origins}};
}

}  // namespace tenon::core
