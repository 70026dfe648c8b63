// SPDX-License-Identifier: Apache-2.0
// constant_tensor.hpp - a constant of a model as kernels see it; strings between their two forms.
#pragma once
#include <string>
#include <vector>

#include "../ir/model.hpp"

namespace tenon::core {

/// Borrows the constant's bytes and keeps its shape; strings are unpacked from their table (u64 offsets, count + 1, then text).
class ConstantTensor {
 public:
  /// E_INVALID when a string table is malformed.
  static Result<std::unique_ptr<ConstantTensor>> make(const Model& m, tenon_value v);
  const tenon_tensor* tensor() const { return &t_; }

 private:
  tenon_tensor t_{};
  std::vector<int64_t> dims_;
  std::vector<tenon_str> strings_;
};

/// The table form of strings.
Result<BufferRef> pack_strings(const std::vector<std::string>& s);

}  // namespace tenon::core
