// SPDX-License-Identifier: Apache-2.0
// SkipGram: n-grams of the words of a sentence (the first string), with at most max_skip_size words left out between neighbours. With
// include_all_ngrams also the shorter ones, each behind those that continue it. Order and word boundaries are those of LiteRT's kernel.
#include <cctype>

#include "text/text.hpp"

namespace tenon::ops {
namespace {

constexpr int64_t kMostGrams = int64_t{1} << 24;

bool space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::vector<std::string_view> words_of(std::string_view s) {
  std::vector<std::string_view> r;
  size_t begin = 0;
  for (size_t i = 1; i < s.size(); ++i) {
    if (!space(s[i])) continue;
    if (i > begin && !space(s[begin])) r.push_back(s.substr(begin, i - begin));
    begin = i + 1;
  }
  if (s.size() > begin) r.push_back(s.substr(begin));
  return r;
}

struct Grams {
  const std::vector<std::string_view>& words;
  size_t size, skip;
  bool shorter;
  std::vector<std::string> all;
  std::vector<size_t> chosen;  ///< positions of the words of the n-gram at hand

  void add() {
    if (static_cast<int64_t>(all.size()) >= kMostGrams) throw unsupported("a sentence has too many n-grams").with("expected", "at most " + std::to_string(kMostGrams));
    std::string& s = all.emplace_back();
    for (size_t at : chosen) s.append(s.empty() ? "" : " ").append(words[at]);
  }
  void run() {
    std::vector<size_t> next{0};  // next[d]: word to try at depth d
    while (!next.empty()) {
      const size_t depth = next.size() - 1, at = next.back();
      const size_t limit = depth == 0 ? words.size() : std::min(words.size(), chosen[depth - 1] + skip + 2);
      if (depth < size && at < limit) {
        ++next.back();
        chosen.push_back(at);
        next.push_back(at + 1);
        continue;
      }
      if (depth > 0 && (shorter || depth == size)) add();
      next.pop_back();
      if (!chosen.empty()) chosen.pop_back();
    }
  }
};

void infer(const Node& node) { node.set_out(0, dt::string, Dims{node.fresh_symbol()}); }

void run(const Node& node) {
  const int64_t size = node.i("ngram_size"), skip = node.i("max_skip_size");
  if (size < 1 || skip < 0) fail("ngram_size or max_skip_size is too small", "ngram_size >= 1, max_skip_size >= 0", std::to_string(size) + " and " + std::to_string(skip));
  if (node.in(0).count() < 1) throw invalid("the input holds no sentence");
  const auto words = words_of(text_at(node.in(0), 0));
  Grams grams{words, static_cast<size_t>(size), static_cast<size_t>(std::min<int64_t>(skip, static_cast<int64_t>(words.size()))), node.i("include_all_ngrams") != 0, {}, {}};
  if (words.size() >= grams.size) grams.run();
  strings_out(node, 0, Dims{static_cast<int64_t>(grams.all.size())}, grams.all);
}

}  // namespace

TENON_OPERATOR("tenon", "SkipGram", 1, 0, "(input: string) -> (output: string) {ngram_size: int, max_skip_size?: int, include_all_ngrams?: int}", infer, run);
}  // namespace tenon::ops
