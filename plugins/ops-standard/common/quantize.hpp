// SPDX-License-Identifier: Apache-2.0
// quantize.hpp - how scales and zero points lie over a tensor: one for all, one for each position of an axis, or one for each
// block of `block_size` positions of the axis.
#pragma once
#include "common/elementwise.hpp"
#include "common/whole_bytes.hpp"

namespace tenon::ops {

struct ScaleLayout {
  int64_t outer = 1, dim = 1, inner = 1;
  int64_t block = 1;         ///< positions of the axis that share a scale
  int64_t outer_stride = 0;  ///< of the scale, in elements
  int64_t block_stride = 0;
  int64_t inner_stride = 0;
};
/// Layout of the scale (input 1) over input 0; throws where the shapes do not fit.
inline ScaleLayout scale_layout(const Node& node) {
  const Tensor x = node.in(0), scale = node.in(1);
  ScaleLayout l;
  const int64_t block = node.i("block_size");
  if (scale.rank() == 0 || (scale.rank() == 1 && scale.dim(0) == 1 && block == 0)) {
    l.inner = x.count();
    return l;
  }
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis", 1), x.rank()));
  l.outer = count_of(x.dims().data(), axis);
  l.dim = x.dim(axis);
  l.inner = count_of(x.dims().data() + axis + 1, x.rank() - axis - 1);
  if (block == 0) {
    if (scale.rank() != 1 || scale.dim(0) != l.dim)
      fail("the scale does not fit the axis", "one number or " + std::to_string(l.dim), shape_text(scale));
    l.block_stride = 1;
    return l;
  }
  Dims wanted = x.dims().vec();
  if (block < 0) fail("attribute 'block_size' is out of range", "0 or more", std::to_string(block));
  wanted[static_cast<size_t>(axis)] = (l.dim + block - 1) / block;
  if (scale.dims().vec() != wanted) fail("the scale does not fit the blocks", dims_text(wanted), shape_text(scale));
  l.block = block;
  l.inner_stride = 1;
  l.block_stride = l.inner;
  l.outer_stride = wanted[static_cast<size_t>(axis)] * l.inner;
  return l;
}
/// Calls f(first element, count, scale's first element, scale's stride) for every run with one scale or one row of scales.
template <class F>
void for_scaled_runs(const Node& node, const ScaleLayout& l, F&& f) {
  if (l.outer * l.dim == 1)
    return parallel_range(node, l.inner, [&](int64_t b, int64_t e) { f(b, e - b, b * l.inner_stride, l.inner_stride); });
  auto body = [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      const int64_t o = r / l.dim, i = r % l.dim;
      f(r * l.inner, l.inner, o * l.outer_stride + i / l.block * l.block_stride, l.inner_stride);
    }
  };
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, l.inner));
  if (l.outer * l.dim <= grain) body(0, l.outer * l.dim);
  else node.parallel_for(l.outer * l.dim, grain, body);
}
/// Throws unless the zero point, when there, has the scale's shape.
inline void check_zero_point(const Node& node) {
  if (!node.has_in(2) || !node.in(2).is_static() || !node.in(1).is_static()) return;
  if (node.in(2).count() != node.in(1).count()) fail("scale and zero point differ in shape", shape_text(node.in(1)), shape_text(node.in(2)));
}
using ScaleTypes = TypeList<float, f16_t, bf16_t, double, f8e8m0_t>;
/// A small tensor's numbers as float.
inline std::vector<float> floats_of(Tensor t) {
  std::vector<float> r(static_cast<size_t>(t.count()));
  visit<AllNumberTypes>(whole_type(t.type()), [&]<class T>(Tag<T>) {
    const RawInput in(t);
    for (size_t i = 0; i < r.size(); ++i) r[i] = static_cast<float>(in.data<T>()[i]);
  });
  return r;
}
/// Zero points as int64, zeros where there are none or the type is a float.
inline std::vector<int64_t> zero_points_of(const Node& node) {
  std::vector<int64_t> r(static_cast<size_t>(node.in(1).count()), 0);
  if (!node.has_in(2) || !is_int(node.in(2).type())) return r;
  visit<IntTypes>(whole_type(node.in(2).type()), [&]<class T>(Tag<T>) {
    const RawInput in(node.in(2));
    for (size_t i = 0; i < r.size(); ++i) r[i] = static_cast<int64_t>(in.data<T>()[i]);
  });
  return r;
}

}  // namespace tenon::ops
