// SPDX-License-Identifier: Apache-2.0
// random.cpp - random numbers. Seeds of 0 let chance decide; others give the same numbers each time, though not LiteRT's own.
#include "lowerings/common/common.hpp"
#include "lowerings/common/node_def.hpp"

namespace tenon::tflite {
namespace {

void seed(int64_t s, int64_t s2, AttrList& a) {
  if (s || s2) a.add("seed", static_cast<double>((s * 1000003 + s2) & 0xffffff));
}

void random(Lower& l, std::string_view op) {
  known(l, {"seed", "seed2"});
  arity(l, 1, 1);
  tenon_dtype t = l.info(l.out(0)).type();
  AttrList a;
  a.add("dtype", dtype_name(t == dt::none ? dt::f32 : t));
  seed(l.i("seed"), l.i("seed2"), a);
  to(l, op, {index_list(l, need(l, 0))}, a);
}
void lower_random_standard_normal(Lower& l) { random(l, "RandomNormal"); }
void lower_random_uniform(Lower& l) { random(l, "RandomUniform"); }
TFLITE_LOWERING("RANDOM_STANDARD_NORMAL", lower_random_standard_normal);
TFLITE_LOWERING("RANDOM_UNIFORM", lower_random_uniform);

void multinomial(Lower& l, tenon_value logits, tenon_dtype otherwise, int64_t s, int64_t s2) {
  arity(l, 2, 2);
  auto n = need_ints(l, 1, "the number of samples");
  if (n.size() != 1) throw invalid("the number of samples must be one number");
  tenon_dtype t = l.info(l.out(0)).type();
  AttrList a;
  a.add("sample_size", n[0]).add("dtype", dtype_name(t == dt::none ? otherwise : t));
  seed(s, s2, a);
  to(l, "Multinomial", {logits}, a);
}
void lower_multinomial(Lower& l) {
  known(l, {"seed", "seed2"});
  multinomial(l, need(l, 0), dt::i64, l.i("seed"), l.i("seed2"));
}
TFLITE_LOWERING("MULTINOMIAL", lower_multinomial);

// TensorFlow's own, which writers leave in place of the builtin operator.
void lower_flex_multinomial(Lower& l) {
  NodeDef d = node_def(l);
  if (d.op != "Multinomial") throw invalid("the options of FlexMultinomial are those of another operator").with("found", d.op);
  known(d, {"T", "output_dtype", "seed", "seed2"});
  auto type = d.numbers.find("output_dtype");
  tenon_dtype t = type == d.numbers.end() ? dt::i64 : tensorflow_dtype(type->second);
  tenon_dtype declared = l.info(l.out(0)).type();
  if (declared != dt::none && declared != t) throw invalid("the output has another type than the operator's options say").with("expected", dtype_name(t)).with("found", dtype_name(declared));
  multinomial(l, need_float(l, 0), t, d.numbers["seed"], d.numbers["seed2"]);
}
TENON_LOWERING("tflite.flex", "FlexMultinomial", 1, lower_flex_multinomial);

}  // namespace
}  // namespace tenon::tflite
