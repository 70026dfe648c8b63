// SPDX-License-Identifier: Apache-2.0
// generator.hpp - random numbers that are the same on every machine for the same seed: splitmix64 (Steele, Lea, Flood 2014).
#pragma once
#include "common/infer.hpp"

#include <cmath>
#include <random>

namespace tenon::ops {

class Generator {
  uint64_t state_;

 public:
  /// Attribute `seed`; without it every run is another one.
  explicit Generator(const Node& node) {
    if (const double seed = node.f("seed", 0); node.has("seed")) {
      std::memcpy(&state_, &seed, sizeof state_);
      return;
    }
    std::random_device device;
    state_ = static_cast<uint64_t>(device()) << 32 | device();
  }
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Mean 0, deviation 1 (Box-Muller).
  double normal() {
    const double u = 1 - uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(6.28318530717958647693 * v);
  }
};

/// Output 0 of element type `dtype` (f32 without) and the shape that input 0 holds.
inline void infer_random(const Node& node) {
  const tenon_dtype type = dtype_from_name(node.s("dtype", "f32"));
  if (!is_float(type)) fail("random numbers need a floating-point type", "a float", dtype_name(type));
  if (auto d = dim_values(node, 0)) return node.set_out(0, type, *d);
  if (auto rank = known_length(node.in(0))) return node.set_out(0, type, Dims(static_cast<size_t>(*rank), kUnknown));
  node.set_out_unranked(0, type);
}

}  // namespace tenon::ops
