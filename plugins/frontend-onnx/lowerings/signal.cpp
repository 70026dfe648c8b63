// SPDX-License-Identifier: Apache-2.0
// signal.cpp - Fourier transforms, windows and the mel filter bank.
#include <cmath>

#include "common.hpp"

namespace tenon::onnx {
namespace {

constexpr double kPi = 3.14159265358979323846;

void lower_dft_17(Lower& l) {
  known(l, {"axis", "inverse", "onesided"});
  arity(l, 1, 2);
  AttrList a = copied(l, {"inverse", "onesided"});
  l.to("DFT", {need(l, 0), l.in(1), l.scalar<int64_t>(l.i("axis", 1))}, a);
}
TENON_LOWERING("onnx", "DFT", 17, lower_dft_17);
void lower_dft(Lower& l) { same(l, "DFT", {"inverse", "onesided"}, 1, 3); }
TENON_LOWERING("onnx", "DFT", 20, lower_dft);
void lower_stft(Lower& l) { same(l, "STFT", {"onesided"}, 2, 4); }
TENON_LOWERING("onnx", "STFT", 17, lower_stft);

// sum of c[k] * cos(2 pi k n / N) for n < size; N is the size, or one less when the window is symmetric. In f64, rounded once.
void window(Lower& l, std::initializer_list<double> c) {
  known(l, {"output_datatype", "periodic"});
  arity(l, 1, 1);
  tenon_value size = cast(l, need(l, 0), dt::f64), one = l.scalar<double>(1);
  tenon_value n = l.emit("Range", {l.scalar<double>(0), size, one});
  tenon_value period = l.i("periodic", 1) ? size : l.emit("Sub", {size, one});
  tenon_value turn = l.emit("Div", {l.emit("Mul", {n, l.scalar<double>(2 * kPi)}), period}), sum = 0;
  double k = 0;
  for (double factor : c) {
    tenon_value term = l.emit("Mul", {l.emit("Cos", {l.emit("Mul", {turn, l.scalar<double>(k)})}), l.scalar<double>(factor)});
    sum = sum ? l.emit("Add", {sum, term}) : term;
    ++k;
  }
  l.to("Cast", {sum}, AttrList{}.set("to", dtype_text(l.i("output_datatype", 1))));
}
void lower_hann(Lower& l) { window(l, {0.5, -0.5}); }
TENON_LOWERING("onnx", "HannWindow", 17, lower_hann);
void lower_hamming(Lower& l) { window(l, {25.0 / 46, -21.0 / 46}); }
TENON_LOWERING("onnx", "HammingWindow", 17, lower_hamming);
void lower_blackman(Lower& l) { window(l, {0.42, -0.5, 0.08}); }
TENON_LOWERING("onnx", "BlackmanWindow", 17, lower_blackman);

// Is input k a constant with one number, which the filter bank can be made of now?
bool is_number(Lower& l, uint64_t k) { return l.graph().is_constant(need(l, k)) && l.info(l.in(k)).is_static() && l.info(l.in(k)).count() == 1; }

// Value of a constant scalar input.
double constant_number(Lower& l, uint64_t k) {
  std::vector<int64_t> ints;
  if (l.graph().constant_ints(need(l, k), &ints) && ints.size() == 1) return static_cast<double>(ints[0]);
  auto i = l.info(l.in(k));
  if (!i.constant() || i.rank() > 1 || (i.rank() == 1 && i.dim(0) != 1)) throw unsupported("input " + std::to_string(k) + " must be a constant number");
  auto bytes = l.graph().constant_bytes(l.in(k));
  float f = 0;
  double d = 0;
  if (i.type() == dt::f32) std::memcpy(&f, bytes.data(), 4);
  else if (i.type() == dt::f64) std::memcpy(&d, bytes.data(), 8);
  else throw unsupported("input " + std::to_string(k) + " must be f32 or f64").with("found", dtype_name(i.type()));
  return i.type() == dt::f32 ? f : d;
}

// Triangular filters between points that are evenly spaced on the mel scale.
std::vector<float> mel_filters(int64_t bins, int64_t mels, double length, double rate, double low, double high) {
  auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double step = (mel(high) - mel(low)) / static_cast<double>(mels + 2);
  std::vector<int64_t> at;
  for (int64_t k = 0; k < mels + 2; ++k) {
    double hertz = 700 * (std::pow(10, (static_cast<double>(k) * step + mel(low)) / 2595) - 1);
    at.push_back(static_cast<int64_t>(std::floor((length + 1) * hertz / rate)));
    if (at.back() < 0 || at.back() >= bins) throw invalid("a filter lies outside of the spectrum");
  }
  std::vector<float> w(static_cast<size_t>(bins * mels));
  auto put = [&](int64_t bin, int64_t m, double v) { w[static_cast<size_t>(bin * mels + m)] = static_cast<float>(v); };
  for (int64_t m = 0; m < mels; ++m) {
    auto a = at[static_cast<size_t>(m)], b = at[static_cast<size_t>(m + 1)], c = at[static_cast<size_t>(m + 2)];
    if (a == b) put(b, m, 1);
    for (int64_t j = a; a < b && j <= b; ++j) put(j, m, static_cast<double>(j - a) / static_cast<double>(b - a));
    for (int64_t j = b; b < c && j < c; ++j) put(j, m, static_cast<double>(c - j) / static_cast<double>(c - b));
  }
  return w;
}

// The same as nodes, in f64: point k lies at bin floor((length + 1) * hertz(k) / rate).
class MelNodes {
  Lower& l_;
  tenon_value op(std::string_view name, tenon_value a, tenon_value b) { return l_.emit(name, {a, b}); }
  tenon_value number(double v) { return l_.scalar<double>(v); }
  tenon_value input(uint64_t k, tenon_dtype type) { return cast(l_, l_.emit("Reshape", {need(l_, k), l_.ints({})}), type); }
  tenon_value mel(tenon_value hertz) {
    tenon_value ln = l_.emit("Log", {op("Add", number(1), op("Div", hertz, number(700)))});
    return op("Mul", number(2595), op("Div", ln, number(std::log(10.0))));
  }
  // Bins of the mels + 2 points.
  tenon_value points(tenon_value mels) {
    tenon_value low = mel(input(3, dt::f64)), high = mel(input(4, dt::f64)), count = op("Add", mels, l_.scalar<int64_t>(2));
    tenon_value step = op("Div", op("Sub", high, low), cast(l_, count, dt::f64));
    tenon_value k = cast(l_, l_.emit("Range", {l_.scalar<int64_t>(0), count, l_.scalar<int64_t>(1)}), dt::f64);
    tenon_value at = op("Div", op("Add", op("Mul", k, step), low), number(2595));
    tenon_value hertz = op("Mul", number(700), op("Sub", op("Pow", number(10), at), number(1)));
    tenon_value bin = op("Div", op("Mul", op("Add", input(1, dt::f64), number(1)), hertz), input(2, dt::f64));
    return cast(l_, l_.emit("Floor", {bin}), dt::i64);
  }
  tenon_value both(tenon_value a, tenon_value b) { return op("LogicalAnd", a, b); }
  // n / d as f64, where d is positive; elsewhere the result does not count
  tenon_value share(tenon_value n, tenon_value d) { return op("Div", cast(l_, n, dt::f64), cast(l_, op("Maximum", d, l_.scalar<int64_t>(1)), dt::f64)); }

