// SPDX-License-Identifier: Apache-2.0
#include "rewrite.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::saturate {
namespace {

constexpr uint64_t kMostConstantBytes = uint64_t{1} << 30;

bool quantized(const Graph& g, tenon_value v) {
  int32_t axis = 0;
  const float* scale{};
  const int64_t* zero{};
  uint64_t count = 0;
  ok(api().ir->quantization(g.raw(), v, &axis, &scale, &zero, &count));
  return count != 0;
}

}  // namespace

Rewrite::Rewrite(const Ctx& ctx, Graph& g, EGraph& e) : ctx_(ctx), g_(g), e_(e) {
  for (tenon_node n : g.nodes()) {
    if (add(n)) continue;
    for (tenon_value v : g.outputs(n))
      if (v) of_value_[v] = e.add_value(v);
  }
  find_roots();
}

bool Rewrite::add(tenon_node n) {
  const auto op = operation_of(g_, n);
  const Ids in = g_.inputs(n), out = g_.outputs(n);
  if (!op || in.empty() || out.empty()) return false;
  std::vector<Type> types;
  for (tenon_value v : out) {
    if (!v || quantized(g_, v) || !is_tensor(g_.info(v).type())) return false;
    types.push_back(type_of(g_.info(v)));
  }
  std::vector<ClassId> children;
  for (tenon_value v : in) {
    if (!v) {
      children.push_back(kNoId);
      continue;
    }
    const auto it = of_value_.find(v);
    children.push_back(it == of_value_.end() ? of_value_[v] = e_.add_value(v) : it->second);
  }
  const auto made = e_.add(*op, std::move(children), types, {n}, n);
  for (size_t k = 0; k < out.size(); ++k) of_value_[out[k]] = made[k];
  NodeId first = 0;
  for (NodeId m : e_.cls(made[0]).members)
    if (!e_.is_leaf(m)) first = m;
  nodes_.push_back(n);
  works_.push_back(e_.expression(first).work);
  return true;
}

void Rewrite::find_roots() {
  std::unordered_map<tenon_value, uint64_t> inside;
  for (tenon_node n : nodes_)
    for (tenon_value v : g_.inputs(n)) ++inside[v];
  for (tenon_node n : nodes_)
    for (tenon_value v : g_.outputs(n))
      if (g_.info(v).n_uses() > inside[v]) roots_.push_back({v, of_value_.at(v)});
}

std::vector<ClassId> Rewrite::roots() const {
  std::vector<ClassId> r;
  for (const Root& x : roots_) r.push_back(x.cls);
  return r;
}

double Rewrite::cost(const Selection& s) const {
  // What no root needs costs nothing, nor does what is there twice: other passes drop that for sure.
  std::unordered_map<WorkId, bool> seen;
  double total = 0;
  for (WorkId w : works_)
    if (seen.emplace(w, true).second) total += s.work_cost(w);
  return total;
}

tenon_value Rewrite::literal(const Class& c) {
  if (c.literal->value) return c.literal->value;
  Buffer b = Buffer::alloc(g_.ctx(), c.literal->data.size());
  if (!c.literal->data.empty()) std::memcpy(b.writable(), c.literal->data.data(), c.literal->data.size());
  return g_.add_constant("", c.type.dtype, c.type.dims, b);
}

tenon_value Rewrite::value_of(const Selection& s, ClassId root) {
  std::vector<ClassId> open{e_.find(root)};
  while (!open.empty()) {
    const ClassId c = open.back();
    bool ready = true;
    if (!made_.count(c) && !e_.is_leaf(s.chosen(c)))
      for (ClassId x : e_.work_of(s.chosen(c)).children)
        if (x != kNoId && !made_.count(e_.find(x))) {
          open.push_back(e_.find(x));
          ready = false;
        }
    if (!ready) continue;
    open.pop_back();
    if (!made_.count(c)) make(s, c);
  }
  return made_.at(e_.find(root));
}

void Rewrite::make(const Selection& s, ClassId c) {
  const NodeId n = s.chosen(c);
  if (e_.is_leaf(n)) {
    const tenon_value v = e_.leaf_value(n);
    made_[c] = v ? v : literal(e_.cls(c));
    return;
  }
  const WorkId w = e_.expression(n).work;
  const NodeId first = n - e_.expression(n).output;
  const auto out = emit(first);
  // The other outputs, where they were chosen too, are those of the same node.
  for (NodeId k = first; k < e_.n_expressions() && e_.expression(k).work == w; ++k) {
    const ClassId x = e_.find(e_.expression(k).cls);
    if (s.chosen(x) == k) made_.try_emplace(x, out[e_.expression(k).output]);
  }
}

