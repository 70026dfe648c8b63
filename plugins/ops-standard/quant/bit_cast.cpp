// SPDX-License-Identifier: Apache-2.0
// The same bytes read as another element type. A narrower type adds a last dimension, a wider one takes it away.
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const tenon_dtype from = x.type(), to = dtype_from_name(node.s("to"));
  if (to == dt::string || from == dt::string) throw unsupported("strings have no bits to reinterpret");
  if (from == dt::none || !x.has_rank()) return node.set_out_unranked(0, to);
  Dims dims = x.dims().vec();
  if (from.bits > to.bits) dims.push_back(from.bits / to.bits);
  if (from.bits < to.bits) {
    const int64_t ratio = to.bits / from.bits;
    if (dims.empty()) fail("a scalar is too small for a wider type", "a last dimension of " + std::to_string(ratio), shape_text(x));
    same_dim(ratio, dims.back(), "the last dimension and the ratio of the element sizes");
    dims.pop_back();
  }
  node.set_out(0, to, dims);
}
void run(const Node& node) {
  const Tensor x = node.in(0);
  const uint64_t bytes = bytes_of(x.type(), static_cast<uint64_t>(x.count()));
  if (bytes && x.raw()->data != node.out(0).raw()->data) std::memcpy(node.out(0).raw()->data, x.raw()->data, bytes);
}
}  // namespace
TENON_OPERATOR("tenon", "BitCast", 1, TENON_OF_VIEW, "(input: any) -> (output: any) {to: string}", infer, run);
}  // namespace tenon::ops
