// SPDX-License-Identifier: Apache-2.0
// gather.cpp - StableHLO's gather and scatter: windows of an operand at computed positions. The position of every element is made, and
// the IR's GatherND and ScatterND take it from there.
#include "lowerings/stablehlo/stablehlo.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

using Axes = std::vector<int64_t>;
constexpr int64_t kMostOffsets = int64_t{1} << 22;  // numbers in the constant of offsets inside a window

bool has(const Axes& v, int64_t x) { return std::find(v.begin(), v.end(), x) != v.end(); }

// Indices with the axis of their components last.
tenon_value components_last(Lower& l, tenon_value indices, int64_t axis) {
  int32_t rank = rank_of(l, indices);
  tenon_value v = l.emit("Cast", {indices}, AttrList{}.set("to", "i64"));
  if (axis == rank) return unsqueeze(l, v, {rank});
  Axes perm;
  for (int64_t k = 0; k < rank; ++k)
    if (k != axis) perm.push_back(k);
  perm.push_back(axis_of(axis, rank));
  return transpose(l, v, perm);
}

// Offsets of a window's elements: [sizes..., rank].
tenon_value offsets(Lower& l, const Axes& sizes) {
  int64_t count = 1;
  for (int64_t s : sizes)
    if (s < 0 || __builtin_mul_overflow(count, s, &count) || count > kMostOffsets / static_cast<int64_t>(sizes.size() + 1)) throw unsupported("a window of too many elements");
  std::vector<int64_t> data;
  data.reserve(static_cast<size_t>(count) * sizes.size());
  for (int64_t i = 0; i < count; ++i) {
    Axes at(sizes.size());
    for (int64_t rest = i, k = static_cast<int64_t>(sizes.size()) - 1; k >= 0; --k) {
      at[static_cast<size_t>(k)] = rest % sizes[static_cast<size_t>(k)];
      rest /= sizes[static_cast<size_t>(k)];
    }
    data.insert(data.end(), at.begin(), at.end());
  }
  Dims dims = sizes;
  dims.push_back(static_cast<int64_t>(sizes.size()));
  return l.graph().add_constant<int64_t>("", dims, data.data());
}

// Starts [batch..., components] as full positions [batch..., rank]: component map[j] is axis j's.
tenon_value full_starts(Lower& l, tenon_value starts, const Axes& map, int64_t rank) {
  Values parts;
  tenon_value none = 0;
  for (int64_t d = 0; d < rank; ++d) {
    auto j = std::find(map.begin(), map.end(), d) - map.begin();
    if (j < static_cast<int64_t>(map.size())) {
      parts.push_back(slice(l, starts, -1, j, j + 1));
    } else {
      if (!none) none = l.emit("Mul", {slice(l, starts, -1, 0, 1), l.scalar<int64_t>(0)});
      parts.push_back(none);
    }
  }
  return concat(l, parts, -1);
}

// Positions [batch..., sizes..., rank].
tenon_value positions(Lower& l, tenon_value full, int64_t batch, const Axes& sizes) {
  Axes fresh;
  for (size_t k = 0; k < sizes.size(); ++k) fresh.push_back(batch + static_cast<int64_t>(k));
  return l.emit("Add", {unsqueeze(l, full, fresh), offsets(l, sizes)});
}

void lower_gather(Lower& l) {
  known(l, {"offset_dims", "collapsed_slice_dims", "start_index_map", "index_vector_dim", "slice_sizes", "indices_are_sorted"});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), indices = need(l, 1);
  Axes offset = attr_ints(l, "offset_dims"), collapsed = attr_ints(l, "collapsed_slice_dims"), map = attr_ints(l, "start_index_map"), sizes = attr_ints(l, "slice_sizes");
  int64_t rank = rank_of(l, x), axis = l.i("index_vector_dim"), batch = rank_of(l, indices) - (axis == rank_of(l, indices) ? 0 : 1);
  if (static_cast<int64_t>(sizes.size()) != rank || map.empty() || offset.size() + collapsed.size() != sizes.size()) throw invalid("options of a gather do not fit the operand's rank");
  tenon_value most = l.emit("Sub", {shape(l, x), l.ints(sizes)});
  tenon_value full = full_starts(l, components_last(l, indices, axis), map, rank);
  full = l.emit("Minimum", {l.emit("Maximum", {full, l.scalar<int64_t>(0)}), most});
  tenon_value y = l.emit("GatherND", {x, positions(l, full, batch, sizes)});
  Axes gone, perm;
  for (int64_t c : collapsed) gone.push_back(batch + c);
  if (!gone.empty()) y = squeeze(l, y, gone);
  int64_t next_batch = 0, next_offset = batch, out = batch + static_cast<int64_t>(offset.size());
  for (int64_t k = 0; k < out; ++k) perm.push_back(has(offset, k) ? next_offset++ : next_batch++);
  finish(l, {transpose(l, y, perm)});
}
TFLITE_LOWERING("STABLEHLO_GATHER", lower_gather);

const char* reduction_name(Combine c) {
  switch (c) {
    case Combine::add: return "add";
    case Combine::multiply: return "mul";
    case Combine::maximum: return "max";
    case Combine::minimum: return "min";
    case Combine::second: return "none";
    default: throw unsupported("a scatter with this body");
  }
}

void lower_scatter(Lower& l) {
  known(l, {"indices_are_sorted", "update_window_dims", "inserted_window_dims", "scatter_dims_to_operand_dims", "index_vector_dim", "unique_indices", "update_computation_subgraph"});
  arity(l, 3, 3);
  const char* reduction = reduction_name(combine_of(l, "update_computation_subgraph"));
  tenon_value x = need(l, 0), indices = need(l, 1), updates = need(l, 2);
  Axes window = attr_ints(l, "update_window_dims"), inserted = attr_ints(l, "inserted_window_dims"), map = attr_ints(l, "scatter_dims_to_operand_dims");
  int64_t rank = rank_of(l, x), axis = l.i("index_vector_dim"), batch = rank_of(l, indices) - (axis == rank_of(l, indices) ? 0 : 1);
  auto info = l.info(updates);
  if (info.rank() < 0 || static_cast<int64_t>(window.size() + inserted.size()) != rank || static_cast<int64_t>(window.size()) + batch != info.rank() || map.empty())
    throw invalid("options of a scatter do not fit its operands");
  Axes perm, sizes, fresh;
  for (int64_t k = 0; k < info.rank(); ++k)
    if (!has(window, k)) perm.push_back(k);
  perm.insert(perm.end(), window.begin(), window.end());
  auto next = window.begin();
  for (int64_t d = 0; d < rank; ++d) {
    sizes.push_back(1);
    if (has(inserted, d)) {
      fresh.push_back(batch + d);
      continue;
    }
    if (next == window.end()) throw invalid("options of a scatter do not fit its operands");
    sizes.back() = info.dim(static_cast<int32_t>(axis_of(*next++, info.rank())));
    if (sizes.back() < 0) throw unsupported("a scatter of windows whose size is not known");
  }
  tenon_value values = transpose(l, updates, perm);
  if (!fresh.empty()) values = unsqueeze(l, values, fresh);
  tenon_value full = full_starts(l, components_last(l, indices, axis), map, rank);
  to(l, "ScatterND", {x, positions(l, full, batch, sizes), values}, AttrList{}.set("reduction", reduction));
}
TFLITE_LOWERING("STABLEHLO_SCATTER", lower_scatter);

}  // namespace
}  // namespace tenon::tflite
