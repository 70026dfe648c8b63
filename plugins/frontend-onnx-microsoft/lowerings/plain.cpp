// SPDX-License-Identifier: Apache-2.0
// plain.cpp - operators that ONNX has too, in the form of com.microsoft.
#include "emit.hpp"

namespace tenon::contrib {
namespace {

void lower_pad(Lower& l) {
  known(l, {"mode"});
  arity(l, 2, 3);
  Values in{need(l, 0), reshape(l, need(l, 1), {-1})};
  if (l.has_in(2)) in.push_back(reshape(l, l.in(2), {}));
  l.to("Pad", in, AttrList{}.set("mode", l.s("mode", "constant")));
}
TENON_LOWERING("com.microsoft", "Pad", 1, lower_pad);

void lower_trilu(Lower& l) {
  known(l, {"upper"});
  arity(l, 1, 2);
  Values in{need(l, 0)};
  if (l.has_in(1)) in.push_back(as_scalar(l, l.in(1)));
  l.to("Trilu", in, AttrList{}.set("upper", l.i("upper", 1)));
}
TENON_LOWERING("com.microsoft", "Trilu", 1, lower_trilu);

void lower_inverse(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  l.to("Inverse", {need(l, 0)});
}
TENON_LOWERING("com.microsoft", "Inverse", 1, lower_inverse);

void lower_grid_sample(Lower& l) {
  known(l, {"align_corners", "mode", "padding_mode"});
  arity(l, 2, 2);
  const std::string mode = l.s("mode", "bilinear");
  AttrList a = copied(l, {"align_corners", "padding_mode"});
  a.add("mode", mode == "bilinear" ? std::string_view("linear") : mode == "bicubic" ? std::string_view("cubic") : std::string_view(mode));
  l.to("GridSample", {need(l, 0), need(l, 1)}, a);
}
TENON_LOWERING("com.microsoft", "GridSample", 1, lower_grid_sample);

/// Distances of all rows of A from all rows of B, by the differences themselves: exact also for rows that nearly agree.
void lower_cdist(Lower& l) {
  known(l, {"metric"});
  arity(l, 2, 2);
  const std::string metric = l.s("metric", "sqeuclidean");
  if (metric != "euclidean" && metric != "sqeuclidean")
    throw unsupported("this metric is not supported").with("expected", "euclidean or sqeuclidean").with("found", metric);
  tenon_value d = l.emit("Sub", {unsqueeze(l, need(l, 0), {1}), unsqueeze(l, need(l, 1), {0})});
  tenon_value squares = reduce(l, "ReduceSum", l.emit("Mul", {d, d}), {2}, false);
  l.done({metric == "euclidean" ? l.emit("Sqrt", {squares}) : squares});
}
TENON_LOWERING("com.microsoft", "CDist", 1, lower_cdist);

/// Outputs y, inverse, counts; in the order of first occurrence.
void lower_unique(Lower& l) {
  known(l, {});
  arity(l, 1, 1, 3);
  const auto out = l.emit_n("Unique", {need(l, 0)}, AttrList{}.set("sorted", 0), 4, {true, false, l.has_out(1), l.has_out(2)});
  l.done({out[0], out[2], out[3]});
}
TENON_LOWERING("com.microsoft", "Unique", 1, lower_unique);

void lower_range(Lower& l) {
  known(l, {});
  arity(l, 2, 3);
  tenon_value delta = l.has_in(2) ? as_scalar(l, l.in(2)) : cast(l, l.scalar<int64_t>(1), type_of(l, need(l, 0)));
  l.to("Range", {as_scalar(l, need(l, 0)), as_scalar(l, need(l, 1)), delta});
}
TENON_LOWERING("com.microsoft", "Range", 1, lower_range);

void lower_quantize(Lower& l) {
  known(l, {"axis"});
  arity(l, 2, 3);
  Values in{need(l, 0), as_scalar(l, need(l, 1))};
  if (l.has_in(2)) in.push_back(as_scalar(l, l.in(2)));
  l.to("QuantizeLinear", in, AttrList{}.set("axis", l.i("axis", 1)));
}
TENON_LOWERING("com.microsoft", "QuantizeLinear", 1, lower_quantize);

void lower_dequantize(Lower& l) {
  known(l, {"axis"});
  arity(l, 2, 3);
  Values in{need(l, 0), as_scalar(l, need(l, 1))};
  if (l.has_in(2)) in.push_back(as_scalar(l, l.in(2)));
  l.to("DequantizeLinear", in, AttrList{}.set("axis", l.i("axis", 1)));
}
TENON_LOWERING("com.microsoft", "DequantizeLinear", 1, lower_dequantize);

}  // namespace
}  // namespace tenon::contrib
