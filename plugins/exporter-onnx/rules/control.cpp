// SPDX-License-Identifier: Apache-2.0
// control.cpp - operators that hold graphs. The nested graphs stay; their nodes are translated in their turn.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void rule_if(Emit& e) { e.same("If", {"then_branch", "else_branch"}); }
ONNX_RULE("If", rule_if);
void loop(Emit& e) {
  Values in = e.inputs();
  for (size_t k = 0; k < in.size() && k < 2; ++k)
    if (in[k]) in[k] = e.scalar(in[k]);
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < e.n_out(); ++k) wanted.push_back(e.out(k) != 0);
  while (in.size() < 2) in.push_back(0);
  e.done(e.op_n("Loop", in, e.copied({"body"}), wanted.size(), wanted));
}
ONNX_RULE("Loop", loop);
void scan(Emit& e) {
  e.same("Scan", {"body", "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"});
}
ONNX_RULE("Scan", scan);

}  // namespace
}  // namespace tenon::to_onnx
