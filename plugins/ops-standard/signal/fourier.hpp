// SPDX-License-Identifier: Apache-2.0
// fourier.hpp - discrete Fourier transform of any length: decimation in time by the smallest factor of the length.
#pragma once
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

namespace tenon::ops {

using Complex = std::complex<double>;

/// sum over n of x[n] * exp(sign * 2 pi i k n / N), not scaled. sign is -1 for the forward transform.
class Fourier {
  int64_t n_;
  std::vector<Complex> root_;

  void transform(const Complex* x, int64_t step, int64_t n, Complex* y) const {
    if (n == 1) {
      y[0] = x[0];
      return;
    }
    int64_t p = 2;
    while (n % p != 0) p = p * p > n ? n : p + 1;
    const int64_t m = n / p, turn = n_ / n;
    std::vector<Complex> part(static_cast<size_t>(n));
    for (int64_t r = 0; r < p; ++r) transform(x + r * step, step * p, m, part.data() + r * m);
    for (int64_t k = 0; k < n; ++k) {
      Complex sum = 0;
      for (int64_t r = 0; r < p; ++r) sum += part[static_cast<size_t>(r * m + k % m)] * root_[static_cast<size_t>(r * k % n * turn)];
      y[k] = sum;
    }
  }

 public:
  Fourier(int64_t n, int sign) : n_(n), root_(static_cast<size_t>(n)) {
    for (int64_t k = 0; k < n; ++k) {
      const double angle = sign * 2 * 3.14159265358979323846 * static_cast<double>(k) / static_cast<double>(n);
      root_[static_cast<size_t>(k)] = {std::cos(angle), std::sin(angle)};
    }
  }
  void operator()(const Complex* x, Complex* y) const {
    if (n_ > 0) transform(x, 1, n_, y);
  }
};

}  // namespace tenon::ops
