// SPDX-License-Identifier: Apache-2.0
// blockwise.hpp - weights of 2, 4 or 8 bits with a scale for each block of a row. The packed bytes of the file are used as they are, under a
// narrower element type.
#pragma once
#include "emit.hpp"

namespace tenon::contrib {

struct Blocks {
  int64_t rows, columns, size, count;  ///< matrix, elements of a block, blocks of a row
  tenon_dtype type;
};

/// u2, u4 or u8.
tenon_dtype unsigned_of(int64_t bits);
/// The bytes of a constant as a matrix of narrower elements; `what` it is stands in the error.
tenon_value seen_as(Lower& l, tenon_value v, tenon_dtype t, int64_t rows, int64_t columns, const char* what);
/// Zero points packed row by row, each row padded to whole bytes: [rows, blocks].
tenon_value packed_zeros(Lower& l, tenon_value zeros, const Blocks& b);
/// A zero point in the middle of the range for every block: [rows, blocks].
tenon_value middle(Lower& l, tenon_dtype t, int64_t rows, int64_t blocks);
/// Weights [rows, columns] in the scales' type, from elements [rows, count * size]. Zero points 0: in the middle; in floats: subtracted before scaling.
tenon_value block_weights(Lower& l, tenon_value q, tenon_value scales, tenon_value zeros, const Blocks& b);

}  // namespace tenon::contrib
