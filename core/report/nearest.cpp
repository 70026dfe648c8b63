// SPDX-License-Identifier: Apache-2.0
#include "nearest.hpp"

#include <algorithm>

namespace tenon::core {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string found;
  for (const auto& k : known) {
    size_t d = edit_distance(word, k);
    if (d < best) best = d, found = k;
  }
  return found;
}

std::string nearest_hint(std::string_view word, const std::vector<std::string>& known) {
  std::string near = nearest_word(word, known);
  if (!near.empty()) return "did you mean \"" + near + "\"?";
  std::string all;
  for (const auto& k : known) all += (all.empty() ? "known: " : ", ") + k;
  return all;
}

}  // namespace tenon::core
