// SPDX-License-Identifier: Apache-2.0
// tensor_pool.hpp - temporary tensors of a kernel: items of sequences, inputs of nested graphs.
#pragma once
#include <tenon/node.hpp>

#include <algorithm>
#include <deque>

namespace tenon::ops {

/// Tensors that live while a kernel runs.
class TensorPool {
  struct Owned {
    tenon_tensor tensor{};
    Dims dims;
    std::vector<unsigned char> bytes;
  };
  std::deque<Owned> all_;
  Owned& add(tenon_dtype type, Dims dims) {
    Owned& o = all_.emplace_back();
    o.dims = std::move(dims);
    o.tensor.struct_size = sizeof o.tensor;
    o.tensor.rank = static_cast<int32_t>(o.dims.size());
    o.tensor.dim = o.dims.data();
    o.tensor.type = type;
    return o;
  }

 public:
  /// Zeroed memory of its own.
  tenon_tensor* make(tenon_dtype type, Dims dims) {
    Owned& o = add(type, std::move(dims));
    o.tensor.bytes = bytes_of(type, static_cast<uint64_t>(count_of(o.dims.data(), o.tensor.rank)));
    o.bytes.resize(std::max<size_t>(64, o.tensor.bytes));
    o.tensor.data = o.bytes.data();
    return &o.tensor;
  }
  /// Memory of somebody else.
  const tenon_tensor* borrow(tenon_dtype type, Dims dims, const void* data) {
    Owned& o = add(type, std::move(dims));
    o.tensor.bytes = bytes_of(type, static_cast<uint64_t>(count_of(o.dims.data(), o.tensor.rank)));
    o.tensor.data = const_cast<void*>(data);
    return &o.tensor;
  }
  template <class T> const tenon_tensor* scalar(T value) {
    tenon_tensor* t = make(dtype_of<T>::value, {});
    std::memcpy(t->data, &value, sizeof value);
    return t;
  }
};

}  // namespace tenon::ops
