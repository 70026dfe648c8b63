// SPDX-License-Identifier: Apache-2.0
// tensor.hpp - a value outside a graph that owns its contents: inputs, outputs, references.
#pragma once
#include <tenon/dtype.hpp>

#include <memory>
#include <string>
#include <vector>

#include "../ir/buffer.hpp"

namespace tenon::core {

/// A map itself, not a sequence of maps. At run time it is held like a sequence of two items: keys and values.
inline bool is_map(tenon_dtype t) { return (t.flags & (TENON_DTF_MAP | TENON_DTF_SEQUENCE)) == TENON_DTF_MAP; }
/// Type of item i of a sequence or map.
inline tenon_dtype item_type(tenon_dtype t, size_t i) {
  if (is_map(t)) return i == 0 ? (t.lanes == 2 ? dt::string : dt::i64) : element(t);
  t.flags &= ~(TENON_DTF_SEQUENCE | TENON_DTF_OPTIONAL);
  return t;
}
/// Name of item i of a sequence or map called `name`, as an entry of a file: "name/3", or "name/keys" and "name/values".
inline std::string item_name(const std::string& name, tenon_dtype t, size_t i) { return name + '/' + (!is_map(t) ? std::to_string(i) : i == 0 ? "keys" : "values"); }

/// A dense tensor, a sequence or map (items) or an optional. Copying shares the contents.
struct Tensor {
  tenon_dtype type{};
  std::vector<int64_t> dims;
  BufferRef buffer;                                  ///< elements, 64-byte aligned; empty for strings and sequences
  std::shared_ptr<std::vector<std::string>> strings; ///< element type string
  std::shared_ptr<std::vector<Tensor>> items;        ///< sequence or map
  bool present = true;                               ///< false: empty optional

  static Result<Tensor> zeros(tenon_dtype t, std::vector<int64_t> dims);
  /// Deep copy of a tensor that a backend or kernel holds.
  static Result<Tensor> copy(const tenon_tensor& t);
  int64_t count() const { return count_of(dims.data(), static_cast<int32_t>(dims.size())); }
  template <class T> T* data() const { return reinterpret_cast<T*>(buffer.writable()); }
};

/// A tenon_tensor that points into a Tensor; keep both alive and in place.
struct TensorView {
  tenon_tensor t{};
  std::vector<tenon_str> strs;
  std::vector<std::unique_ptr<TensorView>> items;
  std::vector<const tenon_tensor*> item_ptrs;
  explicit TensorView(const Tensor& x);
  TensorView(const TensorView&) = delete;
  TensorView& operator=(const TensorView&) = delete;
};

}  // namespace tenon::core
