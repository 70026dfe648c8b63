// SPDX-License-Identifier: Apache-2.0
// complex.hpp - complex numbers as pairs of real ones.
#pragma once
#include "common.hpp"

namespace tenon::tflite {

/// [...] of complex numbers as [..., 2] of real ones; v is not made by the lowering itself.
tenon_value pairs_of(Lower& l, tenon_value v);
/// And back, to type t.
tenon_value from_pairs(Lower& l, tenon_value v, tenon_dtype t);
tenon_value real_part(Lower& l, tenon_value pairs);

}  // namespace tenon::tflite
