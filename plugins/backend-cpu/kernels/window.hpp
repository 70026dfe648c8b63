// SPDX-License-Identifier: Apache-2.0
// window.hpp - windows of nodes whose shapes are known, and what oneDNN is told of them.
#pragma once
#include <tenon/window.hpp>

#include "onednn/primitive.hpp"

namespace tenon::cpu {

/// `pad_end` is such that the window's formula gives exactly the inferred output size. Nothing when the attributes contradict it.
std::optional<Window> window_of(const Attrs& attrs, const Dims& in, const Dims& out, const Dims& kernel);
/// As in the attributes: [begin..., end...]; zeros when absent. Nothing with auto_pad.
std::optional<Dims> declared_pads(const Attrs& attrs, size_t spatial);

dnn::Window dnn_window(const Window& w);
Dims kernel_of(const Window& w);

}  // namespace tenon::cpu
