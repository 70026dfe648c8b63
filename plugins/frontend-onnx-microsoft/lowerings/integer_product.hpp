// SPDX-License-Identifier: Apache-2.0
// integer_product.hpp - products of quantized matrices.
#pragma once
#include "emit.hpp"

namespace tenon::contrib {

/// A x B in integers, as f32, times both scales. Zero points of 0 are none; B's scale and zero point may be one for each column.
tenon_value scaled_product(Lower& l, tenon_value a, tenon_value a_scale, tenon_value a_zero, tenon_value b, tenon_value b_scale, tenon_value b_zero);

/// Inputs of MatMulInteger without absent ones at the end.
Values product_inputs(Lower& l, tenon_value a, tenon_value a_zero, tenon_value b, tenon_value b_zero);

}  // namespace tenon::contrib
