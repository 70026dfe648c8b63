// SPDX-License-Identifier: Apache-2.0
#include "tensor.hpp"

#include <algorithm>
#include <charconv>

#include "schema.hpp"

namespace tenon::onnx {
namespace {

namespace field = schema::TensorProto;
constexpr uint64_t kLarge = 1 << 20;        // bytes from which a misaligned tensor is used as it is
constexpr uint64_t kFreeCopies = 16 << 20;  // copies up to here do not matter even for small files
constexpr uint64_t kDenseFloor = 64 << 20;  // a sparse tensor may always fill this much,
constexpr uint64_t kDenseFactor = 4096;     // and this many times its stored bytes

uint64_t alignment(tenon_dtype t) { return t.code == TENON_DT_COMPLEX ? t.bits / 16u : t.bits <= 8 ? 1 : t.bits / 8u; }

// The field of TensorProto that holds elements of type t when raw_data does not.
uint32_t typed_field(tenon_dtype t) {
  if (t == dt::f32 || t == dt::c64) return field::float_data;
  if (t == dt::f64 || t == dt::c128) return field::double_data;
  if (t == dt::i64) return field::int64_data;
  if (t == dt::u32 || t == dt::u64) return field::uint64_data;
  return t == dt::string ? field::string_data : field::int32_data;
}

// Does v, an element of int32_data or uint64_data, fit into type t?
bool fits(tenon_dtype t, int64_t v) {
  if (t.bits < 8) return v >= -128 && v <= 255;  // one byte of packed elements
  if (t == dt::i64 || t == dt::u64) return true;
  if (t.code == TENON_DT_INT) return v >= -(int64_t{1} << (t.bits - 1)) && v < int64_t{1} << (t.bits - 1);
  if (t.code == TENON_DT_BOOL) return v == 0 || v == 1;
  return v >= 0 && v < int64_t{1} << t.bits;
}

bool parse_u64(std::string_view s, uint64_t* out) {
  auto [end, e] = std::from_chars(s.data(), s.data() + s.size(), *out);
  return e == std::errc() && end == s.data() + s.size();
}

}  // namespace

Tensors::Tensors(tenon_ctx* ctx, const tenon_source* source, const File& file) : ctx_(ctx), source_(source), file_(&file), mapped_(Buffer::borrow(source->bytes)) {}

Error Tensors::bad(const TensorAst& t, const std::string& text) const {
  return file_->bad(t.at, "tensor '" + std::string(t.name) + "': " + text);
}

uint64_t Tensors::count(const TensorAst& t, const Dims& dims, tenon_dtype type) const {
  uint64_t n = 1, bits = 0;
  bool empty = false;
  for (int64_t d : dims) {
    if (d < 0) throw bad(t, "negative dimension " + std::to_string(d));
    empty = empty || d == 0;
  }
  if (empty) return 0;
  for (int64_t d : dims)
    if (__builtin_mul_overflow(n, static_cast<uint64_t>(d), &n)) throw bad(t, "its size overflows");
  if (n > INT64_MAX || __builtin_mul_overflow(n, static_cast<uint64_t>(type.bits), &bits)) throw bad(t, "its size overflows");
  return n;
}

Payload Tensors::place(const Buffer& b, uint64_t offset, uint64_t bytes, Payload p) {
  auto address = reinterpret_cast<uintptr_t>(b.data()) + offset;
  bool aligned = address % alignment(p.type) == 0;
  uint64_t budget = std::max(kFreeCopies, file_->bytes.n / 10);
  if (aligned || bytes >= kLarge || copied_ + bytes > budget) {
    p.buffer = b;
    p.offset = offset;
    return p;
  }
  p.buffer = Buffer::alloc(ctx_, bytes);
  std::memcpy(p.buffer.writable(), static_cast<const uint8_t*>(b.data()) + offset, bytes);
  copied_ += bytes;
  return p;
}

Payload Tensors::clean_booleans(Payload p, uint64_t n) {
  const uint8_t* from = static_cast<const uint8_t*>(p.buffer.data()) + p.offset;
  bool clean = true;
  for (uint64_t i = 0; i < n; ++i) clean = clean && from[i] <= 1;
  if (clean) return p;
  Buffer b = Buffer::alloc(ctx_, n);
  auto* to = static_cast<uint8_t*>(b.writable());
  for (uint64_t i = 0; i < n; ++i) to[i] = from[i] != 0;
  p.buffer = b;
  p.offset = 0;
  return p;
}

Payload Tensors::from_raw(const TensorAst& t, Payload p, uint64_t n) {
  if (p.type == dt::string) throw bad(t, "strings cannot be raw_data");
  uint64_t bytes = bytes_of(p.type, n);
  if (t.raw.n != bytes)
    throw bad(t, "raw_data does not fit its shape and type").with("expected", std::to_string(bytes) + " bytes").with("found", std::to_string(t.raw.n) + " bytes");
  p = place(mapped_, file_->position(t.raw.p), bytes, std::move(p));
  return p.type == dt::boolean ? clean_booleans(std::move(p), n) : p;
}

Payload Tensors::from_external(const TensorAst& t, Payload p, uint64_t n) {
  if (p.type == dt::string) throw bad(t, "strings cannot be external data");
  std::string location;
  uint64_t offset = 0, length = UINT64_MAX, bytes = bytes_of(p.type, n);
  for (const auto& [key, value] : t.external_data) {
    if (key == "location") location = value;
    else if (key == "offset" && !parse_u64(value, &offset)) throw bad(t, "external data: offset '" + std::string(value) + "' is no number");
    else if (key == "length" && !parse_u64(value, &length)) throw bad(t, "external data: length '" + std::string(value) + "' is no number");
  }
  if (location.empty()) throw bad(t, "external data has no location");
  if (length != UINT64_MAX && length != bytes)
    throw bad(t, "external data: length does not fit its shape and type").with("expected", std::to_string(bytes) + " bytes").with("found", std::to_string(length) + " bytes");
  auto [at, fresh] = external_.try_emplace(location);
  if (fresh) {
    tenon_buffer* b{};
    ok(source_->sibling(ctx_, source_, str(location), &b));
    at->second = Buffer(b);
  }
  uint64_t size = at->second.size();
  if (offset > size || bytes > size - offset)
    throw bad(t, "external data reaches past the end of '" + location + "'")
        .with("expected", std::to_string(bytes) + " bytes at " + std::to_string(offset))
        .with("found", "a file of " + std::to_string(size) + " bytes");
  p = place(at->second, offset, bytes, std::move(p));
  return p.type == dt::boolean ? clean_booleans(std::move(p), n) : p;
}

Payload Tensors::fixed_width(const TensorAst& t, Payload p, uint64_t bytes, uint64_t width) {
  uint64_t have = 0;
  for (const auto& d : t.typed) {
    if (d.type == WireType::varint || d.bytes.n % width) throw bad(t, "malformed elements");
    have += d.bytes.n;
  }
  if (have != bytes)
    throw bad(t, "its elements do not fit its shape and type").with("expected", std::to_string(bytes / width) + " numbers").with("found", std::to_string(have / width));
  if (t.typed.size() == 1) return place(mapped_, file_->position(t.typed[0].bytes.p), bytes, std::move(p));
  p.buffer = Buffer::alloc(ctx_, bytes);
  auto* to = static_cast<uint8_t*>(p.buffer.writable());
  for (const auto& d : t.typed) {
    std::memcpy(to, d.bytes.p, d.bytes.n);
    to += d.bytes.n;
  }
  return p;
}

Payload Tensors::varints(const TensorAst& t, Payload p, uint64_t n) {
  uint64_t width = p.type.bits < 8 ? 1 : p.type.bits / 8u;
  uint64_t want = p.type.bits < 8 ? bytes_of(p.type, n) : n;
  uint64_t most = 0;  // a varint has at least one byte, so a claim beyond this is refused before memory is taken
  for (const auto& d : t.typed) most += d.type == WireType::varint ? 1 : d.bytes.n;
  auto wrong = [&](uint64_t found) {
    return bad(t, "its elements do not fit its shape and type").with("expected", std::to_string(want) + " numbers").with("found", std::to_string(found));
  };
  if (most < want) throw wrong(most);
  p.buffer = Buffer::alloc(ctx_, want * width);
  auto* to = static_cast<uint8_t*>(p.buffer.writable());
  uint64_t have = 0;
  auto put = [&](uint64_t raw) {
    if (have == want) throw wrong(have + 1);
    // int32 fields keep the low 32 bits, as protobuf does
    int64_t v = typed_field(p.type) == field::int32_data ? static_cast<int32_t>(static_cast<uint32_t>(raw)) : static_cast<int64_t>(raw);
    if (!fits(p.type, v)) throw bad(t, "element " + std::to_string(have) + " (" + std::to_string(v) + ") is out of range for " + dtype_name(p.type));
    std::memcpy(to + have++ * width, &v, width);  // little-endian, as all targets are
  };
  for (const auto& d : t.typed) {
    if (d.type == WireType::varint) put(d.value);
    else if (d.type == WireType::bytes)
      for (Varints v(*file_, d.bytes); v.more();) put(v.next());
    else throw bad(t, "malformed elements");
  }
  if (have != want) throw wrong(have);
  return p;
}

// A string constant: n + 1 offsets (u64) into the text behind them.
Payload Tensors::from_strings(const TensorAst& t, Payload p, uint64_t n) {
  if (t.typed.size() != n)
    throw bad(t, "its elements do not fit its shape").with("expected", std::to_string(n) + " strings").with("found", std::to_string(t.typed.size()));
  uint64_t text = 0;
  for (const auto& d : t.typed) {
    if (d.type != WireType::bytes) throw bad(t, "malformed elements");
    text += d.bytes.n;
  }
  p.buffer = Buffer::alloc(ctx_, (n + 1) * 8 + text);
  auto* offset = static_cast<uint64_t*>(p.buffer.writable());
  auto* to = reinterpret_cast<char*>(offset + n + 1);
  for (uint64_t i = 0, at = 0; i < n; ++i) {
    Bytes b = t.typed[i].bytes;
    if (b.n) std::memcpy(to + at, b.p, b.n);
    offset[i + 1] = at += b.n;
  }
  return p;
}

Payload Tensors::from_typed(const TensorAst& t, Payload p, uint64_t n) {
  uint32_t want = typed_field(p.type);
  for (const auto& d : t.typed)
    if (d.field != want) throw bad(t, "its elements are in a field for another element type than " + dtype_name(p.type));
  if (want == field::float_data) return fixed_width(t, std::move(p), bytes_of(p.type, n), 4);
  if (want == field::double_data) return fixed_width(t, std::move(p), bytes_of(p.type, n), 8);
  return want == field::string_data ? from_strings(t, std::move(p), n) : varints(t, std::move(p), n);
}

Payload Tensors::make(const TensorAst& t) {
  if (t.segment) throw unsupported("tensor '" + std::string(t.name) + "' is stored in segments").with("file", file_->path).with("position", "byte " + std::to_string(file_->position(t.at)));
  Payload p;
  p.type = element_type(t.data_type);
  p.dims = t.dims;
  if (p.type == dt::none) throw bad(t, "unknown element type " + std::to_string(t.data_type));
  uint64_t n = count(t, t.dims, p.type);
  int kinds = (t.has_raw && t.raw.n > 0) + (!t.typed.empty()) + t.external;
  if (kinds > 1) throw bad(t, "it has contents in more than one place");
  if (t.external) return from_external(t, std::move(p), n);
  if (t.has_raw && (t.raw.n > 0 || n > 0)) return from_raw(t, std::move(p), n);
  if (n == 0 && t.typed.empty() && p.type != dt::string) {
    p.buffer = Buffer::alloc(ctx_, 0);
    return p;
  }
  return from_typed(t, std::move(p), n);
}

Payload Tensors::get(const TensorAst& t) {
  auto at = done_.find(t.at);
  if (at != done_.end()) return at->second;
  Payload p = make(t);
  done_.emplace(t.at, p);
  return p;
}

std::vector<int64_t> Tensors::indices(const SparseAst& s, uint64_t nonzero, uint64_t total) {
  Payload p = get(s.indices);
  if (p.type != dt::i64) throw bad(s.values, "sparse indices must be int64");
  bool linear = p.dims.size() == 1 && static_cast<uint64_t>(p.dims[0]) == nonzero;
  bool tuples = p.dims.size() == 2 && static_cast<uint64_t>(p.dims[0]) == nonzero && static_cast<uint64_t>(p.dims[1]) == s.dims.size();
  if (!linear && !tuples) throw bad(s.values, "sparse indices have the wrong shape");
  const uint8_t* from = static_cast<const uint8_t*>(p.buffer.data()) + p.offset;
  auto number = [&](uint64_t i) {
    int64_t v;
    std::memcpy(&v, from + i * 8, 8);
    return v;
  };
  std::vector<int64_t> flat(nonzero);
  for (uint64_t i = 0; i < nonzero; ++i) {
    int64_t at = linear ? number(i) : 0;
    for (uint64_t d = 0; !linear && d < s.dims.size(); ++d) {
      int64_t k = number(i * s.dims.size() + d);
      if (k < 0 || k >= s.dims[d]) throw bad(s.values, "sparse index " + std::to_string(k) + " is out of range");
      at = at * s.dims[d] + k;
    }
    if (at < 0 || static_cast<uint64_t>(at) >= total) throw bad(s.values, "sparse index " + std::to_string(at) + " is out of range");
    flat[i] = at;
  }
  return flat;
}

Payload Tensors::get(const SparseAst& s) {
  auto at = done_.find(s.at);
  if (at != done_.end()) return at->second;
  if (!s.values.at || !s.indices.at) throw file_->bad(s.at, "a sparse tensor lacks its values or its indices");
  Payload values = get(s.values);
  if (values.type.bits % 8 || values.type == dt::string)
    throw unsupported("sparse tensor '" + std::string(s.values.name) + "' of " + dtype_name(values.type) + " is not supported").with("file", file_->path).with("position", "byte " + std::to_string(file_->position(s.at)));
  uint64_t nonzero = count(s.values, values.dims, values.type), total = count(s.values, s.dims, values.type);
  std::vector<int64_t> where = indices(s, nonzero, total);
  uint64_t width = values.type.bits / 8u, bytes = bytes_of(values.type, total);
  if (bytes > std::max(kDenseFloor, kDenseFactor * nonzero * width))
    throw unsupported("sparse tensor '" + std::string(s.values.name) + "' would fill " + std::to_string(bytes) + " bytes from " + std::to_string(nonzero) + " elements")
        .with("file", file_->path)
        .with("position", "byte " + std::to_string(file_->position(s.at)))
        .with("hint", "tensors this thin must stay sparse, which the IR does not have");
  Payload p;
  p.type = values.type;
  p.dims = s.dims;
  p.buffer = Buffer::alloc(ctx_, bytes);
  auto* to = static_cast<uint8_t*>(p.buffer.writable());
  const uint8_t* from = static_cast<const uint8_t*>(values.buffer.data()) + values.offset;
  for (uint64_t i = 0; i < nonzero; ++i) std::memcpy(to + static_cast<uint64_t>(where[i]) * width, from + i * width, width);
  done_.emplace(s.at, p);
  return p;
}

}  // namespace tenon::onnx
