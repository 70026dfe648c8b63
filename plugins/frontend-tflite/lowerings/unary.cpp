// SPDX-License-Identifier: Apache-2.0
// unary.cpp - operators on each element of one tensor.
#include "lowerings/common/complex.hpp"

namespace tenon::tflite {
namespace {

void lower_abs(Lower& l) { same(l, "Abs", 1, 1); }
void lower_ceil(Lower& l) { same_float(l, "Ceil", 1); }
void lower_cos(Lower& l) { same_float(l, "Cos", 1); }
void lower_exp(Lower& l) { same_float(l, "Exp", 1); }
void lower_floor(Lower& l) { same_float(l, "Floor", 1); }
void lower_log(Lower& l) { same_float(l, "Log", 1); }
void lower_logical_not(Lower& l) { same_bool(l, "LogicalNot", 1); }
void lower_neg(Lower& l) { same(l, "Neg", 1, 1); }
void lower_round(Lower& l) { same_float(l, "Round", 1); }
void lower_rsqrt(Lower& l) { same_float(l, "Rsqrt", 1); }
void lower_sign(Lower& l) { same(l, "Sign", 1, 1); }
void lower_sin(Lower& l) { same_float(l, "Sin", 1); }
void lower_sqrt(Lower& l) { same_float(l, "Sqrt", 1); }
void lower_elu(Lower& l) { same_float(l, "Elu", 1); }
void lower_hard_swish(Lower& l) { same_float(l, "HardSwish", 1); }
void lower_logistic(Lower& l) { same_float(l, "Sigmoid", 1); }
void lower_tanh(Lower& l) { same_float(l, "Tanh", 1); }
void lower_relu(Lower& l) { same(l, "Relu", 1, 1); }
TFLITE_LOWERING("ABS", lower_abs);
TFLITE_LOWERING("CEIL", lower_ceil);
TFLITE_LOWERING("COS", lower_cos);
TFLITE_LOWERING("EXP", lower_exp);
TFLITE_LOWERING("FLOOR", lower_floor);
TFLITE_LOWERING("LOG", lower_log);
TFLITE_LOWERING("LOGICAL_NOT", lower_logical_not);
TFLITE_LOWERING("NEG", lower_neg);
TFLITE_LOWERING("ROUND", lower_round);
TFLITE_LOWERING("RSQRT", lower_rsqrt);
TFLITE_LOWERING("SIGN", lower_sign);
TFLITE_LOWERING("SIN", lower_sin);
TFLITE_LOWERING("SQRT", lower_sqrt);
TFLITE_LOWERING("ELU", lower_elu);
TFLITE_LOWERING("HARD_SWISH", lower_hard_swish);
TFLITE_LOWERING("LOGISTIC", lower_logistic);
TFLITE_LOWERING("TANH", lower_tanh);
TFLITE_LOWERING("RELU", lower_relu);

void clipped(Lower& l, double low, double high) {
  known(l, {});
  arity(l, 1, 1);
  finish(l, {clip(l, need(l, 0), type_of(l, need(l, 0)), low, high)});
}
void lower_relu6(Lower& l) { clipped(l, 0, 6); }
void lower_relu_n1_to_1(Lower& l) { clipped(l, -1, 1); }
void lower_relu_0_to_1(Lower& l) { clipped(l, 0, 1); }
TFLITE_LOWERING("RELU6", lower_relu6);
TFLITE_LOWERING("RELU_N1_TO_1", lower_relu_n1_to_1);
TFLITE_LOWERING("RELU_0_TO_1", lower_relu_0_to_1);

void lower_square(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  to(l, "Mul", {need(l, 0), l.in(0)});
}
TFLITE_LOWERING("SQUARE", lower_square);

void lower_gelu(Lower& l) {
  known(l, {"approximate"});
  arity(l, 1, 1);
  to(l, "Gelu", {need_float(l, 0)}, AttrList{}.set("approximate", l.i("approximate") ? "tanh" : "none"));
}
TFLITE_LOWERING("GELU", lower_gelu);

void lower_leaky_relu(Lower& l) {
  known(l, {"alpha"});
  arity(l, 1, 1);
  to(l, "LeakyRelu", {need_float(l, 0)}, AttrList{}.set("alpha", l.f("alpha")));
}
TFLITE_LOWERING("LEAKY_RELU", lower_leaky_relu);

void lower_prelu(Lower& l) { same(l, "PRelu", 2, 2); }
TFLITE_LOWERING("PRELU", lower_prelu);

// Real parts, and imaginary parts of 0.
tenon_value complex_from(Lower& l, tenon_value x, tenon_dtype out) {
  tenon_dtype half = out == dt::c64 ? dt::f32 : dt::f64;
  tenon_value re = l.emit("Cast", {x}, AttrList{}.set("to", dtype_name(half)));
  return from_pairs(l, concat(l, {unsqueeze(l, re, {-1}), zeros(l, concat(l, {shape(l, re), l.ints({1})}, 0), half)}, -1), out);
}

// Type of the output: the file's declaration counts, the options may be missing.
void lower_cast(Lower& l) {
  known(l, {"in_data_type", "out_data_type"});
  arity(l, 1, 1);
  tenon_dtype out = l.info(l.out(0)).type();
  if (out == dt::none) out = dtype_named(l.s("out_data_type", "?"));
  tenon_value x = need(l, 0);
  bool complex = type_of(l, x).code == TENON_DT_COMPLEX;
  if (complex && out == l.info(x).type()) return to(l, "Identity", {x});
  if (complex) x = real_part(l, pairs_of(l, x));
  if (out.code == TENON_DT_COMPLEX) return finish(l, {complex_from(l, x, out)});
  to(l, "Cast", {x}, AttrList{}.set("to", dtype_name(out)));
}
TFLITE_LOWERING("CAST", lower_cast);

void lower_zeros_like(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  finish(l, {zeros(l, shape(l, need(l, 0)), type_of(l, l.in(0)))});
}
TFLITE_LOWERING("ZEROS_LIKE", lower_zeros_like);

void lower_bitcast(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  tenon_dtype from = type_of(l, need(l, 0)), out = type_of(l, l.out(0));
  if (from.bits < 8 || out.bits < 8) throw unsupported("a bitcast of types narrower than a byte").with("found", dtype_name(from) + " to " + dtype_name(out));
  to(l, "BitCast", {l.in(0)}, AttrList{}.set("to", dtype_name(out)));
}
TFLITE_LOWERING("BITCAST", lower_bitcast);

void lower_bucketize(Lower& l) {
  known(l, {"boundaries"});
  arity(l, 1, 1);
  to(l, "Bucketize", {need(l, 0)}, AttrList{}.set("boundaries", l.floats("boundaries")));
}
TFLITE_LOWERING("BUCKETIZE", lower_bucketize);

}  // namespace
}  // namespace tenon::tflite
