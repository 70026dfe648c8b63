// SPDX-License-Identifier: Apache-2.0
// file.hpp - the mapped model file, verified before anything in it is followed.
#pragma once
#include <tenon/tenon.hpp>

#include "tflite_generated.h"

namespace tenon::tflite {

struct File {
  Buffer mapped;
  const uint8_t* data = nullptr;
  uint64_t size = 0;
  std::string path;
  const fb::Model* model = nullptr;

  uint64_t position(const void* at) const { return static_cast<uint64_t>(static_cast<const uint8_t*>(at) - data); }
  /// A malformed model, with the position of the table or vector that shows it.
  Error bad(const void* at, std::string text) const;
};

/// Maps and verifies; throws E_INVALID for what is no TFLite file or a broken one.
File open_file(const tenon_source* source);

/// What a model may cost to build. Tables of a flatbuffer may be shared, so a small file can describe a huge model.
class Budget {
  uint64_t left_;
  const File* file_;

 public:
  explicit Budget(const File& file) : left_((uint64_t{2} << 20) + file.size / 2), file_(&file) {}
  /// Each unit stands for about 16 bytes of the model in memory.
  void spend(uint64_t units, const void* at);
};

}  // namespace tenon::tflite
