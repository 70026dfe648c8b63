// SPDX-License-Identifier: Apache-2.0
// SequenceMap: a nested graph applied to each item of a sequence. Other inputs that are sequences go with it item by item, tensors
// stay the same; each output is the sequence of the graph's results.
#include "control/subgraph.hpp"
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

bool is_sequence(const Tensor& t) { return (t.type().flags & TENON_DTF_SEQUENCE) != 0; }

ValueType item_type(const Tensor& t) {
  if (!is_sequence(t)) return ValueType(t);
  ValueType v;
  v.type = item_of(t.type());
  return v;
}

void check_outputs(const Node& node, size_t n) {
  if (n != node.n_out()) fail("the graph has another number of outputs than the operator", std::to_string(node.n_out()), std::to_string(n));
}

void infer(const Node& node) {
  expect_sequence(node.in(0));
  std::vector<ValueType> in;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    if (!node.has_in(k)) throw invalid("input " + std::to_string(k) + " is missing");
    in.push_back(item_type(node.in(k)));
  }
  const auto out = infer_subgraph(node, required_graph(node, "body"), in);
  check_outputs(node, out.size());
  for (uint32_t k = 0; k < node.n_out(); ++k) {
    if (out[k].type == dt::none) node.set_out_unranked(k, dt::none);
    else node.set_out(k, sequence_of(out[k].type), Dims{inferred_length(node.in(0))});
  }
}

void run(const Node& node) {
  tenon_graph* body = required_graph(node, "body");
  const int64_t length = node.in(0).dim(0);
  for (uint32_t k = 1; k < node.n_in(); ++k)
    if (is_sequence(node.in(k)) && node.in(k).dim(0) != length)
      fail("the sequences have different lengths", std::to_string(length), std::to_string(node.in(k).dim(0)));
  std::vector<std::vector<const tenon_tensor*>> results(node.n_out());
  for (int64_t i = 0; i < length; ++i) {
    std::vector<const tenon_tensor*> in;
    for (uint32_t k = 0; k < node.n_in(); ++k)
      in.push_back(is_sequence(node.in(k)) ? sequence_items(node.in(k))[static_cast<size_t>(i)] : node.in(k).raw());
    const auto out = node.call_graph(body, in);
    check_outputs(node, out.size());
    for (size_t k = 0; k < out.size(); ++k) results[k].push_back(out[k]);
  }
  for (uint32_t k = 0; k < node.n_out(); ++k)
    if (node.has_out(k)) node.sequence_out(k, results[k].empty() ? item_of(node.out(k).type()) : results[k][0]->type, results[k]);
}

}  // namespace

TENON_OPERATOR("tenon", "SequenceMap", 1, 0, "(inputs*: any) -> (outputs*: any) {body: graph}", infer, run);
}  // namespace tenon::ops
