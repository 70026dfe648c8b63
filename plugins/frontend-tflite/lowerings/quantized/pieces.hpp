// SPDX-License-Identifier: Apache-2.0
// pieces.hpp - a real function on 16-bit numbers as 512 straight pieces, each shifted so that the errors at its ends and in its middle
// balance.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "affine.hpp"

namespace tenon::tflite {

/// Scale and zero point of 16-bit numbers; Real is the type that the pieces are computed in.
template <class Real>
struct Line {
  Real scale, zero;
  Real at(Real q) const { return scale * (q - zero); }
};

template <class Real>
class Pieces {
  std::vector<int16_t> ends_;
  static int16_t cut(Real v) { return static_cast<int16_t>(quantized::cut(static_cast<double>(v), {INT16_MIN, INT16_MAX})); }

 public:
  template <class F>
  Pieces(Line<Real> in, Line<Real> out, F&& f) {
    const Real low = in.at(INT16_MIN), high = in.at(INT16_MAX), step = (high - low) / 512, half = step / 2;
    const Real inverse = Real(65536) / (out.at(INT16_MAX) - out.at(INT16_MIN));
    for (int i = 0; i < 512; ++i) {
      const auto k = static_cast<Real>(i);
      const Real here = f(low + k * step), middle = f(low + k * step + half), next = f(low + (k + 1) * step);
      const Real sample = std::round(here * inverse), straight = std::round((next * inverse + sample) / 2);
      ends_.push_back(cut(sample - std::round((straight - std::round(middle * inverse)) / 2)));
    }
    ends_.push_back(cut(std::round(f(high) * inverse)));
  }
  int16_t operator()(int64_t q) const {
    const auto k = static_cast<size_t>(256 + (q >> 7));
    const int32_t slope = static_cast<int16_t>(ends_[k + 1] - ends_[k]);
    return static_cast<int16_t>(ends_[k] + ((slope * static_cast<int32_t>(q & 0x7f) + 64) >> 7));
  }
};

}  // namespace tenon::tflite
