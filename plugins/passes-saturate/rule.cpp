// SPDX-License-Identifier: Apache-2.0
#include "rule.hpp"

#include <algorithm>

namespace tenon::saturate {

std::vector<tenon_node> Matcher::origins(const std::vector<NodeId>& from) const {
  std::vector<tenon_node> r;
  for (NodeId n : from) {
    const auto& more = e.work_of(n).origins;
    r.insert(r.end(), more.begin(), more.end());
  }
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}
std::vector<tenon_node> Matcher::origins(std::initializer_list<NodeId> from) const { return origins(std::vector<NodeId>(from)); }

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  Dims r(std::max(a.size(), b.size()));
  for (size_t k = 0; k < r.size(); ++k) {
    const int64_t x = k < a.size() ? a[a.size() - 1 - k] : 1, y = k < b.size() ? b[b.size() - 1 - k] : 1;
    if (x == TENON_DIM_UNKNOWN || y == TENON_DIM_UNKNOWN || (x != y && x != 1 && y != 1)) return std::nullopt;
    r[r.size() - 1 - k] = x == 1 ? y : x;
  }
  return r;
}

std::optional<Type> product_type(const Type& a, const Type& b) {
  if (a.rank < 2 || b.rank < 2 || a.dtype != b.dtype || a.dims.back() != b.dims[b.dims.size() - 2] || a.dims.back() == TENON_DIM_UNKNOWN) return std::nullopt;
  auto r = broadcast(Dims(a.dims.begin(), a.dims.end() - 2), Dims(b.dims.begin(), b.dims.end() - 2));
  if (!r) return std::nullopt;
  r->push_back(a.dims[a.dims.size() - 2]);
  r->push_back(b.dims.back());
  return Type(a.dtype, std::move(*r));
}

bool elementwise_unary(std::string_view name) { return std::binary_search(std::begin(kUnary), std::end(kUnary), name); }
bool elementwise_binary(std::string_view name) { return std::binary_search(std::begin(kBinary), std::end(kBinary), name); }

}  // namespace tenon::saturate
