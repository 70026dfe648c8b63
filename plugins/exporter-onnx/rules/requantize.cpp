// SPDX-License-Identifier: Apache-2.0
// requantize.cpp - Requantize with each of its roundings, bit for bit: real products in f64, fixed-point ones (tenon/fixed_point.hpp) in i64.
#include <tenon/fixed_point.hpp>

#include "quantize.hpp"

namespace tenon::to_onnx {
namespace {

class Requantizer {
  Emit& e_;
  Value x_;
  int64_t axis_;
  tenon_dtype from_, to_;

  Value op(const char* name, Value a, Value b) const { return e_.op(name, {a, b}); }
  Value to_i64(Value v) const { return e_.cast(v, dt::i64); }
  Value lift(Value v) const { return along_axis(e_, v, x_, axis_); }
  Value clip(Value v, int64_t low, int64_t high) const { return e_.op("Clip", {v, e_.whole(dt::i64, low), e_.whole(dt::i64, high)}); }
  Value saturate(Value v) const { return clip(v, INT32_MIN, INT32_MAX); }
  /// v / 2^k rounded down, the powers as whole numbers.
  Value shifted(Value v, Value power) const { return floor_div(e_, v, power); }

  std::vector<FixedScale> scales() const {
    const auto s = e_.constant_numbers(e_.in(1));
    if (!s) throw unsupported("a fixed-point scale that is computed at run time");
    std::vector<FixedScale> r;
    for (double v : *s) r.push_back(fixed_scale(v));
    return r;
  }
  /// One whole number for each scale.
  template <class F>
  Value each(const std::vector<FixedScale>& s, F&& f) const {
    std::vector<int64_t> v;
    for (const FixedScale& x : s) v.push_back(f(x));
    if (v.size() == 1) return e_.whole(dt::i64, v[0]);
    return lift(e_.numbers(dt::i64, {static_cast<int64_t>(v.size())}, {}, &v));
  }

  Value real(bool away) const {
    const Value product = op("Mul", e_.cast(x_, dt::f64), lift(e_.cast(e_.in(1), dt::f64)));
    const Value rounded = away ? round_half_away(e_, product, dt::f64) : e_.op("Round", {product});
    const Value number = e_.where(e_.op("IsNaN", {rounded}), e_.number(dt::f64, 0), rounded);
    return to_i64(e_.op("Clip", {number, e_.number(dt::f64, -0x1p40), e_.number(dt::f64, 0x1p40)}));
  }
  /// The rounding high multiply behind a shift to the left: truncating division of the nudged product by 2^31.
  Value high_product(const std::vector<FixedScale>& s) const {
    const Value left = saturate(op("Mul", to_i64(x_), each(s, [](const FixedScale& f) { return int64_t{1} << std::max(f.shift, 0); })));
    const Value product = op("Mul", left, each(s, [](const FixedScale& f) { return int64_t{f.multiplier}; }));
    const Value nudge = e_.where(op("Less", product, e_.whole(dt::i64, 0)), e_.whole(dt::i64, 1 - (int64_t{1} << 30)), e_.whole(dt::i64, int64_t{1} << 30));
    return op("Div", op("Add", product, nudge), e_.whole(dt::i64, int64_t{1} << 31));
  }
  static int64_t right(const FixedScale& f) { return int64_t{1} << std::max(-f.shift, 0); }
  Value twice() const {
    const auto s = scales();
    const Value x = high_product(s), power = each(s, right), rest = op("Mod", x, power);
    const Value negative = to_i64(op("Less", x, e_.whole(dt::i64, 0)));
    const Value threshold = op("Add", each(s, [](const FixedScale& f) { return (right(f) - 1) >> 1; }), negative);
    return op("Add", op("Div", op("Sub", x, rest), power), to_i64(op("Greater", rest, threshold)));
  }
  Value twice_up() const {
    const auto s = scales();
    return shifted(op("Add", high_product(s), each(s, [](const FixedScale& f) { return right(f) / 2; })), each(s, right));
  }
  Value once() const {
    const auto s = scales();
    const Value product = op("Mul", to_i64(x_), each(s, [](const FixedScale& f) { return int64_t{f.multiplier}; }));
    const Value nudged = op("Add", product, each(s, [](const FixedScale& f) { return int64_t{1} << (30 - f.shift); }));
    return saturate(shifted(nudged, each(s, [](const FixedScale& f) { return int64_t{1} << (31 - f.shift); })));
  }
  /// Sums of 16-bit products: a multiplier of 15 bits. Shifts to the left clamp before, so that nothing overflows.
  Value wide() const {
    constexpr int64_t most = int64_t{1} << 47, enough = int64_t{1} << 32;
    const auto s = scales();
    auto total = [](const FixedScale& f) { return 15 - f.shift; };
    auto bound = [&](const FixedScale& f) { return total(f) <= 0 ? enough : INT64_MAX; };
    Value p = op("Mul", clip(x_, -most, most), each(s, [](const FixedScale& f) { return f.multiplier < 0x7FFF0000 ? (int64_t{f.multiplier} + (1 << 15)) >> 16 : 0x7FFF; }));
    p = op("Min", op("Max", p, each(s, [&](const FixedScale& f) { return -bound(f); })), each(s, bound));
    p = op("Add", p, each(s, [&](const FixedScale& f) { return total(f) > 0 ? int64_t{1} << (total(f) - 1) : 0; }));
    p = shifted(p, each(s, [&](const FixedScale& f) { return int64_t{1} << std::max(total(f), 0); }));
    return saturate(op("Mul", p, each(s, [&](const FixedScale& f) { return int64_t{1} << std::max(-total(f), 0); })));
  }
  Value scaled() const {
    const std::string how = e_.s("rounding");
    if (how == "half_even" || how == "half_away") return real(how == "half_away");
    if (from_ == dt::i64) return wide();
    return how == "single" ? once() : how == "double" ? twice() : twice_up();
  }
  /// A bound as a number of 64 bits, inside of the result's range.
  Value bound(uint64_t k, int64_t limit, const char* inner) const {
    if (!e_.in(k)) return e_.whole(dt::i64, limit);
    return op(inner, e_.scalar(to_i64(e_.in(k))), e_.whole(dt::i64, limit));
  }

 public:
  explicit Requantizer(Emit& e) : e_(e), x_(e.in(0)), axis_(e.i("axis", 1)), from_(e.type(x_)), to_(e.type(e.out())) {}
  void run() const {
    Value y = scaled();
    if (e_.in(2)) y = op("Add", y, lift(to_i64(e_.in(2))));
    const auto [low, high] = int_limits(to_);
    y = e_.op("Clip", {y, bound(3, low, "Max"), bound(4, high, "Min")});
    e_.done({e_.op("Cast", {y}, AttrList{}.set("to", data_type(to_)))});
  }
};

void requantize(Emit& e) { Requantizer(e).run(); }
ONNX_RULE("Requantize", requantize);

}  // namespace
}  // namespace tenon::to_onnx
