// SPDX-License-Identifier: Apache-2.0
// norm.cpp - softmax and normalizations.
#include "lowerings/common/window.hpp"

namespace tenon::tflite {
namespace {

void lower_softmax(Lower& l) {
  known(l, {"beta"});
  arity(l, 1, 1);
  tenon_value x = need_float(l, 0);
  double beta = l.f("beta", 1);
  if (beta != 1) x = l.emit("Mul", {x, scalar_like(l, x, beta)});
  to(l, "Softmax", {x}, AttrList{}.set("axis", -1));
}
TFLITE_LOWERING("SOFTMAX", lower_softmax);

void lower_log_softmax(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  to(l, "LogSoftmax", {need_float(l, 0)}, AttrList{}.set("axis", -1));
}
TFLITE_LOWERING("LOG_SOFTMAX", lower_log_softmax);

void lower_l2_normalization(Lower& l) {
  known(l, {"fused_activation_function"});
  arity(l, 1, 1);
  tenon_value x = need_float(l, 0);
  constexpr double kLeast = 1e-6;  // of the norm
  tenon_value norm = l.emit("Sqrt", {reduce(l, "ReduceSum", l.emit("Mul", {x, x}), {-1}, true)});
  tenon_value y = l.emit("Div", {x, l.emit("Maximum", {norm, scalar_like(l, x, kLeast)})});
  finish(l, {activate(l, y, type_of(l, x))});
}
TFLITE_LOWERING("L2_NORMALIZATION", lower_l2_normalization);

// The file has a radius, and an alpha that is not divided by the size.
void lower_local_response_normalization(Lower& l) {
  known(l, {"radius", "bias", "alpha", "beta"});
  arity(l, 1, 1);
  if (rank_of(l, need_float(l, 0)) != 4) throw invalid("local response normalization needs 4 dimensions");
  int64_t size = 2 * l.i("radius") + 1;
  AttrList a;
  a.add("size", size).add("alpha", l.f("alpha") * static_cast<double>(size)).add("beta", l.f("beta")).add("bias", l.f("bias"));
  finish(l, {channels_last(l, l.emit("LRN", {channels_first(l, l.in(0))}, a))});
}
TFLITE_LOWERING("LOCAL_RESPONSE_NORMALIZATION", lower_local_response_normalization);

}  // namespace
}  // namespace tenon::tflite
