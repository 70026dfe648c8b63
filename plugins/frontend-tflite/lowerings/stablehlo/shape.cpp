// SPDX-License-Identifier: Apache-2.0
// shape.cpp - StableHLO's operators that move elements. Shapes of results stand in the file, as types of the output tensors.
#include "lowerings/common/spread.hpp"
#include "lowerings/stablehlo/stablehlo.hpp"

#include <algorithm>
#include <numeric>

namespace tenon::tflite {

std::vector<int64_t> declared_shape(const Lower& l, bool one_open) {
  auto info = l.info(l.out(0));
  std::vector<int64_t> r;
  int open = 0;
  for (int32_t k = 0; k < info.rank(); ++k) {
    r.push_back(info.dim(k) < 0 ? -1 : info.dim(k));
    open += info.dim(k) < 0;
  }
  if (info.rank() < 0 || open > (one_open ? 1 : 0)) throw unsupported("the shape of the result is not in the file");
  return r;
}

namespace {

void lower_reshape(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  to(l, "Reshape", {need(l, 0), l.ints(declared_shape(l, true))});
}
TFLITE_LOWERING("STABLEHLO_RESHAPE", lower_reshape);

void lower_concatenate(Lower& l) {
  known(l, {"dimension"});
  arity(l, 1, UINT64_MAX);
  for (uint64_t k = 0; k < l.n_in(); ++k) need(l, k);
  to(l, "Concat", inputs(l), AttrList{}.set("axis", l.i("dimension")));
}
TFLITE_LOWERING("STABLEHLO_CONCATENATE", lower_concatenate);

void lower_transpose(Lower& l) {
  known(l, {"permutation"});
  arity(l, 1, 1);
  to(l, "Transpose", {need(l, 0)}, AttrList{}.set("perm", attr_ints(l, "permutation")));
}
TFLITE_LOWERING("STABLEHLO_TRANSPOSE", lower_transpose);

// Axis k of the operand becomes axis broadcast_dimensions[k] of the result.
void lower_broadcast_in_dim(Lower& l) {
  known(l, {"broadcast_dimensions"});
  arity(l, 1, 2);
  tenon_value x = need(l, 0);
  auto out = declared_shape(l, false);
  auto where = attr_ints(l, "broadcast_dimensions");
  std::vector<int64_t> order(where.size()), fresh;
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return where[static_cast<size_t>(a)] < where[static_cast<size_t>(b)]; });
  for (int64_t k = 0; k < static_cast<int64_t>(out.size()); ++k)
    if (std::find(where.begin(), where.end(), k) == where.end()) fresh.push_back(k);
  if (fresh.size() + where.size() != out.size()) throw invalid("option 'broadcast_dimensions' does not fit the result");
  if (!std::is_sorted(where.begin(), where.end())) x = transpose(l, x, order);
  if (!fresh.empty()) x = unsqueeze(l, x, fresh);
  to(l, "Expand", {x, l.ints(out)});
}
TFLITE_LOWERING("STABLEHLO_BROADCAST_IN_DIM", lower_broadcast_in_dim);

