// SPDX-License-Identifier: Apache-2.0
// conv.hpp - shared by the float, integer and quantized convolutions.
#pragma once
#include "window.hpp"

namespace tenon::onnx {

/// Attributes of the IR's Conv for the node, whose data and weight inputs are x and w.
AttrList conv_attributes(Lower& l, tenon_value x, tenon_value w);

}  // namespace tenon::onnx
