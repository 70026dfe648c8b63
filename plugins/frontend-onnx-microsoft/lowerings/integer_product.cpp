// SPDX-License-Identifier: Apache-2.0
#include "integer_product.hpp"

namespace tenon::contrib {

Values product_inputs(Lower& l, tenon_value a, tenon_value a_zero, tenon_value b, tenon_value b_zero) {
  Values in{a, b, a_zero ? as_scalar(l, a_zero) : 0, b_zero ? as_scalar(l, b_zero) : 0};
  while (!in.back()) in.pop_back();
  return in;
}

tenon_value scaled_product(Lower& l, tenon_value a, tenon_value a_scale, tenon_value a_zero, tenon_value b, tenon_value b_scale, tenon_value b_zero) {
  tenon_value sums = l.emit("Cast", {l.emit("MatMulInteger", product_inputs(l, a, a_zero, b, b_zero))}, AttrList{}.set("to", "f32"));
  return l.emit("Mul", {sums, l.emit("Mul", {a_scale, b_scale})});
}

namespace {

void lower_matmul_integer_to_float(Lower& l) {
  known(l, {});
  arity(l, 4, 7);
  tenon_value y = scaled_product(l, need(l, 0), as_scalar(l, need(l, 2)), l.in(4), need(l, 1), as_scalar(l, need(l, 3)), l.in(5));
  l.done({plus_input(l, y, 6)});
}
TENON_LOWERING("com.microsoft", "MatMulIntegerToFloat", 1, lower_matmul_integer_to_float);

void lower_dynamic_quantize_matmul(Lower& l) {
  known(l, {});
  arity(l, 3, 5);
  const auto a = l.emit_n("DynamicQuantizeLinear", {need(l, 0)}, {}, 3);
  tenon_value sums = l.emit("Cast", {l.emit("MatMulInteger", l.has_in(3) ? Values{a[0], need(l, 1), a[2], as_scalar(l, l.in(3))} : Values{a[0], need(l, 1), a[2]})}, AttrList{}.set("to", "f32"));
  l.done({plus_input(l, l.emit("Mul", {sums, l.emit("Mul", {a[1], as_scalar(l, need(l, 2))})}), 4)});
}
TENON_LOWERING("com.microsoft", "DynamicQuantizeMatMul", 1, lower_dynamic_quantize_matmul);

/// alpha * a_scale * b_scale * (A x B + C), where C counts in the integers; to float, or rescaled to y.
void lower_qgemm(Lower& l) {
  known(l, {"alpha", "transA", "transB"});
  arity(l, 6, 9);
  auto matrix = [&](uint64_t k, bool trans) { return trans ? transpose(l, need(l, k), {1, 0}) : need(l, k); };
  tenon_value sums = l.emit("MatMulInteger", product_inputs(l, matrix(0, l.i("transA")), l.in(2), matrix(3, l.i("transB")), l.in(5)));
  sums = plus_input(l, sums, 6);
  tenon_value scale = l.emit("Mul", {as_scalar(l, need(l, 1)), as_scalar(l, need(l, 4))});
  if (l.f("alpha", 1) != 1) scale = l.emit("Mul", {scale, l.scalar<float>(static_cast<float>(l.f("alpha")))});
  if (!l.has_in(7)) return l.done({l.emit("Mul", {l.emit("Cast", {sums}, AttrList{}.set("to", "f32")), scale})});
  Values in{sums, l.emit("Div", {scale, as_scalar(l, l.in(7))})};
  if (l.has_in(8)) in.push_back(as_scalar(l, l.in(8)));
  const tenon_dtype t = l.has_in(8) ? type_of(l, l.in(8)) : type_of(l, l.in(0));
  l.to("Requantize", in, AttrList{}.set("axis", 1).set("output_dtype", dtype_name(t)).set("rounding", "half_even"));
}
TENON_LOWERING("com.microsoft", "QGemm", 1, lower_qgemm);

/// Weights are dequantized; the activations stay in float, where ONNX Runtime quantizes them anew in each step.
void lower_dynamic_quantize_lstm(Lower& l) {
  known(l, {"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget"});
  arity(l, 12, 12, 3);
  // W and R are [directions, inputs, 4 * hidden], transposed against LSTM's; scales are one for each direction, or [directions, 4 * hidden].
  auto weights = [&](uint64_t k, uint64_t scale) {
    tenon_value s = need(l, scale), z = need(l, scale + 1);
    const int32_t rank = rank_of(l, s, "a scale");
    auto spread = [&](tenon_value v) { return unsqueeze(l, v, rank == 1 ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{1}); };
    tenon_value centred = l.emit("Sub", {l.emit("Cast", {need(l, k)}, AttrList{}.set("to", "f32")), spread(l.emit("Cast", {z}, AttrList{}.set("to", "f32")))});
    return transpose(l, l.emit("Mul", {centred, spread(s)}), {0, 2, 1});
  };
  Values in{need(l, 0), weights(1, 8), weights(2, 10)};
  for (uint64_t k = 3; k < 8; ++k) in.push_back(l.in(k));
  while (!in.back()) in.pop_back();
  AttrList a = copied(l, {"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget"});
  l.done(l.emit_n("LSTM", in, a, 3, {l.has_out(0), l.has_out(1), l.has_out(2)}));
}
TENON_LOWERING("com.microsoft", "DynamicQuantizeLSTM", 1, lower_dynamic_quantize_lstm);

}  // namespace
}  // namespace tenon::contrib
