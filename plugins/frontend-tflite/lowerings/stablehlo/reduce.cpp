// SPDX-License-Identifier: Apache-2.0
// reduce.cpp - StableHLO's operators with a body: reductions, windows and sorting.
#include "lowerings/stablehlo/stablehlo.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

struct BodyOp {
  std::string_view op;
  Combine combine;
};
constexpr BodyOp kBodies[] = {{"ADD", Combine::add}, {"MULTIPLY", Combine::multiply}, {"MUL", Combine::multiply}, {"MAXIMUM", Combine::maximum}, {"MINIMUM", Combine::minimum},
                              {"AND", Combine::logical_and}, {"LOGICAL_AND", Combine::logical_and}, {"OR", Combine::logical_or}, {"LOGICAL_OR", Combine::logical_or}};

std::string_view plain(std::string_view op) {
  constexpr std::string_view kPrefix = "STABLEHLO_";
  return op.substr(0, kPrefix.size()) == kPrefix ? op.substr(kPrefix.size()) : op;
}

[[noreturn]] void no_such_body(Graph& g) {
  std::string found;
  for (tenon_node n : g.nodes()) found += (found.empty() ? "" : ", ") + std::string(Graph::op_name(g.op(n)).name);
  throw unsupported("a body that is more than one sum, product, extreme or logical operator").with("found", found.empty() ? "no operator" : found);
}

}  // namespace

Combine combine_of(Lower& l, std::string_view name) {
  Graph g(l.graph().ctx(), attr_graph(l, name));
  auto in = g.graph_inputs(), out = g.graph_outputs();
  auto nodes = g.nodes();
  if (in.size() != 2 || out.size() != 1) no_such_body(g);
  if (nodes.empty() && out[0] == in[1]) return Combine::second;
  if (nodes.size() != 1 || g.producer(out[0]) != nodes[0]) no_such_body(g);
  auto args = g.inputs(nodes[0]);
  bool both = args.size() == 2 && ((args[0] == in[0] && args[1] == in[1]) || (args[0] == in[1] && args[1] == in[0]));
  auto op = Graph::op_name(g.op(nodes[0]));
  for (const auto& b : kBodies)
    if (both && op.domain == "tflite" && plain(op.name) == b.op && g.attrs(nodes[0]).s("fused_activation_function", "NONE") == "NONE") return b.combine;
  no_such_body(g);
}

