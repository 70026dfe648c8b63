// SPDX-License-Identifier: Apache-2.0
#include "common/layout.hpp"

#include <string>

namespace tenon::passes {
namespace {

struct Case {
  const Graph& g;
  tenon_node n;
  const Perm& perm;
  int32_t rank;
  Ids in;
  Attrs attrs;

  int64_t moved(int64_t axis) const { return inverse(perm)[static_cast<size_t>(axis_of(axis, rank))]; }
  /// Input k is absent or has one element, so that it is the same in every layout.
  bool indifferent(size_t k) const {
    if (k >= in.size() || !in[k]) return true;
    const ValueInfo i = g.info(in[k]);
    return i.is_static() && i.count() == 1 && i.rank() <= 1;
  }
  bool full(size_t k) const { return k < in.size() && in[k] && g.info(in[k]).rank() == rank; }
};
using Answer = std::optional<Transposed>;
using Rule = std::function<Answer(const Case&)>;

Transposed following(const Case& c, size_t first, size_t count) {
  Transposed t;
  t.follows.assign(c.in.size(), 0);
  for (size_t k = first; k < first + count; ++k) t.follows[k] = 1;
  return t;
}

/// One operand that is transposed; the others have one element.
Answer unary(const Case& c) {
  for (size_t k = 1; k < c.in.size(); ++k)
    if (!c.indifferent(k)) return std::nullopt;
  return c.full(0) ? Answer(following(c, 0, 1)) : std::nullopt;
}

/// Operands that broadcast to one another: of the full rank, of one element, or constants, which are brought to the full rank.
Answer broadcasting(const Case& c) {
  Transposed t = following(c, 0, 0);
  bool any = false;
  for (size_t k = 0; k < c.in.size(); ++k) {
    if (c.indifferent(k)) continue;
    const ValueInfo i = c.g.info(c.in[k]);
    if (i.rank() != c.rank && !(i.constant() && i.rank() < c.rank)) return std::nullopt;
    t.follows[k] = 1;
    any |= i.rank() == c.rank;
  }
  return any ? Answer(std::move(t)) : std::nullopt;
}

Rule with_axis(int64_t standard, bool all_inputs) {
  return [=](const Case& c) -> Answer {
    const size_t n = all_inputs ? c.in.size() : 1;
    for (size_t k = 0; k < n; ++k)
      if (!c.full(k)) return std::nullopt;
    Transposed t = following(c, 0, n);
    t.attrs.add("axis", c.moved(c.attrs.i("axis", standard)));
    return t;
  };
}

/// QuantizeLinear and its kind: an axis only where the scale has more than one element.
Answer quantizing(const Case& c) {
  if (!c.full(0) || c.attrs.i("block_size") != 0) return std::nullopt;
  Transposed t = following(c, 0, 1);
  if (!c.indifferent(1)) t.attrs.add("axis", c.moved(c.attrs.i("axis", 1)));
  return t;
}

Answer reducing(const Case& c) {
  auto axes = c.in.size() > 1 && c.in[1] ? ints(c.g, c.in[1]) : std::nullopt;
  if (!c.full(0) || !axes || axes->empty()) return std::nullopt;
  Transposed t = following(c, 0, 1);
  std::vector<uint8_t> gone(static_cast<size_t>(c.rank));
  for (int64_t& a : *axes) gone[static_cast<size_t>(axis_of(a, c.rank))] = 1, a = c.moved(a);
  t.ints.emplace_back(1, *axes);
  if (c.attrs.i("keepdims", 1)) return t;
  t.output = false;
  int64_t last = -1;
  for (int64_t old : c.perm) {
    if (gone[static_cast<size_t>(old)]) continue;
    if (old < last) return std::nullopt;
    last = old;
  }
  return t;
}

Answer arg_reducing(const Case& c) {
  if (!c.full(0) || !c.attrs.i("keepdims", 1)) return std::nullopt;
  Transposed t = following(c, 0, 1);
  t.attrs.add("axis", c.moved(c.attrs.i("axis")));
  return t;
}

/// Constant axes in input `k`; absent ones are all axes in order when `count` says how many.
bool move_axes(const Case& c, size_t k, int64_t count, Transposed* t) {
  std::vector<int64_t> axes;
  if (k < c.in.size() && c.in[k]) {
    auto given = ints(c.g, c.in[k]);
    if (!given) return false;
    axes = *given;
  } else {
    for (int64_t a = 0; a < count; ++a) axes.push_back(a);
  }
  for (int64_t& a : axes) a = c.moved(a);
  t->ints.emplace_back(k, axes);
  return true;
}

Answer slicing(const Case& c) {
  if (!c.full(0)) return std::nullopt;
  Transposed t = following(c, 0, 1);
  const ValueInfo starts = c.g.info(c.in[1]);
  if (!starts.is_static() || !move_axes(c, 3, starts.count(), &t)) return std::nullopt;
  return t;
}

Answer padding(const Case& c) {
  auto pads = c.in.size() > 1 ? ints(c.g, c.in[1]) : std::nullopt;
  if (!c.full(0) || !pads) return std::nullopt;
  Transposed t = following(c, 0, 1);
  if (c.in.size() > 3 && c.in[3]) return move_axes(c, 3, 0, &t) ? Answer(std::move(t)) : std::nullopt;
  const auto rank = static_cast<size_t>(c.rank);
  if (pads->size() != 2 * rank) return std::nullopt;
  std::vector<int64_t> moved(2 * rank);
  for (size_t k = 0; k < rank; ++k) {
    const auto old = static_cast<size_t>(c.perm[k]);
    moved[k] = (*pads)[old];
    moved[rank + k] = (*pads)[rank + old];
  }
  t.ints.emplace_back(1, moved);
  return t;
}

/// Looking up every element in a table.
Answer looking_up(const Case& c) {
  if (c.in.size() != 2 || c.g.info(c.in[0]).rank() != 1 || !c.full(1)) return std::nullopt;
  return following(c, 1, 1);
}

/// Scales or sizes for all axes or for those named, without a region of interest.
Answer resizing(const Case& c) {
  auto absent = [&](size_t k) { return k >= c.in.size() || !c.in[k] || (c.g.info(c.in[k]).is_static() && c.g.info(c.in[k]).count() == 0); };
  if (!c.full(0) || !absent(1)) return std::nullopt;
  Transposed t = following(c, 0, 1);
  if (c.attrs.has("axes")) {
    std::vector<int64_t> axes;
    for (int64_t a : c.attrs.ints("axes")) axes.push_back(c.moved(a));
    t.attrs.add("axes", axes);
    return t;
  }
  const auto rank = static_cast<size_t>(c.rank);
  if (!absent(2)) {
    const auto scales = floats(c.g, c.in[2]);
    if (!scales || scales->size() != rank) return std::nullopt;
    std::vector<float> moved;
    for (int64_t old : c.perm) moved.push_back(static_cast<float>((*scales)[static_cast<size_t>(old)]));
    t.floats.emplace_back(2, moved);
  }
  if (!absent(3)) {
    const auto sizes = ints(c.g, c.in[3]);
    if (!sizes || sizes->size() != rank) return std::nullopt;
    std::vector<int64_t> moved;
    for (int64_t old : c.perm) moved.push_back((*sizes)[static_cast<size_t>(old)]);
    t.ints.emplace_back(3, moved);
  }
  return t;
}

const std::unordered_map<std::string_view, Rule>& rules() {
  static const auto* all = [] {
    auto* r = new std::unordered_map<std::string_view, Rule>;
    for (const char* op : {"Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "IsInf", "IsNaN",
                           "Log", "LogicalNot", "Neg", "Reciprocal", "Round", "Rsqrt", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "Elu", "Gelu", "HardSigmoid", "HardSwish",
                           "LeakyRelu", "Relu", "Sigmoid", "Softplus", "Swish", "Tanh", "Cast", "Clip"})
      r->emplace(op, unary);
    for (const char* op : {"Add", "Atan2", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "FloorDiv", "Greater", "GreaterEqual", "Less",
                           "LessEqual", "LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Mod", "Mul", "NotEqual", "PRelu", "Pow", "Sub", "Where"})
      r->emplace(op, broadcasting);
    for (const char* op : {"ReduceAll", "ReduceAny", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"}) r->emplace(op, reducing);
    for (const char* op : {"QuantizeLinear", "DequantizeLinear", "Requantize"}) r->emplace(op, quantizing);
    for (const char* op : {"ArgMax", "ArgMin"}) r->emplace(op, arg_reducing);
    for (const char* op : {"Softmax", "LogSoftmax"}) r->emplace(op, with_axis(-1, false));
    r->emplace("Concat", with_axis(0, true));
    r->emplace("Split", with_axis(0, false));
    r->emplace("Gather", looking_up);
    r->emplace("Slice", slicing);
    r->emplace("Pad", padding);
    r->emplace("Resize", resizing);
    return r;
  }();
  return *all;
}

}  // namespace

std::optional<Transposed> transposed(const Graph& g, tenon_node n, const Perm& perm) {
  const auto op = Graph::op_name(g.op(n));
  if (op.domain != "tenon") return std::nullopt;
  auto rule = rules().find(op.name);
  if (rule == rules().end()) return std::nullopt;
  Case c{g, n, perm, static_cast<int32_t>(perm.size()), g.inputs(n), g.attrs(n)};
  auto t = rule->second(c);
  if (!t || !t->output) return t;
  for (tenon_value v : g.outputs(n))
    if (v && g.info(v).rank() != c.rank) return std::nullopt;
  return t;
}

}  // namespace tenon::passes
