// SPDX-License-Identifier: Apache-2.0
// Elements start, start + step, ... before end along each of `axes` (all of them in order without axes). Negative positions
// count from the end and all are clamped, as in Python.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
struct Range {
  int64_t start, count;
};
Range clamp_range(int64_t dim, int64_t start, int64_t end, int64_t step) {
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
  auto position = [&](int64_t p, int64_t lowest) { return std::clamp(p < 0 ? (p < -dim ? low : p + dim) : p, lowest, high); };
  start = position(start, low);
  end = position(end, low);
  const int64_t distance = step > 0 ? end - start : start - end;
  const uint64_t width = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  if (distance <= 0) return {std::max<int64_t>(start, 0), 0};
  return {start, static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / width) + 1};
}

constexpr int64_t kFar = INT32_MAX;  // exporters write this and above for "to the end"
/// A position of a dimension that is no number. Symbols are taken to be large enough for the literal positions used on them.
int64_t symbolic_position(const Node& node, int64_t dim, DimValue p) {
  if (!p.number) return p.v == dim ? dim : dim_min(node, p.v, dim);
  if (p.v >= kFar) return dim;
  if (p.v <= -kFar) return 0;
  return p.v < 0 ? dim_sub(node, dim, -p.v) : p.v <= 1 ? p.v : dim_min(node, p.v, dim);
}
int64_t sliced_dim(const Node& node, int64_t dim, DimValue start, DimValue end, int64_t step) {
  if (dim >= 0 && start.number && end.number) return clamp_range(dim, start.v, end.v, step).count;
  if (step == -1 && start.number && end.number && (start.v == -1 || start.v >= kFar) && end.v <= -kFar) return dim;
  if (step < 0 || start.unknown() || end.unknown()) return kUnknown;
  const int64_t from = start.number && start.v >= 0 && start.v < kFar ? start.v : symbolic_position(node, dim, start);
  const int64_t size = dim_sub(node, symbolic_position(node, dim, end), from);
  return step == 1 || size == kUnknown ? size : node.ceildiv(size, step);
}

/// Axes of the positions; nothing when they are not known.
std::optional<Dims> sliced_axes(const Node& node, size_t n, int32_t rank) {
  Dims all(n);
  for (size_t i = 0; i < n; ++i) all[i] = static_cast<int64_t>(i);
  if (!node.has_in(3)) return normalize_axes(all, rank);
  const auto axes = known_ints(node, 3);
  if (!axes) return std::nullopt;
  if (axes->size() != n) fail("starts and axes differ in length", std::to_string(n), std::to_string(axes->size()));
  return normalize_axes(*axes, rank);
}
std::optional<Dims> known_steps(const Node& node, size_t n) {
  if (!node.has_in(4)) return Dims(n, 1);
  const auto steps = known_ints(node, 4);
  if (!steps) return std::nullopt;
  if (steps->size() != n) fail("starts and steps differ in length", std::to_string(n), std::to_string(steps->size()));
  if (std::find(steps->begin(), steps->end(), 0) != steps->end()) fail("a step is 0", "any other number", ints_text(*steps));
  return steps;
}
void check_lengths(size_t starts, size_t ends) {
  if (starts != ends) fail("starts and ends differ in length", std::to_string(starts), std::to_string(ends));
}
void fold(const Node& node, DimValue start, DimValue end, int64_t step) {
  const auto v = dim_values(node, 0);
  if (!v || !start.number || !end.number) return;
  const Range r = clamp_range(static_cast<int64_t>(v->size()), start.v, end.v, step);
  Dims out;
  for (int64_t i = 0; i < r.count; ++i) out.push_back((*v)[static_cast<size_t>(r.start + i * step)]);
  node.set_out_shape_value(0, out);
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  const auto n = known_length(node.in(1));
  if (!n) return node.set_out(0, x.type(), Dims(static_cast<size_t>(x.rank()), kUnknown));
  const auto count = static_cast<size_t>(*n);
  const auto starts = literal_dim_values(node, 1), ends = literal_dim_values(node, 2);
  const auto axes = sliced_axes(node, count, x.rank()), steps = known_steps(node, count);
  if (starts && ends) check_lengths(starts->size(), ends->size());
  if (!axes) return node.set_out(0, x.type(), Dims(static_cast<size_t>(x.rank()), kUnknown));
  Dims dims = x.dims().vec();
  for (size_t i = 0; i < count; ++i) {
    int64_t& d = dims[static_cast<size_t>((*axes)[i])];
    d = starts && ends && steps ? sliced_dim(node, d, (*starts)[i], (*ends)[i], (*steps)[i]) : kUnknown;
  }
  node.set_out(0, x.type(), dims);
  if (x.rank() == 1 && count == 1 && starts && ends && steps) fold(node, starts->front(), ends->front(), steps->front());
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const Dims starts = node.in(1).ints(), ends = node.in(2).ints();
  check_lengths(starts.size(), ends.size());
  const Dims axes = *sliced_axes(node, starts.size(), x.rank()), steps = *known_steps(node, starts.size());
  Dims strides = strides_of(x.dims());
  int64_t offset = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    const Range r = clamp_range(x.dim(static_cast<int32_t>(axis)), starts[i], ends[i], steps[i]);
    offset += r.start * strides[axis];
    if (r.count > 1) strides[axis] *= steps[i];
  }
  copy_view(node, node.out(0).dims().vec(), strides, offset);
}
}  // namespace
TENON_OPERATOR("tenon", "Slice", 1, 0, "(data: T(any), starts: I(index), ends: I, axes?: I, steps?: I) -> (output: T)", infer, run);
}  // namespace tenon::ops
