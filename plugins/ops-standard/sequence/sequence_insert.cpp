// SPDX-License-Identifier: Apache-2.0
// SequenceInsert: a sequence with one more item, before `position` or at the end.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_sequence(node.in(0));
  const tenon_dtype type = item_of(node.in(0).type());
  if (type != dt::none && node.in(1).type() != dt::none && node.in(1).type() != type)
    fail("the item has another element type than the sequence", dtype_name(type), dtype_name(node.in(1).type()));
  node.set_out(0, node.in(0).type(), Dims{dim_add(node, inferred_length(node.in(0)), 1)});
}

/// -n to n for n items; negative counts from the end of the sequence as it was.
int64_t insert_position(const Node& node, int64_t count) {
  if (!node.has_in(2)) return count;
  const auto v = node.in(2).ints();
  if (v.size() != 1) fail("a position must be one number", "1 element", std::to_string(v.size()));
  if (v[0] == count) return count;
  return normalize_axis(v[0], count, "a position in a sequence");
}

void run(const Node& node) {
  auto items = sequence_items(node.in(0));
  items.insert(items.begin() + insert_position(node, static_cast<int64_t>(items.size())), node.in(1).raw());
  node.sequence_out(0, item_of(node.in(0).type()), items);
}

}  // namespace

TENON_OPERATOR("tenon", "SequenceInsert", 1, 0, "(sequence: any, tensor: any, position?: i32|i64) -> (result: any)", infer, run);
}  // namespace tenon::ops
