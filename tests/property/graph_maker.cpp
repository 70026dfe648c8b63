// SPDX-License-Identifier: Apache-2.0
#include "graph_maker.hpp"

#include <tenon/dtype.hpp>

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace tenon::test {

using namespace core;

namespace {

tenon_str str(const std::string& s) { return {s.data(), s.size()}; }

tenon_attr raw(const Attr& a, tenon_str* text) {
  tenon_attr r{};
  r.name = str(a.name);
  r.count = 1;
  if (const auto* i = std::get_if<int64_t>(&a.value)) r.type = TENON_AT_INT, r.v.i = *i;
  if (const auto* f = std::get_if<double>(&a.value)) r.type = TENON_AT_FLOAT, r.v.f = *f;
  if (const auto* s = std::get_if<std::string>(&a.value)) *text = str(*s), r.type = TENON_AT_STR, r.v.strs = text;
  if (const auto* l = std::get_if<std::vector<int64_t>>(&a.value)) r.type = TENON_AT_INTS, r.v.ints = l->data(), r.count = l->size();
  if (const auto* g = std::get_if<tenon_graph*>(&a.value)) r.type = TENON_AT_GRAPH, r.v.graph = *g;
  return r;
}

}  // namespace

GraphMaker::GraphMaker(Session& s, uint64_t seed) : s_(s), inference_(s, m_), rng_(seed), g_(&m_.main()) { m_.importing = true; }

size_t GraphMaker::depth() const {
  size_t d = 0;
  for (const tenon_graph* g = g_; g->index; g = &m_.graphs[g->parent]) ++d;
  return d;
}

Value GraphMaker::any() { return live_.empty() ? 0 : live_[live_.size() - 1 - below(std::min<size_t>(live_.size(), chance(3) ? live_.size() : 6))]; }
Value GraphMaker::any_float(int32_t least_rank) {
  for (int tries = 0; tries < 24; ++tries) {
    const Value v = any();
    if (v && is_f32(v) && type(v).rank >= least_rank) return v;
  }
  return 0;
}
bool GraphMaker::is_f32(Value v) const { return type(v).dtype == dt::f32; }
int64_t GraphMaker::dim(Value v, int64_t k) const {
  const ValueType t = type(v);
  k = k < 0 ? k + t.rank : k;
  return k >= 0 && k < t.rank ? t.dims[static_cast<size_t>(k)] : TENON_DIM_UNKNOWN;
}

Value GraphMaker::input(const std::string& name, tenon_dtype t, std::vector<int64_t> dims) {
  const auto rank = static_cast<int32_t>(dims.size());
  auto v = m_.add_input(*g_, name, {t, rank, std::move(dims)});
  live_.push_back(*v);
  return *v;
}

Value GraphMaker::constant(tenon_dtype t, std::vector<int64_t> dims, const void* data, size_t bytes) {
  auto buffer = alloc_buffer(std::max<size_t>(bytes, 1));
  if (bytes) std::memcpy(buffer->writable(), data, bytes);
  const auto rank = static_cast<int32_t>(dims.size());
  auto v = m_.add_constant("c" + std::to_string(++made_), {t, rank, std::move(dims)}, std::move(*buffer), 0);
  if (!v) throw std::logic_error("the generator makes an impossible constant");
  return *v;
}
Value GraphMaker::ints(const std::vector<int64_t>& v) { return constant(dt::i64, {static_cast<int64_t>(v.size())}, v.data(), v.size() * 8); }
Value GraphMaker::index(int64_t x) { return constant(dt::i64, {}, &x, 8); }
Value GraphMaker::floats(std::vector<int64_t> dims, const std::vector<float>& v) { return constant(dt::f32, std::move(dims), v.data(), v.size() * 4); }
Value GraphMaker::boolean(bool x) {
  const uint8_t byte = x;
  return constant(dt::boolean, {}, &byte, 1);
}
Value GraphMaker::weights(std::vector<int64_t> dims, bool special) {
  static const float odd[] = {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, NAN, 1e-38f};
  std::vector<float> v(static_cast<size_t>(count_of(dims.data(), static_cast<int32_t>(dims.size()))));
  for (auto& x : v) x = special && chance(4) ? odd[below(7)] : 0.25f + static_cast<float>(below(64)) / 32.0f;
  return floats(std::move(dims), v);
}
Value GraphMaker::bytes(std::vector<int64_t> dims, bool is_signed) {
  std::vector<uint8_t> v(static_cast<size_t>(count_of(dims.data(), static_cast<int32_t>(dims.size()))));
  for (auto& x : v) x = static_cast<uint8_t>(below(256));
  return constant(is_signed ? dt::i8 : dt::u8, std::move(dims), v.data(), v.size());
}

std::vector<Value> GraphMaker::nodes(const std::string& op, const std::vector<Value>& in, const std::vector<Attr>& attrs, size_t n_out) {
  std::vector<tenon_str> texts(attrs.size());
  std::vector<tenon_attr> list;
  for (size_t k = 0; k < attrs.size(); ++k) list.push_back(raw(attrs[k], &texts[k]));
  const std::string name = "n" + std::to_string(++made_);
  std::vector<std::string> names;
  std::vector<tenon_str> views;
  for (size_t k = 0; k < n_out; ++k) names.push_back("v" + std::to_string(made_) + (k ? "_" + std::to_string(k) : ""));
  for (const auto& n : names) views.push_back(str(n));
  tenon_node_desc d{};
  d.struct_size = sizeof d;
  d.op = intern_op("tenon", op, 1);
  d.name = str(name);
  d.in = in.data(), d.n_in = in.size();
  d.attr = list.data(), d.n_attr = list.size();
  d.out_name = views.data(), d.n_out = n_out;
  auto n = m_.add_node(*g_, d);
  if (!n) return {};
  std::vector<Value> out;
  m_.outputs(*n, &out);
  const bool typed = static_cast<bool>(inference_.node(*n));
  bool small = typed;
  for (Value v : out) {
    const ValueType t = type(v);
    small = small && t.dtype.code != TENON_DT_NONE && t.rank >= 0 && t.rank <= 6;
    int64_t count = 1;
    for (int64_t x : t.dims) count *= x > 0 ? std::min<int64_t>(x, 1 << 12) : 1;
    small = small && count <= 1 << 12;
  }
  if (small) return out;
  (void)m_.erase_nodes(&*n, 1);
  return {};
}

Value GraphMaker::make(const std::string& op, const std::vector<Value>& in, const std::vector<Attr>& attrs) {
  if (!in.empty() && !in[0]) return 0;
  const auto out = nodes(op, in, attrs);
  if (out.empty()) return 0;
  live_.push_back(out[0]);
  return out[0];
}

void GraphMaker::twin() {
  std::vector<Slot> all;
  for (Slot n = g_->first; n; n = m_.nodes.next[n])
    if (m_.nodes.out_count[n] == 1 && !(m_.nodes.attrs[n] && m_.nodes.attrs[n]->has_graphs())) all.push_back(n);
  if (all.empty()) return;
  const Slot n = pick(all);
  std::vector<Value> in;
  m_.inputs(m_.node_id(n), &in);
  const auto attrs = m_.nodes.attrs[n];
  const std::string name = "twin" + std::to_string(++made_);
  tenon_node_desc d{};
  d.struct_size = sizeof d;
  d.op = m_.nodes.op[n];
  d.name = str(name);
  d.in = in.data(), d.n_in = in.size();
  d.attr = attrs ? attrs->data() : nullptr, d.n_attr = attrs ? attrs->size() : 0;
  d.n_out = 1;
  const tenon_str out_name = str(name);
  d.out_name = &out_name;
  auto made = m_.add_node(*g_, d);
  if (!made || !inference_.node(*made)) throw std::logic_error("a copy of a node is refused");
  std::vector<Value> out;
  m_.outputs(*made, &out);
  live_.push_back(out[0]);
}

void GraphMaker::finish(const std::vector<Value>& out, const std::string& names) {
  std::vector<std::string> text;
  std::vector<tenon_str> views;
  for (size_t k = 0; k < out.size(); ++k) text.push_back(names + std::to_string(k));
  for (const auto& t : text) views.push_back(str(t));
  if (!m_.set_outputs(*g_, out.data(), views.data(), out.size())) throw std::logic_error("the generator names an impossible output");
}

}  // namespace tenon::test
