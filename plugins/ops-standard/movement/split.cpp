// SPDX-License-Identifier: Apache-2.0
// Parts of the input along an axis: of the sizes `split`, or equal ones, where the last may be smaller.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
int64_t part_count(const Node& node) {
  const int64_t n = node.i("num_outputs", node.n_out());
  if (n != node.n_out()) fail("num_outputs differs from the outputs", std::to_string(node.n_out()), std::to_string(n));
  return n;
}
void check_total(Tensor x, int64_t dim, const Dims& sizes) {
  int64_t total = 0;
  for (int64_t s : sizes) {
    if (s < 0) return;
    total += s;
  }
  if (dim >= 0 && total != dim) fail("the parts do not make up the input", std::to_string(dim) + " of " + shape_text(x), dims_text(sizes));
}
/// Sizes of the parts; kUnknown where they cannot be said.
Dims part_sizes(const Node& node, int64_t dim) {
  const auto n = static_cast<size_t>(part_count(node));
  if (node.has_in(1)) {
    auto sizes = dim_values(node, 1);
    if (const auto literal = known_ints(node, 1); literal && std::any_of(literal->begin(), literal->end(), [](int64_t d) { return d < 0; }))
      fail("a part has a negative size", "0 and above", ints_text(*literal));
    if (!sizes) sizes = Dims(n, kUnknown);
    if (sizes->size() != n) fail("split has a wrong length", std::to_string(n) + " sizes", dims_text(*sizes));
    return *sizes;
  }
  if (n == 1) return {dim};
  const auto parts = static_cast<int64_t>(n);
  if (dim < 0) {
    Dims r(n, node.dim_op(TENON_DIM_CEILDIV, dim, parts));
    r.back() = dim_sub(node, dim, dim_mul(node, r[0], parts - 1));
    return r;
  }
  Dims r(n, (dim + parts - 1) / parts);
  r.back() = dim - r[0] * (parts - 1);
  if (r.back() < 0) fail("too many parts", "at most " + std::to_string(dim), std::to_string(parts));
  return r;
}
void fold(const Node& node, const Dims& sizes) {
  const auto v = dim_values(node, 0);
  if (!v) return;
  size_t at = 0;
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    if (sizes[k] < 0 || at + static_cast<size_t>(sizes[k]) > v->size()) return;
    const auto first = v->begin() + static_cast<ptrdiff_t>(at);
    node.set_out_shape_value(k, Dims(first, first + sizes[k]));
    at += static_cast<size_t>(sizes[k]);
  }
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  for (uint32_t k = 0; !x.has_rank() && k < node.n_out(); ++k) node.set_out_unranked(k, x.type());
  if (!x.has_rank()) return;
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()));
  Dims dims = x.dims().vec();
  const Dims sizes = part_sizes(node, dims[axis]);
  check_total(x, dims[axis], sizes);
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    dims[axis] = sizes[k];
    node.set_out(k, x.type(), dims);
  }
  if (x.rank() == 1) fold(node, sizes);
}
template <class U>
void split(const Node& node, const RawInput& in, int64_t dim, int64_t inner, const Dims& sizes) {
  const int64_t row = dim * inner, outer = row ? node.in(0).count() / row : 0;
  int64_t at = 0;
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    const int64_t part = sizes[k] * inner;
    if (node.has_out(k) && part) {
      const RawOutput out(node, k);
      for (int64_t i = 0; i < outer; ++i) std::memcpy(out.data<U>() + i * part, in.data<U>() + i * row + at, static_cast<size_t>(part) * sizeof(U));
      out.commit();
    }
    at += part;
  }
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank()));
  const Dims sizes = node.has_in(1) ? node.in(1).ints() : part_sizes(node, x.dim(axis));
  if (sizes.size() != node.n_out()) fail("split has a wrong length", std::to_string(node.n_out()) + " sizes", dims_text(sizes));
  check_total(x, x.dim(axis), sizes);
  const RawInput in(x);
  const int64_t inner = count_of(x.dims().data() + axis + 1, x.rank() - axis - 1);
  visit_unit(x.type(), [&](auto unit) { split<decltype(unit)>(node, in, x.dim(axis), inner, sizes); });
}
}  // namespace
TENON_OPERATOR("tenon", "Split", 1, 0, "(input: T(any), split?: i64) -> (outputs*: T) {axis?: int, num_outputs?: int}", infer, run);
}  // namespace tenon::ops
