// SPDX-License-Identifier: Apache-2.0
// The inputs one after the other along an axis.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
/// Known sizes of all inputs, one after the other; an input that is not known but has a length counts with unknown sizes.
void fold(const Node& node) {
  Dims all;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    if (!is_int(node.in(k).type()) || node.in(k).rank() != 1) return;
    const auto v = dim_values(node, k);
    const int64_t n = node.in(k).dim(0);
    if (v) all.insert(all.end(), v->begin(), v->end());
    else if (n >= 0 && n <= 64) all.resize(all.size() + static_cast<size_t>(n), kUnknown);
    else return;
  }
  if (all.size() <= 64) node.set_out_shape_value(0, all);
}
void infer(const Node& node) {
  if (node.n_in() == 0) fail("there is nothing to concatenate", "at least 1 input", "none");
  const Tensor first = node.in(0);
  uint32_t ranked = node.n_in();
  bool complete = true;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    expect_same_type(node, 0, k);
    if (node.in(k).has_rank()) ranked = std::min(ranked, k);
    else complete = false;
  }
  if (ranked == node.n_in()) return node.set_out_unranked(0, first.type());
  const int32_t rank = node.in(ranked).rank();
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), rank));
  Dims dims = node.in(ranked).dims().vec();
  int64_t total = 0;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    const Tensor x = node.in(k);
    if (!x.has_rank()) continue;
    expect_rank(x, rank, "an input of Concat");
    for (size_t i = 0; i < dims.size(); ++i)
      if (i != axis) dims[i] = same_dim(dims[i], x.dim(static_cast<int32_t>(i)), "dimensions of the inputs outside the axis");
    total = dim_add(node, total, x.dim(static_cast<int32_t>(axis)));
  }
  dims[axis] = complete ? total : kUnknown;
  node.set_out(0, first.type(), dims);
  if (rank == 1) fold(node);
}
template <class U>
void concat(const Node& node, const RawOutput& out, size_t axis) {
  const Tensor y = node.out(0);
  const int64_t outer = count_of(y.dims().data(), static_cast<int32_t>(axis)), row = y.count() / std::max<int64_t>(outer, 1);
  int64_t at = 0;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    const Tensor x = node.in(k);
    const RawInput in(x);
    const int64_t part = x.count() / std::max<int64_t>(outer, 1);
    const U* from = in.data<U>();
    U* to = out.data<U>() + at;
    for (int64_t i = 0; i < outer && part; ++i) std::memcpy(to + i * row, from + i * part, static_cast<size_t>(part) * sizeof(U));
    at += part;
  }
}
void run(const Node& node) {
  const auto axis = static_cast<size_t>(normalize_axis(node.i("axis"), node.out(0).rank()));
  const RawOutput out(node, 0);
  if (node.out(0).count() == 0) return;
  visit_unit(node.out(0).type(), [&](auto unit) { concat<decltype(unit)>(node, out, axis); });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Concat", 1, 0, "(inputs*: T(any)) -> (concat_result: T) {axis: int}", infer, run);
}  // namespace tenon::ops
