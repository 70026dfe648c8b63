// SPDX-License-Identifier: Apache-2.0
// linear.cpp - matrix products and tables.
#include "common.hpp"

namespace tenon::caffe {
namespace {

/// Dimensions from `axis` on joined into one of size k (negative: not known).
tenon_value as_rows(const Layer& l, tenon_value x, int64_t axis, int64_t rank, int64_t k) {
  if (axis == 1 && rank == 2) return x;
  if (axis == 1) return reshape(l, x, k >= 0 ? Shape(l).of(x, 0).number(k) : Shape(l).of(x, 0).number(-1));
  if (axis == 0) return reshape(l, x, Shape(l).number(1).number(-1));
  return reshape(l, x, Shape(l).number(-1).number(k));
}

int64_t elements(const Layer& l, tenon_value x, int64_t begin, int64_t end) {
  int64_t n = 1;
  for (int64_t k = begin; k < end; ++k) {
    int64_t d = l.dim(x, k);
    if (d < 0 || __builtin_mul_overflow(n, d, &n)) return -1;
  }
  return n;
}

void lower_inner_product(Lower& lower) {
  Layer l(lower, "inner_product_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x), axis = l.axis(l.i("axis", 1), rank), n = l.at_least("num_output", 1, 0);
  bool transposed = l.flag("transpose", false);
  int64_t k = elements(l, x, axis, rank);
  tenon_value w = l.blob(0, transposed ? Dims{k, n} : Dims{n, k}, "weight_filler");
  k = l.dim(w, transposed ? 0 : 1);
  Values in = {as_rows(l, x, axis, rank, k), w};
  if (l.flag("bias_term", true)) in.push_back(l.blob(1, {n}, "bias_filler"));
  tenon_value y = l.emit("Gemm", in, AttrList{}.set("transB", transposed ? 0 : 1));
  if (axis != 1) y = reshape(l, y, Shape(l).range(x, 0, axis).number(n));
  l.done({y});
}
TENON_LOWERING("caffe", "InnerProduct", 1, lower_inner_product);

void lower_embed(Lower& lower) {
  Layer l(lower, "embed_param");
  l.arity(1, 1);
  int64_t n = l.at_least("num_output", 1, 0), rows = l.at_least("input_dim", 1, 0);
  tenon_value y = l.emit("Gather", {l.blob(0, {rows, n}, "weight_filler"), l.cast(l.in(), dt::i64)}, AttrList{}.set("axis", 0));
  if (l.flag("bias_term", true)) y = l.emit("Add", {y, l.blob(1, {n}, "bias_filler")});
  l.done({y});
}
TENON_LOWERING("caffe", "Embed", 1, lower_embed);

}  // namespace
}  // namespace tenon::caffe
