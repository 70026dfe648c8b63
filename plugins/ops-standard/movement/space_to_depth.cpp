// SPDX-License-Identifier: Apache-2.0
// [N, C, H, W] to [N, b * b * C, H / b, W / b]: the position in the block becomes the outer (mode DCR) or the inner (CRD) part
// of the channel.
#include "common/infer.hpp"
#include "common/strided_copy.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t b = node.i("blocksize");
  if (b < 1) fail("attribute 'blocksize' is out of range", "1 or more", std::to_string(b));
  const std::string mode = node.s("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") fail("attribute 'mode' has an unknown value", "DCR or CRD", mode);
  expect_rank(x, 4, "input");
  if (!x.has_rank()) return node.set_out(0, x.type(), Dims(4, kUnknown));
  for (int32_t i = 2; i < 4; ++i)
    if (x.dim(i) >= 0 && x.dim(i) % b) fail("height and width do not divide into blocks", "multiples of " + std::to_string(b), shape_text(x));
  node.set_out(0, x.type(), Dims{x.dim(0), dim_mul(node, x.dim(1), b * b), dim_floordiv(node, x.dim(2), b), dim_floordiv(node, x.dim(3), b)});
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t b = node.i("blocksize"), c = x.dim(1), h = x.dim(2), w = x.dim(3);
  if (node.s("mode", "DCR") == "DCR") copy_view(node, {x.dim(0), b, b, c, h / b, w / b}, {c * h * w, w, 1, h * w, b * w, b}, 0);
  else copy_view(node, {x.dim(0), c, b, b, h / b, w / b}, {c * h * w, h * w, w, 1, b * w, b}, 0);
}
}  // namespace
TENON_OPERATOR("tenon", "SpaceToDepth", 1, 0, "(input: T(any)) -> (output: T) {blocksize: int, mode?: string}", infer, run);
}  // namespace tenon::ops
