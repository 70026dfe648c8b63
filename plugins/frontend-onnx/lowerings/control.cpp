// SPDX-License-Identifier: Apache-2.0
// control.cpp - operators that hold graphs. The nested graphs move to the IR operator as they are; the host lowers their nodes.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void control(Lower& l, std::string_view op, std::initializer_list<std::string_view> attrs, const Values& in) {
  known(l, attrs);
  AttrList a = copied(l, attrs);
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < l.n_out(); ++k) wanted.push_back(l.has_out(k));
  l.done(l.emit_n(op, in, a, l.n_out(), wanted));
}

tenon_graph* attr_graph(const Lower& l, std::string_view name) { return static_cast<const Attrs&>(l).graph(name); }

void lower_if(Lower& l) {
  arity(l, 1, 1, UINT64_MAX);
  if (!attr_graph(l, "then_branch") || !attr_graph(l, "else_branch")) throw invalid("attributes 'then_branch' and 'else_branch' must be graphs");
  control(l, "If", {"then_branch", "else_branch"}, {need(l, 0)});
}
TENON_LOWERING("onnx", "If", 1, lower_if);

void lower_loop(Lower& l) {
  arity(l, 2, UINT64_MAX, UINT64_MAX);
  Values in;
  for (uint64_t k = 0; k < l.n_in(); ++k) in.push_back(l.in(k));
  control(l, "Loop", {"body"}, in);
}
TENON_LOWERING("onnx", "Loop", 1, lower_loop);

void lower_scan(Lower& l) {
  arity(l, 1, UINT64_MAX, UINT64_MAX);
  if (!l.has("num_scan_inputs")) throw invalid("attribute 'num_scan_inputs' is missing");
  control(l, "Scan", {"body", "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}, inputs(l));
}
TENON_LOWERING("onnx", "Scan", 9, lower_scan);

}  // namespace
}  // namespace tenon::onnx
