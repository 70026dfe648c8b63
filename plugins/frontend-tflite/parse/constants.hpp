// SPDX-License-Identifier: Apache-2.0
// constants.hpp - contents of constant tensors, as ranges of the mapped file wherever the IR can use them so.
#pragma once
#include <map>
#include <optional>

#include "types.hpp"

namespace tenon::tflite {

struct Constant {
  tenon_dtype type{};
  Dims dims;
  Buffer buffer;
  uint64_t offset = 0;
};

class Constants {
  tenon_ctx* ctx_;
  const tenon_source* source_;
  const File* file_;
  uint64_t copied_ = 0, expanded_ = 0;
  std::map<uint32_t, Buffer> external_;  ///< files of the model's external buffer groups

  struct Range {
    Buffer buffer;
    uint64_t offset = 0, size = 0;
  };
  Error bad(const fb::Tensor& t, const std::string& text) const;
  std::optional<Range> stored(const fb::Tensor& t);
  Range external(const fb::Tensor& t);
  Range in_file(const void* at, uint64_t offset, uint64_t size) const;
  Constant place(const Range& r, Constant c);
  Constant clean_booleans(Constant c, uint64_t n);
  Constant strings(const fb::Tensor& t, const Range& r, Constant c, uint64_t n);
  Constant sparse(const fb::Tensor& t, const Range& r, Constant c, uint64_t n);

 public:
  Constants(tenon_ctx* ctx, const tenon_source* source, const File& file) : ctx_(ctx), source_(source), file_(&file) {}
  /// Nothing when the tensor has no contents in the file.
  std::optional<Constant> get(const fb::Tensor& t);
  uint64_t copied() const { return copied_; }
  /// Bytes of buffer number `index`, clipped to text up to the first 0; empty when it has none.
  std::string text(uint32_t index, uint64_t* size) const;
};

/// Writes the elements of a sparse tensor (packed at `values`, `count` of them, `width` bytes each) to their places in `dense`, which is zeroed.
void densify(const File& file, const fb::Tensor& t, const Dims& dims, const uint8_t* values, uint64_t count, uint64_t width, uint8_t* dense);

}  // namespace tenon::tflite
