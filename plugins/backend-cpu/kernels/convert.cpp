// SPDX-License-Identifier: Apache-2.0
#include "convert.hpp"

#include <algorithm>

#include "../threads/pool.hpp"
#include "onednn/primitive.hpp"
#include "strided_copy.hpp"

namespace tenon::cpu {

std::shared_ptr<void> convert_constant(const Dims& dims, const void* data, Layout to) { return dnn::pack(dnn::desc(dims, Layout::plain), data, dnn::desc(dims, to)); }

void add_conversion(Builder& b, const Dims& dims, Layout from, SlotId source, Layout to, SlotId target) {
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