void lower_slice(Lower& l) {
  known(l, {"start_indices", "limit_indices", "strides"});
  arity(l, 1, 1);
  auto begin = attr_ints(l, "start_indices"), end = attr_ints(l, "limit_indices"), step = attr_ints(l, "strides");
  std::vector<int64_t> axes(begin.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (end.size() != begin.size() || step.size() != begin.size()) throw invalid("options of a slice differ in length");
  to(l, "Slice", {need(l, 0), l.ints(begin), l.ints(end), l.ints(axes), l.ints(step)});
}
TFLITE_LOWERING("STABLEHLO_SLICE", lower_slice);

// Inputs from `first` on are scalars: together a position.
tenon_value position(Lower& l, uint64_t first) {
  Values v;
  for (uint64_t k = first; k < l.n_in(); ++k) v.push_back(index_list(l, need(l, k)));
  return v.empty() ? l.ints({}) : concat(l, v, 0);
}

void lower_dynamic_slice(Lower& l) {
  known(l, {"slice_sizes"});
  arity(l, 1, UINT64_MAX);
  auto sizes = attr_ints(l, "slice_sizes");
  if (sizes.size() + 1 != l.n_in()) throw invalid("a dynamic slice needs a start for each axis").with("expected", std::to_string(sizes.size())).with("found", std::to_string(l.n_in() - 1));
  tenon_value most = l.emit("Sub", {shape(l, need(l, 0)), l.ints(sizes)});
  tenon_value begin = l.emit("Minimum", {l.emit("Maximum", {position(l, 1), l.scalar<int64_t>(0)}), most});
  to(l, "Slice", {l.in(0), begin, l.emit("Add", {begin, l.ints(sizes)})});
}
TFLITE_LOWERING("STABLEHLO_DYNAMIC_SLICE", lower_dynamic_slice);

void lower_dynamic_update_slice(Lower& l) {
  known(l, {});
  arity(l, 2, UINT64_MAX);
  finish(l, {update_slice(l, need(l, 0), need(l, 1), position(l, 2))});
}
TFLITE_LOWERING("STABLEHLO_DYNAMIC_UPDATE_SLICE", lower_dynamic_update_slice);

// Interior padding first, then the edges; a negative edge cuts.
void lower_pad(Lower& l) {
  known(l, {"edge_padding_low", "edge_padding_high", "interior_padding"});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), y = x, value = need(l, 1);
  auto low = attr_ints(l, "edge_padding_low"), high = attr_ints(l, "edge_padding_high"), interior = attr_ints(l, "interior_padding");
  int32_t rank = rank_of(l, x);
  if (low.size() != static_cast<size_t>(rank) || high.size() != low.size() || interior.size() != low.size()) throw invalid("paddings do not fit the operand's rank");
  if (l.info(value).rank() != 0) value = l.emit("Reshape", {value, l.ints({})});
  for (int32_t k = 0; k < rank; ++k) {
    int64_t gap = interior[static_cast<size_t>(k)];
    if (gap < 0) throw invalid("interior padding is not negative");
    if (gap > 0) y = spread(l, y, shape(l, y), k, rank, gap + 1, value);
  }
  std::vector<int64_t> pads, begin, end, axes;
  for (int64_t v : low) pads.push_back(std::max<int64_t>(v, 0));
  for (int64_t v : high) pads.push_back(std::max<int64_t>(v, 0));
  y = l.emit("Pad", {y, l.ints(pads), value}, AttrList{}.set("mode", "constant"));
  for (int32_t k = 0; k < rank; ++k) {
    int64_t a = low[static_cast<size_t>(k)], b = high[static_cast<size_t>(k)];
    if (a >= 0 && b >= 0) continue;
    axes.push_back(k);
    begin.push_back(a < 0 ? -a : 0);
    end.push_back(b < 0 ? b : INT64_MAX);
  }
  if (!axes.empty()) y = l.emit("Slice", {y, l.ints(begin), l.ints(end), l.ints(axes)});
  finish(l, {y});
}
TFLITE_LOWERING("STABLEHLO_PAD", lower_pad);

void lower_iota(Lower& l) {
  known(l, {"iota_dimension"});
  arity(l, 0, 0);
  auto out = declared_shape(l, false);
  int64_t axis = axis_of(l.i("iota_dimension"), static_cast<int32_t>(out.size()));
  std::vector<int64_t> line(out.size(), 1);
  line[static_cast<size_t>(axis)] = -1;
  tenon_value n = l.emit("Range", {l.scalar<int64_t>(0), l.scalar<int64_t>(out[static_cast<size_t>(axis)]), l.scalar<int64_t>(1)});
  tenon_value typed = l.emit("Cast", {n}, AttrList{}.set("to", dtype_name(type_of(l, l.out(0)))));
  to(l, "Expand", {reshape(l, typed, line), l.ints(out)});
}
TFLITE_LOWERING("STABLEHLO_IOTA", lower_iota);

}  // namespace
}  // namespace tenon::tflite
