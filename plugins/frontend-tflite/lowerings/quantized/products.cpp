// SPDX-License-Identifier: Apache-2.0
#include "products.hpp"

namespace tenon::tflite::quantized {

tenon_value whole_bytes(Build& b, tenon_value v) {
  const tenon_dtype t = b.info(v).type();
  if (t.bits >= 8) return v;
  return b.cast(v, t.code == TENON_DT_INT ? dt::i8 : dt::u8);
}

tenon_value zero_point(Build& b, const Affine& a, tenon_dtype type) { return a.one_zero() ? b.integer(type, a.one_zero()) : 0; }

std::vector<double> product_scales(const Product& p, bool float_product) {
  const float x = p.x.one_scale(), out = p.out.one_scale();
  std::vector<double> r;
  for (float w : p.w.scale) r.push_back((float_product ? static_cast<double>(x * w) : static_cast<double>(x) * static_cast<double>(w)) / static_cast<double>(out));
  return r;
}

void check_weights(const Product& p, int64_t axis) {
  if (p.w.per_axis() && p.w.axis != axis) throw unsupported("the weights' scales lie along another dimension than the output channels").with("expected", std::to_string(axis)).with("found", std::to_string(p.w.axis));
  bool zero = true;
  for (int64_t z : p.w.zero_point) zero = zero && z == 0;
  if (!zero && (p.w.per_axis() || p.x.type.bits > 8)) throw unsupported("weights with scales for each channel, or of 16-bit data, must have no zero point");
}

tenon_value finish_product(Build& b, tenon_value sums, tenon_value bias, const Product& p, const ProductEnd& end) {
  if (bias) {
    const tenon_dtype type = b.info(bias).type();
    // 16-bit data with a bias of 32 bits is summed in 32 bits.
    if (type == dt::i32) sums = b.cast(sums, dt::i32);
    else if (type != dt::i64 || p.x.type.bits <= 8) throw unsupported("the bias of a quantized operator has a wrong type").with("expected", "i32, or i64 with 16-bit data").with("found", dtype_name(type));
    std::vector<int64_t> shape(static_cast<size_t>(end.rank - end.axis), 1);
    shape[0] = -1;
    sums = b.emit("Add", {sums, shape.size() == 1 ? bias : b.reshape(bias, shape)});
  }
  return requantize(b, sums, product_scales(p, end.float_product), {p.out.type, p.out.one_zero(), activation_range(end.activation, p.out), end.rounding, end.axis});
}

}  // namespace tenon::tflite::quantized
