// SPDX-License-Identifier: Apache-2.0
// SequenceAt: one item of a sequence.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_sequence(node.in(0));
  node.set_out_unranked(0, item_of(node.in(0).type()));
}

void run(const Node& node) {
  const auto items = sequence_items(node.in(0));
  node.alias_out(0, items[item_position(node, 1, static_cast<int64_t>(items.size()))]);
}

}  // namespace

TENON_OPERATOR("tenon", "SequenceAt", 1, 0, "(sequence: any, position: i32|i64) -> (tensor: any)", infer, run);
}  // namespace tenon::ops
