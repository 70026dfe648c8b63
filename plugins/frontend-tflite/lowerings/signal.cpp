// SPDX-License-Identifier: Apache-2.0
// signal.cpp - Fourier transforms and complex numbers. The IR's operators compute with pairs of real numbers along a last axis; a tensor
// of complex numbers has the same bytes.
#include "lowerings/common/complex.hpp"

#include <cmath>

namespace tenon::tflite {

tenon_value pairs_of(Lower& l, tenon_value v) {
  tenon_dtype t = type_of(l, v);
  if (t.code != TENON_DT_COMPLEX) throw invalid("complex numbers are needed").with("found", dtype_name(t));
  return l.emit("BitCast", {v}, AttrList{}.set("to", t == dt::c64 ? "f32" : "f64"));
}

tenon_value from_pairs(Lower& l, tenon_value v, tenon_dtype t) { return l.emit("BitCast", {v}, AttrList{}.set("to", dtype_name(t))); }

tenon_value real_part(Lower& l, tenon_value pairs) { return l.emit("Gather", {pairs, l.scalar<int64_t>(0)}, AttrList{}.set("axis", -1)); }

namespace {

// The last two axes, cut or filled up with zeros to the given lengths; the last one keeps its first half.
void lower_rfft2d(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), length = index_list(l, need(l, 1));
  int64_t rank = rank_of(l, x);
  if (rank < 2) throw invalid("a transform of two axes needs them");
  auto of = [&](int64_t k) { return l.emit("Reshape", {slice(l, length, 0, k, k + 1), l.ints({})}); };
  tenon_value rows = l.emit("DFT", {unsqueeze(l, x, {rank}), of(1), l.scalar<int64_t>(rank - 1)}, AttrList{}.set("onesided", 1));
  finish(l, {from_pairs(l, l.emit("DFT", {rows, of(0), l.scalar<int64_t>(rank - 2)}), dt::c64)});
}
TFLITE_LOWERING("RFFT2D", lower_rfft2d);

tenon_value input_pairs(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  return pairs_of(l, need(l, 0));
}

void lower_real(Lower& l) { finish(l, {real_part(l, input_pairs(l))}); }
void lower_imag(Lower& l) { to(l, "Gather", {input_pairs(l), l.scalar<int64_t>(1)}, AttrList{}.set("axis", -1)); }
void lower_complex_abs(Lower& l) {
  tenon_value x = input_pairs(l);
  to(l, "Sqrt", {reduce(l, "ReduceSum", l.emit("Mul", {x, x}), {-1}, false)});
}
TFLITE_LOWERING("REAL", lower_real);
TFLITE_LOWERING("IMAG", lower_imag);
TFLITE_LOWERING("COMPLEX_ABS", lower_complex_abs);

// Hann window, periodic.
tenon_value hann(Lower& l, int64_t n) {
  std::vector<float> w;
  constexpr double kPi = 3.14159265358979323846;
  for (int64_t i = 0; i < n; ++i) w.push_back(static_cast<float>(0.5 - 0.5 * std::cos(2 * kPi * static_cast<double>(i) / static_cast<double>(n))));
  Dims d{n};
  return l.graph().add_constant<float>("", d, w.data());
}

// Sample indices of each frame: [frames, window].
tenon_value frame_indices(Lower& l, tenon_value samples, int64_t window, int64_t stride) {
  tenon_value count = l.emit("Add", {l.emit("Div", {l.emit("Sub", {samples, l.ints({window})}), l.ints({stride})}), l.ints({1})});
  count = l.emit("Reshape", {l.emit("Maximum", {count, l.ints({0})}), l.ints({})});
  auto range = [&](tenon_value n) { return l.emit("Range", {l.scalar<int64_t>(0), n, l.scalar<int64_t>(1)}); };
  tenon_value first = l.emit("Mul", {range(count), l.scalar<int64_t>(stride)});
  return l.emit("Add", {unsqueeze(l, first, {1}), unsqueeze(l, range(l.scalar<int64_t>(window)), {0})});
}

// [samples, channels] to [channels, frames, frequencies]; frames are filled up with zeros to a power of two.
void lower_audio_spectrogram(Lower& l) {
  known(l, {"custom_options", "window_size", "stride", "magnitude_squared"});
  arity(l, 1, 1);
  tenon_value x = need(l, 0);
  int64_t window = l.i("window_size"), stride = l.i("stride"), length = 1;
  constexpr int64_t kMostSamples = 1 << 24;
  if (window < 2 || window > kMostSamples || stride < 1) throw invalid("the window of a spectrogram is out of range").with("found", std::to_string(window) + " samples every " + std::to_string(stride));
  if (rank_of(l, x) != 2) throw invalid("the samples of a spectrogram have a wrong rank").with("expected", "2");
  while (length < window) length *= 2;
  tenon_value frames = l.emit("Gather", {transpose(l, x, {1, 0}), frame_indices(l, dim(l, x, 0), window, stride)}, AttrList{}.set("axis", 1));
  tenon_value shaped = unsqueeze(l, l.emit("Mul", {frames, hann(l, window)}), {3});
  tenon_value pairs = l.emit("DFT", {shaped, l.scalar<int64_t>(length), l.scalar<int64_t>(2)}, AttrList{}.set("onesided", 1));
  tenon_value power = reduce(l, "ReduceSum", l.emit("Mul", {pairs, pairs}), {-1}, false);
  finish(l, {l.i("magnitude_squared") ? power : l.emit("Sqrt", {power})});
}
TENON_LOWERING("tflite.custom", "AudioSpectrogram", 1, lower_audio_spectrogram);

}  // namespace
}  // namespace tenon::tflite
