// SPDX-License-Identifier: Apache-2.0
// text.hpp - string tensors.
#pragma once
#include "common/infer.hpp"

namespace tenon::ops {

/// Element i of a string tensor.
inline std::string_view text_at(const Tensor& t, int64_t i) { return view(t.data<tenon_str>()[i]); }

/// Output k with these strings.
inline void strings_out(const Node& node, uint32_t k, const Dims& dims, const std::vector<std::string>& all) {
  node.alloc_out<tenon_str>(k, dt::string, dims);
  for (size_t i = 0; i < all.size(); ++i) node.string_out(k, i, all[i]);
}

}  // namespace tenon::ops
