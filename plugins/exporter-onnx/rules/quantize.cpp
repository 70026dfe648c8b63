// SPDX-License-Identifier: Apache-2.0
// quantize.cpp - QuantizeLinear, DequantizeLinear and the products of quantized numbers.
#include "quantize.hpp"

#include "window.hpp"

namespace tenon::to_onnx {

std::pair<int64_t, int64_t> int_limits(tenon_dtype t) {
  const int64_t half = int64_t{1} << (t.bits - 1);
  return t.code == TENON_DT_UINT ? std::pair{int64_t{0}, 2 * half - 1} : std::pair{-half, half - 1};
}

Value along_axis(Emit& e, Value v, Value x, int64_t axis) {
  const ValueInfo i = e.info(v);
  if (i.rank() == 0 || i.count() == 1) return e.scalar(v);
  const int32_t rank = e.known_rank(x, "a quantized tensor");
  std::vector<int64_t> after;
  for (int64_t k = 1; k < rank - e.axis(x, axis); ++k) after.push_back(k);
  return after.empty() ? v : e.typed(e.unsqueeze(v, after), i.type());
}

Value round_half_away(Emit& e, Value x, tenon_dtype type) {
  const Value size = e.op("Abs", {x}), whole = e.op("Floor", {size});
  const Value up = e.op("GreaterOrEqual", {e.op("Sub", {size, whole}), e.number(type, 0.5)});
  const Value rounded = e.op("Add", {whole, e.op("Cast", {up}, AttrList{}.set("to", data_type(type)))});
  return e.op("Mul", {rounded, e.op("Sign", {x})});
}

namespace {

bool is_byte(tenon_dtype t) { return t == dt::i8 || t == dt::u8; }
bool one_scale(Emit& e) { return e.rank(e.in(1)) == 0 || e.info(e.in(1)).count() == 1; }

/// Since which opset ONNX has this QuantizeLinear or DequantizeLinear with q as its quantized type; 0 = never.
int64_t first_opset(Emit& e, tenon_dtype q, bool dequantize) {
  const tenon_dtype s = e.type(e.in(1));
  const bool narrow = q == dt::i4 || q == dt::u4 || q == dt::i16 || q == dt::u16;
  int64_t since = is_byte(q) || (dequantize && q == dt::i32) ? 13 : q.code == TENON_DT_MINIFLOAT && q.bits == 8 ? 19 : narrow ? 21 : q == dt::f4e2m1 ? 23 : q.bits == 2 ? 25 : 0;
  if (!since || s == dt::f64) return 0;
  if (s != dt::f32) since = std::max<int64_t>(since, s == dt::f16 || s == dt::bf16 ? 19 : 23);
  if (e.i("block_size") != 0) since = std::max<int64_t>(since, 21);
  return since;
}

Value zero_in(Emit& e, tenon_dtype type, Value x, int64_t axis) { return along_axis(e, e.cast(e.in(2), type), x, axis); }

void dequantize_in_steps(Emit& e, tenon_dtype q, tenon_dtype to) {
  if (!is_int(q) || q.bits < 8 || e.i("block_size") != 0)
    throw unsupported("DequantizeLinear of this type or with blocks").with("found", dtype_name(q)).with("hint", "choose option \"opset\": 21 or above");
  const int64_t axis = e.i("axis", 1);
  Value x = e.cast(e.in(0), dt::i64);
  if (e.in(2)) x = e.op("Sub", {x, zero_in(e, dt::i64, e.in(0), axis)});
  const Value y = e.op("Mul", {e.cast(x, dt::f32), along_axis(e, e.cast(e.in(1), dt::f32), e.in(0), axis)});
  e.done({to == dt::f32 ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(to)))});
}

// A scale of one number goes with a tensor of any rank only as a scalar.
Values scaled_inputs(Emit& e) {
  Values in = e.inputs();
  for (size_t k = 1; k < in.size(); ++k)
    if (in[k] && one_scale(e) && e.i("block_size") == 0) in[k] = e.scalar(in[k]);
  return in;
}

AttrList layout(Emit& e) {
  AttrList a;
  if (!one_scale(e) || e.i("block_size") != 0) a.add("axis", e.i("axis", 1));
  if (e.i("block_size") != 0) a.add("block_size", e.i("block_size"));
  return a;
}

void dequantize_linear(Emit& e) {
  const tenon_dtype q = e.type(e.in(0)), to = e.type(e.out()), s = e.type(e.in(1));
  const int64_t since = first_opset(e, q, true);
  const bool own_type = to != s && !(s == dt::f8e8m0 && to == dt::f32);
  // A zero point of 32-bit numbers must be 0.
  if (!since || e.opset() < since || (q == dt::i32 && e.in(2)) || (own_type && e.opset() < 23)) return dequantize_in_steps(e, q, to);
  AttrList a = layout(e);
  if (to != s) a.add("output_dtype", data_type(to));
  e.to("DequantizeLinear", scaled_inputs(e), a);
}
ONNX_RULE("DequantizeLinear", dequantize_linear);

