// SPDX-License-Identifier: Apache-2.0
// SequenceErase: a sequence without the item at `position`, or without its last.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_sequence(node.in(0));
  node.set_out(0, node.in(0).type(), Dims{dim_sub(node, inferred_length(node.in(0)), 1)});
}

void run(const Node& node) {
  auto items = sequence_items(node.in(0));
  const int64_t count = static_cast<int64_t>(items.size());
  if (count == 0) throw invalid("an empty sequence has nothing to erase");
  items.erase(items.begin() + static_cast<int64_t>(node.has_in(1) ? item_position(node, 1, count) : items.size() - 1));
  node.sequence_out(0, item_of(node.in(0).type()), items);
}

}  // namespace

TENON_OPERATOR("tenon", "SequenceErase", 1, 0, "(sequence: any, position?: i32|i64) -> (result: any)", infer, run);
}  // namespace tenon::ops
