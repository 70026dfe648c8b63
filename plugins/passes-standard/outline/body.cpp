// SPDX-License-Identifier: Apache-2.0
#include "outline/body.hpp"

#include <algorithm>

namespace tenon::passes::outline {
namespace {

void copy_quantization(const Graph& g, tenon_value from, tenon_value to) {
  int32_t axis = 0;
  const float* scale{};
  const int64_t* zero{};
  uint64_t count = 0;
  ok(api().ir->quantization(g.raw(), from, &axis, &scale, &zero, &count));
  if (!count) return;
  const std::vector<float> scales(scale, scale + count);
  const std::vector<int64_t> zeros(zero, zero + count);
  ok(api().ir->set_quantization(g.ctx(), g.raw(), to, axis, scales.data(), zeros.data(), count));
}

class BodyMaker {
 public:
  BodyMaker(Graph& main, NodeTable& t, const std::vector<std::vector<uint32_t>>& instances, const std::string& name)
      : main_(main), t_(t), instances_(instances), body_(main.ctx(), main.add_subgraph(name)) {}
  Outlined run() {
    find_outputs();
    make_nodes();
    std::vector<tenon_value> out;
    for (auto [member, k] : outputs_) out.push_back(inner_.at(t_.out[first()[member]][k]));
    body_.set_outputs(out);
    for (const auto& i : instances_) call(i);
    drop_constants();
    const uint64_t n = instances_.size(), m = first().size();
    return {n, n * m - n - m, constant_bytes_ * (n - 1)};
  }

 private:
  struct Parameter {
    uint32_t member, slot;  ///< where it is read first
  };
  Graph& main_;
  NodeTable& t_;
  const std::vector<std::vector<uint32_t>>& instances_;
  Graph body_;
  std::unordered_map<uint32_t, tenon_value> inner_;  ///< of values of the first instance
  std::vector<Parameter> parameters_;
  std::vector<std::pair<uint32_t, uint32_t>> outputs_;  ///< member and output that anything outside reads, in any instance
  std::vector<uint32_t> constants_;                     ///< that some instance read
  uint64_t constant_bytes_ = 0;

  const std::vector<uint32_t>& first() const { return instances_[0]; }

  void find_outputs() {
    std::vector<std::vector<uint8_t>> wanted(first().size());
    for (const auto& instance : instances_) {
      std::unordered_map<uint32_t, uint64_t> inside;
      for (uint32_t n : instance)
        for (const Source& s : t_.in[n])
          if (s.value != kNone) ++inside[s.value];
      for (uint32_t k = 0; k < instance.size(); ++k) {
        const auto& out = t_.out[instance[k]];
        wanted[k].resize(out.size());
        for (uint32_t o = 0; o < out.size(); ++o)
          if (out[o] != kNone && t_.n_uses[out[o]] > inside[out[o]]) wanted[k][o] = 1;
      }
    }
    for (uint32_t k = 0; k < wanted.size(); ++k)
      for (uint32_t o = 0; o < wanted[k].size(); ++o)
        if (wanted[k][o]) outputs_.emplace_back(k, o);
  }

  /// A constant with the same contents in all instances belongs to the body.
  bool same_everywhere(uint32_t member, uint32_t slot) const {
    const uint32_t content = t_.content[t_.in[first()[member]][slot].value];
    return content != kNone && std::all_of(instances_.begin(), instances_.end(), [&](const auto& i) { return t_.content[t_.in[i[member]][slot].value] == content; });
  }
  tenon_value input(uint32_t member, uint32_t slot) {
    const uint32_t v = t_.in[first()[member]][slot].value;
    if (v == kNone) return 0;
    const auto it = inner_.find(v);
    if (it != inner_.end()) return it->second;
    const tenon_value outer = t_.value[v];
    if (same_everywhere(member, slot)) {
      constant_bytes_ += main_.constant_bytes(outer).size();
      return inner_[v] = outer;
    }
    const ValueInfo i = main_.info(outer);
    const tenon_value in = body_.add_input(i.name(), i.type(), i.rank(), i.dims().data());
    copy_quantization(main_, outer, in);
    parameters_.push_back({member, slot});
    return inner_[v] = in;
  }

  void make_nodes() {
    for (uint32_t k = 0; k < first().size(); ++k) {
      const uint32_t n = first()[k];
      const tenon_node old = t_.id[n];
      Graph::New d;
      d.op = main_.op(old);
      for (uint32_t s = 0; s < t_.in[n].size(); ++s) d.in.push_back(input(k, s));
      AttrList attrs;
      const Attrs of_old = main_.attrs(old);
      for (const tenon_attr& a : of_old.all()) attrs.copy(a);
      d.attrs = &attrs;
      d.no_outputs = t_.out[n].empty();
      for (uint32_t v : t_.out[n]) {
        d.out_names.push_back(v == kNone ? "" : std::string(main_.info(t_.value[v]).name()));
        d.out_absent.push_back(v == kNone);
      }
      for (const auto& i : instances_) d.origins.push_back(t_.id[i[k]]);
      d.name = std::string(main_.name(old));
      const tenon_node made = body_.add(d);
      const Ids out = body_.outputs(made);
      for (size_t o = 0; o < out.size(); ++o) {
        const uint32_t v = t_.out[n][o];
        if (v == kNone) continue;
        main_.copy_type(out[o], t_.value[v]);
        copy_quantization(main_, t_.value[v], out[o]);
        inner_[v] = out[o];
      }
    }
  }

  void call(const std::vector<uint32_t>& instance) {
    Graph g(main_.ctx(), t_.graph[instance[0]]);
    AttrList attrs;
    attrs.add("body", body_.raw());
    Graph::New d;
    d.op = Graph::op("Call");
    d.attrs = &attrs;
    d.no_outputs = outputs_.empty();
    for (const Parameter& p : parameters_) d.in.push_back(t_.value[t_.in[instance[p.member]][p.slot].value]);
    std::vector<tenon_node> nodes;
    for (uint32_t n : instance) nodes.push_back(t_.id[n]);
    for (auto [member, k] : outputs_) d.out_names.emplace_back(g.info(t_.value[t_.out[instance[member]][k]]).name());
    d.origins = nodes;
    d.before = nodes[0];
    d.name = std::string(g.name(nodes.back()));
    const tenon_node made = g.add(d);
    const Ids out = g.outputs(made);
    for (size_t o = 0; o < outputs_.size(); ++o) {
      tenon_value& value = t_.value[t_.out[instance[outputs_[o].first]][outputs_[o].second]];
      const tenon_value old = std::exchange(value, out[o]);  // what reads it comes later
      g.copy_type(out[o], old);
      copy_quantization(g, old, out[o]);
      g.replace_uses(old, out[o]);
    }
    g.erase(nodes);
    for (uint32_t n : instance)
      for (const Source& s : t_.in[n])
        if (s.value != kNone && t_.content[s.value] != kNone) constants_.push_back(s.value);
  }
  void drop_constants() {
    std::sort(constants_.begin(), constants_.end());
    constants_.erase(std::unique(constants_.begin(), constants_.end()), constants_.end());
    for (uint32_t v : constants_)
      if (main_.info(t_.value[v]).n_uses() == 0) ok(api().ir->erase_constants(main_.ctx(), main_.raw(), 1, &t_.value[v]));
  }
};

}  // namespace

Outlined make_body(Graph& main, NodeTable& t, const std::vector<std::vector<uint32_t>>& instances, const std::string& name) {
  return BodyMaker(main, t, instances, name).run();
}

}  // namespace tenon::passes::outline
