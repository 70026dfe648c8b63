// SPDX-License-Identifier: Apache-2.0
#include "requantization.hpp"

#include <cmath>
#include <tenon/fixed_point.hpp>

namespace tenon::cpu {
namespace {

std::optional<Rounding> rounding_named(const std::string& s) {
  if (s == "half_even") return Rounding::half_even;
  if (s == "half_away") return Rounding::half_away;
  if (s == "double") return Rounding::twice;
  if (s == "double_up") return Rounding::twice_up;
  if (s == "single") return Rounding::once;
  if (s == kF32Rounding) return Rounding::f32_half_even;
  return std::nullopt;
}

/// A constant's numbers; nothing unless all are finite and none is negative.
std::optional<std::vector<double>> scales_of(const Builder& b, ValueId v) {
  if (!b.is_constant(v) || !b.value(v).known) return std::nullopt;
  const PlanValue& x = b.value(v);
  std::vector<double> r(static_cast<size_t>(x.count()));
  for (size_t i = 0; i < r.size(); ++i) {
    if (x.type == dt::f64) {
      std::memcpy(&r[i], static_cast<const char*>(x.data) + i * sizeof(double), sizeof(double));
    } else if (x.type == dt::f32) {
      float f;
      std::memcpy(&f, static_cast<const char*>(x.data) + i * sizeof f, sizeof f);
      r[i] = static_cast<double>(f);
    } else {
      return std::nullopt;
    }
    if (!std::isfinite(r[i]) || r[i] < 0) return std::nullopt;
  }
  return r;
}

/// The one number that all elements are; `otherwise` when there is no such input.
std::optional<int64_t> uniform(const Builder& b, ValueId v, int64_t otherwise) {
  if (v == kNoValue) return otherwise;
  const auto all = b.constant_ints(v);
  if (!all || all->empty()) return std::nullopt;
  for (auto x : *all)
    if (x != all->front()) return std::nullopt;
  return all->front();
}

void fill(RequantizationTable& t, const std::vector<double>& scale, int64_t channels) {
  const auto padded = static_cast<size_t>((channels + kMostTileColumns - 1) / kMostTileColumns * kMostTileColumns + kMostTileColumns);
  auto at = [&](size_t c) { return scale.size() == 1 ? scale[0] : c < scale.size() ? scale[c] : 0.0; };
  const Rounding r = t.numbers.rounding;
  for (size_t c = 0; c < padded; ++c) {
    if (r == Rounding::f32_half_even) {
      t.single.push_back(static_cast<float>(at(c)));
    } else if (r == Rounding::half_even || r == Rounding::half_away) {
      t.real.push_back(at(c));
    } else {
      const FixedScale f = fixed_scale(at(c));
      t.multiplier.push_back(f.multiplier);
      t.left.push_back(std::max(f.shift, 0));
      t.right.push_back(r == Rounding::once ? 31 - f.shift : std::max(-f.shift, 0));
    }
  }
  t.numbers.real = t.real.data();
  t.numbers.single = t.single.data();
  t.numbers.multiplier = t.multiplier.data();
  t.numbers.left = t.left.data();
  t.numbers.right = t.right.data();
}

}  // namespace

std::shared_ptr<const RequantizationTable> requantization(const Builder& b, const Attrs& attrs, const RequantizeInputs& in, tenon_dtype type, int64_t channels) {
  if (type != dt::i8 && type != dt::u8) return nullptr;
  auto t = std::make_shared<RequantizationTable>();
  const auto rounding = rounding_named(attrs.s("rounding"));
  const auto scale = scales_of(b, in.scale);
  const int64_t least = type == dt::i8 ? -128 : 0, most = type == dt::i8 ? 127 : 255;
  const auto zero = uniform(b, in.zero_point, 0), low = uniform(b, in.min, least), high = uniform(b, in.max, most);
  if (!rounding || !scale || !zero || !low || !high) return nullptr;
  if (scale->size() != 1 && static_cast<int64_t>(scale->size()) != channels) return nullptr;
  t->numbers.rounding = *rounding;
  t->numbers.is_signed = type == dt::i8;
  t->numbers.zero_point = static_cast<int32_t>(*zero);
  t->numbers.high = static_cast<int32_t>(std::min(*high, most));
  t->numbers.low = static_cast<int32_t>(std::min(std::max(*low, least), int64_t{t->numbers.high}));
  fill(*t, *scale, channels);
  return t;
}

}  // namespace tenon::cpu
