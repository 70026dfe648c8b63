// SPDX-License-Identifier: Apache-2.0
// Single operators and what does nothing.
#include "motifs.hpp"

#include <tenon/dtype.hpp>

#include <cmath>

namespace tenon::test {
namespace {

using Names = std::vector<std::string>;

void unary(GraphMaker& g) {
  static const Names all = {"Relu", "Neg", "Abs", "Tanh", "Sigmoid", "Exp", "Sqrt", "Erf", "HardSwish", "LeakyRelu", "Softplus", "Floor", "Ceil", "Round", "Sign", "Reciprocal", "Gelu", "Swish", "Elu", "HardSigmoid", "Rsqrt", "Sin", "Cos"};
  g.make(g.pick(all), {g.any_float()});
}
void clip(GraphMaker& g) {
  const Value x = g.any_float();
  if (x) g.make("Clip", {g.make("Clip", {x, g.number(-1), g.number(2)}), g.number(g.chance(2) ? 0.0f : -0.5f), g.number(g.chance(2) ? 6.0f : INFINITY)});
}
Value operand(GraphMaker& g, Value x) {
  switch (g.below(5)) {
    case 0: return g.any_float();
    case 1: return g.number(g.pick(std::vector<float>{0.0f, -0.0f, 1.0f, -1.0f, 2.0f, 0.5f, 1e-5f, 3.0f}));
    case 2: return g.dim(x, -1) > 0 ? g.weights({g.dim(x, -1)}, g.chance(3)) : g.number(1);
    case 3: return g.weights({1}, true);
    default: return x;
  }
}
void binary(GraphMaker& g) {
  static const Names all = {"Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Add", "Mul", "Pow"};
  const Value x = g.any_float();
  if (!x) return;
  const Value y = operand(g, x);
  if (g.chance(2)) g.make(g.pick(all), {x, y});
  else if (y) g.make(g.pick(all), {y, x});
}
void arithmetic_chain(GraphMaker& g) {
  Value x = g.any_float();
  for (int k = 0; k < 3 && x; ++k) x = g.make(g.pick(Names{"Add", "Mul", "Sub", "Div"}), {x, operand(g, x)});
}
void compare(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  const Value c = g.make(g.pick(Names{"Less", "Greater", "Equal", "NotEqual", "GreaterEqual"}), {x, operand(g, x)});
  if (c && g.chance(2)) g.make("Where", {c, x, g.number(0)});
  if (c && g.chance(3)) g.make("LogicalNot", {g.make("LogicalNot", {c})});
}
void casts(GraphMaker& g) {
  const Value x = g.any();
  if (!x) return;
  const Value y = g.make("Cast", {x}, {{"to", g.pick(Names{"f64", "f32", "f16", "i64", "i32", "bool"})}});
  if (y && g.chance(2)) g.make("Cast", {y}, {{"to", std::string("f32")}});
}
void reduce(GraphMaker& g) {
  static const Names all = {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"};
  const Value x = g.any_float(1);
  if (!x) return;
  const auto axis = static_cast<int64_t>(g.below(static_cast<uint64_t>(g.type(x).rank)));
  g.make(g.pick(all), {x, g.ints({g.chance(2) ? axis : axis - g.type(x).rank})}, {{"keepdims", static_cast<int64_t>(g.below(2))}});
}
void integers(GraphMaker& g) {
  const Value x = g.any();
  if (!x || g.type(x).dtype != dt::i64) return;
  g.make(g.pick(Names{"Add", "Mul", "Sub", "Maximum"}), {x, g.index(static_cast<int64_t>(g.below(3)))});
}
/// Every spelling of a copy.
void nothing(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  const auto rank = g.type(x).rank;
  std::vector<int64_t> same(static_cast<size_t>(rank)), zeros(static_cast<size_t>(rank * 2), 0), ones(static_cast<size_t>(rank), 1);
  for (size_t k = 0; k < same.size(); ++k) same[k] = static_cast<int64_t>(k);
  switch (g.below(11)) {
    case 0: g.make("Identity", {x}); break;
    case 1: g.make("Cast", {x}, {{"to", std::string("f32")}}); break;
    case 2: g.make("Transpose", {x}, {{"perm", same}}); break;
    case 3: g.make("Pad", {x, g.ints(zeros)}); break;
    case 4: g.make("Mul", {x, g.number(1)}); break;
    case 5: g.make("Add", {x, g.number(g.chance(2) ? 0.0f : -0.0f)}); break;
    case 6: g.make("Reshape", {x, g.make("Shape", {x})}); break;
    case 7: g.make("Tile", {x, g.ints(ones)}); break;
    case 8: if (rank) g.make("Slice", {x, g.ints({0}), g.ints({INT64_MAX}), g.ints({0})}); break;
    case 9: g.make("Expand", {x, g.ints(ones)}); break;
    default: g.make("Div", {g.make("Neg", {g.make("Neg", {x})}), g.number(1)});
  }
}
void of_constants(GraphMaker& g) {
  const Value a = g.make("Mul", {g.weights({2, 3}, g.chance(2)), g.number(0.5f)});
  const Value b = a ? g.make("Transpose", {a}, {{"perm", std::vector<int64_t>{1, 0}}}) : 0;
  if (b && g.chance(2)) g.make("ReduceSum", {b, g.ints({0})});
}

}  // namespace

const std::vector<std::function<void(GraphMaker&)>>& motifs() {
  static const auto all = [] {
    std::vector<std::function<void(GraphMaker&)>> r = {unary, unary, clip, binary, binary, arithmetic_chain, compare, casts, reduce, integers, nothing, nothing, of_constants};
    for (auto more : {movement_motifs(), network_motifs(), control_motifs()}) r.insert(r.end(), more.begin(), more.end());
    return r;
  }();
  return all;
}

}  // namespace tenon::test
