// SPDX-License-Identifier: Apache-2.0
// spread.hpp - pieces that TFLite's own operators and StableHLO's share.
#pragma once
#include "common.hpp"

namespace tenon::tflite {

/// x, whose shape is `sizes`, with dilation - 1 copies of `value` between neighbours along an axis.
tenon_value spread(Lower& l, tenon_value x, tenon_value sizes, int64_t axis, int32_t rank, int64_t dilation, tenon_value value);

/// x with `update` written over it from position `begin` on, which is moved so that the update fits.
tenon_value update_slice(Lower& l, tenon_value x, tenon_value update, tenon_value begin);

}  // namespace tenon::tflite
