// SPDX-License-Identifier: Apache-2.0
// ConcatFromSequence: the items one behind the other along an axis, or with new_axis along an axis of their own.
#include "sequence/sequence.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_sequence(node.in(0));
  node.set_out_unranked(0, item_of(node.in(0).type()));
}

void run(const Node& node) {
  const auto items = sequence_items(node.in(0));
  if (items.empty()) throw invalid("an empty sequence cannot be concatenated");
  const bool new_axis = node.i("new_axis") != 0;
  const Tensor first(items[0]);
  if (first.type().bits < 8) throw unsupported("items of types below one byte").with("found", dtype_name(first.type()));
  const size_t axis = static_cast<size_t>(normalize_axis(node.i("axis"), first.rank() + (new_axis ? 1 : 0)));
  int64_t total = 0;
  for (const tenon_tensor* t : items) {
    Dims a = first.dims().vec(), b = Tensor(t).dims().vec();
    total += new_axis ? 1 : axis < b.size() ? b[axis] : 0;
    if (!new_axis && a.size() == b.size()) a[axis] = b[axis];
    if (a != b || t->type != first.type()) fail("the items do not fit together", dtype_name(first.type()) + shape_text(first), dtype_name(t->type) + shape_text(t));
  }
  Dims out = first.dims().vec();
  if (new_axis) out.insert(out.begin() + static_cast<int64_t>(axis), total);
  else out[axis] = total;
  unsigned char* to = node.alloc_out<unsigned char>(0, first.type(), out);
  const int64_t outer = count_of(out.data(), static_cast<int32_t>(axis));
  uint64_t at = 0, row = 0;
  for (const tenon_tensor* t : items) row += static_cast<uint64_t>(Tensor(t).count() / std::max<int64_t>(1, outer));
  for (const tenon_tensor* t : items) {
    const uint64_t n = static_cast<uint64_t>(Tensor(t).count() / std::max<int64_t>(1, outer)), bytes = bytes_of(first.type(), n);
    for (int64_t o = 0; o < outer; ++o) {
      const uint64_t position = static_cast<uint64_t>(o) * row + at;
      if (first.type() == dt::string)
        for (uint64_t i = 0; i < n; ++i) node.string_out(0, position + i, view(Tensor(t).data<tenon_str>()[static_cast<uint64_t>(o) * n + i]));
      else if (bytes)
        std::memcpy(to + bytes_of(first.type(), position), Tensor(t).data<unsigned char>() + static_cast<uint64_t>(o) * bytes, bytes);
    }
    at += n;
  }
}

}  // namespace

TENON_OPERATOR("tenon", "ConcatFromSequence", 1, 0, "(sequence: any) -> (tensor: any) {axis: int, new_axis?: int}", infer, run);
}  // namespace tenon::ops
