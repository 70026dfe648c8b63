// SPDX-License-Identifier: Apache-2.0
// eltwise.cpp - several blobs, and blobs with learned factors, element by element.
#include "common.hpp"

namespace tenon::caffe {
namespace {

void same_shapes(const Layer& l) {
  ValueInfo first = l.info(l.in(0));
  for (uint64_t k = 1; k < l.bottoms(); ++k) {
    ValueInfo other = l.info(l.in(k));
    bool fits = first.rank() < 0 || other.rank() < 0 || first.rank() == other.rank();
    for (int32_t d = 0; fits && d < first.rank() && other.rank() >= 0; ++d) fits = first.dim(d) < 0 || other.dim(d) < 0 || first.dim(d) == other.dim(d);
    if (!fits) throw invalid("the bottoms of the layer have different shapes").with("found", text(Dims(first.dims().vec())) + " and " + text(Dims(other.dims().vec())));
  }
}

void lower_eltwise(Lower& lower) {
  Layer l(lower, "eltwise_param");
  l.arity(2, UINT32_MAX);
  l.ignore({"stable_prod_grad"});
  std::string op = l.s("operation", "SUM");
  auto coeff = l.reals("coeff");
  if (!coeff.empty() && (coeff.size() != l.bottoms() || op != "SUM"))
    throw invalid("coeff needs one number for each bottom, and operation SUM").with("found", std::to_string(coeff.size()) + " numbers, operation " + op);
  same_shapes(l);
  tenon_value y = 0;
  for (uint64_t k = 0; k < l.bottoms(); ++k) {
    tenon_value x = l.in(k);
    if (!coeff.empty() && coeff[k] != 1) x = l.emit("Mul", {x, l.scalar(coeff[k])});
    y = y ? l.emit(op == "SUM" ? "Add" : op == "PROD" ? "Mul" : "Maximum", {y, x}) : x;
  }
  l.done({y});
}
TENON_LOWERING("caffe", "Eltwise", 1, lower_eltwise);

/// Trailing axes of size 1, so that a blob that starts at `axis` of x broadcasts over the rest.
tenon_value along(const Layer& l, tenon_value v, int64_t axis, int64_t rank) {
  int64_t own = l.rank(v);
  if (own + axis > rank) throw invalid("the second blob has too many dimensions").with("expected", "at most " + std::to_string(rank - axis)).with("found", std::to_string(own));
  Ints axes;
  for (int64_t k = own; k + axis < rank; ++k) axes.push_back(k);
  return own ? l.unsqueeze(v, axes) : v;
}

/// Shape of a learned factor or term: dimensions axis .. axis + num_axes of x.
Dims learned_dims(const Layer& l, tenon_value x, int64_t axis, int64_t rank) {
  int64_t n = l.i("num_axes", 1);
  if (n < -1 || axis + n > rank) throw invalid("num_axes is out of range").with("found", std::to_string(n));
  Dims d;
  for (int64_t k = axis; k < (n == -1 ? rank : axis + n); ++k) d.push_back(l.dim(x, k));
  return d;
}

void lower_scale(Lower& lower) {
  Layer l(lower, "scale_param");
  l.arity(1, 2);
  tenon_value x = l.in();
  int64_t rank = l.rank(x);
  bool given = l.bottoms() == 2, bias = l.flag("bias_term", false);
  tenon_value s = given ? l.in(1) : 0;
  // a scalar factor applies to all of x, and Caffe takes axis 0 then
  int64_t axis = given && l.rank(s) == 0 ? 0 : l.axis(l.i("axis", 1), rank);
  Dims dims = given ? Dims(l.info(s).dims()) : learned_dims(l, x, axis, rank);
  if (given) l.ignore({"num_axes"});
  if (!given) s = l.blob(0, dims, "filler");
  tenon_value y = l.emit("Mul", {x, along(l, s, axis, rank)});
  if (!bias) return l.done({y});
  tenon_value b = l.blob(given ? 0 : 1, dims, "bias_filler");
  l.to("Add", {y, along(l, b, axis, rank)});
}
TENON_LOWERING("caffe", "Scale", 1, lower_scale);

void lower_bias(Lower& lower) {
  Layer l(lower, "bias_param");
  l.arity(1, 2);
  tenon_value x = l.in();
  int64_t rank = l.rank(x);
  bool given = l.bottoms() == 2;
  tenon_value b = given ? l.in(1) : 0;
  int64_t axis = given && l.rank(b) == 0 ? 0 : l.axis(l.i("axis", 1), rank);
  if (given) l.ignore({"num_axes"});
  if (!given) b = l.blob(0, learned_dims(l, x, axis, rank), "filler");
  l.to("Add", {x, along(l, b, axis, rank)});
}
TENON_LOWERING("caffe", "Bias", 1, lower_bias);

// SENet: scale[n, c] * x + y
void lower_axpy(Lower& lower) {
  Layer l(lower, "axpy_param");
  l.arity(3, 3);
  tenon_value s = l.in(0), x = l.in(1);
  int64_t rank = l.rank(x), own = l.rank(s);
  Ints axes;
  for (int64_t k = own; k < rank; ++k) axes.push_back(k);
  for (int64_t k = 2; k < own; ++k)
    if (l.dim(s, k) > 1) throw invalid("the factors of an Axpy layer are not one for each channel").with("found", text(l.info(s).dims()));
  l.to("Add", {l.emit("Mul", {l.unsqueeze(s, axes), x}), l.in(2)});
}
TENON_LOWERING("caffe", "Axpy", 1, lower_axpy);

}  // namespace
}  // namespace tenon::caffe
