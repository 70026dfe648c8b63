// SPDX-License-Identifier: Apache-2.0
#include "variables.hpp"

#include <cstring>

namespace tenon::core {

const tenon_tensor* Variables::get(std::string_view name) const {
  auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second.view->t;
}

Status Variables::set(std::string_view name, const tenon_tensor& t) {
  auto it = entries_.find(name);
  if (it != entries_.end() && t.data && it->second.view->t.data == t.data) return {};
  auto copy = Tensor::copy(t);
  if (!copy) return fail(std::move(copy.error()));
  Entry& e = it == entries_.end() ? entries_[std::string(name)] : it->second;
  e.tensor = std::move(*copy);
  e.view = std::make_unique<TensorView>(e.tensor);
  return {};
}

}  // namespace tenon::core
