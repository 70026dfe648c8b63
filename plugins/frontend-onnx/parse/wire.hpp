// SPDX-License-Identifier: Apache-2.0
// wire.hpp - a bounds-checked reader of protobuf's wire format over the mapped file. It copies nothing: a field's bytes are a
// range of the file, so a weight of any size costs nothing to pass over. Malformed input throws with its byte offset.
#pragma once
#include <tenon/tenon.hpp>

namespace tenon::onnx {

/// A range of the mapped file.
struct Bytes {
  const uint8_t* p = nullptr;
  uint64_t n = 0;
  std::string_view text() const { return {reinterpret_cast<const char*>(p), static_cast<size_t>(n)}; }
};

/// The whole file; positions in messages count from its first byte.
struct File {
  Bytes bytes;
  std::string path;
  uint64_t position(const void* p) const { return static_cast<uint64_t>(static_cast<const uint8_t*>(p) - bytes.p); }
  /// E_INVALID at a place of the file.
  Error bad(const void* at, std::string text) const;
};

bool is_utf8(std::string_view s);

/// Wire types of protobuf. Groups (3 and 4) are obsolete, and ONNX never had any.
enum class WireType : uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Walks the fields of one message.
class Wire {
  const File* file_;
  const char* message_;
  const uint8_t* p_;
  const uint8_t* end_;
  const uint8_t* at_ = nullptr;
  uint32_t field_ = 0;
  WireType type_{};
  uint64_t value_ = 0;
  Bytes bytes_;

  uint64_t varint();
  void expect(WireType t) const;

 public:
  /// `message` names the message type in error texts.
  Wire(const File& file, const char* message, Bytes b) : file_(&file), message_(message), p_(b.p), end_(b.p + b.n) {}
  /// Moves to the next field; false at the end.
  bool next();
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  const char* message() const { return message_; }
  const uint8_t* at() const { return at_; }
  Error bad(const std::string& text) const { return file_->bad(at_, std::string(message_) + ": " + text); }

  // the current field; another wire type than asked for is malformed
  int64_t i64() const;
  int32_t i32() const;
  float f32() const;
  Bytes bytes() const;
  /// Bytes of a length-delimited or fixed-width field.
  Bytes raw() const { return bytes_; }
  /// A string field: must be UTF-8.
  std::string_view text() const;
  /// Appends a repeated integer, packed or not.
  void append(std::vector<int64_t>& to) const;
  /// Appends a repeated float, packed or not.
  void append(std::vector<double>& to) const;
};

/// Varints in a row, as in a packed field; throws when one is cut off.
class Varints {
  const File* file_;
  const uint8_t* p_;
  const uint8_t* end_;

 public:
  Varints(const File& file, Bytes b) : file_(&file), p_(b.p), end_(b.p + b.n) {}
  bool more() const { return p_ != end_; }
  uint64_t next();
};

}  // namespace tenon::onnx
