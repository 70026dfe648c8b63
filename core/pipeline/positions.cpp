// SPDX-License-Identifier: Apache-2.0
#include "positions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tenon::core {

std::string line_column(std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n') + 1;
  size_t start = offset ? text.rfind('\n', offset - 1) : std::string_view::npos;
  return std::to_string(line) + ':' + std::to_string(offset - (start == std::string_view::npos ? 0 : start + 1) + 1);
}

std::string pointer_step(std::string_view key) {
  std::string s = "/";
  for (char c : key) s += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return s;
}

int json_depth(std::string_view text) {
  int depth = 0, most = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '{' || c == '['))
      most = std::max(most, ++depth);
    else if (!in_string && (c == '}' || c == ']'))
      --depth;
  }
  return most;
}

Positions::Positions(std::string_view text) : text_(text) { value(skip_space(0), 0, ""); }

size_t Positions::skip_space(size_t i) const {
  while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\n' || text_[i] == '\t' || text_[i] == '\r')) ++i;
  return i;
}

size_t Positions::skip_string(size_t i) const {
  for (++i; i < text_.size() && text_[i] != '"'; ++i)
    if (text_[i] == '\\') ++i;
  return i + 1;
}

size_t Positions::value(size_t i, size_t key, const std::string& pointer) {
  if (!places_.insert_or_assign(pointer, Place{key, i}).second) duplicates_.push_back(pointer);
  if (i >= text_.size()) return i;
  if (text_[i] == '"') return skip_string(i);
  if (text_[i] != '{' && text_[i] != '[') return std::min(text_.find_first_of(",]} \n\t\r", i), text_.size());
  bool object = text_[i] == '{';
  size_t index = 0;
  for (i = skip_space(i + 1); i < text_.size() && text_[i] != '}' && text_[i] != ']';) {
    size_t at = i;
    std::string step = '/' + std::to_string(index++);
    if (object) {
      size_t end = skip_string(i);
      step = pointer_step(nlohmann::json::parse(text_.substr(i, end - i)).get<std::string>());
      i = skip_space(skip_space(end) + 1);
    }
    i = skip_space(value(i, at, pointer + step));
    if (i < text_.size() && text_[i] == ',') i = skip_space(i + 1);
  }
  return i + 1;
}

std::string Positions::of(std::string pointer, bool key) const {
  auto it = places_.find(pointer);
  while (it == places_.end() && !pointer.empty()) {
    pointer.resize(pointer.rfind('/'));
    it = places_.find(pointer);
  }
  if (it == places_.end()) return {};
  return line_column(text_, key ? it->second.key : it->second.value);
}

}  // namespace tenon::core
