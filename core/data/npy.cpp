// SPDX-License-Identifier: Apache-2.0
#include "npy.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "npy_header.hpp"
#include "shape.hpp"
#include "utf.hpp"

namespace tenon::core {
namespace {

void swap_bytes(uint8_t* p, uint64_t count, uint64_t width) {
  if (width < 2) return;
  for (uint64_t i = 0; i < count; ++i) std::reverse(p + i * width, p + (i + 1) * width);
}

/// Copies column-major elements into row-major order.
void from_fortran(const uint8_t* from, uint8_t* to, const std::vector<int64_t>& dims, uint64_t width) {
  size_t rank = dims.size();
  std::vector<int64_t> index(rank, 0);
  std::vector<uint64_t> stride(rank, width);
  for (size_t d = 1; d < rank; ++d) stride[d] = stride[d - 1] * static_cast<uint64_t>(dims[d - 1]);
  int64_t n = count_of(dims.data(), static_cast<int32_t>(rank));
  uint64_t at = 0;
  for (int64_t i = 0; i < n; ++i, to += width) {
    std::memcpy(to, from + at, width);
    for (size_t d = rank; d-- > 0;) {
      at += stride[d];
      if (++index[d] < dims[d]) break;
      at -= stride[d] * static_cast<uint64_t>(dims[d]);
      index[d] = 0;
    }
  }
}

Result<std::string> text_element(const uint8_t* p, const NpyHeader& h) {
  std::string s;
  if (h.kind == 'S') {
    s.assign(reinterpret_cast<const char*>(p), h.item_bytes);
    s.erase(s.find_last_not_of('\0') + 1);
    return s;
  }
  std::u32string u(h.item_bytes / 4, U'\0');
  std::memcpy(u.data(), p, h.item_bytes);
  while (!u.empty() && u.back() == U'\0') u.pop_back();
  for (char32_t c : u)
    if (!append_utf8(c, &s)) return fail(TENON_E_INVALID, "a text element is not valid Unicode");
  return s;
}

Result<Tensor> to_strings(const std::vector<uint8_t>& bytes, const NpyHeader& h, int64_t n) {
  Tensor t;
  t.type = dt::string;
  t.dims = h.shape;
  t.strings = std::make_shared<std::vector<std::string>>();
  t.strings->reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    auto s = text_element(bytes.data() + static_cast<uint64_t>(i) * h.item_bytes, h);
    if (!s) return fail(std::move(s.error()));
    t.strings->push_back(std::move(*s));
  }
  return t;
}

void into_row_major(const NpyHeader& h, const uint8_t* from, uint8_t* to, uint64_t count) {
  uint64_t bytes = count * h.item_bytes;
  if (h.fortran && h.shape.size() > 1)
    from_fortran(from, to, h.shape, h.item_bytes);
  else if (bytes)
    std::memcpy(to, from, bytes);
  if (h.big_endian) swap_bytes(to, bytes / h.swap_bytes, h.swap_bytes);
}

Error truncated(uint64_t expected, uint64_t found) {
  return Error(TENON_E_INVALID, "the array file is shorter than its header says").with("expected", std::to_string(expected) + " bytes of elements").with("found", std::to_string(found));
}

/// Sub-byte elements as one byte each, sign-extended for signed types.
std::string unpacked(const Tensor& t) {
  std::string out(static_cast<size_t>(t.count()), '\0');
  unsigned per = 8u / t.type.bits, mask = (1u << t.type.bits) - 1, sign = 1u << (t.type.bits - 1);
  for (size_t i = 0; i < out.size(); ++i) {
    unsigned v = t.buffer.data()[i / per] >> (i % per * t.type.bits) & mask;
    if (t.type.code == TENON_DT_INT && v & sign) v |= ~mask;
    out[i] = static_cast<char>(v);
  }
  return out;
}

bool fits(uint8_t byte, bool is_signed, tenon_dtype want) {
  if (want.code != TENON_DT_INT) return byte < 1u << want.bits;
  int v = is_signed ? static_cast<int8_t>(byte) : byte;
  return v >= -(1 << (want.bits - 1)) && v < 1 << (want.bits - 1);
}

Result<Tensor> packed(const Tensor& t, tenon_dtype want) {
  auto r = Tensor::zeros(want, t.dims);
  if (!r) return r;
  unsigned per = 8u / want.bits, mask = (1u << want.bits) - 1;
  bool is_signed = t.type.code != TENON_DT_UINT;
  for (int64_t i = 0; i < t.count(); ++i) {
    uint8_t b = t.buffer.data()[i];
    if (!fits(b, is_signed, want))
      return fail(Error(TENON_E_CONFIG, "an element does not fit its type").with("expected", dtype_name(want)).with("found", std::to_string(is_signed ? static_cast<int8_t>(b) : b)));
    auto at = static_cast<unsigned>(i);
    r->buffer.writable()[static_cast<uint64_t>(i) / per] |= static_cast<uint8_t>((b & mask) << (at % per * want.bits));
  }
  return r;
}

}  // namespace

