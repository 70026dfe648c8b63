// SPDX-License-Identifier: Apache-2.0
// tensor.hpp - contents of tensors: ranges of the mapped files wherever the bytes there are what the IR wants.
#pragma once
#include <unordered_map>

#include "ast.hpp"
#include "types.hpp"

namespace tenon::onnx {

/// What Graph::add_constant takes.
struct Payload {
  tenon_dtype type = dt::none;
  Dims dims;
  Buffer buffer;
  uint64_t offset = 0;
};

/// Reads tensors of one model.
///
/// raw_data, external data, and packed float_data and double_data stay where they are. A small one that is not aligned for its
/// element type is copied, so that kernels see aligned data; a large one, or one beyond a tenth of the file, is not, so that
/// memory stays near the size of the file. Integers that protobuf stores as varints are decoded, and sparse tensors filled in.
class Tensors {
  tenon_ctx* ctx_;
  const tenon_source* source_;
  const File* file_;
  Buffer mapped_;
  uint64_t copied_ = 0;
  std::unordered_map<std::string, Buffer> external_;
  std::unordered_map<const uint8_t*, Payload> done_;

  Error bad(const TensorAst& t, const std::string& text) const;
  uint64_t count(const TensorAst& t, const Dims& dims, tenon_dtype type) const;
  Payload place(const Buffer& b, uint64_t offset, uint64_t bytes, Payload p);
  Payload from_raw(const TensorAst& t, Payload p, uint64_t n);
  Payload from_external(const TensorAst& t, Payload p, uint64_t n);
  Payload from_typed(const TensorAst& t, Payload p, uint64_t n);
  Payload from_strings(const TensorAst& t, Payload p, uint64_t n);
  Payload fixed_width(const TensorAst& t, Payload p, uint64_t bytes, uint64_t width);
  Payload varints(const TensorAst& t, Payload p, uint64_t n);
  Payload clean_booleans(Payload p, uint64_t n);
  Payload make(const TensorAst& t);
  std::vector<int64_t> indices(const SparseAst& s, uint64_t nonzero, uint64_t total);

 public:
  Tensors(tenon_ctx* ctx, const tenon_source* source, const File& file);
  /// Contents of t; the same message gives the same buffer again.
  Payload get(const TensorAst& t);
  /// The dense form of s.
  Payload get(const SparseAst& s);
  uint64_t copied() const { return copied_; }
};

}  // namespace tenon::onnx
