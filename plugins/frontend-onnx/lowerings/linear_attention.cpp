// SPDX-License-Identifier: Apache-2.0
// linear_attention.cpp - LinearAttention: for each step, with a state S of [batch, heads, key size, value size],
//   S = exp(decay) S;  S += key (beta (value - S^T key))^T  or  S += key value^T;  output = scale query S
#include "body.hpp"

namespace tenon::onnx {
namespace {

struct Rule {
  bool gated, delta;
  explicit Rule(const Lower& l) {
    std::string name = l.s("update_rule", "gated_delta");
    gated = name == "gated" || name == "gated_delta";
    delta = name == "delta" || name == "gated_delta";
    if (!gated && !delta && name != "linear") throw invalid("attribute 'update_rule' has the value '" + name + "'").with("expected", "linear, gated, delta or gated_delta");
    if (l.has_in(4) != gated || l.has_in(5) != delta) throw invalid("inputs decay and beta do not fit the update rule").with("found", name);
  }
};

AttrList axis(int64_t a) { return AttrList{}.set("axis", a); }

// [batch, steps, heads * size] -> [batch, steps, heads..., size]
tenon_value split_heads(Lower& l, tenon_value x, const std::vector<int64_t>& heads) {
  int64_t n = 1;
  for (int64_t h : heads) n *= h;
  tenon_value size = l.emit("Div", {dim(l, x, 2), l.ints({n})});
  return l.emit("Reshape", {x, l.emit("Concat", {dim(l, x, 0), dim(l, x, 1), l.ints(heads), size}, axis(0))});
}

// 1 / sqrt(key size) when the attribute is 0
tenon_value scale(Lower& l, tenon_value query, tenon_dtype work, int64_t heads) {
  if (double given = l.f("scale", 0); given != 0) return l.scalar_of(work, given);
  tenon_value size = cast(l, l.emit("Div", {dim(l, query, 2), l.ints({heads})}), work);
  return l.emit("Reciprocal", {l.emit("Sqrt", {size})});
}

// Inputs: state, then a step of query [B, K, G, dk], key [B, K, dk], value [B, K, dv], decay [B, K, dk or 1], beta [B, K or 1].
tenon_graph* step(Lower& l, const Rule& rule, tenon_dtype work) {
  Body b(l, "step");
  tenon_value s = b.input("state", work), q = b.input("query", work), k = b.input("key", work), v = b.input("value", work);
  tenon_value second = l.ints({2}), third = l.ints({3});
  if (rule.gated) s = b.emit("Mul", {s, b.emit("Unsqueeze", {b.emit("Exp", {b.input("decay", work)}), third})});
  v = b.emit("Unsqueeze", {v, second});
  if (rule.delta) {
    tenon_value beta = b.emit("Unsqueeze", {b.input("beta", work), l.ints({2, 3})});
    tenon_value known = b.emit("MatMul", {b.emit("Unsqueeze", {k, second}), s});
    v = b.emit("Mul", {beta, b.emit("Sub", {v, known})});
  }
  s = b.emit("Add", {s, b.emit("MatMul", {b.emit("Unsqueeze", {k, third}), v})});
  tenon_value y = b.emit("MatMul", {q, s});
  b.outputs({s, y});
  return b.raw();
}

tenon_value first_state(Lower& l, tenon_value key, tenon_value value, tenon_dtype work) {
  if (l.has_in(3)) return cast(l, l.in(3), work);
  tenon_value dims = l.emit("Concat", {dim(l, key, 0), dim(l, key, 2), dim(l, key, 3), dim(l, value, 3)}, axis(0));
  return l.emit("Expand", {l.scalar_of(work, 0), dims});
}

// The state is kept in f32 at least. chunk_size is a hint for other ways to compute the same.
void lower_linear_attention(Lower& l) {
  known(l, {"chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule"});
  arity(l, 3, 6, 2);
  const Rule rule(l);
  int64_t heads = l.i("q_num_heads", 0), kv = l.i("kv_num_heads", 0);
  if (kv < 1 || heads < 1 || heads % kv) throw invalid("attribute 'q_num_heads' is no positive multiple of 'kv_num_heads'");
  tenon_dtype type = type_of(l, need(l, 0), "the type of the state"), work = type == dt::f64 ? type : dt::f32;
  tenon_dtype kept = l.has_in(3) ? type_of(l, l.in(3), "the type of the state") : type;
  tenon_value q = l.emit("Mul", {cast(l, l.in(0), work), scale(l, l.in(0), work, heads)});
  tenon_value k = split_heads(l, cast(l, need(l, 1), work), {kv}), v = split_heads(l, cast(l, need(l, 2), work), {kv});
  Values in{first_state(l, k, v, work), split_heads(l, q, {kv, heads / kv}), k, v};
  if (rule.gated) in.push_back(split_heads(l, cast(l, l.in(4), work), {kv}));
  if (rule.delta) in.push_back(cast(l, l.in(5), work));
  AttrList scan;
  const auto slices = static_cast<int64_t>(in.size()) - 1;
  scan.add("body", step(l, rule, work)).add("num_scan_inputs", slices).add("scan_input_axes", std::vector<int64_t>(static_cast<size_t>(slices), 1));
  scan.add("scan_output_axes", std::vector<int64_t>{1});
  Values y = l.emit_n("Scan", in, scan, 2);
  tenon_value width = l.emit("Mul", {dim(l, v, 3), l.ints({heads})});
  tenon_value flat = l.emit("Reshape", {y[1], l.emit("Concat", {dim(l, k, 0), dim(l, k, 1), width}, axis(0))});
  l.done({cast(l, flat, type), cast(l, y[0], kept)});
}
TENON_LOWERING("onnx", "LinearAttention", 27, lower_linear_attention);

}  // namespace
}  // namespace tenon::onnx
