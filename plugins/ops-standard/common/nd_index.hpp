// SPDX-License-Identifier: Apache-2.0
// nd_index.hpp - the index tuples of GatherND and ScatterND.
#pragma once
#include "common/broadcast.hpp"
#include "common/indices.hpp"

namespace tenon::ops {

/// Offset in `data`, in elements, of the slice that each tuple of `indices` points to; the first `batch` dimensions run along.
inline Dims tuple_offsets(Tensor data, Tensor indices, int64_t batch = 0) {
  const Dims values = indices.ints(), strides = strides_of(data.dims());
  const auto length = static_cast<size_t>(indices.dim(-1));
  const int64_t tuples = count_of(indices.dims().data(), indices.rank() - 1);
  const int64_t per_batch = tuples / std::max<int64_t>(1, count_of(indices.dims().data(), static_cast<int32_t>(batch)));
  const int64_t batch_stride = count_of(data.dims().data() + batch, data.rank() - static_cast<int32_t>(batch));
  Dims r(static_cast<size_t>(tuples));
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t offset = t / std::max<int64_t>(1, per_batch) * batch_stride;
    for (size_t i = 0; i < length; ++i) {
      const size_t axis = static_cast<size_t>(batch) + i;
      offset += checked_index(values[static_cast<size_t>(t) * length + i], data.dim(static_cast<int32_t>(axis))) * strides[axis];
    }
    r[static_cast<size_t>(t)] = offset;
  }
  return r;
}
/// Elements of one slice.
inline int64_t slice_size(Tensor data, Tensor indices, int64_t batch = 0) {
  const auto first = static_cast<int32_t>(batch + indices.dim(-1));
  return count_of(data.dims().data() + first, data.rank() - first);
}

}  // namespace tenon::ops
