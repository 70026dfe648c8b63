// SPDX-License-Identifier: Apache-2.0
// StringConcat: X followed by Y, element by element.
#include "common/broadcast.hpp"
#include "text/text.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0), y = node.in(1);
  if (!x.has_rank() || !y.has_rank()) return node.set_out_unranked(0, dt::string);
  node.set_out(0, dt::string, broadcast_dims(node, x.dims(), y.dims()));
}

void run(const Node& node) {
  const Tensor x = node.in(0), y = node.in(1);
  broadcast_loop<3>(node.out(0).dims(), {x.dims(), y.dims()}).for_each([&](std::array<int64_t, 3> at) {
    node.string_out(0, static_cast<uint64_t>(at[0]), std::string(text_at(x, at[1])).append(text_at(y, at[2])));
  });
}

}  // namespace

TENON_OPERATOR("tenon", "StringConcat", 1, 0, "(X: string, Y: string) -> (Z: string)", infer, run);
}  // namespace tenon::ops
