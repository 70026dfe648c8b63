// SPDX-License-Identifier: Apache-2.0
// weights.hpp - the right side of an integer product, packed into the panels of integer_tile().
#pragma once
#include "../../planner/builder.hpp"
#include "../simd/integer_simd.hpp"

namespace tenon::cpu {

struct IntegerWeights {
  IntegerForm form = IntegerForm::words;
  int64_t pieces = 1, piece = 0;  ///< how many pieces a column has, and elements of each
  int64_t columns = 0, lanes = 1;
  int64_t groups = 0;             ///< of each piece
  int32_t shift = 0;              ///< what every weight is more than the packed one
  std::vector<int32_t> sums;      ///< of each column with the shift, wrapping
  AlignedBytes panels;

  /// A panel holds two vectors of columns, but the last one only as many as there are.
  int64_t panel_count() const { return (columns + 2 * lanes - 1) / (2 * lanes); }
  int vectors(int64_t panel) const { return columns - panel * 2 * lanes > lanes ? 2 : 1; }
  const char* panel(int64_t p) const { return static_cast<const char*>(panels.get()) + p * pieces * groups * 2 * lanes * 4; }
};

/// How a matrix is packed.
struct PackedForm {
  IntegerForm form;
  int32_t shift;
};
/// The shape alone, with room for the panels.
IntegerWeights make_integer_weights(const PackedForm& form, int64_t pieces, int64_t piece, int64_t columns);
/// column[k] for all k, without the zero point.
void pack_column(IntegerWeights& w, int64_t column, const int16_t* values);

/// Reads a tensor of u8 or i8.
struct ByteTensor {
  const void* data;
  bool is_signed;
  int16_t operator[](int64_t i) const { return is_signed ? int16_t{static_cast<const int8_t*>(data)[i]} : int16_t{static_cast<const uint8_t*>(data)[i]}; }
};
inline bool is_byte(tenon_dtype t) { return t == dt::i8 || t == dt::u8; }

/// Where products of four bytes may be used at all.
bool bytes_allowed();

}  // namespace tenon::cpu
