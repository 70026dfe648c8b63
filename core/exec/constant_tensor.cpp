// SPDX-License-Identifier: Apache-2.0
#include "constant_tensor.hpp"

#include <tenon/dtype.hpp>

#include <cstring>

namespace tenon::core {

Result<std::unique_ptr<ConstantTensor>> ConstantTensor::make(const Model& m, tenon_value v) {
  auto c = std::make_unique<ConstantTensor>();
  ValueType type = m.type(v);
  auto [bytes, size] = m.constant_bytes(v);
  const Constant& constant = m.constants[m.values.constant[slot(v)]];
  c->dims_ = std::move(type.dims);
  static const uint64_t kNothing = 0;  // data of an empty constant: known, though there is none
  c->t_ = {sizeof(tenon_tensor), type.rank, const_cast<uint8_t*>(bytes ? bytes : reinterpret_cast<const uint8_t*>(&kNothing)), size, c->dims_.data(), type.dtype, constant.buffer.get()};
  if (type.dtype.code != TENON_DT_STRING) return c;
  auto n = static_cast<uint64_t>(count_of(c->dims_.data(), type.rank));
  auto bad = [&] { return fail(Error(TENON_E_INVALID, "a string constant's table is malformed").with("value", std::string(m.value_name(v)))); };
  if (size / 8 < n + 1) return bad();
  std::vector<uint64_t> offsets(n + 1);
  std::memcpy(offsets.data(), bytes, (n + 1) * 8);
  uint64_t text = size - (n + 1) * 8;
  for (uint64_t i = 0; i < n; ++i) {
    if (offsets[i] > offsets[i + 1] || offsets[i + 1] > text) return bad();
    c->strings_.push_back({reinterpret_cast<const char*>(bytes) + (n + 1) * 8 + offsets[i], offsets[i + 1] - offsets[i]});
  }
  c->t_.data = c->strings_.empty() ? const_cast<void*>(static_cast<const void*>(&kNothing)) : c->strings_.data();
  c->t_.bytes = n * sizeof(tenon_str);
  return c;
}

Result<BufferRef> pack_strings(const std::vector<std::string>& s) {
  uint64_t text = 0;
  for (const auto& x : s) text += x.size();
  auto b = alloc_buffer((s.size() + 1) * 8 + text);
  if (!b) return b;
  uint8_t* at = b->writable() + (s.size() + 1) * 8;
  uint64_t offset = 0;
  for (size_t i = 0; i <= s.size(); ++i) {
    std::memcpy(b->writable() + i * 8, &offset, 8);
    if (i == s.size()) break;
    std::memcpy(at + offset, s[i].data(), s[i].size());
    offset += s[i].size();
  }
  return b;
}

}  // namespace tenon::core
