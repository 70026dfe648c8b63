// SPDX-License-Identifier: Apache-2.0
// Layers and what exporters make of them.
#include <tenon/dtype.hpp>

#include <cmath>

#include "motifs.hpp"

namespace tenon::test {
namespace {

using Ints = std::vector<int64_t>;

Value image(GraphMaker& g) {
  for (int k = 0; k < 8; ++k)
    if (const Value x = g.any_float(4); x && g.type(x).rank == 4 && g.dim(x, 1) > 0) return x;
  return 0;
}
/// x op constant, where there is an x.
Value with(GraphMaker& g, const char* op, Value x, float c) { return x ? g.make(op, {x, g.number(c)}) : 0; }

Value batch_norm(GraphMaker& g, Value x) {
  const int64_t c = g.dim(x, 1);
  return g.make("BatchNormalization", {x, g.weights({c}), g.weights({c}), g.weights({c}), g.weights({c})}, {{"epsilon", 1e-3}});
}
void convolution(GraphMaker& g) {
  const Value x = image(g);
  if (!x) return;
  const int64_t c = g.dim(x, 1), k = g.chance(2) ? 1 : 3, pad = k == 3 && g.chance(2) ? 1 : 0;
  const bool depthwise = g.chance(4);
  Value in = x;
  if (g.chance(4)) in = g.make("Pad", {x, g.ints({0, 0, 1, 1, 0, 0, 1, 1})});
  std::vector<Value> args = {in, g.weights({depthwise ? c : 4, depthwise ? 1 : c, k, k})};
  if (g.chance(2)) args.push_back(g.weights({depthwise ? c : 4}));
  Value y = g.make("Conv", args, {{"pads", Ints(4, pad)}, {"group", depthwise ? c : int64_t{1}}, {"strides", Ints(2, g.chance(4) ? 2 : 1)}});
  if (y && g.chance(2)) y = batch_norm(g, y);
  if (y && g.chance(3)) y = g.make("Mul", {y, g.weights({g.dim(y, 1), 1, 1})});
  if (y && g.chance(3)) y = g.make("Add", {y, g.chance(2) ? x : g.weights({1, g.dim(y, 1), 1, 1})});
  if (y && g.chance(2)) g.make(g.chance(2) ? "Relu" : "HardSwish", {y});
}
void transposed_convolution(GraphMaker& g) {
  const Value x = image(g);
  Value y = x ? g.make("ConvTranspose", {x, g.weights({g.dim(x, 1), 2, 2, 2})}, {{"strides", Ints{2, 2}}}) : 0;
  if (y) y = batch_norm(g, y);
  if (y && g.chance(2)) g.make("Relu", {y});
}
void pooling(GraphMaker& g) {
  const Value x = image(g);
  if (!x) return;
  const int64_t k = g.chance(3) ? 1 : 2;
  Value y = g.make(g.chance(2) ? "MaxPool" : "AveragePool", {x}, {{"kernel_shape", Ints{k, k}}, {"strides", Ints{k, k}}});
  if (y && g.chance(2)) y = g.make("ReduceMean", {y, g.ints({2, 3})}, {{"keepdims", static_cast<int64_t>(g.below(2))}});
  if (y && g.chance(2)) g.make("Reshape", {y, g.ints({0, -1})});
}
void normalization_of_batch(GraphMaker& g) {
  if (const Value x = image(g)) batch_norm(g, x);
}
Value linear(GraphMaker& g, Value x, int64_t out) {
  if (!x || g.type(x).rank < 2 || g.dim(x, -1) <= 0) return 0;
  Value y = g.make("MatMul", {x, g.weights({g.dim(x, -1), out})});
  if (y && !g.chance(3)) y = g.make("Add", {y, g.weights({out})});
  return y;
}
void dense(GraphMaker& g) {
  Value y = linear(g, g.any_float(2), 4 + static_cast<int64_t>(g.below(2)) * 4);
  if (y && g.chance(2)) y = g.make(g.chance(2) ? "Relu" : "Tanh", {y});
  if (y && g.chance(3)) linear(g, y, 4);
}
void gemm(GraphMaker& g) {
  const Value x = g.any_float(2);
  if (!x || g.type(x).rank != 2 || g.dim(x, 1) <= 0) return;
  const Value y = g.make("Gemm", {x, g.weights({3, g.dim(x, 1)}), g.weights({3})}, {{"transB", int64_t{1}}, {"alpha", g.chance(2) ? 1.0 : 0.5}});
  if (y) g.make("Relu", {y});
}
void layer_norm(GraphMaker& g) {
  const Value x = g.any_float(2);
  if (!x || g.dim(x, -1) <= 0) return;
  const std::vector<Attr> keep = {{"keepdims", int64_t{1}}};
  const Value axes = g.ints({-1}), mean = g.make("ReduceMean", {x, axes}, keep);
  const Value d = mean ? g.make("Sub", {x, mean}) : 0;
  const Value square = !d ? 0 : g.chance(2) ? g.make("Pow", {d, g.number(2)}) : g.make("Mul", {d, d});
  const Value deviation = g.make("Sqrt", {with(g, "Add", square ? g.make("ReduceMean", {square, axes}, keep) : 0, 1e-5f)});
  Value y = deviation ? g.make("Div", {d, deviation}) : 0;
  if (y && !g.chance(4)) y = g.make("Mul", {y, g.weights({g.dim(x, -1)})});
  if (y && !g.chance(4)) g.make("Add", {y, g.weights({g.dim(x, -1)})});
}
void rms_norm(GraphMaker& g) {
  const Value x = g.any_float(2);
  if (!x || g.dim(x, -1) <= 0) return;
  const Value mean = g.make("ReduceMean", {g.make("Mul", {x, x}), g.ints({-1})}, {{"keepdims", int64_t{1}}});
  const Value r = g.make("Sqrt", {with(g, "Add", mean, 1e-6f)});
  const Value y = !r ? 0 : g.chance(2) ? g.make("Div", {x, r}) : g.make("Mul", {x, g.make("Reciprocal", {r})});
  if (y) g.make("Mul", {y, g.weights({g.dim(x, -1)})});
}
void gelu(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  const Value e = with(g, "Add", g.make("Erf", {with(g, "Div", x, std::sqrt(2.0f))}), 1);
  const Value m = e ? g.make("Mul", {x, e}) : 0;
  with(g, "Mul", m, g.chance(6) ? 0.25f : 0.5f);
}
void tanh_gelu(GraphMaker& g) {
  const Value x = g.any_float();
  const Value cube = with(g, "Pow", x, 3);
  const Value inner = cube ? g.make("Add", {x, with(g, "Mul", cube, 0.044715f)}) : 0;
  const Value t = with(g, "Add", g.make("Tanh", {with(g, "Mul", inner, 0.7978845608f)}), 1);
  if (t) g.make("Mul", {with(g, "Mul", x, 0.5f), t});
}
void gates(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  if (g.chance(3)) g.make("Mul", {x, g.make("Sigmoid", {x})});
  else if (g.chance(2)) g.make("Mul", {x, g.make("Tanh", {g.make("Softplus", {x})})});
  else if (const Value c = g.make("Clip", {with(g, "Add", x, 3), g.number(0), g.number(6)})) with(g, "Div", g.make("Mul", {x, c}), 6);
}
void softmax(GraphMaker& g) {
  const Value x = g.any_float(1);
  if (!x) return;
  if (g.chance(2)) return void(g.make("Softmax", {x}, {{"axis", int64_t{-1}}}));
  const Value axes = g.ints({-1}), top = g.make("ReduceMax", {x, axes}, {{"keepdims", int64_t{1}}});
  const Value e = top ? g.make("Exp", {g.make("Sub", {x, top})}) : 0;
  if (e) g.make("Div", {e, g.make("ReduceSum", {e, axes}, {{"keepdims", int64_t{1}}})});
}
Value heads(GraphMaker& g, Value x) {
  const Value split = x ? g.make("Reshape", {x, g.ints({0, 0, 2, 4})}) : 0;
  return split ? g.make("Transpose", {split}, {{"perm", Ints{0, 2, 1, 3}}}) : 0;
}
void attention(GraphMaker& g) {
  const Value x = g.any_float(3);
  if (!x || g.type(x).rank != 3) return;
  const Value q = heads(g, linear(g, x, 8)), k = heads(g, linear(g, x, 8)), v = heads(g, linear(g, x, 8));
  if (!q || !k || !v) return;
  Value scores = g.make("MatMul", {q, g.make("Transpose", {k}, {{"perm", Ints{0, 1, 3, 2}}})});
  scores = g.chance(2) ? with(g, "Div", scores, 2) : with(g, "Mul", scores, 0.5f);
  if (scores && g.chance(3)) scores = g.make("Add", {scores, g.number(-1)});
  const Value mixed = g.make("MatMul", {g.make("Softmax", {scores}, {{"axis", int64_t{-1}}}), v});
  const Value merged = mixed ? g.make("Reshape", {g.make("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}}), g.ints({0, 0, 8})}) : 0;
  const Value out = linear(g, merged, 8);
  if (out && g.chance(2)) g.make("Add", {out, x});
}
/// Halves of the last axis turned against each other.
void rotary(GraphMaker& g) {
  const Value x = g.any_float(2);
  const int64_t size = x ? g.dim(x, -1) : 0;
  if (size < 2 || size % 2) return;
  const Value axis = g.ints({-1}), half = g.ints({size / 2});
  const Value a = g.make("Slice", {x, g.ints({0}), half, axis}), b = g.make("Slice", {x, half, g.ints({INT64_MAX}), axis});
  const Value turned = a && b ? g.make("Concat", {g.make("Neg", {b}), a}, {{"axis", int64_t{-1}}}) : 0;
  if (turned) g.make("Add", {g.make("Mul", {x, g.weights({size})}), g.make("Mul", {turned, g.weights({size})})});
}
void quantization(GraphMaker& g) {
  const Value x = g.any_float();
  if (!x) return;
  const Value scale = g.number(0.125f), zero = g.bytes({}, false);
  const Value q = g.make("QuantizeLinear", {x, scale, zero});
  const Value y = q ? g.make("DequantizeLinear", {q, scale, zero}) : 0;
  if (y && g.chance(2)) g.make("Relu", {y});
  const Value w = y && g.type(y).rank == 2 && g.dim(y, 1) > 0 ? g.make("DequantizeLinear", {g.bytes({g.dim(y, 1), 4}, true), g.number(0.25f)}) : 0;
  if (w) g.make("MatMul", {y, w});
}

}  // namespace

std::vector<std::function<void(GraphMaker&)>> network_motifs() {
  return {convolution, convolution, convolution, transposed_convolution, pooling, normalization_of_batch, dense, dense, gemm, layer_norm, rms_norm, gelu, tanh_gelu, gates, softmax, attention, rotary, quantization};
}

}  // namespace tenon::test
