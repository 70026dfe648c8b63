// SPDX-License-Identifier: Apache-2.0
// product.hpp - exact products of 8-bit integers: convolutions of channels-last images and matrix products, which are their 1x1 case.
#pragma once
#include <array>
#include <memory>

#include "requantization.hpp"
#include "weights.hpp"

namespace tenon::cpu {

using Axes = std::array<int64_t, 3>;

/// Images [batch, in..., channels] to [batch, out..., filters]. Axes that an image has not are 1.
struct ImageWindow {
  int64_t batch = 1, channels = 0, groups = 1;
  Axes in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, strides{1, 1, 1}, dilations{1, 1, 1}, begin{0, 0, 0};
  int64_t pixels() const { return batch * out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// Whether the taps of a line lie together in memory: then they are one piece of a product's row.
  bool whole_lines() const { return groups == 1 && dilations[2] == 1; }
  int64_t pieces() const { return whole_lines() ? kernel[0] * kernel[1] : taps(); }
  int64_t piece() const { return whole_lines() ? kernel[2] * channels : channels / groups; }
};

/// An integer in memory: a constant, or one element of a slot.
struct IntegerScalar {
  SlotId slot = kNoSlot;
  bool is_signed = false;
  int32_t constant = 0;
  int32_t get(const Run& r) const {
    if (slot == kNoSlot) return constant;
    return is_signed ? int32_t{*r.at<int8_t>(slot)} : int32_t{*r.at<uint8_t>(slot)};
  }
};

/// Owns what `numbers` points to.
struct AffineTable {
  ByteAffine numbers;
  std::vector<float> factor, shift;
};

/// Where sums go: i32 as they are, 8 bits through the tables, or f32 through a scale.
struct IntegerEnd {
  std::shared_ptr<const std::vector<int32_t>> bias;  ///< of each filter; may be null
  std::shared_ptr<const RequantizationTable> table;
  std::shared_ptr<const AffineTable> affine;         ///< after the table
  SlotId scale = kNoSlot, shift = kNoSlot;           ///< f32, of one number or of each filter; only where there is no table
  bool one_scale = true;
};

struct IntegerProduct {
  ImageWindow window;
  int64_t filters = 0;  ///< of all groups
  SlotId x = kNoSlot, y = kNoSlot;
  bool is_signed = false;
  IntegerScalar zero_point;
  std::shared_ptr<const std::vector<IntegerWeights>> weights;  ///< of each group
  IntegerEnd end;
  SlotId copy = kNoSlot;        ///< room for the input with its padding in the form of the product; none when it is right as it is
  std::vector<int32_t> offset;  ///< added to the sums; filled by each run
  void run(const Run& r);
};
/// Scratch for IntegerProduct::copy where that is needed.
SlotId copied_input(Builder& b, const IntegerProduct& p);

inline constexpr int64_t kMostDepthwiseTaps = 255;

/// As IntegerProduct where each group has one channel and one filter, with at most kMostDepthwiseTaps taps.
struct DepthwiseProduct {
  ImageWindow window;
  SlotId x = kNoSlot, y = kNoSlot;
  bool is_signed = false;
  IntegerScalar zero_point;
  std::shared_ptr<const std::vector<int32_t>> weights;  ///< pairs of taps, each a row of window.channels lanes
  std::shared_ptr<const std::vector<int32_t>> sums;     ///< of each filter's weights
  IntegerEnd end;
  std::vector<int32_t> offset;
  std::vector<uint8_t> padding;  ///< zero points, for windows that reach outside
  void run(const Run& r);
};

}  // namespace tenon::cpu
