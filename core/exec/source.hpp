// SPDX-License-Identifier: Apache-2.0
// source.hpp - the model file that a frontend reads, and the files beside it that it may read.
#pragma once
#include <tenon/abi.h>

#include <map>
#include <memory>
#include <string>

#include "../ir/buffer.hpp"

namespace tenon::core {

/// Maps the file; siblings only inside its folder: no absolute names, no "..", no links that lead out.
class Source {
 public:
  static Result<std::unique_ptr<Source>> open(const std::string& path);
  const tenon_source* get() const { return &source_; }
  Result<BufferRef> sibling(std::string_view relative);

 private:
  std::string path_, extension_, folder_;
  BufferRef bytes_;
  std::map<std::string, BufferRef> siblings_;
  tenon_source source_{};
};

}  // namespace tenon::core
