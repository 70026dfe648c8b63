// SPDX-License-Identifier: Apache-2.0
#include "shape.hpp"

namespace tenon::core {

Result<int64_t> element_count(const std::vector<int64_t>& dims) {
  constexpr int64_t kMost = int64_t{1} << 62;
  int64_t product = 1;
  bool empty = false;
  for (int64_t d : dims) {
    if (d < 0) return fail(Error(TENON_E_INVALID, "a shape has a negative dimension").with("found", shape_text(dims)));
    if (d == 0) empty = true;
    if (d > 0 && __builtin_mul_overflow(product, d, &product)) return fail(Error(TENON_E_INVALID, "a shape has too many elements").with("found", shape_text(dims)));
    if (product > kMost) return fail(Error(TENON_E_INVALID, "a shape has too many elements").with("found", shape_text(dims)));
  }
  return empty ? 0 : product;
}

Result<uint64_t> dense_bytes(tenon_dtype t, const std::vector<int64_t>& dims) {
  auto n = element_count(dims);
  if (!n) return fail(std::move(n.error()));
  uint64_t width = t.bits >= 8 ? t.bits / 8u : 1;
  uint64_t all = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(*n), width, &all)) return fail(Error(TENON_E_INVALID, "a tensor has too many bytes").with("found", type_text(t, dims)));
  return bytes_of(t, static_cast<uint64_t>(*n));
}

std::string shape_text(const std::vector<int64_t>& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

std::string type_text(tenon_dtype t, const std::vector<int64_t>& dims) { return dtype_name(t) + shape_text(dims); }

}  // namespace tenon::core
