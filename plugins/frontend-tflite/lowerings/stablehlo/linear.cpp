// SPDX-License-Identifier: Apache-2.0
// linear.cpp - StableHLO's products and convolutions, whose axes may stand in any order.
#include "lowerings/common/spread.hpp"
#include "lowerings/stablehlo/stablehlo.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

using Axes = std::vector<int64_t>;

Axes free_axes(int32_t rank, const Axes& batch, const Axes& contracting) {
  Axes r;
  for (int64_t k = 0; k < rank; ++k)
    if (std::find(batch.begin(), batch.end(), k) == batch.end() && std::find(contracting.begin(), contracting.end(), k) == contracting.end()) r.push_back(k);
  if (r.size() + batch.size() + contracting.size() != static_cast<size_t>(rank)) throw invalid("axes of a product are named twice, or are out of range");
  return r;
}

Axes joined(std::initializer_list<Axes> parts) {
  Axes r;
  for (const auto& p : parts) r.insert(r.end(), p.begin(), p.end());
  return r;
}

// Sizes of some axes of v.
tenon_value sizes(Lower& l, tenon_value v, const Axes& axes) { return l.emit("Gather", {shape(l, v), l.ints(axes)}, AttrList{}.set("axis", 0)); }
tenon_value size_of(Lower& l, tenon_value v, const Axes& axes) { return reduce(l, "ReduceProd", sizes(l, v, axes), {0}, true); }

// Result: batch axes, then the free ones of the left side, then those of the right.
void lower_dot_general(Lower& l) {
  known(l, {"lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions", "rhs_contracting_dimensions", "precision_config"});
  arity(l, 2, 2);
  tenon_value a = need(l, 0), b = need(l, 1);
  Axes batch_a = attr_ints(l, "lhs_batching_dimensions"), batch_b = attr_ints(l, "rhs_batching_dimensions");
  Axes over_a = attr_ints(l, "lhs_contracting_dimensions"), over_b = attr_ints(l, "rhs_contracting_dimensions");
  if (batch_a.size() != batch_b.size() || over_a.size() != over_b.size()) throw invalid("the two sides of a product name different numbers of axes");
  Axes rows = free_axes(rank_of(l, a), batch_a, over_a), columns = free_axes(rank_of(l, b), batch_b, over_b);
  tenon_value left = l.emit("Reshape", {transpose(l, a, joined({batch_a, rows, over_a})), concat(l, {sizes(l, a, batch_a), size_of(l, a, rows), size_of(l, a, over_a)}, 0)});
  tenon_value right = l.emit("Reshape", {transpose(l, b, joined({batch_b, over_b, columns})), concat(l, {sizes(l, b, batch_b), size_of(l, b, over_b), size_of(l, b, columns)}, 0)});
  to(l, "Reshape", {l.emit("MatMul", {left, right}), concat(l, {sizes(l, a, batch_a), sizes(l, a, rows), sizes(l, b, columns)}, 0)});
}
TFLITE_LOWERING("STABLEHLO_DOT_GENERAL", lower_dot_general);

Axes list(const Lower& l, const char* name, size_t n, int64_t otherwise) {
  Axes r = attr_ints(l, name);
  if (r.empty()) r.assign(n, otherwise);
  if (r.size() != n) throw invalid("option '" + std::string(name) + "' has a wrong length").with("expected", std::to_string(n)).with("found", std::to_string(r.size()));
  return r;
}

Axes reversed_axes(const Axes& reversal) {
  Axes r;
  for (size_t k = 0; k < reversal.size(); ++k)
    if (reversal[k]) r.push_back(static_cast<int64_t>(k) + 2);
  return r;
}

void lower_convolution(Lower& l) {
  known(l, {"window_strides", "padding", "lhs_dilation", "rhs_dilation", "window_reversal", "input_batch_dimension", "input_feature_dimension", "input_spatial_dimensions",
            "kernel_input_feature_dimension", "kernel_output_feature_dimension", "kernel_spatial_dimensions", "output_batch_dimension", "output_feature_dimension",
            "output_spatial_dimensions", "feature_group_count", "batch_group_count", "precision_config"});
  arity(l, 2, 2);
  if (l.i("batch_group_count", 1) > 1) throw unsupported("convolutions with groups of batches");
  Axes spatial = attr_ints(l, "input_spatial_dimensions"), kernel = attr_ints(l, "kernel_spatial_dimensions"), out = attr_ints(l, "output_spatial_dimensions");
  size_t n = spatial.size();
  if (n == 0 || n > 3 || kernel.size() != n || out.size() != n) throw unsupported("a convolution over " + std::to_string(n) + " axes");
  tenon_dtype t = type_of(l, need(l, 0));
  tenon_value x = transpose(l, l.in(0), joined({{l.i("input_batch_dimension"), l.i("input_feature_dimension")}, spatial}));
  tenon_value w = transpose(l, need(l, 1), joined({{l.i("kernel_output_feature_dimension"), l.i("kernel_input_feature_dimension")}, kernel}));
  Axes dilation = list(l, "lhs_dilation", n, 1), pairs = list(l, "padding", 2 * n, 0), flip = reversed_axes(list(l, "window_reversal", n, 0)), pads(2 * n);
  for (size_t k = 0; k < n; ++k)
    if (dilation[k] > 1) x = spread(l, x, shape(l, x), static_cast<int64_t>(k) + 2, static_cast<int32_t>(n) + 2, dilation[k], l.scalar_of(t, 0));
  for (size_t k = 0; k < 2 * n; ++k) {
    if (pairs[k] < 0) throw unsupported("a convolution with negative padding");
    pads[k % 2 * n + k / 2] = pairs[k];
  }
  if (!flip.empty()) w = l.emit("Reverse", {w, l.ints(flip)});
  AttrList a;
  a.add("strides", list(l, "window_strides", n, 1)).add("dilations", list(l, "rhs_dilation", n, 1)).add("pads", pads).add("group", std::max<int64_t>(1, l.i("feature_group_count", 1)));
  Axes back(n + 2);
  Axes order = joined({{l.i("output_batch_dimension"), l.i("output_feature_dimension")}, out});
  for (size_t k = 0; k < order.size(); ++k) back[static_cast<size_t>(axis_of(order[k], static_cast<int32_t>(n) + 2))] = static_cast<int64_t>(k);
  finish(l, {transpose(l, l.emit("Conv", {x, w}, a), back)});
}
TFLITE_LOWERING("STABLEHLO_CONVOLUTION", lower_convolution);

}  // namespace
}  // namespace tenon::tflite
