// SPDX-License-Identifier: Apache-2.0
// The same elements in another shape. In `shape`, -1 is inferred, and 0 copies the input's dimension unless allowzero.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
/// The wanted shape; the place of the dimension to infer, or -1.
struct Wanted {
  Dims dims;
  int64_t inferred = -1;
};
int64_t copied(Tensor x, size_t i) {
  if (!x.has_rank()) return kUnknown;
  if (i >= static_cast<size_t>(x.rank()))
    fail("a 0 in the shape copies a dimension that the input does not have", "position below rank " + std::to_string(x.rank()), std::to_string(i));
  return x.dim(static_cast<int32_t>(i));
}
/// An element that is not known takes part like -1: what -1 would give is then its only possible value.
Wanted read(const Node& node, const std::vector<DimValue>& shape) {
  const bool copies = node.i("allowzero") == 0;
  Wanted w;
  size_t open = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto [v, number] = shape[i];
    if (number && v < -1) fail("the shape holds a negative number", "-1, 0 or a size", std::to_string(v));
    w.dims.push_back(number && v == 0 && copies ? copied(node.in(0), i) : v);
    if (v == -1) w.inferred = static_cast<int64_t>(i), ++open;
  }
  if (open > 1) {
    if (std::count_if(shape.begin(), shape.end(), [](DimValue d) { return d.number && d.v == -1; }) > 1)
      fail("the shape infers more than one dimension", "at most one -1", dims_text(w.dims));
    w.inferred = -1;
  }
  return w;
}
void check_count(Tensor x, const Dims& dims) {
  if (!x.is_static() || std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; })) return;
  if (count_of(dims.data(), static_cast<int32_t>(dims.size())) != x.count())
    fail("the shape has another number of elements than the input", std::to_string(x.count()) + " elements as in " + shape_text(x), dims_text(dims));
}
/// A 0 that stays in its place says nothing about the dimension to infer: that is then what it would be for any other size there.
void cancel_zeros(Dims* from, Dims* others) {
  for (size_t i = 0; i < std::min(from->size(), others->size()); ++i)
    if ((*from)[i] == 0 && (*others)[i] == 0) (*from)[i] = (*others)[i] = 1;
}
Dims resolve(const Node& node, Wanted w) {
  const Tensor x = node.in(0);
  if (w.inferred >= 0 && x.has_rank()) {
    Dims from = x.dims().vec(), others = w.dims;
    others[static_cast<size_t>(w.inferred)] = 1;
    cancel_zeros(&from, &others);
    const bool exact = std::none_of(others.begin(), others.end(), [](int64_t d) { return d == kUnknown; });
    const int64_t rest = exact ? dim_product(node, others) : kUnknown;
    int64_t& d = w.dims[static_cast<size_t>(w.inferred)];
    d = !exact ? kUnknown : rest == 0 ? 0 : dim_quotient(node, from, others);
  }
  check_count(x, w.dims);
  return w.dims;
}
void infer(const Node& node) {
  const tenon_dtype type = node.in(0).type();
  if (const auto shape = literal_dim_values(node, 1)) node.set_out(0, type, resolve(node, read(node, *shape)));
  else if (const auto rank = known_length(node.in(1))) node.set_out(0, type, Dims(static_cast<size_t>(*rank), kUnknown));
  else return node.set_out_unranked(0, type);
  forward_shape_value(node);
}
void run(const Node& node) { copy_elements(node); }
}  // namespace
TENON_OPERATOR("tenon", "Reshape", 1, TENON_OF_VIEW, "(data: T(any), shape: i64) -> (reshaped: T) {allowzero?: int}", infer, run);
}  // namespace tenon::ops
