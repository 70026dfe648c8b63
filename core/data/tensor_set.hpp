// SPDX-License-Identifier: Apache-2.0
// tensor_set.hpp - tensors together with the views that a program is called with.
#pragma once
#include <memory>
#include <vector>

#include "tensor.hpp"

namespace tenon::core {

class TensorSet {
  std::vector<Tensor> tensors_;
  std::vector<std::unique_ptr<TensorView>> views_;
  std::vector<const tenon_tensor*> pointers_;

 public:
  TensorSet() = default;
  explicit TensorSet(std::vector<Tensor> t) : tensors_(std::move(t)) {
    for (const auto& x : tensors_) {
      views_.push_back(std::make_unique<TensorView>(x));
      pointers_.push_back(&views_.back()->t);
    }
  }
  TensorSet(const TensorSet&) = delete;
  TensorSet& operator=(const TensorSet&) = delete;
  TensorSet(TensorSet&&) = default;
  TensorSet& operator=(TensorSet&&) = default;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<const tenon_tensor*>& pointers() const { return pointers_; }
};

}  // namespace tenon::core
