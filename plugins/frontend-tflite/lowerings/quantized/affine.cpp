// SPDX-License-Identifier: Apache-2.0
#include "affine.hpp"

#include <algorithm>
#include <cmath>

namespace tenon::tflite::quantized {

Range range_of(tenon_dtype t) {
  if (!is_int(t) || t.bits > 32) throw unsupported("a tensor of a quantized operator has a type without integer arithmetic").with("expected", "integers of at most 32 bits").with("found", dtype_name(t));
  if (t.code == TENON_DT_UINT) return {0, (int64_t{1} << t.bits) - 1};
  return {-(int64_t{1} << (t.bits - 1)), (int64_t{1} << (t.bits - 1)) - 1};
}

float Affine::one_scale() const {
  if (scale.empty()) throw invalid("a tensor of a quantized operator has no scale").with("found", dtype_name(type));
  if (per_axis()) throw unsupported("this operator needs a tensor with one scale").with("found", std::to_string(scale.size()) + " scales");
  return scale[0];
}
int64_t Affine::one_zero() const {
  one_scale();
  return zero(0);
}

namespace {

void check(const Affine& a) {
  for (float s : a.scale)
    if (!(s > 0) || !std::isfinite(s)) throw invalid("a quantization scale is no positive number").with("found", std::to_string(s));
  if (!is_int(a.type) || a.type.bits > 32) return;
  const Range r = range_of(a.type);
  for (int64_t z : a.zero_point)
    if (z < r.low || z > r.high) throw invalid("a zero point is outside its type").with("expected", dtype_name(a.type)).with("found", std::to_string(z));
}

Affine affine_of(Lower& l, tenon_value v) {
  Affine a;
  if (!v) return a;
  a.type = l.info(v).type();
  int32_t axis = -1;
  const float* scale = nullptr;
  const int64_t* zero = nullptr;
  uint64_t n = 0;
  ok(api().ir->quantization(l.graph().raw(), v, &axis, &scale, &zero, &n));
  a.scale.assign(scale, scale + n);
  if (zero) a.zero_point.assign(zero, zero + n);
  a.axis = std::max<int32_t>(axis, 0);
  check(a);
  return a;
}

}  // namespace

Affine input_affine(Lower& l, uint64_t k) { return affine_of(l, l.in(k)); }
Affine output_affine(Lower& l, uint64_t k) { return affine_of(l, l.out(k)); }

int64_t quantized_value(float value, const Affine& a) {
  const float q = std::round(value / a.one_scale());
  return a.one_zero() + cut(q, {-(int64_t{1} << 31), int64_t{1} << 31});
}

Range activation_range(std::string_view activation, const Affine& out) {
  Range r = range_of(out.type);
  auto from = [&](float v) { r.low = std::max(r.low, quantized_value(v, out)); };
  auto to = [&](float v) { r.high = std::min(r.high, quantized_value(v, out)); };
  if (activation == "RELU") from(0);
  else if (activation == "RELU6") from(0), to(6);
  else if (activation == "RELU_N1_TO_1") from(-1), to(1);
  else if (!activation.empty() && activation != "NONE")
    throw unsupported("this fused activation has no integer form").with("found", std::string(activation)).with("expected", "NONE, RELU, RELU6 or RELU_N1_TO_1");
  return r;
}

}  // namespace tenon::tflite::quantized
