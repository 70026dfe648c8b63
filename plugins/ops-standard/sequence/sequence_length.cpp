// SPDX-License-Identifier: Apache-2.0
// SequenceLength: number of items.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_sequence(node.in(0));
  node.set_out(0, dt::i64, Dims{});
  if (const int64_t n = inferred_length(node.in(0)); n != kUnknown) node.set_out_shape_value(0, Dims{n});
}

void run(const Node& node) { *node.out(0).mutable_data<int64_t>() = node.in(0).dim(0); }

}  // namespace

TENON_OPERATOR("tenon", "SequenceLength", 1, 0, "(sequence: any) -> (length: i64)", infer, run);
}  // namespace tenon::ops
