// SPDX-License-Identifier: Apache-2.0
// source.hpp - the model file that a frontend reads, and the files beside it that it may read.
#pragma once
#include <tenon/abi.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "../ir/buffer.hpp"

namespace tenon::core {

/// Maps the file; siblings only inside its folder: no absolute names, no "..", no links that lead out.
class Source {
 public:
  static Result<std::unique_ptr<Source>> open(const std::string& path);
  const tenon_source* get() const { return &source_; }
  Result<BufferRef> sibling(std::string_view relative);
  /// Lets sibling() open this path too: the user named it, not the model.
  void allow(const std::string& path) { allowed_.insert(path); }

 private:
  std::string path_, extension_, folder_;
  BufferRef bytes_;
  std::map<std::string, BufferRef> siblings_;
  std::set<std::string> allowed_;
  tenon_source source_{};
};

}  // namespace tenon::core
