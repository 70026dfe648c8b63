// SPDX-License-Identifier: Apache-2.0
// constant.cpp - values from nothing or from a shape.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// A string constant: n + 1 offsets (u64) into the text behind them.
tenon_value strings(Lower& l, const std::vector<std::string>& v, const Dims& dims) {
  std::string text;
  std::vector<uint64_t> offsets{0};
  for (const auto& s : v) offsets.push_back((text += s).size());
  Buffer b = Buffer::alloc(l.graph().ctx(), offsets.size() * 8 + text.size());
  auto* to = static_cast<char*>(b.writable());
  std::memcpy(to, offsets.data(), offsets.size() * 8);
  std::memcpy(to + offsets.size() * 8, text.data(), text.size());
  return l.graph().add_constant("", dt::string, dims, b);
}

tenon_value floats(Lower& l, const std::vector<double>& v, const Dims& dims) {
  std::vector<float> f(v.begin(), v.end());
  return l.graph().add_constant<float>("", dims, f.data());
}

Dims length(size_t n) { return {static_cast<int64_t>(n)}; }

tenon_value constant(Lower& l) {
  const Attrs& a = l;
  if (a.has("value")) return a.tensor_id("value");
  if (a.has("sparse_value")) return a.tensor_id("sparse_value");
  if (a.has("value_int")) return l.scalar<int64_t>(a.i("value_int"));
  if (a.has("value_ints")) return l.ints(a.ints("value_ints"));
  if (a.has("value_float")) return l.scalar<float>(static_cast<float>(a.f("value_float")));
  if (a.has("value_floats")) return floats(l, a.floats("value_floats"), length(a.find("value_floats")->count));
  if (a.has("value_string")) return strings(l, {a.s("value_string")}, {});
  return strings(l, a.strings("value_strings"), length(a.find("value_strings")->count));
}

void lower_constant(Lower& l) {
  known(l, {"value", "sparse_value", "value_int", "value_ints", "value_float", "value_floats", "value_string", "value_strings"});
  arity(l, 0, 0);
  if (l.all().size() != 1) throw invalid("a Constant needs exactly one value").with("found", std::to_string(l.all().size()));
  tenon_value v = constant(l);
  Graph& g = l.graph();
  if (g.info(v).name().empty()) {
    std::string name(g.info(l.out()).name());
    ok(api().ir->set_name(g.ctx(), g.raw(), 0, v, str(name)));
  }
  l.done({v});
}
TENON_LOWERING("onnx", "Constant", 1, lower_constant);

void lower_constant_of_shape(Lower& l) { same(l, "ConstantOfShape", {"value"}, 1, 1); }
TENON_LOWERING("onnx", "ConstantOfShape", 9, lower_constant_of_shape);

// stash_type counts for f16 and bf16 only; the IR's sums are f32 or wider.
void lower_range(Lower& l) {
  known(l, {"stash_type"});
  arity(l, 3, 3);
  tenon_dtype type = l.info(need(l, 0)).type(), stash = dtype_number(l.i("stash_type", 1));
  bool counts = type == dt::f16 || type == dt::bf16 || type == dt::none;
  if (counts && stash != dt::f32 && stash != dt::f64) throw unsupported("sums rounded to stash_type " + dtype_name(stash) + " are not supported").with("expected", "f32 or f64");
  l.to("Range", {need(l, 0), need(l, 1), need(l, 2)});
}
TENON_LOWERING("onnx", "Range", 11, lower_range);

void lower_eye_like(Lower& l) {
  known(l, {"dtype", "k"});
  arity(l, 1, 1);
  AttrList a;
  a.add("k", l.i("k", 0));
  if (l.has("dtype")) a.add("dtype", dtype_text(l.i("dtype")));
  l.to("EyeLike", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "EyeLike", 9, lower_eye_like);

}  // namespace
}  // namespace tenon::onnx