std::vector<tenon_value> Rewrite::emit(NodeId first) {
  const WorkId w = e_.expression(first).work;
  const Work& work = e_.work(w);
  std::vector<tenon_value> in;
  for (ClassId c : work.children) in.push_back(c == kNoId ? 0 : made_.at(e_.find(c)));
  if (work.given && g_.inputs(work.given) == in) return g_.outputs(work.given);
  const Operation& op = e_.operation(w);
  const AttrList attrs = op.list();
  Graph::New d;
  d.op = Graph::op(op.name);
  d.in = in;
  d.attrs = &attrs;
  d.out_names.resize(op.n_outputs);
  d.origins = work.origins;
  d.name = std::string(g_.name(work.origins[0]));
  const tenon_node n = g_.add(d);
  ++n_made_;
  auto out = g_.outputs(n).vec();
  bool constant = true;
  for (NodeId k = first; k < e_.n_expressions() && e_.expression(k).work == w; ++k) {
    const Type& t = e_.type(e_.expression(k).cls);
    ok(api().ir->set_type(g_.ctx(), g_.raw(), out[e_.expression(k).output], t.dtype, t.rank, t.dims.data()));
    constant &= e_.cls(e_.expression(k).cls).constant;
  }
  if (!constant) return out;
  std::vector<tenon_value> folded(out.size());
  if (tenon_error* e = api().exec->evaluate(g_.ctx(), g_.raw(), n, kMostConstantBytes, folded.data(), folded.size())) {
    api().core->error_free(e);  // it is computed at run time then
    return out;
  }
  g_.erase(n);
  return folded;
}

/// A graph must not hand through its inputs or constants, nor one value under two names.
void Rewrite::replace(const Root& r, tenon_value v) {
  if (v == r.value) return;
  const ValueInfo old = g_.info(r.value), now = g_.info(v);
  if (old.is_output() && (!now.producer() || now.graph() != old.graph() || now.is_output())) {
    Graph::New d;
    d.op = Graph::op("Identity");
    d.in = {v};
    d.origins = {old.producer()};
    d.name = std::string(g_.name(old.producer()));
    const tenon_node n = g_.add(d);
    v = g_.output(n);
    g_.copy_type(v, r.value);
  }
  const std::string name(old.name());
  const bool output = old.is_output();
  g_.replace_uses(r.value, v);
  const ValueInfo i = g_.info(v);
  if (i.producer() && (i.name().empty() || output)) ok(api().ir->set_name(g_.ctx(), g_.raw(), 0, v, str(name)));
}

void Rewrite::erase_dead() {
  std::vector<tenon_value> constants;
  auto nodes = g_.nodes();
  std::unordered_map<tenon_node, bool> mine;
  for (tenon_node n : nodes_) mine[n] = true;
  for (auto n = nodes.rbegin(); n != nodes.rend(); ++n) {
    const Ids in = g_.inputs(*n), out = g_.outputs(*n);
    bool dead = mine.count(*n) != 0;
    for (tenon_value v : out) dead = dead && g_.info(v).n_uses() == 0;
    if (!dead) continue;
    g_.erase(*n);
    for (tenon_value v : in)
      if (v && g_.is_constant(v)) constants.push_back(v);
  }
  for (const auto& [c, v] : made_)
    if (api().ir->value_alive(g_.raw(), v) && g_.is_constant(v)) constants.push_back(v);
  std::sort(constants.begin(), constants.end());
  constants.erase(std::unique(constants.begin(), constants.end()), constants.end());
  for (tenon_value v : constants)
    if (g_.info(v).n_uses() == 0) ok(api().ir->erase_constants(g_.ctx(), g_.raw(), 1, &v));
}

uint64_t Rewrite::apply(const Selection& s) {
  std::vector<tenon_value> values;
  for (const Root& r : roots_) values.push_back(value_of(s, r.cls));
  for (size_t k = 0; k < roots_.size(); ++k) replace(roots_[k], values[k]);
  erase_dead();
  return n_made_;
}

}  // namespace tenon::saturate
