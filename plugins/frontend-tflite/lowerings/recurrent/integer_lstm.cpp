// SPDX-License-Identifier: Apache-2.0
#include "integer_lstm.hpp"

#include <cmath>

#include "lowerings/quantized/fixed16.hpp"
#include "lowerings/quantized/image.hpp"

namespace tenon::tflite::recurrent {
namespace {

using quantized::Range;
using quantized::requantize;

enum Gate : size_t { kInput, kForget, kCell, kOutput };

template <class F>
tenon_value table(Build& b, F&& f) {
  std::vector<int16_t> t(65536);
  for (int32_t q = INT16_MIN; q <= INT16_MAX; ++q) t[static_cast<uint16_t>(q)] = f(static_cast<int16_t>(q));
  return b.constant({65536}, t);
}
tenon_value looked_up(Build& b, tenon_value table, tenon_value q) { return b.emit("Gather", {table, b.wide(q)}, AttrList{}.set("axis", 0)); }

/// Whole numbers cut to a type, or to a narrower range.
tenon_value cut(Build& b, tenon_value x, tenon_dtype type, Range r = {}) { return requantize(b, x, {1.0}, {type, 0, r, "half_even"}); }
/// x * y / 2^bits.
tenon_value scaled_product(Build& b, tenon_value x, tenon_value y, int bits) {
  return requantize(b, b.emit("Mul", {b.wide(x), b.wide(y)}), {std::ldexp(1.0, -bits)}, {dt::i16, 0, {}, "half_away"});
}

int log2_of(float scale) {
  int exponent = 0;
  if (std::frexp(scale, &exponent) != 0.5f) throw unsupported("the scale of an integer LSTM's cell state is no power of two").with("found", std::to_string(scale));
  return exponent - 1;
}

Range clip(float limit, float scale, tenon_dtype type) {
  const Range all = quantized::range_of(type);
  const auto most = quantized::cut(limit / scale, all);
  return most > 0 ? Range{-most, most} : Range{};
}

}  // namespace

std::vector<uint64_t> IntegerLstmCell::gates(uint64_t first) const {
  std::vector<uint64_t> r;
  for (uint64_t k = coupled_ ? 1 : 0; k < 4; ++k) r.push_back(first + k);
  return r;
}

tenon_value IntegerLstmCell::stacked(Build& b, uint64_t first) const {
  Values parts;
  for (uint64_t k : gates(first)) parts.push_back(need(l_, k));
  return b.emit("Concat", parts, AttrList{}.set("axis", 0));
}

std::vector<double> IntegerLstmCell::scales(uint64_t first, float data_scale) const {
  std::vector<double> r;
  for (uint64_t k : gates(first)) {
    const Affine w = quantized::input_affine(l_, k);
    if (w.type != dt::i8 || w.one_zero() != 0 || !l_.graph().is_constant(l_.in(k)))
      throw unsupported("the weights of an integer LSTM must be constants of i8 without a zero point").with("found", dtype_name(w.type));
    r.insert(r.end(), static_cast<size_t>(units_), static_cast<double>(w.one_scale() * data_scale / gate_scale_[k - first]));
  }
  return r;
}

IntegerLstmCell::IntegerLstmCell(Lower& l, Build& b, const LstmInputs& at, const LstmOptions& options, const std::vector<double>& scales, const std::vector<int64_t>& zeros)
    : l_(l), at_(at), coupled_(!l.has_in(at.weights)), normalized_(at.layer_norm && l.has_in(at.layer_norm + kForget)), units_(quantized::known_dim(l, need(l, at.weights + kForget), 0)),
      hidden_zero_(zeros.at(4)), cell_log2_(log2_of(quantized::input_affine(l, at.cell_state).one_scale())), hidden_scale_(static_cast<float>(scales.at(4))), x_(quantized::input_affine(l, 0)),
      state_(quantized::input_affine(l, at.output_state)) {
  if (cell_log2_ < -15 || cell_log2_ > -9) throw unsupported("the scale of an integer LSTM's cell state is out of range").with("expected", "2^-15 to 2^-9").with("found", "2^" + std::to_string(cell_log2_));
  if (!(hidden_scale_ > 0)) throw invalid("an integer LSTM has no scale of its hidden values");
  for (size_t k = 0; k < 4; ++k) gate_scale_.push_back(normalized_ ? static_cast<float>(scales.at(k)) : 0x1p-12f);
  weights_ = b.transpose(stacked(b, at.weights), {1, 0});
  recurrent_ = b.transpose(stacked(b, at.recurrent), {1, 0});
  if (!normalized_) bias_ = stacked(b, at.bias);
  if (l.has_in(at.projection)) projection_ = b.transpose(l.in(at.projection), {1, 0});
  logistic_ = table(b, fixed_logistic);
  gate_tanh_ = table(b, [](int16_t q) { return fixed_tanh(q, 3); });
  cell_tanh_ = cell_log2_ == -12 ? gate_tanh_ : table(b, [&](int16_t q) { return fixed_tanh(q, 15 + cell_log2_); });
  cell_range_ = clip(options.cell_clip, std::ldexp(1.0f, cell_log2_), dt::i16);
  if (projection_) output_range_ = clip(options.projection_clip, state_.one_scale(), dt::i8);
}

tenon_value IntegerLstmCell::sums(Build& b, tenon_value x) const {
  tenon_value s = b.emit("MatMulInteger", {x, weights_, b.integer(dt::i8, x_.one_zero())});
  if (bias_) s = b.emit("Add", {s, bias_});
  return requantize(b, s, scales(at_.weights, x_.one_scale()), {dt::i16, 0, {}, "double", -1});
}

/// Mean and variance with 10 more bits; the inverse deviation in double, where LiteRT has 31 bits of it.
tenon_value IntegerLstmCell::normalized(Build& b, size_t k, tenon_value sum) const {
  auto real = [&](double v) { return b.scalar(v); };
  auto mean_of = [&](tenon_value v) { return b.emit("ReduceMean", {v, b.ints({-1})}, AttrList{}.set("keepdims", 1)); };
  const tenon_value x = b.cast(sum, dt::f64), mean = b.emit("Floor", {b.emit("Mul", {mean_of(x), real(1024)})});
  const tenon_value centred = b.emit("Sub", {b.emit("Mul", {x, real(1024)}), mean});
  const tenon_value variance = b.emit("Maximum", {b.emit("Floor", {b.emit("Mul", {mean_of(b.emit("Mul", {centred, centred})), real(0x1p-20)})}), real(1)});
  const tenon_value unit = b.cast(b.emit("Round", {b.emit("Div", {centred, b.emit("Sqrt", {variance})})}), dt::i32);
  const Affine norm = quantized::input_affine(l_, at_.layer_norm + k);
  const tenon_value y = b.emit("Add", {b.emit("Mul", {unit, b.wide(l_.in(at_.layer_norm + k))}), need(l_, at_.bias + k)});
  const tenon_value whole = requantize(b, y, {0x1p-10}, {dt::i32, 0, {}, "half_away"});
  return requantize(b, whole, {std::ldexp(static_cast<double>(norm.one_scale()), 12)}, {dt::i16, 0, {}});
}

tenon_value IntegerLstmCell::gate(Build& b, size_t k, tenon_value sum, tenon_value cell) const {
  const size_t holes[] = {0, 1, 3, 2};  // peepholes are those of the input, forget and output gate
  if (const uint64_t hole = at_.peephole + holes[k]; k != kCell && l_.has_in(hole)) {
    const float scale = std::ldexp(1.0f, cell_log2_) * quantized::input_affine(l_, hole).one_scale() / gate_scale_[k];
    const tenon_value product = requantize(b, b.emit("Mul", {b.wide(l_.in(hole)), b.wide(cell)}), {static_cast<double>(scale)}, {dt::i32, 0, {}});
    sum = cut(b, b.emit("Add", {b.wide(sum), product}), dt::i16);
  }
  return looked_up(b, k == kCell ? gate_tanh_ : logistic_, normalized_ ? normalized(b, k, sum) : sum);
}

tenon_value IntegerLstmCell::hidden(Build& b, tenon_value output, tenon_value cell) const {
  const tenon_value product = b.emit("Mul", {b.wide(output), b.wide(looked_up(b, cell_tanh_, cell))});
  const auto scale = static_cast<double>(0x1p-15f / hidden_scale_ * 0x1p-15f);
  if (!projection_) return requantize(b, product, {scale}, {dt::i8, hidden_zero_, {}});
  const tenon_value h = requantize(b, product, {scale}, {dt::i8, -hidden_zero_, {}});
  tenon_value s = b.emit("MatMulInteger", {h, projection_, b.integer(dt::i8, -hidden_zero_)});
  if (l_.has_in(at_.projection_bias)) s = b.emit("Add", {s, l_.in(at_.projection_bias)});
  const float back = quantized::input_affine(l_, at_.projection).one_scale() * hidden_scale_ / state_.one_scale();
  return requantize(b, s, {static_cast<double>(back)}, {dt::i8, state_.one_zero(), output_range_});
}

Step IntegerLstmCell::operator()(Build& b, const Values& states, tenon_value sums) const {
  const tenon_value h = states[0], c = states[1];
  const tenon_value product = b.emit("MatMulInteger", {h, recurrent_, b.integer(dt::i8, state_.one_zero())});
  const tenon_value back = requantize(b, product, scales(at_.recurrent, state_.one_scale()), {dt::i32, 0, {}, "double", -1});
  const tenon_value all = cut(b, b.emit("Add", {b.wide(sums), back}), dt::i16);
  const size_t n = coupled_ ? 3 : 4;
  const Values z = b.emit_n("Split", {all, b.ints(std::vector<int64_t>(n, units_))}, AttrList{}.set("axis", -1), n);
  auto sum = [&](size_t g) { return z[g - (coupled_ ? 1 : 0)]; };
  const tenon_value forget = gate(b, kForget, sum(kForget), c), update = gate(b, kCell, sum(kCell), c);
  const tenon_value input = coupled_ ? b.emit("Sub", {b.integer(dt::i32, INT16_MAX), b.wide(forget)}) : gate(b, kInput, sum(kInput), c);
  const tenon_value kept = scaled_product(b, forget, c, 15), added = scaled_product(b, input, update, 30 + cell_log2_);
  const tenon_value cell = cut(b, b.emit("Add", {b.wide(kept), b.wide(added)}), dt::i16, cell_range_);
  const tenon_value next = hidden(b, gate(b, kOutput, sum(kOutput), cell), cell);
  return {{next, cell}, next};
}

}  // namespace tenon::tflite::recurrent
