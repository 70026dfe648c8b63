// SPDX-License-Identifier: Apache-2.0
// flex_attention.cpp - FlexAttention: attention whose scores and probabilities pass through graphs of the model.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// A graph with one input and one output, applied: a scan of one turn.
tenon_value applied(Lower& l, const char* name, tenon_value x) {
  tenon_graph* g = static_cast<const Attrs&>(l).graph(name);
  if (!l.has(name)) return x;
  if (!g || Graph(l.graph().ctx(), g).graph_inputs().size() != 1 || Graph(l.graph().ctx(), g).graph_outputs().size() != 1)
    throw invalid(std::string("attribute '") + name + "' must be a graph with one input and one output");
  AttrList a;
  a.add("body", g).add("num_scan_inputs", 1);
  tenon_value first = l.ints({0});
  return l.emit("Squeeze", {l.emit("Scan", {l.emit("Unsqueeze", {x, first})}, a), first});
}

// [B, heads, steps, size] -> [B, kv heads, heads of a group, steps, size]
tenon_value grouped(Lower& l, tenon_value x, tenon_value kv) {
  AttrList first;
  first.add("axis", 0);
  tenon_value group = l.emit("Div", {dim(l, x, 1), kv});
  return l.emit("Reshape", {x, l.emit("Concat", {dim(l, x, 0), kv, group, dim(l, x, 2), dim(l, x, 3)}, first)});
}

// sqrt(scale), rounded to the type of the query as both factors are
tenon_value root_of_scale(Lower& l, tenon_value q, tenon_dtype type) {
  if (l.has("scale")) return cast(l, l.emit("Sqrt", {l.scalar<float>(static_cast<float>(l.f("scale")))}), type);
  tenon_value size = l.emit("Reshape", {cast(l, dim(l, q, 3), dt::f32), l.ints({})});
  return cast(l, l.emit("Sqrt", {l.emit("Reciprocal", {l.emit("Sqrt", {size})})}), type);
}

void lower_flex_attention(Lower& l) {
  known(l, {"prob_mod", "scale", "score_mod", "softmax_precision"});
  arity(l, 3, 3);
  tenon_value q = need(l, 0), k = need(l, 1), v = need(l, 2);
  for (tenon_value x : {q, k, v})
    if (rank_of(l, x, "its layout") != 4) throw invalid("the inputs must have rank 4");
  tenon_dtype type = type_of(l, q, "its precision"), result = type_of(l, v, "the result's type");
  tenon_dtype work = l.i("softmax_precision", 0) ? dtype_number(l.i("softmax_precision")) : type == dt::f64 ? type : dt::f32;
  if (!is_float(work)) throw invalid("attribute 'softmax_precision' is no floating-point type").with("found", dtype_name(work));
  tenon_value kv = dim(l, k, 1), root = root_of_scale(l, q, type), join = l.ints({2});
  AttrList turn, last;
  turn.add("perm", std::vector<int64_t>{0, 1, 3, 2});
  last.add("axis", -1);
  tenon_value keys = l.emit("Unsqueeze", {l.emit("Transpose", {l.emit("Mul", {k, root})}, turn), join});
  tenon_value scores = l.emit("MatMul", {grouped(l, l.emit("Mul", {q, root}), kv), keys});
  AttrList first;
  first.add("axis", 0);
  tenon_value flat = l.emit("Concat", {dim(l, q, 0), dim(l, q, 1), dim(l, q, 2), dim(l, k, 2)}, first);
  tenon_value p = applied(l, "score_mod", l.emit("Reshape", {cast(l, scores, work), flat}));
  p = applied(l, "prob_mod", l.emit("Softmax", {p}, last));
  tenon_value y = l.emit("MatMul", {grouped(l, cast(l, p, work), kv), l.emit("Unsqueeze", {cast(l, v, work), join})});
  tenon_value shape = l.emit("Concat", {dim(l, q, 0), dim(l, q, 1), dim(l, q, 2), dim(l, v, 3)}, first);
  l.to("Cast", {l.emit("Reshape", {y, shape})}, AttrList{}.set("to", dtype_name(result)));
}
TENON_LOWERING("ai.onnx.preview", "FlexAttention", 1, lower_flex_attention);

}  // namespace
}  // namespace tenon::onnx
