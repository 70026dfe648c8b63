// SPDX-License-Identifier: Apache-2.0
// Elements converted to another type. Float to integer truncates and clamps to the range, NaN gives 0; to an integer of 2 or 4
// bits it truncates and keeps the low bits, as ONNX's test data has it. Integer to a narrower integer keeps the low bits; to a
// float rounds once, to nearest even; to an 8-bit float clamps unless saturate is 0.
#include "common/elementwise.hpp"
#include "common/whole_bytes.hpp"
#include "quant/cast_string.hpp"

namespace tenon::ops {
namespace {
tenon_dtype target(const Node& node) { return dtype_from_name(node.s("to")); }
void infer(const Node& node) {
  const tenon_dtype to = target(node);
  if (node.in(0).has_rank()) node.set_out(0, to, node.in(0).dims());
  else node.set_out_unranked(0, to);
  // Narrower types could not hold every size.
  if (is_int(to) && to.bits >= 32 && is_int(node.in(0).type())) forward_shape_value(node);
}
f8e8m0_t::Round rounding(const Node& node) {
  const std::string how = node.s("round_mode", "up");
  if (how == "up") return f8e8m0_t::Round::up;
  if (how == "down") return f8e8m0_t::Round::down;
  if (how == "nearest") return f8e8m0_t::Round::nearest;
  fail("attribute 'round_mode' has an unknown value", "up, down or nearest", how);
}
/// What is converted from: narrow floats are widened first, which loses nothing, and bool is read as u8.
using WideTypes = Join<WideFloatTypes, IntTypes>;
using NarrowTypes = Join<TypeList<f16_t, bf16_t, f8e8m0_t, f4e2m1_t>, MiniFloatTypes>;
using EightBitTypes = Join<TypeList<f8e8m0_t, f4e2m1_t>, MiniFloatTypes>;

/// 8-bit floats: every integer that double rounds is far beyond their range, so one rounding is all that shows.
template <class To>
void convert_eight_bit(const Node& node, const std::vector<double>& x, To* y) {
  const bool saturate = node.i("saturate", 1) != 0;
  if constexpr (std::is_same_v<To, f8e8m0_t>) {
    const auto round = rounding(node);
    for (size_t i = 0; i < x.size(); ++i) y[i] = To(x[i], saturate, round);
  } else {
    for (size_t i = 0; i < x.size(); ++i) y[i] = To(x[i], saturate);
  }
}
/// Float to a sub-byte integer: the low bits are cut out when it is packed.
template <class From>
void truncate_narrow(const From* x, uint8_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<uint8_t>(saturate_to_int<int64_t>(static_cast<double>(x[i])));
}
template <class From>
void cast_wide(const Node& node, const From* x, const RawOutput& out) {
  const tenon_dtype to = node.out(0).type(), whole = whole_type(to);
  const int64_t n = node.out(0).count();
  if (list_holds(EightBitTypes{}, whole)) {
    const std::vector<double> wide(x, x + n);
    return visit<EightBitTypes>(whole, [&]<class To>(Tag<To>) { convert_eight_bit<To>(node, wide, out.data<To>()); });
  }
  if constexpr (std::is_floating_point_v<From>)
    if (to.bits < 8) return truncate_narrow(x, out.data<uint8_t>(), n);
  visit<NumericAndBoolTypes>(whole, [&]<class To>(Tag<To>) {
    To* y = out.data<To>();
    parallel_range(node, n, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = convert<To>(x[i]);
    });
  });
}
void cast_numbers(const Node& node, tenon_dtype from, const RawInput& in, const RawOutput& out) {
  if (list_holds(NarrowTypes{}, from)) {
    std::vector<float> wide(static_cast<size_t>(node.out(0).count()));
    visit<NarrowTypes>(from, [&]<class From>(Tag<From>) { std::copy_n(in.data<From>(), wide.size(), wide.begin()); });
    return cast_wide(node, wide.data(), out);
  }
  visit<WideTypes>(from == dt::boolean ? dt::u8 : from, [&]<class From>(Tag<From>) { cast_wide(node, in.data<From>(), out); });
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const tenon_dtype from = x.type(), to = node.out(0).type();
  if (from == to) return copy_elements(node);
  if (to == dt::string) return cast_to_strings(node);
  if (from == dt::string) return cast_from_strings(node);
  const RawInput in(x);
  const RawOutput out(node, 0);
  cast_numbers(node, whole_type(from), in, out);
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Cast", 1, 0, "(input: any) -> (output: any) {to: string, saturate?: int, round_mode?: string}", infer, run);
}  // namespace tenon::ops
