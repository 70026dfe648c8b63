// SPDX-License-Identifier: Apache-2.0
// Tokenizer: the tokens of each string along a new last axis, filled up with pad_value. Tokens are the matches of `tokenexp`, or what is between
// matches of the `separators`, one after the other; with the single separator "" they are the characters. Tokens of fewer than
// mincharnum characters are left out. With mark, each string's tokens stand between "\x02" and "\x03". Expressions are RE2's.
#include <re2/re2.h>

#include <memory>

#include "text/text.hpp"

namespace tenon::ops {
namespace {

using Tokens = std::vector<std::string_view>;
using Expression = std::unique_ptr<re2::RE2>;

Expression expression(const std::string& text) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  auto r = std::make_unique<re2::RE2>(text, quiet);
  if (!r->ok()) throw invalid("the pattern is no regular expression: " + r->error()).with("found", text).with("expected", "RE2's syntax");
  return r;
}

/// Bytes of the character that starts at s[at]; a byte that starts none counts as one.
size_t character(std::string_view s, size_t at) {
  size_t end = at + 1;
  while (end < s.size() && (static_cast<unsigned char>(s[end]) & 0xc0) == 0x80) ++end;
  return end - at;
}
int64_t characters(std::string_view s) {
  return std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

/// Calls f(begin, end) for each match that is not empty.
template <class F>
void for_matches(const re2::RE2& e, std::string_view s, F&& f) {
  const re2::StringPiece text(s.data(), s.size());
  for (size_t at = 0; at < s.size();) {
    re2::StringPiece match;
    if (!e.Match(text, at, s.size(), re2::RE2::UNANCHORED, &match, 1)) return;
    const size_t begin = static_cast<size_t>(match.data() - s.data());
    if (match.empty()) {
      if (begin >= s.size()) return;
      at = begin + character(s, begin);
      continue;
    }
    f(begin, begin + match.size());
    at = begin + match.size();
  }
}

class Splitter {
  Expression tokens_;
  std::vector<Expression> separators_;
  bool by_character_ = false;
  int64_t least_;

  void add(Tokens& r, std::string_view token) const {
    if (!token.empty() && characters(token) >= least_) r.push_back(token);
  }
  Tokens between(const re2::RE2& separator, const Tokens& parts) const {
    Tokens r;
    for (auto s : parts) {
      size_t at = 0;
      for_matches(separator, s, [&](size_t begin, size_t end) {
        add(r, s.substr(at, begin - at));
        at = end;
      });
      add(r, s.substr(at));
    }
    return r;
  }

 public:
  explicit Splitter(const Node& node) : least_(node.i("mincharnum", 1)) {
    const std::string tokens = node.s("tokenexp");
    const auto separators = node.strings("separators");
    if (tokens.empty() == separators.empty()) throw invalid("exactly one of tokenexp and separators must be there");
    if (!tokens.empty()) tokens_ = expression(tokens);
    by_character_ = separators.size() == 1 && separators[0].empty();
    for (const auto& s : separators)
      if (!by_character_) separators_.push_back(expression(s));
  }
  Tokens operator()(std::string_view s) const {
    Tokens r;
    if (by_character_)
      for (size_t at = 0; at < s.size(); at += character(s, at)) r.push_back(s.substr(at, character(s, at)));
    else if (tokens_) for_matches(*tokens_, s, [&](size_t begin, size_t end) { add(r, s.substr(begin, end - begin)); });
    else {
      r = {s};
      for (const auto& e : separators_) r = between(*e, r);
    }
    return r;
  }
};

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) return node.set_out_unranked(0, dt::string);
  Dims dims = x.dims().vec();
  dims.push_back(node.fresh_symbol());
  node.set_out(0, dt::string, dims);
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const Splitter split(node);
  const bool mark = node.i("mark") != 0;
  std::vector<Tokens> all;
  size_t widest = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    all.push_back(split(text_at(x, i)));
    widest = std::max(widest, all.back().size());
  }
  if (widest && mark) widest += 2;
  const std::string pad = node.s("pad_value");
  std::vector<std::string> y;
  for (const Tokens& tokens : all) {
    const size_t row_end = y.size() + widest;
    if (widest && mark) y.emplace_back("\x02");
    for (auto t : tokens) y.emplace_back(t);
    if (widest && mark) y.emplace_back("\x03");
    y.resize(row_end, pad);
  }
  Dims dims = x.dims().vec();
  dims.push_back(static_cast<int64_t>(widest));
  strings_out(node, 0, dims, y);
}

}  // namespace

TENON_OPERATOR("tenon", "Tokenizer", 1, 0,
               "(X: string) -> (Y: string) {mark?: int, pad_value?: string, mincharnum?: int, separators?: strings, tokenexp?: string}", infer, run);
}  // namespace tenon::ops
