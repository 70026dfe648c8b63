// SPDX-License-Identifier: Apache-2.0
// SplitToSequence: pieces of a tensor along an axis: of the sizes in `split`, of one size (the last may be smaller), or of size 1,
// which then lose the axis unless keepdims.
#include "common/tensor_pool.hpp"
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

/// Lengths of the pieces of an axis of length n.
Dims piece_lengths(const Node& node, int64_t n) {
  if (!node.has_in(1)) return Dims(static_cast<size_t>(n), 1);
  Dims v = node.in(1).ints();
  if (node.in(1).rank() > 0) {
    int64_t sum = 0;
    for (int64_t d : v) {
      if (d < 0) fail("a piece has a negative length", "0 or more", std::to_string(d));
      sum += d;
    }
    if (sum != n) fail("the pieces do not make up the axis", std::to_string(n), std::to_string(sum));
    return v;
  }
  if (v[0] < 1) fail("the length of pieces is too small", "at least 1", std::to_string(v[0]));
  Dims r(static_cast<size_t>(n / v[0]), v[0]);
  if (n % v[0]) r.push_back(n % v[0]);
  return r;
}

void infer(const Node& node) {
  const Tensor x = node.in(0), split = node.in(1);
  int64_t count = kUnknown;
  if (split && split.has_rank() && split.rank() == 1) count = split.dim(0);
  if (x.has_rank()) {
    const int64_t n = x.dim(static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank())));
    if (!split) count = n;
    else if (split.has_data() && split.is_static() && n >= 0) count = static_cast<int64_t>(piece_lengths(node, n).size());
  }
  node.set_out(0, sequence_of(x.type()), Dims{count});
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  if (x.type().bits < 8) throw unsupported("pieces of types below one byte").with("found", dtype_name(x.type()));
  const int32_t axis = static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank()));
  const int64_t n = x.dim(axis), outer = count_of(x.raw()->dim, axis), inner = count_of(x.raw()->dim + axis + 1, x.rank() - axis - 1);
  const uint64_t element = x.type().bits / 8u;
  const bool drop_axis = !node.has_in(1) && node.i("keepdims", 1) == 0;
  TensorPool pool;
  std::vector<const tenon_tensor*> items;
  int64_t at = 0;
  for (int64_t length : piece_lengths(node, n)) {
    Dims d = x.dims().vec();
    d[static_cast<size_t>(axis)] = length;
    if (drop_axis) d.erase(d.begin() + axis);
    tenon_tensor* t = pool.make(x.type(), d);
    const uint64_t step = static_cast<uint64_t>(length * inner) * element;
    for (int64_t o = 0; o < outer && step; ++o)
      std::memcpy(static_cast<unsigned char*>(t->data) + static_cast<uint64_t>(o) * step,
                  x.data<unsigned char>() + static_cast<uint64_t>((o * n + at) * inner) * element, step);
    at += length;
    items.push_back(t);
  }
  node.sequence_out(0, x.type(), items);
}

}  // namespace

TENON_OPERATOR("tenon", "SplitToSequence", 1, 0, "(X: any, split?: i32|i64) -> (sequence: any) {axis?: int, keepdims?: int}", infer, run);
}  // namespace tenon::ops
