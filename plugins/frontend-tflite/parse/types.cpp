// SPDX-License-Identifier: Apache-2.0
#include "types.hpp"

#include "text.hpp"

#include <algorithm>

namespace tenon::tflite {

tenon_dtype element_type(fb::TensorType t) {
  using T = fb::TensorType;
  switch (t) {
    case T::FLOAT32: return dt::f32;
    case T::FLOAT16: return dt::f16;
    case T::FLOAT64: return dt::f64;
    case T::BFLOAT16: return dt::bf16;
    case T::FLOAT8_E4M3FN: return dt::f8e4m3fn;
    case T::FLOAT8_E5M2: return dt::f8e5m2;
    case T::INT2: return dt::i2;
    case T::INT4: return dt::i4;
    case T::INT8: return dt::i8;
    case T::INT16: return dt::i16;
    case T::INT32: return dt::i32;
    case T::INT64: return dt::i64;
    case T::UINT4: return dt::u4;
    case T::UINT8: return dt::u8;
    case T::UINT16: return dt::u16;
    case T::UINT32: return dt::u32;
    case T::UINT64: return dt::u64;
    case T::BOOL: return dt::boolean;
    case T::STRING: return dt::string;
    case T::COMPLEX64: return dt::c64;
    case T::COMPLEX128: return dt::c128;
    case T::RESOURCE:
    case T::VARIANT: return dt::none;
  }
  return dt::none;
}

std::string tensor_name(const fb::Tensor& t) { return text(t.name()); }

namespace {
constexpr uint32_t kMaxRank = 64;

void check_rank(const File& file, const fb::Tensor& t, uint32_t rank) {
  if (rank > kMaxRank) throw file.bad(&t, "tensor '" + tensor_name(t) + "' has " + std::to_string(rank) + " dimensions").with("expected", "at most " + std::to_string(kMaxRank));
}
}  // namespace

Dims stored_dims(const File& file, const fb::Tensor& t) {
  Dims dims;
  if (!t.shape()) return dims;
  check_rank(file, t, t.shape()->size());
  for (int32_t d : *t.shape()) {
    if (d < 0) throw file.bad(&t, "tensor '" + tensor_name(t) + "' has a negative dimension").with("found", std::to_string(d));
    dims.push_back(d);
  }
  return dims;
}

ValueType declared_type(const File& file, const fb::Tensor& t) {
  ValueType r;
  r.dtype = element_type(t.type());
  const auto* dims = t.shape_signature() && t.shape_signature()->size() ? t.shape_signature() : t.shape();
  if (!dims || dims->size() == 0) {
    if (t.has_rank()) r.rank = 0;
    return r;
  }
  check_rank(file, t, dims->size());
  r.rank = static_cast<int32_t>(dims->size());
  for (int32_t d : *dims) r.dims.push_back(std::max<int64_t>(d, TENON_DIM_UNKNOWN));
  return r;
}

uint64_t element_count(const File& file, const fb::Tensor& t, const Dims& dims, tenon_dtype type) {
  uint64_t n = 1, bits = 0;
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return 0;
  for (int64_t d : dims)
    if (__builtin_mul_overflow(n, static_cast<uint64_t>(d), &n)) throw file.bad(&t, "tensor '" + tensor_name(t) + "': its size overflows");
  if (n > INT64_MAX || __builtin_mul_overflow(n, static_cast<uint64_t>(type.bits), &bits)) throw file.bad(&t, "tensor '" + tensor_name(t) + "': its size overflows");
  return n;
}

}  // namespace tenon::tflite
