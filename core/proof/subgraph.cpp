// SPDX-License-Identifier: Apache-2.0
#include "subgraph.hpp"

#include <algorithm>
#include <cstring>

#include "../data/shape.hpp"
#include "../exec/infer.hpp"
#include "../ir/verifier.hpp"
#include "../ir/walk.hpp"
#include "../model/tenon_file.hpp"

namespace tenon::core {
namespace {

/// Written and read again: what nobody uses is gone.
Result<std::unique_ptr<Model>> compact(const Model& m) {
  std::string bytes;
  TENON_TRY(write_tenon(m, [&](const void* p, uint64_t n) -> Status {
    bytes.append(static_cast<const char*>(p), n);
    return {};
  }));
  auto b = alloc_buffer(std::max<size_t>(bytes.size(), 1));
  if (!b) return fail(std::move(b.error()));
  std::memcpy(b->writable(), bytes.data(), bytes.size());
  return read_tenon(std::move(*b));
}

Status erase_unused_constants(Model& m) {
  for (Slot v = 1; v < m.values.generation.size(); ++v) {
    const tenon_value id = m.value_id(v);
    if (!m.alive_value(id) || !(m.values.flags[v] & TENON_VF_CONSTANT) || m.values.n_uses[v] || m.values.extra_uses[v]) continue;
    TENON_TRY(m.erase_constants(&id, 1));
  }
  return {};
}

/// Inputs that nobody reads go, with their contents.
void drop_unused_inputs(Sample* s) {
  Model& m = *s->model;
  std::vector<tenon_value> kept;
  std::vector<Tensor> contents;
  for (size_t k = 0; k < m.main().inputs.size(); ++k) {
    const Slot v = slot(m.main().inputs[k]);
    if (!m.values.n_uses[v] && !m.values.extra_uses[v]) continue;
    kept.push_back(m.main().inputs[k]);
    contents.push_back(s->inputs[k]);
  }
  m.main().inputs = std::move(kept);
  s->inputs = std::move(contents);
}

Status finish(Session& session, Sample* s) {
  drop_unused_inputs(s);
  TENON_TRY(erase_unused_constants(*s->model));
  auto small = compact(*s->model);
  if (!small) return fail(std::move(small.error()));
  s->model = std::move(*small);
  TENON_TRY(infer_graph(session, *s->model, s->model->main()));
  return verify(session, *s->model);
}

/// Contents of values of the main graph.
Result<Outputs> contents_of(Session& s, const Sample& of, const std::vector<tenon_value>& values, const GraphRunner& run) {
  if (values.empty()) return Outputs();
  auto m = of.model->clone();
  std::vector<std::string> names;
  std::vector<tenon_str> texts;
  for (size_t k = 0; k < values.size(); ++k) names.push_back("value " + std::to_string(k));
  for (const auto& n : names) texts.push_back({n.data(), n.size()});
  TENON_TRY(m->set_outputs(m->main(), values.data(), texts.data(), values.size()));
  return run(s, *m, "reference", TensorSet(of.inputs), 1);
}

std::string unused_name(std::string_view wanted, std::set<std::string>* used) {
  std::string name(wanted.empty() ? "value" : wanted);
  while (!used->insert(name).second) name += '\'';
  return name;
}

Status set_named_outputs(Model& m, const std::vector<tenon_value>& out) {
  std::set<std::string> used;
  std::vector<std::string> names;
  std::vector<tenon_str> texts;
  for (tenon_value v : out) names.push_back(unused_name(m.value_name(v), &used));
  for (const auto& n : names) texts.push_back({n.data(), n.size()});
  return m.set_outputs(m.main(), out.data(), texts.data(), out.size());
}

/// Which values cross the border of a set of nodes.
struct Border {
  std::vector<tenon_value> in, out;
};
Border border_of(const Model& m, const std::vector<tenon_node>& all, const std::set<tenon_node>& keep) {
  Border b;
  std::set<tenon_value> made_inside, seen_in, read_outside, read_inside;
  std::vector<tenon_value> ids;
  for (tenon_node n : all) {
    const bool inside = keep.count(n) != 0;
    for (tenon_value v : reads(m, n)) {
      const bool made_elsewhere = m.values.producer[slot(v)] && !made_inside.count(v);
      if (inside && made_elsewhere && seen_in.insert(v).second) b.in.push_back(v);
      (inside ? read_inside : read_outside).insert(v);
    }
    m.outputs(n, &ids);
    if (inside) made_inside.insert(ids.begin(), ids.end());
  }
  const std::set<tenon_value> outputs(m.main().outputs.begin(), m.main().outputs.end());
  for (tenon_node n : all) {
    if (!keep.count(n)) continue;
    m.outputs(n, &ids);
    for (tenon_value v : ids)
      if (v && (read_outside.count(v) || outputs.count(v) || !read_inside.count(v))) b.out.push_back(v);
  }
  return b;
}

template <class T> void slice_dense(const uint8_t* from, const std::vector<int64_t>& old_dims, const std::vector<int64_t>& dims, size_t axis, uint64_t* at, T* to) {
  if (axis == dims.size()) {
    to[(*at)++] = reinterpret_cast<const T*>(from)[0];
    return;
  }
  int64_t stride = 1;
  for (size_t k = axis + 1; k < old_dims.size(); ++k) stride *= old_dims[k];
  for (int64_t k = 0; k < dims[axis]; ++k) slice_dense(from + static_cast<uint64_t>(k * stride) * sizeof(T), old_dims, dims, axis + 1, at, to);
}

struct Wide {
  uint64_t a, b;
};

/// The first elements along every axis; dims are at most the old ones. Whole bytes only.
bool slice_bytes(const uint8_t* from, tenon_dtype t, const std::vector<int64_t>& old_dims, const std::vector<int64_t>& dims, uint8_t* to) {
  uint64_t at = 0;
  switch (t.bits) {
    case 8: slice_dense(from, old_dims, dims, 0, &at, to); return true;
    case 16: slice_dense(from, old_dims, dims, 0, &at, reinterpret_cast<uint16_t*>(to)); return true;
    case 32: slice_dense(from, old_dims, dims, 0, &at, reinterpret_cast<uint32_t*>(to)); return true;
    case 64: slice_dense(from, old_dims, dims, 0, &at, reinterpret_cast<uint64_t*>(to)); return true;
    case 128: slice_dense(from, old_dims, dims, 0, &at, reinterpret_cast<Wide*>(to)); return t.code == TENON_DT_COMPLEX;
    default: return false;
  }
}

bool change(std::vector<int64_t>* dims, int64_t from, int64_t to) {
  bool any = false;
  for (int64_t& d : *dims)
    if (d == from) d = to, any = true;
  return any;
}

/// Changes a constant, or small integers that hold the size.
Status resize_constant(Model& m, Slot v, int64_t from, int64_t to) {
  ValueType t = m.type(m.value_id(v));
  const std::vector<int64_t> old_dims = t.dims;
  const auto [data, bytes] = m.constant_bytes(m.value_id(v));
  const bool sizes = t.dtype == dt::i64 && t.rank <= 1 && bytes <= 64;
  if (t.dtype.code == TENON_DT_STRING || (!sizes && !change(&t.dims, from, to))) return {};
  auto n = dense_bytes(t.dtype, t.dims);
  if (!n) return fail(std::move(n.error()));
  auto b = alloc_buffer(std::max<uint64_t>(*n, 1));
  if (!b) return fail(std::move(b.error()));
  if (!slice_bytes(data, t.dtype, old_dims, t.dims, b->writable())) return fail(TENON_E_NOT_FOUND, "a constant of packed elements");
  for (uint64_t k = 0; sizes && k < bytes / 8; ++k) {
    auto* x = reinterpret_cast<int64_t*>(b->writable()) + k;
    if (*x == from) *x = to;
  }
  auto made = m.add_constant(m.values.name[v], t, std::move(*b), 0);
  if (!made) return fail(std::move(made.error()));
  return m.replace_uses(m.value_id(v), *made);
}

}  // namespace

Result<std::vector<tenon_node>> main_nodes(const Model& m) { return m.topological(m.main()); }

std::vector<tenon_value> reads(const Model& m, tenon_node n) {
  std::vector<tenon_value> all, r;
  m.inputs(n, &all);
  if (const AttrSet* a = m.attrs(n); a && a->has_graphs())
    for (uint64_t k = 0; k < a->size(); ++k)
      for_each_reference(a->data()[k], [&](const tenon_graph& g) {
        const auto more = m.captures(g);
        all.insert(all.end(), more.begin(), more.end()); }, [](tenon_value) {});
  for (tenon_value v : all)
    if (v && !(m.values.flags[slot(v)] & TENON_VF_CONSTANT)) r.push_back(v);
  return r;
}

Result<Sample> cut(Session& s, const Sample& of, const std::set<tenon_node>& keep, const GraphRunner& run) {
  auto order = main_nodes(*of.model);
  if (!order) return fail(std::move(order.error()));
  const Border border = border_of(*of.model, *order, keep);
  if (border.out.empty()) return fail(TENON_E_NOT_FOUND, "nothing is left");
  auto contents = contents_of(s, of, border.in, run);
  if (!contents) return fail(std::move(contents.error()));
  Sample r{of.model->clone(), of.inputs};
  Model& m = *r.model;
  std::set<std::string> names;
  for (tenon_value v : m.main().inputs) names.insert(std::string(m.value_name(v)));
  for (size_t k = 0; k < border.in.size(); ++k) {
    ValueType t = m.type(border.in[k]);
    const Tensor& x = (*contents)[k];
    if (is_tensor(t.dtype)) t = {x.type, static_cast<int32_t>(x.dims.size()), x.dims};
    auto input = m.add_input(m.main(), unused_name(m.value_name(border.in[k]), &names), t);
    if (!input) return fail(std::move(input.error()));
    TENON_TRY(m.replace_uses(border.in[k], *input));
    r.inputs.push_back(x);
  }
  TENON_TRY(set_named_outputs(m, border.out));
  std::vector<tenon_node> gone;
  for (tenon_node n : *order)
    if (!keep.count(n)) gone.push_back(n);
  TENON_TRY(m.erase_nodes(gone.data(), gone.size()));
  TENON_TRY(finish(s, &r));
  return r;
}

Result<Sample> one_output(Session& s, const Sample& of, size_t output, const GraphRunner&) {
  Sample r{of.model->clone(), of.inputs};
  Model& m = *r.model;
  const tenon_value v = m.main().outputs.at(output);
  TENON_TRY(set_named_outputs(m, {v}));
  auto order = main_nodes(m);
  if (!order) return fail(std::move(order.error()));
  std::set<tenon_value> wanted = {v};
  std::vector<tenon_value> ids;
  std::vector<tenon_node> gone;
  for (auto n = order->rbegin(); n != order->rend(); ++n) {
    m.outputs(*n, &ids);
    bool needed = ids.empty();
    for (tenon_value o : ids) needed = needed || wanted.count(o);
    if (!needed) gone.push_back(*n);
    else
      for (tenon_value x : reads(m, *n)) wanted.insert(x);
  }
  TENON_TRY(m.erase_nodes(gone.data(), gone.size()));
  TENON_TRY(finish(s, &r));
  return r;
}

Result<Sample> resized(Session& s, const Sample& of, int64_t from, int64_t to) {
  Sample r{of.model->clone(), of.inputs};
  Model& m = *r.model;
  bool any = false;
  for (size_t k = 0; k < r.inputs.size(); ++k) {
    Tensor& x = r.inputs[k];
    std::vector<int64_t> dims = x.dims;
    if (!x.buffer || !change(&dims, from, to)) continue;
    any = true;
    auto small = Tensor::zeros(x.type, dims);
    if (!small) return fail(std::move(small.error()));
    if (!slice_bytes(x.buffer.data(), x.type, x.dims, dims, small->buffer.writable())) return fail(TENON_E_NOT_FOUND, "an input of packed elements");
    x = std::move(*small);
    ValueType t = m.type(m.main().inputs[k]);
    if (t.rank >= 0 && change(&t.dims, from, to)) TENON_TRY(m.set_type(m.main().inputs[k], t.dtype, t.rank, t.dims.data()));
  }
  if (!any) return fail(TENON_E_NOT_FOUND, "no input has this size");
  const auto n_values = static_cast<Slot>(m.values.generation.size());
  for (Slot v = 1; v < n_values; ++v)
    if (m.alive_value(m.value_id(v)) && (m.values.flags[v] & TENON_VF_CONSTANT)) TENON_TRY(resize_constant(m, v, from, to));
  TENON_TRY(finish(s, &r));
  return r;
}

std::vector<int64_t> input_sizes(const Sample& s) {
  std::set<int64_t> all;
  for (const auto& t : s.inputs)
    for (int64_t d : t.dims)
      if (d > 1) all.insert(d);
  return {all.rbegin(), all.rend()};
}

}  // namespace tenon::core
