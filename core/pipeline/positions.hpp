// SPDX-License-Identifier: Apache-2.0
// positions.hpp - where in a JSON text each value stands.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::core {

/// "line:column", both from 1, of a byte offset.
std::string line_column(std::string_view text, size_t offset);
/// One step of a JSON pointer (RFC 6901), with "~" and "/" escaped.
std::string pointer_step(std::string_view key);

/// Of a text that is known to be valid JSON and nested less deep than kMostDepth.
class Positions {
 public:
  static constexpr int kMostDepth = 100;
  Positions() = default;
  explicit Positions(std::string_view text);
  /// "line:column" of the value at a JSON pointer, of its key when `key`; of the nearest value around it when there is none.
  std::string of(std::string pointer, bool key = false) const;
  /// Pointers of keys that appear twice in one object.
  const std::vector<std::string>& duplicates() const { return duplicates_; }

 private:
  struct Place {
    size_t key, value;
  };
  std::string text_;
  std::map<std::string, Place> places_;
  std::vector<std::string> duplicates_;
  size_t value(size_t i, size_t key, const std::string& pointer);
  size_t skip_space(size_t i) const;
  size_t skip_string(size_t i) const;
};
/// Depth of nesting of brackets outside strings.
int json_depth(std::string_view text);

}  // namespace tenon::core
