// SPDX-License-Identifier: Apache-2.0
#include "strided_copy.hpp"

#include "../threads/pool.hpp"

namespace tenon::cpu {
namespace {

constexpr int kMostDims = 16;

template <int Size> struct Element;
template <> struct Element<1> { using type = uint8_t; };
template <> struct Element<2> { using type = uint16_t; };
template <> struct Element<4> { using type = uint32_t; };
template <> struct Element<8> { using type = uint64_t; };

template <class T>
void copy_row(const T* from, int64_t stride, T* to, int64_t n) {
  if (stride == 1)
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  else if (stride == 0)
    std::fill(to, to + n, *from);
  else
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}

/// Rows [begin, end): a row is the last dimension.
template <class T>
void copy_rows(const StridedCopy& c, const T* from, T* to, int64_t begin, int64_t end) {
  const int rank = static_cast<int>(c.dims.size());
  const int64_t n = c.dims[static_cast<size_t>(rank - 1)], stride = c.strides[static_cast<size_t>(rank - 1)];
  int64_t index[kMostDims] = {}, at = 0, rest = begin;
  for (int d = rank - 2; d >= 0; --d) {
    const auto k = static_cast<size_t>(d);
    index[d] = rest % c.dims[k];
    rest /= c.dims[k];
    at += index[d] * c.strides[k];
  }
  for (int64_t row = begin; row < end; ++row) {
    copy_row(from + at, stride, to + row * n, n);
    for (int d = rank - 2; d >= 0; --d) {
      const auto k = static_cast<size_t>(d);
      at += c.strides[k];
      if (++index[d] < c.dims[k]) break;
      at -= c.dims[k] * c.strides[k];
      index[d] = 0;
    }
  }
}

template <class T>
void copy_all(const StridedCopy& c, const void* from, void* to) {
  const int64_t n = c.dims.back(), rows = product(c.dims) / n;
  parallel_for(rows, std::max<int64_t>(1, 16384 / n), [&](int64_t b, int64_t e) { copy_rows(c, static_cast<const T*>(from), static_cast<T*>(to), b, e); });
}

struct Wide {
  uint64_t a, b;
};

}  // namespace

StridedCopy make_strided_copy(const Dims& dims, const Dims& strides, int size) {
  StridedCopy c;
  c.size = size;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (!c.dims.empty() && c.strides.back() == strides[i] * dims[i]) {
      c.dims.back() *= dims[i];
      c.strides.back() = strides[i];
    } else {
      c.dims.push_back(dims[i]);
      c.strides.push_back(strides[i]);
    }
  }
  if (c.dims.empty()) {
    c.dims = {1};
    c.strides = {1};
  }
  if (c.dims.size() > kMostDims) throw unsupported("a tensor of more than " + std::to_string(kMostDims) + " dimensions");
  return c;
}

void StridedCopy::run(const void* from, void* to) const {
  switch (size) {
    case 1: return copy_all<Element<1>::type>(*this, from, to);
    case 2: return copy_all<Element<2>::type>(*this, from, to);
    case 4: return copy_all<Element<4>::type>(*this, from, to);
    case 8: return copy_all<Element<8>::type>(*this, from, to);
    case 16: return copy_all<Wide>(*this, from, to);
    default: throw Error(TENON_E_INTERNAL, "an element of " + std::to_string(size) + " bytes");
  }
}

std::optional<Dims> reshape_strides(const Dims& from, const Dims& strides, const Dims& to) {
  Dims f, s, out(to.size(), 1);
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) {
      f.push_back(from[i]);
      s.push_back(strides[i]);
    }
  size_t i = 0, j = 0;
  while (i < f.size()) {
    // A group of dims on both sides with the same number of elements.
    size_t i_end = i + 1, j_end = j;
    int64_t a = f[i], c = 1;
    while (true) {
      while (j_end < to.size() && c < a) c *= to[j_end++];
      if (c == a) break;
      if (i_end == f.size()) return std::nullopt;
      a *= f[i_end++];
    }
    for (size_t k = i; k + 1 < i_end; ++k)
      if (s[k] != s[k + 1] * f[k + 1]) return std::nullopt;
    int64_t stride = s[i_end - 1];
    for (size_t k = j_end; k-- > j;) {
      out[k] = stride;
      stride *= to[k];
    }
    i = i_end;
    j = j_end;
  }
  for (; j < to.size(); ++j) out[j] = 1;
  return out;
}

}  // namespace tenon::cpu
