// SPDX-License-Identifier: Apache-2.0
// random.cpp - random numbers. Without a seed every run differs.
#include "common.hpp"

namespace tenon::onnx {
namespace {

AttrList attributes(const Lower& l, std::string_view a, double a_default, std::string_view b, double b_default, const std::string& dtype) {
  AttrList r = copied(l, {"seed"});
  r.add(a, l.f(a, a_default)).add(b, l.f(b, b_default)).add("dtype", dtype);
  return r;
}

std::string dtype_like(Lower& l) { return l.has("dtype") ? dtype_text(l.i("dtype")) : dtype_name(type_of(l, need(l, 0), "the result's type")); }

void from_attribute(Lower& l, std::string_view op, const AttrList& a) {
  arity(l, 0, 0);
  if (!l.has("shape")) throw invalid("attribute 'shape' is missing");
  l.to(op, {l.ints(attr_ints(l, "shape"))}, a);
}
void from_input(Lower& l, std::string_view op, const AttrList& a) {
  arity(l, 1, 1);
  l.to(op, {shape(l, need(l, 0))}, a);
}

void lower_normal(Lower& l) {
  known(l, {"dtype", "mean", "scale", "seed", "shape"});
  from_attribute(l, "RandomNormal", attributes(l, "mean", 0, "scale", 1, dtype_text(l.i("dtype", 1))));
}
TENON_LOWERING("onnx", "RandomNormal", 1, lower_normal);
void lower_normal_like(Lower& l) {
  known(l, {"dtype", "mean", "scale", "seed"});
  from_input(l, "RandomNormal", attributes(l, "mean", 0, "scale", 1, dtype_like(l)));
}
TENON_LOWERING("onnx", "RandomNormalLike", 1, lower_normal_like);
void lower_uniform(Lower& l) {
  known(l, {"dtype", "high", "low", "seed", "shape"});
  from_attribute(l, "RandomUniform", attributes(l, "low", 0, "high", 1, dtype_text(l.i("dtype", 1))));
}
TENON_LOWERING("onnx", "RandomUniform", 1, lower_uniform);
void lower_uniform_like(Lower& l) {
  known(l, {"dtype", "high", "low", "seed"});
  from_input(l, "RandomUniform", attributes(l, "low", 0, "high", 1, dtype_like(l)));
}
TENON_LOWERING("onnx", "RandomUniformLike", 1, lower_uniform_like);

void lower_bernoulli(Lower& l) {
  known(l, {"dtype", "seed"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  AttrList a = copied(l, {"seed"});
  a.add("low", 0.0).add("high", 1.0).add("dtype", dtype_name(type_of(l, x, "the result's type")));
  tenon_value below = l.emit("Less", {l.emit("RandomUniform", {shape(l, x)}, a), x});
  l.to("Cast", {below}, AttrList{}.set("to", dtype_like(l)));
}
TENON_LOWERING("onnx", "Bernoulli", 15, lower_bernoulli);

void lower_multinomial(Lower& l) {
  known(l, {"dtype", "sample_size", "seed"});
  arity(l, 1, 1);
  AttrList a = copied(l, {"seed"});
  a.add("sample_size", l.i("sample_size", 1)).add("dtype", dtype_text(l.i("dtype", 6)));
  l.to("Multinomial", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "Multinomial", 7, lower_multinomial);

}  // namespace
}  // namespace tenon::onnx
