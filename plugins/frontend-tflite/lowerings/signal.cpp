// SPDX-License-Identifier: Apache-2.0
// signal.cpp - Fourier transforms and complex numbers. The IR's operators compute with pairs of real numbers along a last axis; a tensor
// of complex numbers has the same bytes.
#include "lowerings/common/complex.hpp"

namespace tenon::tflite {

tenon_value pairs_of(Lower& l, tenon_value v) {
  tenon_dtype t = type_of(l, v);
  if (t.code != TENON_DT_COMPLEX) throw invalid("complex numbers are needed").with("found", dtype_name(t));
  return l.emit("BitCast", {v}, AttrList{}.set("to", t == dt::c64 ? "f32" : "f64"));
}

tenon_value from_pairs(Lower& l, tenon_value v, tenon_dtype t) { return l.emit("BitCast", {v}, AttrList{}.set("to", dtype_name(t))); }

tenon_value real_part(Lower& l, tenon_value pairs) { return l.emit("Gather", {pairs, l.scalar<int64_t>(0)}, AttrList{}.set("axis", -1)); }

namespace {

// The last two axes, cut or filled up with zeros to the given lengths; the last one keeps its first half.
void lower_rfft2d(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), length = index_list(l, need(l, 1));
  int64_t rank = rank_of(l, x);
  if (rank < 2) throw invalid("a transform of two axes needs them");
  auto of = [&](int64_t k) { return l.emit("Reshape", {slice(l, length, 0, k, k + 1), l.ints({})}); };
  tenon_value rows = l.emit("DFT", {unsqueeze(l, x, {rank}), of(1), l.scalar<int64_t>(rank - 1)}, AttrList{}.set("onesided", 1));
  finish(l, {from_pairs(l, l.emit("DFT", {rows, of(0), l.scalar<int64_t>(rank - 2)}), dt::c64)});
}
TFLITE_LOWERING("RFFT2D", lower_rfft2d);

tenon_value input_pairs(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  return pairs_of(l, need(l, 0));
}

void lower_real(Lower& l) { finish(l, {real_part(l, input_pairs(l))}); }
void lower_imag(Lower& l) { to(l, "Gather", {input_pairs(l), l.scalar<int64_t>(1)}, AttrList{}.set("axis", -1)); }
void lower_complex_abs(Lower& l) {
  tenon_value x = input_pairs(l);
  to(l, "Sqrt", {reduce(l, "ReduceSum", l.emit("Mul", {x, x}), {-1}, false)});
}
TFLITE_LOWERING("REAL", lower_real);
TFLITE_LOWERING("IMAG", lower_imag);
TFLITE_LOWERING("COMPLEX_ABS", lower_complex_abs);

}  // namespace
}  // namespace tenon::tflite
