// SPDX-License-Identifier: Apache-2.0
#include "convert.hpp"

#include <algorithm>

#include "../threads/pool.hpp"
#include "onednn/primitive.hpp"
#include "strided_copy.hpp"

namespace tenon::cpu {

namespace {

/// The copy that brings a tensor from one of plain and channels_last to the other, in the order of the memory written.
StridedCopy layout_copy(const Dims& dims, tenon_dtype type, Layout from, Layout to) {
  if (block_of(from) > 1 || block_of(to) > 1) throw Error(TENON_E_INTERNAL, "a blocked layout of another type than f32");
  Dims strides = from == Layout::channels_last ? channels_last_strides(dims) : dense_strides(dims), order = dims;
  if (to == Layout::channels_last)
    for (Dims* d : {&strides, &order}) std::rotate(d->begin() + 1, d->begin() + 2, d->end());
  return make_strided_copy(order, strides, static_cast<int>(type.bits / 8));
}

}  // namespace

std::shared_ptr<void> convert_constant(const Dims& dims, tenon_dtype type, const void* data, Layout to) {
  if (type == dt::f32) return dnn::pack(dnn::desc(dims, Layout::plain), data, dnn::desc(dims, to));
  auto bytes = std::make_shared<AlignedBytes>(bytes_of(type, static_cast<uint64_t>(product(dims))) + 64);
  layout_copy(dims, type, Layout::plain, to).run(data, bytes->get());
  return {bytes, bytes->get()};
}

void add_conversion(Builder& b, const Dims& dims, tenon_dtype type, Layout from, SlotId source, Layout to, SlotId target) {
  if (type != dt::f32) {
    const int threads = b.threads_for(static_cast<double>(product(dims)) * 20);
    b.step("cpu/reorder", StridedCopyStep{layout_copy(dims, type, from, to), source, 0, target}, {source}, {target}, threads);
    return;
  }
  const auto p = dnn::reorder(dnn::desc(dims, from), dnn::desc(dims, to));
  if (!p) throw Error(TENON_E_INTERNAL, "oneDNN has no reorder between two layouts");
  const int threads = b.threads_for(static_cast<double>(product(dims)) * 20);
  ThreadScope scope(threads);
  dnn::StepMaker(b, *p, threads).read(DNNL_ARG_FROM, p->src, source).write(DNNL_ARG_TO, p->dst, target).done();
}

void Builder::copy_strided(const Strided& from, const Dims& dims, tenon_dtype type, SlotId to) {
  const StridedCopy copy = make_strided_copy(dims, from.strides, static_cast<int>(type.bits / 8));
  const bool positive = std::all_of(from.strides.begin(), from.strides.end(), [](int64_t s) { return s > 0; });
  const bool transposes = copy.dims.empty() || copy.strides.back() != 1;
  if (type == dt::f32 && positive && transposes && product(dims) >= 4096 && copy.dims.size() <= 6) {
    // The first element's address differs from the slot's by an offset that descriptors cannot hold.
    const SlotId source = from.offset ? part(from.slot, static_cast<uint64_t>(from.offset) * 4) : from.slot;
    if (const auto p = dnn::reorder(dnn::desc(copy.dims, copy.strides), dnn::desc(copy.dims, Layout::plain)); p && !dnn::is_slow(p->impl)) {
      const int threads = threads_for(static_cast<double>(product(dims)) * 20);
      ThreadScope scope(threads);
      dnn::StepMaker(*this, *p, threads).read(DNNL_ARG_FROM, p->src, source).write(DNNL_ARG_TO, p->dst, to).done();
      return;
    }
  }
  step("cpu/copy-strided", StridedCopyStep{copy, from.slot, from.offset, to}, {from.slot}, {to}, threads_for(static_cast<double>(product(dims)) * 20));
}

}  // namespace tenon::cpu