 public:
  explicit MelNodes(Lower& l) : l_(l) {}
  tenon_value filters() {
    tenon_value mels = input(0, dt::i64), all = points(mels), one = l_.ints({1}), first = l_.ints({0});
    auto part = [&](int64_t from, int64_t to) { return l_.emit("Slice", {all, l_.ints({from}), l_.ints({to}), first}); };
    tenon_value a = part(0, -2), b = part(1, -1), c = part(2, INT64_MAX);
    tenon_value bins = op("Add", op("Div", input(1, dt::i64), l_.scalar<int64_t>(2)), l_.scalar<int64_t>(1));
    tenon_value j = l_.emit("Unsqueeze", {l_.emit("Range", {l_.scalar<int64_t>(0), bins, l_.scalar<int64_t>(1)}), one});
    tenon_value rises = both(both(op("Less", a, b), op("GreaterEqual", j, a)), op("LessEqual", j, b));
    tenon_value falls = both(op("GreaterEqual", j, b), op("Less", j, c)), top = both(op("Equal", a, b), op("Equal", j, b));
    tenon_value w = l_.emit("Where", {rises, share(op("Sub", j, a), op("Sub", b, a)), number(0)});
    w = l_.emit("Where", {top, number(1), w});
    return l_.emit("Where", {falls, share(op("Sub", c, j), op("Sub", c, b)), w});
  }
};

void lower_mel(Lower& l) {
  known(l, {"output_datatype"});
  arity(l, 5, 5);
  bool constant = true;
  for (uint64_t k = 0; k < 5; ++k) constant = constant && is_number(l, k);
  if (!constant) return l.to("Cast", {MelNodes(l).filters()}, AttrList{}.set("to", dtype_text(l.i("output_datatype", 1))));
  double mels = constant_number(l, 0), length = constant_number(l, 1), rate = constant_number(l, 2);
  if (!(mels >= 1 && length >= 1 && rate > 0 && mels * length < 1 << 28)) throw invalid("the filter bank's sizes are out of range");
  int64_t bins = static_cast<int64_t>(length) / 2 + 1, count = static_cast<int64_t>(mels);
  std::vector<float> w = mel_filters(bins, count, length, rate, constant_number(l, 3), constant_number(l, 4));
  l.to("Cast", {l.graph().add_constant<float>("", Dims{bins, count}, w.data())}, AttrList{}.set("to", dtype_text(l.i("output_datatype", 1))));
}
TENON_LOWERING("onnx", "MelWeightMatrix", 17, lower_mel);

}  // namespace
}  // namespace tenon::onnx
