// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

namespace tenon::onnx {
namespace {

// Little-endian base 128; at most 10 bytes. Returns the byte after it, or nullptr when it is cut off or too long.
const uint8_t* read_varint(const uint8_t* p, const uint8_t* end, uint64_t* out) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70 && p != end; shift += 7) {
    uint8_t b = *p++;
    v |= static_cast<uint64_t>(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      *out = v;
      return p;
    }
  }
  return nullptr;
}

// Length of the UTF-8 sequence at s[i], 0 when malformed (overlong forms, surrogates and > U+10FFFF are).
size_t utf8_length(std::string_view s, size_t i) {
  auto byte = [&](size_t k) { return k < s.size() ? static_cast<uint8_t>(s[k]) : 0u; };
  auto tail = [&](size_t k) { return (byte(k) & 0xc0u) == 0x80u; };
  uint32_t a = byte(i), b = byte(i + 1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(i + 1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    bool second = a == 0xe0 ? b >= 0xa0 && b <= 0xbf : a == 0xed ? b >= 0x80 && b <= 0x9f : tail(i + 1);
    return second && tail(i + 2) ? 3 : 0;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    bool second = a == 0xf0 ? b >= 0x90 && b <= 0xbf : a == 0xf4 ? b >= 0x80 && b <= 0x8f : tail(i + 1);
    return second && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    size_t n = utf8_length(s, i);
    if (!n) return false;
    i += n;
  }
  return true;
}

Error File::bad(const void* at, std::string text) const {
  return invalid(std::move(text)).with("file", path).with("position", "byte " + std::to_string(position(at)));
}

uint64_t Wire::varint() {
  uint64_t v = 0;
  const uint8_t* next = read_varint(p_, end_, &v);
  if (!next) throw bad("a number is cut off or longer than 10 bytes");
  p_ = next;
  return v;
}

bool Wire::next() {
  if (p_ == end_) return false;
  at_ = p_;
  uint64_t tag = varint();
  field_ = static_cast<uint32_t>(tag >> 3);
  if (tag >> 32 || field_ == 0) throw bad("malformed field tag").with("hint", "the file is damaged, or it is no ONNX model");
  type_ = static_cast<WireType>(tag & 7);
  bytes_ = {};
  auto take = [&](uint64_t n) {
    uint64_t left = static_cast<uint64_t>(end_ - p_);
    if (n > left)
      throw bad("field " + std::to_string(field_) + " reaches past the end of its message")
          .with("expected", std::to_string(n) + " bytes")
          .with("found", std::to_string(left) + " bytes")
          .with("hint", "the file is truncated or damaged");
    bytes_ = {p_, n};
    p_ += n;
  };
  switch (type_) {
    case WireType::varint: value_ = varint(); break;
    case WireType::fixed64: take(8); break;
    case WireType::fixed32: take(4); break;
    case WireType::bytes: take(varint()); break;
    default: throw bad("field " + std::to_string(field_) + " has wire type " + std::to_string(tag & 7)).with("hint", "the file is damaged, or it is no ONNX model");
  }
  return true;
}

void Wire::expect(WireType t) const {
  if (type_ != t)
    throw bad("field " + std::to_string(field_) + " has the wrong wire type")
        .with("expected", std::to_string(static_cast<uint32_t>(t)))
        .with("found", std::to_string(static_cast<uint32_t>(type_)));
}

int64_t Wire::i64() const {
  expect(WireType::varint);
  return static_cast<int64_t>(value_);
}
int32_t Wire::i32() const { return static_cast<int32_t>(static_cast<uint32_t>(i64())); }
float Wire::f32() const {
  expect(WireType::fixed32);
  float v;
  std::memcpy(&v, bytes_.p, 4);
  return v;
}
Bytes Wire::bytes() const {
  expect(WireType::bytes);
  return bytes_;
}
std::string_view Wire::text() const {
  std::string_view s = bytes().text();
  if (!is_utf8(s)) throw bad("field " + std::to_string(field_) + " is no valid UTF-8 text");
  return s;
}

void Wire::append(std::vector<int64_t>& to) const {
  if (type_ == WireType::varint) {
    to.push_back(i64());
    return;
  }
  for (Varints v(*file_, bytes()); v.more();) to.push_back(static_cast<int64_t>(v.next()));
}

void Wire::append(std::vector<double>& to) const {
  if (type_ == WireType::fixed32) {
    to.push_back(f32());
    return;
  }
  Bytes b = bytes();
  if (b.n % 4) throw bad("packed floats end in the middle of one");
  for (uint64_t i = 0; i < b.n; i += 4) {
    float v;
    std::memcpy(&v, b.p + i, 4);
    to.push_back(v);
  }
}

uint64_t Varints::next() {
  uint64_t v = 0;
  const uint8_t* after = read_varint(p_, end_, &v);
  if (!after) throw file_->bad(p_, "a number is cut off or longer than 10 bytes");
  p_ = after;
  return v;
}

}  // namespace tenon::onnx
