// SPDX-License-Identifier: Apache-2.0
#include "lexer.hpp"

#include <algorithm>

namespace tenon::caffe {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
int hex_value(char c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

/// One escape; `at` stands behind the backslash and is moved past it.
bool unescape(std::string_view s, size_t* at, std::string* out) {
  char c = s[(*at)++];
  if (is_octal(c)) {
    int v = c - '0';
    for (int k = 0; k < 2 && *at < s.size() && is_octal(s[*at]); ++k) v = v * 8 + (s[(*at)++] - '0');
    out->push_back(static_cast<char>(v));
    return v < 256;
  }
  if (c == 'x' || c == 'X') {
    int v = 0, n = 0;
    for (; n < 2 && *at < s.size() && hex_value(s[*at]) >= 0; ++n) v = v * 16 + hex_value(s[(*at)++]);
    out->push_back(static_cast<char>(v));
    return n > 0;
  }
  constexpr std::string_view from = "abfnrtv\\'\"?", to = "\a\b\f\n\r\t\v\\'\"?";
  size_t k = from.find(c);
  if (k == from.npos) return false;
  out->push_back(to[k]);
  return true;
}

}  // namespace

void Lexer::skip_space() {
  for (; at_ < in_.size(); ++at_) {
    bool comment = in_[at_] == '#' || in_.substr(at_, 2) == "//";
    if (comment) at_ = std::min(in_.find('\n', at_), in_.size());
    if (at_ >= in_.size() || !(in_[at_] == ' ' || (in_[at_] >= '\t' && in_[at_] <= '\r'))) return;
  }
}

Token Lexer::scan() {
  skip_space();
  at_ = std::min<uint64_t>(at_, in_.size());
  uint64_t start = at_;
  auto token = [&](Token::Kind k) { return Token{k, in_.substr(start, at_ - start), start}; };
  if (at_ == in_.size()) return token(Token::end);
  char c = in_[at_++];
  auto more = [&](auto accept) {
    while (at_ < in_.size() && accept(in_[at_])) ++at_;
  };
  if (is_letter(c)) {
    more([](char x) { return is_letter(x) || is_digit(x); });
    return token(Token::word);
  }
  if (is_digit(c) || (c == '.' && at_ < in_.size() && is_digit(in_[at_]))) {
    char last = c;
    more([&](char x) {
      bool sign = (x == '+' || x == '-') && (last == 'e' || last == 'E');
      last = x;
      return is_letter(x) || is_digit(x) || x == '.' || sign;
    });
    return token(Token::number);
  }
  if (c != '"' && c != '\'') return token(Token::symbol);
  while (at_ < in_.size() && in_[at_] != c && in_[at_] != '\n') at_ += in_[at_] == '\\' ? 2 : 1;
  at_ = std::min<uint64_t>(at_ + 1, in_.size());
  return token(Token::text);
}

Token Lexer::take() {
  Token t = now_;
  now_ = scan();
  return t;
}

bool Lexer::accept(char symbol) {
  if (!now_.is(symbol)) return false;
  take();
  return true;
}

std::string Lexer::place(uint64_t at) const {
  std::string_view before = in_.substr(0, at);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  size_t last = before.rfind('\n');
  return "line " + std::to_string(line) + ", column " + std::to_string(at - (last == before.npos ? 0 : last + 1) + 1);
}

bool unquote(std::string_view q, std::string* out) {
  if (q.size() < 2 || q.front() != q.back()) return false;
  q = q.substr(1, q.size() - 2);
  for (size_t i = 0; i < q.size();) {
    if (q[i] != '\\') {
      out->push_back(q[i++]);
      continue;
    }
    if (++i >= q.size() || !unescape(q, &i, out)) return false;
  }
  return true;
}

}  // namespace tenon::caffe
