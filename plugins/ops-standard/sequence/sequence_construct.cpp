// SPDX-License-Identifier: Apache-2.0
// SequenceConstruct: a sequence of the inputs. Without inputs an empty one, whose element type is attribute `dtype`.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

tenon_dtype item_type(const Node& node) { return node.n_in() ? node.in(0).type() : dtype_from_name(node.s("dtype", "f32")); }

void infer(const Node& node) {
  for (uint32_t k = 1; k < node.n_in(); ++k) expect_same_type(node, 0, k);
  node.set_out(0, sequence_of(item_type(node)), Dims{node.n_in()});
}

void run(const Node& node) {
  std::vector<const tenon_tensor*> items;
  for (uint32_t k = 0; k < node.n_in(); ++k) items.push_back(node.in(k).raw());
  node.sequence_out(0, item_type(node), items);
}

}  // namespace

TENON_OPERATOR("tenon", "SequenceConstruct", 1, 0, "(items*: any) -> (sequence: any) {dtype?: string}", infer, run);
}  // namespace tenon::ops
