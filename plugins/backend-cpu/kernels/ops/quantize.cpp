// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear and DequantizeLinear of 8-bit integers with one scale, and DynamicQuantizeLinear.
#include <algorithm>
#include <cmath>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/elementwise_simd.hpp"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrain = 16384;

struct QuantizeStep {
  SlotId x, y, scale, zero_point;
  int64_t count;
  bool is_signed;
  bool away;  ///< halves away from zero
  void run(const Run& r) const {
    const float s = *r.at<float>(scale), *from = r.at<float>(x);
    const float z = zero_point == kNoSlot ? 0.0f : is_signed ? static_cast<float>(*r.at<int8_t>(zero_point)) : static_cast<float>(*r.at<uint8_t>(zero_point));
    parallel_for(count, kGrain, [&](int64_t b, int64_t e) {
      if (is_signed)
        quantize_i8(from + b, s, z, away, r.at<int8_t>(y) + b, static_cast<size_t>(e - b));
      else
        quantize_u8(from + b, s, z, away, r.at<uint8_t>(y) + b, static_cast<size_t>(e - b));
    });
  }
};

template <class T>
struct DequantizeStep {
  SlotId x, y, scale, zero_point;
  int64_t count;
  void run(const Run& r) const {
    const float s = *r.at<float>(scale);
    const int32_t z = zero_point == kNoSlot ? 0 : static_cast<int32_t>(*r.at<T>(zero_point));
    const T* from = r.at<T>(x);
    float* to = r.at<float>(y);
    parallel_for(count, kGrain, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) to[i] = static_cast<float>(static_cast<int32_t>(from[i]) - z) * s;
    });
  }
};

struct DynamicStep {
  SlotId x, y, scale, zero_point;
  int64_t count;
  void run(const Run& r) const {
    const float* from = r.at<float>(x);
    float low = 0, high = 0;
    for (int64_t i = 0; i < count; ++i) {
      low = std::min(low, from[i]);
      high = std::max(high, from[i]);
    }
    // An all-zero tensor has no range: any scale serves.
    const float s = high > low ? (high - low) / 255.0f : 1.0f;
    const float z = std::nearbyint(std::clamp(-low / s, 0.0f, 255.0f));
    if (y != kNoSlot) parallel_for(count, kGrain, [&](int64_t b, int64_t e) { quantize_u8(from + b, s, z, false, r.at<uint8_t>(y) + b, static_cast<size_t>(e - b)); });
    if (scale != kNoSlot) *r.at<float>(scale) = s;
    if (zero_point != kNoSlot) *r.at<uint8_t>(zero_point) = static_cast<uint8_t>(z);
  }
};

bool eight_bits(tenon_dtype t) { return t == dt::u8 || t == dt::i8; }

int32_t match_linear(const Builder& b, const PlanNode& n) {
  const bool quantize = n.op == "QuantizeLinear";
  const ValueId floats = quantize ? n.input(0) : n.output(), integers = quantize ? n.output() : n.input(0);
  if (!n.posts.empty() || !b.is_f32(floats) || !eight_bits(b.value(integers).type) || !b.is_f32(n.input(1)) || b.value(n.input(1)).count() != 1) return -1;
  const std::string rounding = n.attrs.s("rounding", "half_even");
  if (rounding != "half_even" && rounding != "half_away") return -1;
  return n.attrs.i("block_size") == 0 && (!n.has_in(2) || b.value(n.input(2)).type == b.value(integers).type) ? 100 : -1;
}
bool build_linear(Builder& b, const PlanNode& n) {
  const bool quantizes = n.op == "QuantizeLinear";
  const ValueId data = n.input(0), result = n.output();
  const Layout home = b.home(data), l = block_of(home) > 1 ? Layout::plain : home;
  const SlotId x = b.read(data, l), scale = b.read(n.input(1)), zero = n.has_in(2) ? b.read(n.input(2)) : kNoSlot, y = b.write(result, l);
  std::vector<SlotId> reads{x, scale};
  if (zero != kNoSlot) reads.push_back(zero);
  const int64_t count = b.value(result).count();
  const int threads = b.threads_for(static_cast<double>(count) * 20);
  if (quantizes)
    b.step("cpu/quantize", QuantizeStep{x, y, scale, zero, count, b.value(result).type == dt::i8, n.attrs.s("rounding") == "half_away"}, reads, {y}, threads);
  else if (b.value(data).type == dt::i8)
    b.step("cpu/dequantize", DequantizeStep<int8_t>{x, y, scale, zero, count}, reads, {y}, threads);
  else
    b.step("cpu/dequantize", DequantizeStep<uint8_t>{x, y, scale, zero, count}, reads, {y}, threads);
  return true;
}

int32_t match_dynamic(const Builder& b, const PlanNode& n) { return b.is_f32(n.input(0)) && n.posts.empty() ? 100 : -1; }
bool build_dynamic(Builder& b, const PlanNode& n) {
  const SlotId x = b.read(n.input(0));
  std::vector<SlotId> writes;
  auto output = [&](size_t k) {
    if (n.output(k) == kNoValue) return kNoSlot;
    writes.push_back(b.write(n.output(k)));
    return writes.back();
  };
  const int64_t count = b.value(n.input(0)).count();
  DynamicStep s{x, output(0), output(1), output(2), count};
  b.step("cpu/dynamic-quantize", s, {x}, writes, b.threads_for(static_cast<double>(count) * 20));
  return true;
}

}  // namespace

void register_quantize(KernelTable& t) {
  t.add({"cpu/quantize", "QuantizeLinear", match_linear, build_linear});
  t.add({"cpu/dequantize", "DequantizeLinear", match_linear, build_linear});
  t.add({"cpu/dynamic-quantize", "DynamicQuantizeLinear", match_dynamic, build_dynamic});
}

}  // namespace tenon::cpu
