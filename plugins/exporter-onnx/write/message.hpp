// SPDX-License-Identifier: Apache-2.0
// message.hpp - a protobuf message under construction, as a list of pieces: its own bytes, and borrowed ones, so that weights are
// never copied and a message inside another costs its length prefix.
#pragma once
#include <tenon/tenon.hpp>

namespace tenon::to_onnx {

class Message {
  struct Piece {
    std::string own;
    const void* data = nullptr;  ///< borrowed when not null
    uint64_t size = 0;
  };
  std::vector<Piece> pieces_;
  uint64_t size_ = 0;

  std::string& tail() {
    if (pieces_.empty() || pieces_.back().data) pieces_.emplace_back();
    return pieces_.back().own;
  }
  void varint(uint64_t v) {
    std::string& s = tail();
    for (++size_; v >= 0x80; v >>= 7, ++size_) s.push_back(static_cast<char>(v | 0x80));
    s.push_back(static_cast<char>(v));
  }
  void tag(uint32_t field, uint32_t wire) { varint(uint64_t{field} << 3 | wire); }
  void append(const void* data, uint64_t n) {
    tail().append(static_cast<const char*>(data), n);
    size_ += n;
  }

 public:
  uint64_t size() const { return size_; }
  void integer(uint32_t field, int64_t v) {
    tag(field, 0);
    varint(static_cast<uint64_t>(v));
  }
  void real(uint32_t field, float v) {
    tag(field, 5);
    append(&v, sizeof v);
  }
  void text(uint32_t field, std::string_view s) {
    tag(field, 2);
    varint(s.size());
    append(s.data(), s.size());
  }
  /// The bytes must live until write().
  void borrowed(uint32_t field, const void* data, uint64_t n) {
    constexpr uint64_t kWorthAPiece = 512;
    if (n < kWorthAPiece) return text(field, {static_cast<const char*>(data), n});
    tag(field, 2);
    varint(n);
    pieces_.push_back({{}, data, n});
    size_ += n;
  }
  void integers(uint32_t field, const std::vector<int64_t>& v) {
    Message packed;
    for (int64_t x : v) packed.varint(static_cast<uint64_t>(x));
    message(field, std::move(packed));
  }
  void message(uint32_t field, Message m) {
    tag(field, 2);
    varint(m.size_);
    for (Piece& p : m.pieces_) {
      if (p.data) pieces_.push_back(std::move(p));
      else tail() += p.own;
    }
    size_ += m.size_;
  }
  /// put(data, size) for each piece, in order.
  template <class F>
  void write(F&& put) const {
    for (const Piece& p : pieces_) put(p.data ? p.data : p.own.data(), p.data ? p.size : p.own.size());
  }
};

}  // namespace tenon::to_onnx
