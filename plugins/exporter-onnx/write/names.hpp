// SPDX-License-Identifier: Apache-2.0
// names.hpp - names that are unique in a whole model, as ONNX wants them for values, and its tools for nodes.
#pragma once
#include <tenon/tenon.hpp>

#include <unordered_map>
#include <unordered_set>

namespace tenon::to_onnx {

class Names {
  std::unordered_map<uint64_t, std::string> of_;
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, uint64_t> next_;

 public:
  /// The name, or the name with a number behind it when it is taken.
  std::string fresh(std::string_view wanted) {
    std::string base(wanted.empty() ? "value" : wanted), name = base;
    while (!used_.insert(name).second) name = base + "_" + std::to_string(++next_[base]);
    return name;
  }
  /// The name of id, made up from `wanted` when it has none yet.
  const std::string& of(uint64_t id, std::string_view wanted) {
    auto [at, is_new] = of_.try_emplace(id);
    if (is_new) at->second = fresh(wanted);
    return at->second;
  }
  bool has(uint64_t id) const { return of_.count(id) != 0; }
  /// A name that id must have; false when another one has it already.
  bool claim(uint64_t id, std::string_view name) {
    if (has(id)) return of_[id] == name;
    if (!used_.insert(std::string(name)).second) return false;
    of_[id] = name;
    return true;
  }
};

}  // namespace tenon::to_onnx
