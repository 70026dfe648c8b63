// SPDX-License-Identifier: Apache-2.0
// activation.hpp - elementwise operators of one f32 input, with their numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <tenon/attrs.hpp>

namespace tenon::cpu {

enum class Unary : uint8_t {
  relu, leaky_relu, elu, sigmoid, tanh, hard_swish, hard_sigmoid, swish, gelu_erf, gelu_tanh, clip, abs, sqrt,
  neg, exp, log, erf, reciprocal, rsqrt, floor, ceil, round, sign, softplus, sin, cos, square, affine, fake_quantize
};

/// The internal operator that a QuantizeLinear with its DequantizeLinear becomes; attributes scale, zero_point, low, high.
inline constexpr const char* kFakeQuantize = "(fake-quantize)";

/// y = f(x; a, b). clip: a = min, b = max. hard_sigmoid: clip(a * x + b, 0, 1). affine: a * x + b. leaky_relu, elu, swish: a = alpha.
/// fake_quantize: a = scale, b = zero point, c and d = least and largest integer.
struct Activation {
  Unary kind;
  float a = 0, b = 0, c = 0, d = 0;
};

/// An operator node's function; nothing when it is no elementwise operator of one input. Clip only with `min` and `max` attributes.
std::optional<Activation> unary_of(std::string_view op, const Attrs& attrs);
/// The `activation` and `activation_params` attributes of a fused node.
std::optional<Activation> fused_activation(const Attrs& attrs);
/// Whether f(0) = 0: surplus channels of a blocked layout stay zero.
bool keeps_zero(const Activation& a);

}  // namespace tenon::cpu
