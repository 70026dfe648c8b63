// SPDX-License-Identifier: Apache-2.0
// raw.hpp - elements as units of bytes, for kernels that move them without looking. Sub-byte types are unpacked to one element
// a byte and packed again; strings are moved as tenon_str and handed to the host at the end.
#pragma once
#include <algorithm>

#include <tenon/node.hpp>

namespace tenon::ops {

/// n packed elements to one a byte; signed integers are extended, others filled with zeros.
inline void unpack_bits(const uint8_t* packed, int64_t n, tenon_dtype t, uint8_t* out) {
  const unsigned bits = t.bits, per_byte = 8 / bits, mask = (1u << bits) - 1, sign = t.code == TENON_DT_INT ? 1u << (bits - 1) : 0;
  for (int64_t i = 0; i < n; ++i) {
    const unsigned v = packed[i / per_byte] >> (i % per_byte * bits) & mask;
    out[i] = static_cast<uint8_t>(v & sign ? v | ~mask : v);
  }
}
inline void pack_bits(const uint8_t* in, int64_t n, tenon_dtype t, uint8_t* packed) {
  const unsigned bits = t.bits, per_byte = 8 / bits, mask = (1u << bits) - 1;
  std::memset(packed, 0, bytes_of(t, static_cast<uint64_t>(n)));
  for (int64_t i = 0; i < n; ++i) packed[i / per_byte] |= static_cast<uint8_t>((in[i] & mask) << (i % per_byte * bits));
}

struct Unit16 {
  uint64_t part[2];
};
/// Size of the unit that one element of t occupies in RawInput and RawOutput.
inline size_t unit_size(tenon_dtype t) { return t.bits < 8 ? 1 : t.bits / 8u; }
/// Calls f(U{}) with U of unit_size(t) bytes.
template <class F>
void visit_unit(tenon_dtype t, F&& f) {
  switch (unit_size(t)) {
    case 1: return f(uint8_t{});
    case 2: return f(uint16_t{});
    case 4: return f(uint32_t{});
    case 8: return f(uint64_t{});
    case 16: return f(Unit16{});
    default: throw unsupported("elements of this type cannot be moved").with("found", dtype_name(t));
  }
}

/// Contents of a tensor, one unit for each element.
class RawInput {
  std::vector<uint8_t> unpacked_;
  const void* data_;

 public:
  explicit RawInput(Tensor t) : data_(t.raw()->data) {
    if (t.type().bits >= 8) return;
    unpacked_.resize(static_cast<size_t>(t.count()));
    unpack_bits(t.data<uint8_t>(), t.count(), t.type(), unpacked_.data());
    data_ = unpacked_.data();
  }
  template <class U> const U* data() const { return static_cast<const U*>(data_); }
};

/// Room for output k of a node, one unit for each element; commit() puts it where it belongs.
class RawOutput {
  const Node& node_;
  uint32_t k_;
  std::vector<uint64_t> own_;
  void* data_;
  bool is_string() const { return node_.out(k_).type().code == TENON_DT_STRING; }

 public:
  RawOutput(const Node& node, uint32_t k) : node_(node), k_(k), data_(node.out(k).raw()->data) {
    const tenon_dtype t = node.out(k).type();
    if (t.bits >= 8 && !is_string()) return;
    own_.resize((static_cast<size_t>(node.out(k).count()) * unit_size(t) + 7) / 8);
    data_ = own_.data();
  }
  template <class U> U* data() const { return static_cast<U*>(data_); }
  void commit() const {
    const Tensor out = node_.out(k_);
    if (is_string()) {
      for (int64_t i = 0; i < out.count(); ++i) node_.string_out(k_, static_cast<uint64_t>(i), view(data<tenon_str>()[i]));
    } else if (out.type().bits < 8) {
      pack_bits(data<uint8_t>(), out.count(), out.type(), out.mutable_data<uint8_t>());
    }
  }
};

/// Output k gets the elements of input j in the same order: strings through the host, all others as bytes.
inline void copy_elements(const Node& node, uint32_t j = 0, uint32_t k = 0) {
  const Tensor in = node.in(j), out = node.out(k);
  if (out.type().code == TENON_DT_STRING) {
    for (int64_t i = 0; i < in.count(); ++i) node.string_out(k, static_cast<uint64_t>(i), view(in.data<tenon_str>()[i]));
    return;
  }
  const uint64_t bytes = bytes_of(in.type(), static_cast<uint64_t>(in.count()));
  if (bytes && in.raw()->data != out.raw()->data) std::memcpy(out.raw()->data, in.raw()->data, bytes);
}

/// n units from a place with a stride (in units) to a dense place.
template <class U>
void copy_strided(U* to, const U* from, int64_t stride, int64_t n) {
  if (stride == 1) std::memcpy(static_cast<void*>(to), from, static_cast<size_t>(n) * sizeof(U));
  else if (stride == 0) std::fill_n(to, n, *from);
  else
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}

}  // namespace tenon::ops
