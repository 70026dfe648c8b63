// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "../kernels/activation.hpp"
#include "fuse.hpp"

namespace tenon::cpu {
namespace {

/// A BatchNormalization of constants is a product and a sum for each channel.
void scale_and_shift(Builder& b, PlanNode& n) {
  if (!b.is_f32(n.input(0)) || n.out.size() != 1 || b.value(n.input(0)).dims.size() < 2) return;
  for (size_t k = 1; k < 5; ++k)
    if (!b.is_constant(n.input(k)) || !b.is_f32(n.input(k))) return;
  const auto count = static_cast<size_t>(b.value(n.input(1)).count());
  const double epsilon = n.attrs.f("epsilon", 1e-5);
  std::vector<float> scale(count), shift(count);
  for (size_t i = 0; i < count; ++i) {
    auto at = [&](size_t k) {
      float f;
      std::memcpy(&f, reinterpret_cast<const char*>(b.value(n.input(k)).data) + i * sizeof f, sizeof f);
      return static_cast<double>(f);
    };
    const double s = at(1) / std::sqrt(at(4) + epsilon);
    scale[i] = static_cast<float>(s);
    shift[i] = static_cast<float>(at(2) - at(3) * s);
  }
  Dims dims(b.value(n.input(0)).dims.size(), 1);
  dims[1] = static_cast<int64_t>(count);
  n.op = "Mul";
  n.attrs = Attrs();
  n.in = {n.input(0), b.add_constant(dims, scale)};
  n.posts = {{"Add", Attrs(), b.add_constant(dims, shift), false}};
}

/// The one scale and zero point of a QuantizeLinear or DequantizeLinear, when they are constants.
struct Quantization {
  float scale = 0;
  int64_t zero_point = 0;
  tenon_dtype type{};
};
std::optional<Quantization> quantization(const Builder& b, const PlanNode& n, tenon_dtype type) {
  Quantization q;
  const auto scale = b.constant_scalar(n.input(1));
  if (!scale || n.attrs.i("block_size") != 0 || n.attrs.s("rounding", "half_even") != "half_even" || (type != dt::u8 && type != dt::i8 && type != dt::u16 && type != dt::i16)) return std::nullopt;
  q.scale = *scale;
  q.type = type;
  if (n.has_in(2)) {
    const auto zero = b.constant_ints(n.input(2));
    if (!zero || zero->size() != 1) return std::nullopt;
    q.zero_point = (*zero)[0];
  }
  return q;
}

/// DequantizeLinear of a QuantizeLinear by the same numbers.
void fake_quantize(const Builder& b, PlanNode& dequantize, const PlanNode& quantize, Plan& plan) {
  if (!b.is_f32(quantize.input(0)) || !b.is_f32(dequantize.output())) return;
  const tenon_dtype type = b.value(quantize.output()).type;
  const auto from = quantization(b, quantize, type), to = quantization(b, dequantize, type);
  if (!from || !to || from->scale != to->scale || from->zero_point != to->zero_point) return;
  const bool is_signed = type.code == TENON_DT_INT;
  const double count = std::ldexp(1.0, type.bits), low = is_signed ? -count / 2 : 0;
  auto attrs = std::make_shared<AttrList>();
  attrs->add("scale", static_cast<double>(from->scale)).add("zero_point", static_cast<double>(from->zero_point)).add("low", low).add("high", low + count - 1);
  plan.keep.push_back(attrs);
  dequantize.op = kFakeQuantize;
  dequantize.attrs = Attrs(Span<tenon_attr>(attrs->data(), attrs->size()));
  dequantize.in = {quantize.input(0)};
  dequantize.merged.insert(dequantize.merged.begin(), quantize.merged.begin(), quantize.merged.end());
}

}  // namespace

void simplify_nodes(Builder& b, std::vector<PlanNode>& nodes, Plan& plan) {
  std::vector<uint32_t> quantize_of;
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    PlanNode& n = nodes[i];
    if (n.gone) continue;
    if (n.op == "BatchNormalization") scale_and_shift(b, n);
    if (n.op == "QuantizeLinear" && n.output() != kNoValue) {
      if (quantize_of.size() <= n.output()) quantize_of.resize(n.output() + 1, UINT32_MAX);
      quantize_of[n.output()] = i;
    }
    if (n.op == "DequantizeLinear" && n.input(0) < quantize_of.size() && quantize_of[n.input(0)] != UINT32_MAX)
      fake_quantize(b, n, nodes[quantize_of[n.input(0)]], plan);
  }
}

}  // namespace tenon::cpu