Result<Tensor> read_npy(std::span<const uint8_t> file) {
  auto header = parse_npy_header(file);
  if (!header) return fail(std::move(header.error()));
  const NpyHeader& h = *header;
  auto n = element_count(h.shape);
  if (!n) return fail(std::move(n.error()));
  auto count = static_cast<uint64_t>(*n);
  uint64_t bytes = 0, found = file.size() - h.data_offset;
  if (__builtin_mul_overflow(count, h.item_bytes, &bytes) || bytes > found) return fail(truncated(bytes, found));
  const uint8_t* from = file.data() + h.data_offset;
  if (h.type.code == TENON_DT_STRING) {
    if (h.item_bytes == 0 && count > found + 65536) return fail(truncated(count, found));
    std::vector<uint8_t> items(bytes + 1);
    into_row_major(h, from, items.data(), count);
    return to_strings(items, h, *n);
  }
  auto t = Tensor::zeros(h.type, h.shape);
  if (t) into_row_major(h, from, t->buffer.writable(), count);
  if (t && h.type == dt::boolean)
    for (uint64_t i = 0; i < count; ++i) t->buffer.writable()[i] = t->buffer.data()[i] != 0;
  return t;
}

Status write_npy(const Tensor& t, const WriteFn& write) {
  auto header = npy_header(t);
  if (!header) return fail(std::move(header.error()));
  TENON_TRY(write(header->data(), header->size()));
  if (t.type.code == TENON_DT_STRING) {
    auto s = npy_strings(t);
    return s ? write(s->data(), s->size()) : fail(std::move(s.error()));
  }
  if (t.type.bits < 8) {
    std::string wide = unpacked(t);
    return write(wide.data(), wide.size());
  }
  return write(t.buffer.data(), bytes_of(t.type, static_cast<uint64_t>(t.count())));
}

Result<Tensor> conform(Tensor t, tenon_dtype want) {
  if (t.type == want) return t;
  bool numpy_lacks = want.code == TENON_DT_BFLOAT || want.code == TENON_DT_MINIFLOAT || want.bits < 8;
  bool bits_only = is_raw(t.type) || (numpy_lacks && is_int(t.type));
  if (bits_only && want.bits < 8 && t.type.bits == 8) return packed(t, want);
  bool carrier = is_raw(t.type) ? want.code != TENON_DT_STRING : numpy_lacks && t.type.code == TENON_DT_UINT;
  if (carrier && t.type.bits == want.bits) {
    t.type = want;
    return t;
  }
  std::string found = is_raw(t.type) ? "void of " + std::to_string(t.type.bits / 8) + " bytes" : dtype_name(t.type);
  return fail(Error(TENON_E_CONFIG, "wrong element type").with("expected", dtype_name(want)).with("found", found));
}

}  // namespace tenon::core
