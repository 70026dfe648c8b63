// SPDX-License-Identifier: Apache-2.0
// [N, C * b * b, H, W] to [N, C, H * b, W * b]; mode DCR takes the block first out of the channels, CRD last.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
int64_t block(const Node& node) {
  const int64_t b = node.i("blocksize");
  if (b < 1) fail("attribute 'blocksize' is out of range", "1 or more", std::to_string(b));
  return b;
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t b = block(node);
  const std::string mode = node.s("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") fail("attribute 'mode' has an unknown value", "DCR or CRD", mode);
  expect_rank(x, 4, "input");
  if (!x.has_rank()) return node.set_out(0, x.type(), Dims(4, kUnknown));
  if (x.dim(1) >= 0 && x.dim(1) % (b * b)) fail("the channels do not divide into blocks", "a multiple of " + std::to_string(b * b), shape_text(x));
  node.set_out(0, x.type(), Dims{x.dim(0), dim_floordiv(node, x.dim(1), b * b), dim_mul(node, x.dim(2), b), dim_mul(node, x.dim(3), b)});
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t b = block(node), h = x.dim(2), w = x.dim(3), c = x.dim(1) / (b * b), plane = h * w;
  const bool depth_first = node.s("mode", "DCR") == "DCR";
  const int64_t channel = depth_first ? plane : b * b * plane, column = depth_first ? c * plane : plane, row = b * column;
  copy_view(node, {x.dim(0), c, h, b, w, b}, {c * b * b * plane, channel, w, row, 1, column}, 0);
}
}  // namespace
TENON_OPERATOR("tenon", "DepthToSpace", 1, 0, "(input: T(any)) -> (output: T) {blocksize: int, mode?: string}", infer, run);
}  // namespace tenon::ops
