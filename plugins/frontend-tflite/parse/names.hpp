// SPDX-License-Identifier: Apache-2.0
// names.hpp - names of a graph's values. The file's may be missing or stand for several tensors.
#pragma once
#include <string>
#include <unordered_map>

namespace tenon::tflite {

class Names {
  std::unordered_map<std::string, uint64_t> used_;

 public:
  /// `name`, or with a number behind it when it is taken. Empty stays empty: the IR makes one up.
  std::string unique(const std::string& name) {
    if (name.empty()) return name;
    auto [at, fresh] = used_.try_emplace(name, 1);
    if (fresh) return name;
    for (;;) {
      std::string next = name + "_" + std::to_string(at->second++);
      if (used_.try_emplace(next, 1).second) return next;
      at = used_.find(name);
    }
  }
};

}  // namespace tenon::tflite
