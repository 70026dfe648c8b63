// SPDX-License-Identifier: Apache-2.0
// compare.hpp - does an output agree with a reference?
#pragma once
#include <string>

#include "../plugin/manifest.hpp"
#include "tensor.hpp"

namespace tenon::core {

/// Floats and complex parts: |x - y| <= absolute + relative * |y|; with `of_peak`, |y| is the reference's largest finite magnitude.
/// NaN equals NaN, an infinity equals itself. Integers: |x - y| <= absolute. Booleans and strings: equal.
struct Tolerance {
  double absolute = 1e-6, relative = 1e-3;
  bool of_peak = true;
  bool bits = false;  ///< same bits, any NaN equals any NaN; nothing else counts
  std::string text() const;
};
/// A number r, as {"relative": r, "of": "peak"}, or {"absolute": a, "relative": r, "of": "peak" | "element"} where a and r default to 0 and
/// "of" to "element". The value is checked by the pipeline's schema before.
Tolerance tolerance_from(const Json& j);

/// What was found; x is the output, y the reference.
struct Comparison {
  uint64_t count = 0, missed = 0;
  std::string difference;           ///< of type or shape: then nothing was compared
  std::vector<int64_t> worst;       ///< index of the element that is furthest over its limit, or nearest to it
  std::string worst_item;           ///< which item of a sequence, "" otherwise
  std::string x, y;                 ///< its values
  double max_difference = 0;        ///< largest |x - y|; infinity when NaN or infinity met a number
  bool ok() const { return missed == 0 && difference.empty(); }
  /// "13 of 1000 elements differ; the worst is [0, 7]: 0.5, expected 0.25".
  std::string text() const;
  Json json() const;
};
Comparison compare(const Tensor& x, const Tensor& y, const Tolerance& t);

}  // namespace tenon::core
