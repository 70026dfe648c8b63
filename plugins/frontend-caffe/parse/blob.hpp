// SPDX-License-Identifier: Apache-2.0
// blob.hpp - the numbers of a layer, as a constant.
#pragma once
#include "message.hpp"

namespace tenon::caffe {

struct Blob {
  Dims dims;
  Buffer buffer;       ///< f32
  uint64_t offset = 0;
};

/// Reads a BlobProto. f32 data that is one run of the file stays there; double and half precision become f32, as Caffe loads them
/// into a network of floats. `layer` is named in errors.
Blob read_blob(const Ctx& ctx, const File& file, const Message& m, const std::string& layer);

}  // namespace tenon::caffe