// In the type that the IR computes in: f64 for f64 and whole numbers, else f32.
void quantize_in_steps(Emit& e, tenon_dtype from, tenon_dtype q, bool away) {
  if (!is_int(q) || q.bits < 8 || e.i("block_size") != 0)
    throw unsupported("QuantizeLinear of this type or with blocks").with("found", dtype_name(q)).with("hint", "choose option \"opset\": 21 or above");
  const tenon_dtype work = from == dt::f64 || is_int(from) ? dt::f64 : dt::f32;
  const int64_t axis = e.i("axis", 1);
  const Value scale = e.cast(along_axis(e, e.cast(e.in(1), dt::f32), e.in(0), axis), work);
  const Value real = e.op("Div", {e.cast(e.in(0), work), scale});
  Value y = away ? round_half_away(e, real, work) : e.op("Round", {real});
  y = e.op("Clip", {e.where(e.op("IsNaN", {y}), e.number(work, 0), y), e.number(work, -0x1p40), e.number(work, 0x1p40)});
  y = e.op("Cast", {y}, AttrList{}.set("to", data_type(dt::i64)));
  if (e.in(2)) y = e.op("Add", {y, zero_in(e, dt::i64, e.in(0), axis)});
  const auto [low, high] = int_limits(q);
  e.done({e.op("Cast", {e.op("Clip", {y, e.whole(dt::i64, low), e.whole(dt::i64, high)})}, AttrList{}.set("to", data_type(q)))});
}

void quantize_linear(Emit& e) {
  const tenon_dtype from = e.type(e.in(0)), q = e.type(e.out());
  const bool away = e.s("rounding", "half_even") == "half_away";
  const int64_t since = first_opset(e, q, false);
  if (away || !since || e.opset() < since || (from != dt::f32 && from != dt::i32 && (from == dt::f64 || e.opset() < 19))) return quantize_in_steps(e, from, q, away);
  // The result's type is that of the zero point; before opset 21 there is no other way to say it than a zero point of zeros.
  Values in = scaled_inputs(e);
  AttrList a = layout(e);
  if (in.size() < 3 && q != dt::u8 && e.opset() >= 21) a.add("output_dtype", data_type(q));
  if (in.size() < 3 && q != dt::u8 && e.opset() < 21) {
    const ValueInfo s = e.info(in[1]);
    if (!s.is_static() || !is_int(q)) return quantize_in_steps(e, from, q, away);
    in.push_back(e.numbers(q, Dims(s.dims().begin(), s.dims().end()), std::vector<double>(static_cast<size_t>(s.count()), 0)));
  }
  if (e.has("saturate") && q.code == TENON_DT_MINIFLOAT) a.add("saturate", e.i("saturate", 1));
  e.to("QuantizeLinear", in, a);
}
ONNX_RULE("QuantizeLinear", quantize_linear);

void dynamic_quantize_linear(Emit& e) { e.same("DynamicQuantizeLinear"); }
ONNX_RULE("DynamicQuantizeLinear", dynamic_quantize_linear);

/// A 16-bit number as high * 256 + low, a signed and an unsigned byte.
struct Bytes {
  Value high, low;
};
Bytes bytes_of(Emit& e, Value x) {
  const Value wide = e.cast(x, dt::i32), base = e.whole(dt::i32, 256);
  const Value low = e.op("Mod", {wide, base}), high = e.op("Div", {e.op("Sub", {wide, low}), base});
  return {e.typed(e.op("Cast", {high}, AttrList{}.set("to", data_type(dt::i8))), dt::i8), e.typed(e.op("Cast", {low}, AttrList{}.set("to", data_type(dt::u8))), dt::u8)};
}
Bytes bytes_or_none(Emit& e, Value x) { return x ? bytes_of(e, x) : Bytes{0, 0}; }

/// high * 256 + low of two sums, in i64.
Value joined(Emit& e, Value high, Value low) {
  return e.op("Add", {e.op("Mul", {e.cast(high, dt::i64), e.whole(dt::i64, 256)}), e.cast(low, dt::i64)});
}

// 16-bit data as two convolutions of bytes: each sum fits 32 bits as long as that of the 8-bit operator does.
void conv_integer(Emit& e) {
  AttrList a = e.copied({"strides", "dilations", "group", "kernel_shape"});
  const Value x = padded_input(e, e.in(0), a), w = e.in(1), zero = e.in(2) ? e.scalar(e.in(2)) : 0, w_zero = e.in(3);
  if (e.type(e.in(0)) != dt::i16) return e.to("ConvInteger", {x, w, zero, w_zero}, a);
  const Bytes data = bytes_of(e, x), offset = bytes_or_none(e, zero);
  const Value high = e.op("ConvInteger", {data.high, w, offset.high, w_zero}, a), low = e.op("ConvInteger", {data.low, w, offset.low, w_zero}, a);
  e.done({joined(e, high, low)});
}
ONNX_RULE("ConvInteger", conv_integer);

bool plain_zero_point(Emit& e, Value zero) { return !zero || e.rank(zero) == 0 || e.rank(zero) == 1; }

// Operands of 16 bits, or zero points that broadcast, by the definition in 64-bit numbers.
void mat_mul_integer(Emit& e) {
  const bool bytes = is_byte(e.type(e.in(0))) && is_byte(e.type(e.in(1)));
  if (bytes && plain_zero_point(e, e.in(2)) && plain_zero_point(e, e.in(3))) return e.same("MatMulInteger");
  const tenon_dtype sum = bytes ? dt::i32 : dt::i64;
  auto centred = [&](Value x, Value zero, bool rows) {
    Value wide = e.cast(x, sum);
    if (!zero) return wide;
    const bool by_row = rows && e.rank(zero) == 1 && e.rank(x) > 1 && e.info(zero).count() != 1;
    const Value offset = e.cast(zero, sum);
    return e.op("Sub", {wide, by_row ? e.unsqueeze(offset, {1}) : offset});
  };
  e.to("MatMul", {centred(e.in(0), e.in(2), true), centred(e.in(1), e.in(3), false)});
}
ONNX_RULE("MatMulInteger", mat_mul_integer);

}  // namespace
}  // namespace tenon::to_onnx
