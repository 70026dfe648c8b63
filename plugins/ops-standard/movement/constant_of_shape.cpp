// SPDX-License-Identifier: Apache-2.0
// A tensor of the given shape, filled with the one element of `value` (f32 zero without it).
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
Tensor fill_value(const Node& node) {
  const Tensor v = node.tensor("value");
  if (node.has("value") && !v) fail("attribute 'value' has another kind than expected", "a tensor", "something else");
  if (v && v.count() != 1) fail("attribute 'value' must hold one element", "1 element", shape_text(v));
  return v;
}
void fold(const Node& node, const Dims& dims, Tensor value) {
  if (!value || !value.has_data() || !is_int(value.type()) || dims.size() > 1) return;
  const int64_t n = dims.empty() ? 1 : dims[0];
  if (n >= 0 && n <= 64) node.set_out_shape_value(0, Dims(static_cast<size_t>(n), std::max<int64_t>(kUnknown, value.ints()[0])));
}
void infer(const Node& node) {
  const Tensor value = fill_value(node);
  const tenon_dtype type = value ? value.type() : dt::f32;
  if (const auto literal = known_ints(node, 0); literal && std::any_of(literal->begin(), literal->end(), [](int64_t d) { return d < 0; }))
    fail("the shape holds a negative number", "sizes of 0 and above", ints_text(*literal));
  if (const auto dims = dim_values(node, 0)) {
    node.set_out(0, type, *dims);
    fold(node, *dims, value);
  } else if (const auto rank = known_length(node.in(0))) {
    node.set_out(0, type, Dims(static_cast<size_t>(*rank), kUnknown));
  } else {
    node.set_out_unranked(0, type);
  }
}
void run(const Node& node) {
  const Tensor value = fill_value(node);
  const RawOutput out(node, 0);
  if (!value) {
    std::memset(out.data<void>(), 0, node.out(0).count() * sizeof(float));
    return;
  }
  const RawInput in(value);
  visit_unit(value.type(), [&](auto unit) {
    using U = decltype(unit);
    std::fill_n(out.data<U>(), node.out(0).count(), *in.data<U>());
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "ConstantOfShape", 1, 0, "(input: i64) -> (output: any) {value?: tensor}", infer, run);
}  // namespace tenon::ops
