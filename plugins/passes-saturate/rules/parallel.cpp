// SPDX-License-Identifier: Apache-2.0
// Products and convolutions that read the same value with constant weights: one with all the weights, and a Split of what it yields.
// Every element is the same sum of the same products.
#include <algorithm>
#include <map>

#include "rule.hpp"

namespace tenon::saturate {
namespace {

/// A weight's axis that the outputs are made along, and the same axis of the output.
struct Axes {
  size_t weight, bias, out;
};

bool constant(const EGraph& e, ClassId c) { return c != kNoId && e.cls(c).constant && e.type(c).is_static(); }

std::optional<Axes> mat_mul(const EGraph& e, NodeId n) {
  const Type &w = e.type(e.child(n, 1)), &y = e.type(e.expression(n).cls);
  if (!constant(e, e.child(n, 1)) || w.rank != 2 || y.rank < 2) return std::nullopt;
  return Axes{1, 0, y.dims.size() - 1};
}
std::optional<Axes> gemm(const EGraph& e, NodeId n) {
  const Operation& op = e.operation_of_expression(n);
  const ClassId bias = e.child(n, 2);
  const Type& y = e.type(e.expression(n).cls);
  if (!constant(e, e.child(n, 1)) || y.rank != 2 || op.find("activation_params")) return std::nullopt;
  if (bias != kNoId && (!constant(e, bias) || e.type(bias).rank != 1 || e.type(bias).dims[0] != y.dims[1])) return std::nullopt;
  return Axes{op.i("transB", 0) ? size_t{0} : size_t{1}, 0, 1};
}
std::optional<Axes> conv(const EGraph& e, NodeId n) {
  const Operation& op = e.operation_of_expression(n);
  if (!constant(e, e.child(n, 1)) || op.i("group", 1) != 1 || e.child(n, 3) != kNoId || (e.child(n, 2) != kNoId && !constant(e, e.child(n, 2)))) return std::nullopt;
  return Axes{0, 0, 1};
}
std::optional<Axes> axes_of(const EGraph& e, NodeId n) {
  const std::string& name = e.operation_of_expression(n).name;
  return name == "MatMul" ? mat_mul(e, n) : name == "Gemm" ? gemm(e, n) : conv(e, n);
}

/// Equal but for the weights' size along the axis.
std::string kind_of(const EGraph& e, NodeId n, const Axes& a) {
  Type w = e.type(e.child(n, 1));
  w.dims[a.weight] = 0;
  std::string k = e.operation_of_expression(n).key();
  for (int64_t d : w.dims) k += std::to_string(d) + ",";
  return k + (e.child(n, 2) != kNoId ? "b" : "") + std::to_string(a.weight);
}

ClassId concat(Matcher& m, const std::vector<ClassId>& parts, size_t axis, const std::vector<tenon_node>& origins) {
  Type t = m.e.type(parts[0]);
  t.dims[axis] = 0;
  for (ClassId c : parts) t.dims[axis] += m.e.type(c).dims[axis];
  return m.e.add(Operation("Concat").set("axis", static_cast<int64_t>(axis)), parts, t, origins);
}

void merge(Matcher& m, const std::vector<NodeId>& all, const Axes& a) {
  std::vector<ClassId> weights, biases;
  std::vector<int64_t> sizes;
  std::vector<Type> types;
  for (NodeId n : all) {
    weights.push_back(m.e.child(n, 1));
    if (m.e.child(n, 2) != kNoId) biases.push_back(m.e.child(n, 2));
    types.push_back(m.e.type(m.e.expression(n).cls));
    sizes.push_back(types.back().dims[a.out]);
  }
  const auto origins = m.origins(all);
  std::vector<ClassId> in{m.e.child(all[0], 0), concat(m, weights, a.weight, origins)};
  if (!biases.empty()) in.push_back(concat(m, biases, a.bias, origins));
  Type whole = types[0];
  for (size_t k = 1; k < sizes.size(); ++k) whole.dims[a.out] += sizes[k];
  const Operation op = m.e.operation_of_expression(all[0]);
  const ClassId y = m.e.add(op, in, whole, origins);
  Operation split("Split", static_cast<uint32_t>(all.size()));
  split.set("axis", static_cast<int64_t>(a.out));
  const auto parts = m.e.add(split, {y, m.e.add_ints(sizes)}, types, origins);
  for (size_t k = 0; k < all.size(); ++k) m.equal(m.e.expression(all[k]).cls, parts[k]);
}

/// Asked of the first of them: those that read the same value.
void parallel(Matcher& m, NodeId n) {
  const auto axes = axes_of(m.e, n);
  if (!axes || m.e.operation_of_expression(n).n_outputs != 1) return;
  const ClassId x = m.e.child(n, 0);
  const std::string kind = kind_of(m.e, n, *axes), name = m.e.operation_of_expression(n).name;
  std::vector<NodeId> all;
  std::map<ClassId, bool> weights;
  for (NodeId p : m.e.cls(x).parents) {
    const bool candidate = m.e.expression(p).live && m.e.operation_of_expression(p).name == name && m.e.child(p, 0) == x && m.e.work_of(p).given;
    if (!candidate) continue;
    const auto other = axes_of(m.e, p);
    if (other && kind_of(m.e, p, *other) == kind && m.e.type(m.e.expression(p).cls).dims[other->out] >= 0 && weights.emplace(m.e.child(p, 1), true).second) all.push_back(p);
  }
  std::sort(all.begin(), all.end());
  if (all.size() > 1 && all[0] == n) merge(m, all, *axes);
}

}  // namespace

void register_parallel(RuleTable& t) { t.add({"parallel-products", true, {"Conv", "Gemm", "MatMul"}, parallel}); }

}  // namespace tenon::saturate
