// SPDX-License-Identifier: Apache-2.0
// build.hpp - puts a subgraph into the IR, each operator as it stands: domain "tflite" and its builtin name, "tflite.custom" and its
// custom code, or "tflite.flex" and the name of TensorFlow's operator.
#pragma once
#include "signature.hpp"

namespace tenon::tflite {

/// Fills the empty main graph `g` with the entry's subgraph; subgraphs that its operators call become nested graphs.
void build(const Ctx& ctx, const tenon_source* source, const File& file, const Entry& entry, tenon_graph* g);

}  // namespace tenon::tflite
