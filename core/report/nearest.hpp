// SPDX-License-Identifier: Apache-2.0
// nearest.hpp - "did you mean": the known word nearest to a misspelt one.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenon::core {

/// Smallest edit distance (insert, delete, replace, swap of neighbours) up to a third of the word, at least 1; empty when none is that near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);
/// "did you mean \"x\"?", or "known: a, b, c" when none is near, or "" when nothing is known.
std::string nearest_hint(std::string_view word, const std::vector<std::string>& known);

}  // namespace tenon::core