namespace {

struct Reduction {
  const char *reduce, *pair;
};
Reduction reduction_of(Combine c, tenon_dtype t) {
  bool boolean = t == dt::boolean;
  switch (c) {
    case Combine::add: return boolean ? Reduction{"ReduceAny", "LogicalOr"} : Reduction{"ReduceSum", "Add"};
    case Combine::multiply: return boolean ? Reduction{"ReduceAll", "LogicalAnd"} : Reduction{"ReduceProd", "Mul"};
    case Combine::maximum: return boolean ? Reduction{"ReduceAny", "LogicalOr"} : Reduction{"ReduceMax", "Maximum"};
    case Combine::minimum: return boolean ? Reduction{"ReduceAll", "LogicalAnd"} : Reduction{"ReduceMin", "Minimum"};
    case Combine::logical_and:
      if (boolean) return {"ReduceAll", "LogicalAnd"};
      break;
    case Combine::logical_or:
      if (boolean) return {"ReduceAny", "LogicalOr"};
      break;
    case Combine::second: break;
  }
  throw unsupported("a reduction of this kind").with("found", dtype_name(t));
}

// Inputs: operand and initial value.
void lower_reduce(Lower& l) {
  known(l, {"dimensions", "body_subgraph"});
  arity(l, 2, 2);
  Reduction r = reduction_of(combine_of(l, "body_subgraph"), type_of(l, need(l, 0)));
  AttrList a;
  a.add("keepdims", 0).add("noop_with_empty_axes", 1);
  tenon_value y = l.emit(r.reduce, {l.in(0), l.ints(attr_ints(l, "dimensions"))}, a);
  to(l, r.pair, {y, need(l, 1)});
}
TFLITE_LOWERING("STABLEHLO_REDUCE", lower_reduce);

struct Windows {
  std::vector<int64_t> size, stride, dilation, pads;  ///< pads: begin and end of each axis in turn
};

bool is_zero(Lower& l, tenon_value v) {
  if (!l.graph().is_constant(v)) return false;
  auto bytes = l.graph().constant_bytes(v);
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

// Axes that windows move over; the others only count how often.
std::vector<int64_t> moving(const Windows& w) {
  std::vector<int64_t> r;
  for (size_t k = 0; k < w.size.size(); ++k)
    if (w.size[k] != 1 || w.stride[k] != 1 || w.pads[2 * k] || w.pads[2 * k + 1]) r.push_back(static_cast<int64_t>(k));
  return r;
}

tenon_value pooled(Lower& l, Combine c, tenon_value x, tenon_dtype t, const Windows& w, const std::vector<int64_t>& axes) {
  std::vector<int64_t> kernel, strides, dilations, pads(2 * axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    auto k = static_cast<size_t>(axes[i]);
    kernel.push_back(w.size[k]);
    strides.push_back(w.stride[k]);
    dilations.push_back(w.dilation[k]);
    pads[i] = w.pads[2 * k];
    pads[axes.size() + i] = w.pads[2 * k + 1];
    if (w.pads[2 * k] < 0 || w.pads[2 * k + 1] < 0) throw unsupported("windows with negative padding");
  }
  AttrList a;
  a.add("strides", strides).add("dilations", dilations).add("pads", pads);
  if (c == Combine::add) {
    std::vector<int64_t> ones{1, 1};
    ones.insert(ones.end(), kernel.begin(), kernel.end());
    return l.emit("Conv", {x, l.emit("Expand", {l.scalar_of(t, 1), l.ints(ones)})}, a);
  }
  a.add("kernel_shape", kernel);
  if (c == Combine::maximum) return l.emit("MaxPool", {x}, a);
  return l.emit("Neg", {l.emit("MaxPool", {l.emit("Neg", {x})}, a)});
}

// The moving axes last and in one channel, the others joined into the batch.
void reduce_window(Lower& l, Combine c, const Windows& w) {
  tenon_value x = need(l, 0), init = need(l, 1);
  tenon_dtype t = type_of(l, x);
  auto axes = moving(w);
  bool supported = c == Combine::maximum || (c == Combine::minimum && t.code != TENON_DT_UINT) || (c == Combine::add && is_zero(l, init));
  if (!supported || t == dt::boolean) throw unsupported("windows of this kind").with("hint", "maxima, minima, and sums from 0 are known");
  if (axes.empty()) return to(l, reduction_of(c, t).pair, {x, init});
  if (axes.size() > 3) throw unsupported("windows over more than three axes");
  auto rank = static_cast<int64_t>(w.size.size()), still = rank - static_cast<int64_t>(axes.size());
  std::vector<int64_t> order, back(static_cast<size_t>(rank));
  for (int64_t k = 0; k < rank; ++k)
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) order.push_back(k);
  order.insert(order.end(), axes.begin(), axes.end());
  for (int64_t k = 0; k < rank; ++k) back[static_cast<size_t>(order[static_cast<size_t>(k)])] = k;
  tenon_value sorted = transpose(l, x, order);
  tenon_value joined = l.emit("Reshape", {sorted, concat(l, {l.ints({-1, 1}), shape(l, sorted, still, rank)}, 0)});
  tenon_value y = pooled(l, c, joined, t, w, axes);
  if (c != Combine::add) y = l.emit(reduction_of(c, t).pair, {y, init});
  tenon_value result = still == 0 ? l.emit("Shape", {y}, AttrList{}.set("start", 2)) : concat(l, {shape(l, sorted, 0, still), l.emit("Shape", {y}, AttrList{}.set("start", 2))}, 0);
  finish(l, {transpose(l, l.emit("Reshape", {y, result}), back)});
}

void check(const Lower& l, Windows& w) {
  auto rank = static_cast<size_t>(rank_of(l, need(l, 0)));
  if (w.stride.empty()) w.stride.assign(rank, 1);
  if (w.dilation.empty()) w.dilation.assign(rank, 1);
  if (w.pads.empty()) w.pads.assign(2 * rank, 0);
  if (w.size.size() != rank || w.stride.size() != rank || w.dilation.size() != rank || w.pads.size() != 2 * rank) throw invalid("options of windows do not fit the operand's rank");
  for (const auto* v : {&w.size, &w.stride, &w.dilation})
    for (int64_t x : *v)
      if (x < 1) throw invalid("sizes of windows are positive").with("found", std::to_string(x));
}

void lower_reduce_window(Lower& l) {
  known(l, {"window_dimensions", "window_strides", "base_dilations", "window_dilations", "padding", "body_subgraph"});
  arity(l, 2, 2);
  Windows w{attr_ints(l, "window_dimensions"), attr_ints(l, "window_strides"), attr_ints(l, "window_dilations"), attr_ints(l, "padding")};
  for (int64_t d : attr_ints(l, "base_dilations"))
    if (d != 1) throw unsupported("windows over a dilated operand");
  check(l, w);
  reduce_window(l, combine_of(l, "body_subgraph"), w);
}
TFLITE_LOWERING("STABLEHLO_REDUCE_WINDOW", lower_reduce_window);

// Inputs: operand, initial value, and the windows' sizes, strides and dilations.
void lower_tflite_reduce_window(Lower& l) {
  known(l, {"reduce_function"});
  arity(l, 5, 5);
  Windows w{need_ints(l, 2, "the size of windows"), need_ints(l, 3, "the strides of windows"), need_ints(l, 4, "the dilations of windows"), {}};
  check(l, w);
  static const std::pair<std::string_view, Combine> functions[] = {{"ADD", Combine::add}, {"MAXIMUM", Combine::maximum}, {"MINIMUM", Combine::minimum}, {"MUL", Combine::multiply}};
  for (const auto& [name, c] : functions)
    if (l.s("reduce_function") == name) return reduce_window(l, c, w);
  throw unsupported("windows of this kind").with("found", l.s("reduce_function"));
}
TFLITE_LOWERING("REDUCE_WINDOW", lower_tflite_reduce_window);

// Does the comparator compare the first pair of arguments? 1: ascending, 0: descending.
int ascending(Lower& l) {
  Graph g(l.graph().ctx(), attr_graph(l, "comparator_subgraph"));
  auto in = g.graph_inputs(), out = g.graph_outputs();
  auto nodes = g.nodes();
  if (nodes.size() != 1 || in.size() < 2 || out.size() != 1 || g.producer(out[0]) != nodes[0]) no_such_body(g);
  auto args = g.inputs(nodes[0]);
  auto op = Graph::op_name(g.op(nodes[0])).name;
  std::string direction = op == "STABLEHLO_COMPARE" ? g.attrs(nodes[0]).s("comparison_direction") : std::string(op);
  bool less = direction == "LESS" || direction == "STABLEHLO_COMPARISON_DIRECTION_LT", greater = direction == "GREATER" || direction == "STABLEHLO_COMPARISON_DIRECTION_GT";
  if (args.size() != 2 || !(less || greater)) throw unsupported("a comparator that is not one comparison").with("found", direction);
  if (args[0] == in[0] && args[1] == in[1]) return less;
  if (args[0] == in[1] && args[1] == in[0]) return greater;
  throw unsupported("a comparator that does not compare the first operand's elements");
}

// All operands are put into the order of the first; equal elements keep theirs.
void lower_sort(Lower& l) {
  known(l, {"dimension", "is_stable", "comparator_subgraph"});
  arity(l, 1, UINT64_MAX, UINT64_MAX);
  bool up = ascending(l);
  int64_t axis = axis_of(l.i("dimension"), rank_of(l, need(l, 0)));
  auto sorted = l.emit_n("TopK", {l.in(0), dim(l, l.in(0), axis)}, AttrList{}.set("axis", axis).set("largest", up ? 0 : 1).set("sorted", 1), 2);
  Values out{sorted[0]};
  for (uint64_t k = 1; k < l.n_out(); ++k) out.push_back(l.emit("GatherElements", {need(l, k), sorted[1]}, AttrList{}.set("axis", axis)));
  finish(l, out);
}
TFLITE_LOWERING("STABLEHLO_SORT", lower_sort);

}  // namespace
}  // namespace tenon::tflite
