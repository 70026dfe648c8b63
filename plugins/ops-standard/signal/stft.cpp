// SPDX-License-Identifier: Apache-2.0
// STFT: Fourier transforms of windowed frames of a signal [batch, length, 1 or 2]; output [batch, frames, frequencies, 2].
#include "common/infer.hpp"
#include "common/work.hpp"
#include "signal/fourier.hpp"

namespace tenon::ops {
namespace {

enum Input : uint32_t { kSignal, kStep, kWindow, kLength };

/// Frame length: a number, a symbol or unknown.
int64_t frame_length(const Node& node) {
  if (node.has_in(kLength)) {
    const auto v = dim_values(node, kLength);
    return v && v->size() == 1 ? v->front() : kUnknown;
  }
  const Tensor t = node.in(node.has_in(kWindow) ? kWindow : kSignal);
  return t.has_rank() ? t.dim(node.has_in(kWindow) ? 0 : 1) : kUnknown;
}
bool one_sided(const Node& node) { return node.i("onesided", 1) != 0 && !(node.in(kSignal).has_rank() && node.in(kSignal).rank() == 3 && node.in(kSignal).dim(2) == 2); }

void infer(const Node& node) {
  const Tensor x = node.in(kSignal);
  if (x.has_rank() && x.rank() != 2 && x.rank() != 3) fail("the signal has a wrong rank", "rank 2 or 3", "shape " + shape_text(x));
  if (node.has_in(kWindow)) expect_rank(node.in(kWindow), 1, "the window");
  const int64_t length = frame_length(node);
  const auto step = dim_values(node, kStep);
  int64_t frames = kUnknown;
  if (step && step->size() == 1 && x.has_rank()) {
    if (step->front() == 0) fail("frame_step is too small", "at least 1", "0");
    if (x.dim(1) >= 0 && length > x.dim(1)) fail("a frame is longer than the signal", "at most " + std::to_string(x.dim(1)), std::to_string(length));
    frames = dim_add(node, dim_floordiv(node, dim_sub(node, x.dim(1), length), step->front()), 1);
  }
  const int64_t bins = one_sided(node) ? dim_add(node, dim_floordiv(node, length, 2), 1) : length;
  node.set_out(0, x.type(), Dims{x.has_rank() ? x.dim(0) : kUnknown, frames, bins, 2});
}

void run(const Node& node) {
  const Tensor x = node.in(kSignal);
  const int64_t length = frame_length(node), step = *known_int(node, kStep), signal = x.dim(1), parts = x.rank() == 3 ? x.dim(2) : 1;
  if (step < 1 || length < 1 || length > signal)
    fail("frames do not fit the signal", "a step of at least 1 and a length of 1 to " + std::to_string(signal), std::to_string(step) + " and " + std::to_string(length));
  const int64_t frames = (signal - length) / step + 1, bins = one_sided(node) ? length / 2 + 1 : length;
  const Fourier fourier(length, -1);
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x), window(node.in(kWindow));
    if (window && window.count() != length) fail("the window has a wrong length", std::to_string(length), std::to_string(window.count()));
    const Dims d = {x.dim(0), frames, bins, 2};
    Result<W> y;
    y.bind(node.out(0).has_data() ? node.out(0).mutable_data<void>() : node.alloc_out<void>(0, x.type(), d), x.type(), x.dim(0) * frames * bins * 2);
    std::vector<Complex> from(static_cast<size_t>(length)), to(static_cast<size_t>(length));
    for (int64_t f = 0; f < x.dim(0) * frames; ++f) {
      for (int64_t t = 0; t < length; ++t) {
        const int64_t at = (f / frames * signal + f % frames * step + t) * parts;
        const double w = window ? window[t] : 1.0;
        from[static_cast<size_t>(t)] = Complex(in[at] * w, parts == 2 ? in[at + 1] * w : 0);
      }
      fourier(from.data(), to.data());
      for (int64_t k = 0; k < bins; ++k) {
        y[(f * bins + k) * 2] = static_cast<W>(to[static_cast<size_t>(k)].real());
        y[(f * bins + k) * 2 + 1] = static_cast<W>(to[static_cast<size_t>(k)].imag());
      }
    }
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "STFT", 1, 0, "(signal: T(float), frame_step: i32|i64, window?: T, frame_length?: i32|i64) -> (Y: T) {onesided?: int}", infer, run);
}  // namespace tenon::ops
