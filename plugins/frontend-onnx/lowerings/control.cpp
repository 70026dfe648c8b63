// SPDX-License-Identifier: Apache-2.0
// control.cpp - operators that hold graphs. The nested graphs move to the IR operator as they are; the host lowers their nodes.
#include "body.hpp"

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

// Opset 8: the first dimension of every state and scan input is the batch, the second one of a scan input is scanned, and each
// sample may have a length of its own. Samples are an outer scan. Values behind a sample's length are undefined; they become 0.
class BatchedScan {
  Lower& l_;
  Body body_;
  uint64_t states_, slices_;
  std::vector<int64_t> reverse_;
  tenon_value length_ = 0;

  tenon_value cut(tenon_value x) { return length_ ? body_.emit("Slice", {x, l_.ints({0}), length_, l_.ints({0})}) : x; }
  tenon_value padded(tenon_value y, tenon_value steps) {
    AttrList join;
    join.add("axis", 0);
    tenon_value after = body_.emit("Concat", {l_.ints({0}), body_.emit("Sub", {steps, length_})}, join);
    return body_.emit("Pad", {y, after, 0, l_.ints({0})}, AttrList{}.set("mode", "constant"));
  }

 public:
  BatchedScan(Lower& l, uint64_t slices) : l_(l), body_(l, "sample"), states_(l.n_in() - 1 - slices), slices_(slices), reverse_(attr_ints(l, "directions", std::vector<int64_t>(slices, 0))) {}
  // (length, states..., scan inputs...) of a sample -> (states..., values...)
  tenon_graph* build() {
    if (l_.has_in(0)) length_ = body_.emit("Reshape", {body_.input("length", dt::i64), l_.ints({1})});
    Values in, out;
    for (uint64_t k = 0; k < states_ + slices_; ++k) {
      tenon_value v = body_.input("sample_" + std::to_string(k), l_.info(l_.in(k + 1)).type());
      in.push_back(k < states_ ? v : cut(v));
    }
    AttrList a = copied(l_, {"body", "num_scan_inputs"});
    a.add("scan_input_directions", reverse_);
    out = body_.emit_n("Scan", in, a, l_.n_out());
    tenon_value steps = dim(l_, l_.in(states_ + 1), 1);
    for (uint64_t k = states_; length_ && k < out.size(); ++k) out[k] = padded(out[k], steps);
    body_.outputs(out);
    return body_.raw();
  }
};

void lower_scan_8(Lower& l) {
  known(l, {"body", "directions", "num_scan_inputs"});
  arity(l, 2, UINT64_MAX, UINT64_MAX);
  int64_t n = l.i("num_scan_inputs", 0);
  if (n < 1 || static_cast<uint64_t>(n) >= l.n_in()) throw invalid("attribute 'num_scan_inputs' is missing or out of range");
  if (!attr_graph(l, "body")) throw invalid("attribute 'body' must be a graph");
  Values in;
  if (l.has_in(0)) in.push_back(cast(l, l.in(0), dt::i64));
  for (uint64_t k = 1; k < l.n_in(); ++k) in.push_back(need(l, k));
  AttrList a;
  a.add("body", BatchedScan(l, static_cast<uint64_t>(n)).build()).add("num_scan_inputs", static_cast<int64_t>(in.size()));
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < l.n_out(); ++k) wanted.push_back(l.has_out(k));
  l.done(l.emit_n("Scan", in, a, l.n_out(), wanted));
}
TENON_LOWERING("onnx", "Scan", 8, lower_scan_8);

void lower_scan(Lower& l) {
  arity(l, 1, UINT64_MAX, UINT64_MAX);
  if (!l.has("num_scan_inputs")) throw invalid("attribute 'num_scan_inputs' is missing");
  control(l, "Scan", {"body", "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}, inputs(l));
}
TENON_LOWERING("onnx", "Scan", 9, lower_scan);

}  // namespace
}  // namespace tenon::onnx
