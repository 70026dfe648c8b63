// SPDX-License-Identifier: Apache-2.0
// Reads the specialized graph into the builder's values and nodes.
#include <algorithm>

#include "regions.hpp"

namespace tenon::cpu {

std::shared_ptr<void> PackCache::find(tenon_value id, const std::string& form) const {
  for (const auto& e : entries_)
    if (e.id == id && e.form == form) return e.data;
  return nullptr;
}

Builder::Builder(tenon_ctx* c, OwnedGraph graph, const BuilderOptions& options) : c_(c), options_(options), plan_(std::make_unique<Plan>()) {
  plan_->graph = std::move(graph);
  Graph g(c, plan_->graph.g);
  const tenon_view& v = *g.view().v;
  load_values(v);
  load_nodes(v);
  auto inputs = g.graph_inputs();
  for (uint64_t k = 0; k < inputs.size(); ++k)
    for (ValueId i = 0; i < values_.size(); ++i)
      if (values_[i].id == inputs[k]) {
        values_[i].input = static_cast<int32_t>(k);
        plan_->input_values.push_back(i);
      }
  for (auto o : g.graph_outputs())
    for (ValueId i = 0; i < values_.size(); ++i)
      if (values_[i].id == o) plan_->output_values.push_back(i);
}

namespace {

/// A constant of strings holds offsets and text; kernels see an array of references into it.
std::shared_ptr<void> string_elements(Span<uint8_t> bytes, const Dims& dims) {
  const auto count = static_cast<size_t>(count_of(dims.data(), static_cast<int32_t>(dims.size())));
  const uint64_t head = (count + 1) * sizeof(uint64_t);
  if (bytes.size() < head) throw invalid("a constant of strings is cut off");
  std::vector<uint64_t> offset(count + 1);
  std::memcpy(offset.data(), bytes.p, head);
  auto r = std::make_shared<std::vector<tenon_str>>(count + 1, tenon_str{"", 0});
  for (size_t i = 0; i < count; ++i) {
    if (offset[i] > offset[i + 1] || offset[i + 1] > bytes.size() - head) throw invalid("a constant of strings has a wrong table of offsets");
    (*r)[i] = {reinterpret_cast<const char*>(bytes.p) + head + offset[i], offset[i + 1] - offset[i]};
  }
  return {r, r->data()};
}

}  // namespace

void Builder::load_values(const tenon_view& v) {
  Graph g(c_, plan_->graph.g);
  values_.resize(v.n_values);
  for (uint64_t i = 0; i < v.n_values; ++i) {
    PlanValue& x = values_[i];
    x.id = v.value[i];
    x.type = v.dtype[i];
    x.known = v.rank[i] >= 0 && is_tensor(x.type) && x.type.code != TENON_DT_NONE && x.type.code != TENON_DT_STRING;
    if (v.rank[i] > 0) x.dims.assign(v.dim + v.dim_off[i], v.dim + v.dim_off[i + 1]);
    for (auto d : x.dims) x.known = x.known && d >= 0;
    if (v.vflags[i] & TENON_VF_CONSTANT) {
      x.constant = true;
      x.data = g.constant_bytes(x.id).p;
      if (x.type == dt::string) {
        plan_->keep.push_back(string_elements(g.constant_bytes(x.id), x.dims));
        x.data = plan_->keep.back().get();
      }
      x.shareable = options_.shared && std::binary_search(options_.shared->begin(), options_.shared->end(), x.id);
    }
  }
}

void Builder::load_nodes(const tenon_view& v) {
  Graph g(c_, plan_->graph.g);
  nodes_.resize(v.n_nodes);
  for (uint64_t i = 0; i < v.n_nodes; ++i) {
    PlanNode& n = nodes_[i];
    n.id = v.node[i];
    n.code = v.op[i];
    const auto name = Graph::op_name(n.code);
    if (name.domain == "tenon" && name.version == 1) n.op = name.name;
    n.name = g.name(n.id);
    n.attrs = g.attrs(n.id);
    n.flags = v.nflags[i];
    n.merged = {n.id};
    for (uint64_t k = v.in_off[i]; k < v.in_off[i + 1]; ++k) n.in.push_back(v.in_val[k]);
    for (uint64_t k = v.out_off[i]; k < v.out_off[i + 1]; ++k) n.out.push_back(v.out_val[k]);
  }
}

void Builder::load_uses() {
  for (auto& v : values_) {
    v.last_use = -1;
    v.n_uses = 0;
  }
  Graph g(c_, plan_->graph.g);
  auto use = [&](ValueId v, size_t position) {
    if (v == kNoValue) return;
    values_[v].last_use = std::max(values_[v].last_use, static_cast<int32_t>(position));
    ++values_[v].n_uses;
  };
  // Dead nodes go first, last to first, so that what only they read is not kept alive.
  std::vector<uint8_t> wanted(values_.size(), 0);
  for (auto o : plan_->output_values) wanted[o] = 1;
  for (size_t i = nodes_.size(); i-- > 0;) {
    PlanNode& n = nodes_[i];
    if (n.gone) continue;
    bool needed = n.flags & TENON_NF_SIDE_EFFECTS;
    for (auto o : n.out) needed = needed || (o != kNoValue && wanted[o]);
    if (!needed) {
      n.gone = true;
      continue;
    }
    for (auto v : n.in) {
      if (v != kNoValue) wanted[v] = 1;
      use(v, i);
    }
    for (const auto& p : n.posts)
      if (p.operand != kNoValue) {
        wanted[p.operand] = 1;
        use(p.operand, i);
      }
    if (!(n.flags & TENON_NF_SUBGRAPHS)) continue;
    for (const auto& a : n.attrs.all()) {
      if (a.type != TENON_AT_GRAPH && a.type != TENON_AT_GRAPHS) continue;
      for (uint64_t k = 0; k < a.count; ++k) {
        const tenon_value* captured{};
        uint64_t count{};
        ok(api().ir->captures(c_, a.type == TENON_AT_GRAPH ? a.v.graph : a.v.graphs[k], &captured, &count));
        for (uint64_t q = 0; q < count; ++q)
          for (ValueId v = 0; v < values_.size(); ++v)
            if (values_[v].id == captured[q]) {
              wanted[v] = 1;
              use(v, i);
            }
      }
    }
  }
  for (auto o : plan_->output_values) {
    values_[o].last_use = kForever;
    ++values_[o].n_uses;
  }
}

std::optional<Dims> Builder::constant_ints(ValueId v) const {
  if (!is_constant(v) || !values_[v].known) return std::nullopt;
  const PlanValue& x = values_[v];
  tenon_tensor t{};
  t.struct_size = sizeof t;
  t.rank = static_cast<int32_t>(x.dims.size());
  t.dim = x.dims.data();
  t.data = const_cast<void*>(x.data);
  t.type = x.type;
  if (!is_int(x.type) && x.type.code != TENON_DT_BOOL) return std::nullopt;
  return Tensor(&t).ints();
}

std::optional<float> Builder::constant_scalar(ValueId v) const {
  if (!is_constant(v) || !is_f32(v) || values_[v].count() != 1) return std::nullopt;
  float f;
  std::memcpy(&f, values_[v].data, sizeof f);
  return f;
}

}  // namespace tenon::cpu
