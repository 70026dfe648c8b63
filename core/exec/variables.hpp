// SPDX-License-Identifier: Apache-2.0
// variables.hpp - the state of one program that outlives a run: tensors by name.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "../data/tensor.hpp"

namespace tenon::core {

class Variables {
 public:
  /// NULL until the first set; valid until the next set of that name.
  const tenon_tensor* get(std::string_view name) const;
  /// Copies t.
  Status set(std::string_view name, const tenon_tensor& t);

 private:
  struct Entry {
    Tensor tensor;
    std::unique_ptr<TensorView> view;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tenon::core
