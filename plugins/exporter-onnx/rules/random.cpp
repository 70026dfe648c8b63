// SPDX-License-Identifier: Apache-2.0
// random.cpp - random numbers. A shape known before is an attribute; else that of a tensor made of it.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

/// The seed is a float in ONNX.
AttrList attributes(Emit& e, std::initializer_list<std::string_view> names) {
  AttrList a = e.copied(names);
  if (e.has("seed")) a.add("seed", e.f("seed"));
  return a;
}

void random(Emit& e, const std::string& name, std::initializer_list<std::string_view> attrs) {
  AttrList a = attributes(e, attrs);
  a.add("dtype", data_type(e.type(e.out())));
  if (const auto shape = e.constant_ints(e.in(0))) {
    a.add("shape", *shape);
    return e.to(name, {}, a);
  }
  e.to(name + "Like", {e.op("ConstantOfShape", {e.in(0)})}, a);
}
void uniform(Emit& e) { random(e, "RandomUniform", {"low", "high"}); }
ONNX_RULE("RandomUniform", uniform);
void normal(Emit& e) { random(e, "RandomNormal", {"mean", "scale"}); }
ONNX_RULE("RandomNormal", normal);
void multinomial(Emit& e) {
  AttrList a = attributes(e, {"sample_size"});
  a.add("dtype", data_type(e.type(e.out())));
  e.to("Multinomial", {e.in(0)}, a);
}
ONNX_RULE("Multinomial", multinomial);

}  // namespace
}  // namespace tenon::to_onnx
