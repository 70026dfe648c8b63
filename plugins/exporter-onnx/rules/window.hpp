// SPDX-License-Identifier: Apache-2.0
// window.hpp - pads of convolutions and pools. The IR allows negative ones, which take elements away; ONNX does not.
#pragma once
#include "emit.hpp"

namespace tenon::to_onnx {

/// Adds `pads` or `auto_pad` to a; where pads are negative the input is cut first.
Value padded_input(Emit& e, Value x, AttrList& a);
/// begin and end (negative: taken away) at the spatial axes of x.
Value cut_input(Emit& e, Value x, const std::vector<int64_t>& pads);

}  // namespace tenon::to_onnx
