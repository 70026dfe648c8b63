// SPDX-License-Identifier: Apache-2.0
// window.hpp - strides, dilations and padding of convolutions and pools, worked out from attributes and shapes.
#pragma once
#include "onednn/primitive.hpp"

namespace tenon::cpu {

/// `end` is such that the window's formula gives exactly the inferred output size. Nothing when the attributes contradict it.
std::optional<dnn::Window> window_of(const Attrs& attrs, const Dims& in, const Dims& out, const Dims& kernel);
/// As in the attributes: [begin..., end...]; zeros when absent. Nothing with auto_pad.
std::optional<Dims> declared_pads(const Attrs& attrs, size_t spatial);

}  // namespace tenon::cpu
