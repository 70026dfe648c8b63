// SPDX-License-Identifier: Apache-2.0
#include "text_lexer.hpp"

#include <algorithm>

#include "quote.hpp"
#include "text_types.hpp"

namespace tenon::core {

void TextLexer::skip() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') ++at_;
    else if (text_.substr(at_, 2) == "//") at_ = std::min(text_.find('\n', at_), text_.size());
    else break;
  }
}

bool TextLexer::accept(char c) {
  if (peek() != c || at_end()) return false;
  ++at_;
  return true;
}

bool TextLexer::accept_word(std::string_view w) {
  if (text_.substr(at(), w.size()) != w) return false;
  const size_t end = at_ + w.size();
  if (word_char(w.back()) && end < text_.size() && word_char(text_[end])) return false;
  at_ = end;
  return true;
}

bool TextLexer::expect(char c) { return accept(c) || fail_at(at(), "syntax error", std::string("'") + c + "'"); }
bool TextLexer::expect_word(std::string_view w) { return accept_word(w) || fail_at(at(), "syntax error", "'" + std::string(w) + "'"); }

bool TextLexer::name(std::string* out) {
  if (peek() == '"') return string(out);
  const size_t begin = at_;
  while (at_ < text_.size() && word_char(text_[at_])) ++at_;
  *out = text_.substr(begin, at_ - begin);
  return plain_word(*out) || fail_at(begin, "syntax error", "a name");
}

bool TextLexer::string(std::string* out) {
  size_t end = at();
  if (unquote(text_, &end, out)) return at_ = end, true;
  return fail_at(end, "syntax error in a string", "\"...\" with escapes \\\" \\\\ \\n \\t \\r \\xHH");
}

bool TextLexer::number(std::string_view* out) {
  const size_t begin = at();
  const auto more = [&](size_t i) {
    if (i >= text_.size()) return false;
    const char c = text_[i];
    return is_letter(c) || is_digit(c) || c == '.' || ((c == '+' || c == '-') && (i == begin || text_[i - 1] == 'e'));
  };
  while (more(at_)) ++at_;
  if (text_.substr(begin, at_ - begin) == "nan" && at_ < text_.size() && text_[at_] == '(') {
    while (at_ < text_.size() && text_[at_] != ')' && text_[at_] != '\n') ++at_;
    if (at_ < text_.size()) ++at_;
  }
  *out = text_.substr(begin, at_ - begin);
  return !out->empty() || fail_at(begin, "syntax error", "a number");
}

bool TextLexer::integer(int64_t* out) {
  std::string_view token;
  const size_t begin = at();
  return number(&token) && (parse_integer(token, out) || fail_at(begin, "syntax error", "an integer"));
}

bool TextLexer::fail_at(size_t at, std::string message, std::string expected) {
  Error e(TENON_E_INVALID, "the text of a model is malformed: " + message);
  if (!expected.empty()) e.with("expected", std::move(expected)).with("found", found(at));
  return fail_with(at, std::move(e));
}

bool TextLexer::fail_with(size_t at, Error e) {
  if (!failed_) error_ = std::move(e).with("position", position(at));
  failed_ = true;
  return false;
}

std::string TextLexer::position(size_t at) const {
  const auto before = text_.substr(0, at);
  const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return std::to_string(line) + ":" + std::to_string(at - start + 1);
}

std::string TextLexer::found(size_t at) const {
  if (at >= text_.size()) return "the end of the text";
  const auto rest = text_.substr(at, 20);
  return quote(rest.substr(0, rest.find('\n')));
}

}  // namespace tenon::core
