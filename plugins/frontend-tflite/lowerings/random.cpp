// SPDX-License-Identifier: Apache-2.0
// random.cpp - random numbers. Seeds of 0 let chance decide; others give the same numbers each time, though not LiteRT's own.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

void seed(const Lower& l, AttrList& a) {
  int64_t s = l.i("seed"), s2 = l.i("seed2");
  if (s || s2) a.add("seed", static_cast<double>((s * 1000003 + s2) & 0xffffff));
}

void random(Lower& l, std::string_view op) {
  known(l, {"seed", "seed2"});
  arity(l, 1, 1);
  tenon_dtype t = l.info(l.out(0)).type();
  AttrList a;
  a.add("dtype", dtype_name(t == dt::none ? dt::f32 : t));
  seed(l, a);
  to(l, op, {index_list(l, need(l, 0))}, a);
}
void lower_random_standard_normal(Lower& l) { random(l, "RandomNormal"); }
void lower_random_uniform(Lower& l) { random(l, "RandomUniform"); }
TFLITE_LOWERING("RANDOM_STANDARD_NORMAL", lower_random_standard_normal);
TFLITE_LOWERING("RANDOM_UNIFORM", lower_random_uniform);

void lower_multinomial(Lower& l) {
  known(l, {"seed", "seed2"});
  arity(l, 2, 2);
  auto n = need_ints(l, 1, "the number of samples");
  if (n.size() != 1) throw invalid("the number of samples must be one number");
  tenon_dtype t = l.info(l.out(0)).type();
  AttrList a;
  a.add("sample_size", n[0]).add("dtype", dtype_name(t == dt::none ? dt::i64 : t));
  seed(l, a);
  to(l, "Multinomial", {need(l, 0)}, a);
}
TFLITE_LOWERING("MULTINOMIAL", lower_multinomial);

}  // namespace
}  // namespace tenon::tflite
