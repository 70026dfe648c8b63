// SPDX-License-Identifier: Apache-2.0
// scale.cpp - features on their way into a model: scaled, normalized, binarized, imputed.
#include "common/lowering.hpp"

namespace tenon::contrib {
namespace {

void lower_scaler(Lower& l) {
  known(l, {"offset", "scale"});
  arity(l, 1, 1);
  tenon_value x = cast(l, need(l, 0), dt::f32);
  const auto offset = l.Attrs::floats("offset"), scale = l.Attrs::floats("scale");
  if (!offset.empty()) x = l.emit("Sub", {x, floats(l, offset)});
  l.to(scale.empty() ? "Identity" : "Mul", scale.empty() ? Values{x} : Values{x, floats(l, scale)});
}
TENON_LOWERING("ai.onnx.ml", "Scaler", 1, lower_scaler);

void lower_binarizer(Lower& l) {
  known(l, {"threshold"});
  arity(l, 1, 1);
  const tenon_dtype t = type_of(l, need(l, 0));
  const tenon_dtype wide = is_float(t) ? t : dt::f64;
  l.to("Cast", {l.emit("Greater", {cast(l, l.in(0), wide), l.scalar_of(wide, l.f("threshold", 0))})}, AttrList{}.set("to", dtype_name(t)));
}
TENON_LOWERING("ai.onnx.ml", "Binarizer", 1, lower_binarizer);

/// Divisor of each row; the maximum is that of the values, not of their magnitudes.
tenon_value norm_of(Lower& l, const std::string& name, tenon_value x) {
  if (name == "MAX") return reduce(l, "ReduceMax", x, {-1});
  if (name == "L1") return reduce(l, "ReduceSum", l.emit("Abs", {x}), {-1});
  if (name == "L2") return l.emit("Sqrt", {reduce(l, "ReduceSum", l.emit("Mul", {x, x}), {-1})});
  throw invalid("unknown norm").with("expected", "MAX, L1 or L2").with("found", name);
}

void lower_normalizer(Lower& l) {
  known(l, {"norm"});
  arity(l, 1, 1);
  tenon_value x = cast(l, need(l, 0), dt::f32), norm = norm_of(l, l.s("norm", "MAX"), x);
  tenon_value zero = l.emit("Equal", {norm, l.scalar<float>(0)});
  l.to("Div", {x, l.emit("Where", {zero, l.scalar<float>(1), norm})});
}
TENON_LOWERING("ai.onnx.ml", "Normalizer", 1, lower_normalizer);

void lower_imputer(Lower& l) {
  known(l, {"imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  if (is_float(type_of(l, x))) {
    const auto values = l.Attrs::floats("imputed_value_floats");
    if (values.empty()) throw invalid("attribute 'imputed_value_floats' is missing, and the input is of floats");
    const double old = l.f("replaced_value_float", 0);
    tenon_value missing = old != old ? l.emit("IsNaN", {x}) : l.emit("Equal", {x, scalar_like(l, x, old)});
    return l.to("Where", {missing, cast(l, floats(l, values), type_of(l, x)), x});
  }
  const auto values = attr_ints(l, "imputed_value_int64s");
  if (values.empty()) throw invalid("attribute 'imputed_value_int64s' is missing, and the input is of integers");
  tenon_value old = cast(l, l.scalar<int64_t>(l.i("replaced_value_int64", 0)), type_of(l, x));
  l.to("Where", {l.emit("Equal", {x, old}), cast(l, l.ints(values), type_of(l, x)), x});
}
TENON_LOWERING("ai.onnx.ml", "Imputer", 1, lower_imputer);

}  // namespace
}  // namespace tenon::contrib
