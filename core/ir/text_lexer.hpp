// SPDX-License-Identifier: Apache-2.0
// text_lexer.hpp - reads the text form piece by piece and remembers the first error with its place.
#pragma once
#include <string>
#include <string_view>

#include "../report/error.hpp"

namespace tenon::core {

/// Functions skip blanks and // comments first, and return false on a syntax error, which is then in error().
class TextLexer {
 public:
  explicit TextLexer(std::string_view text) : text_(text) {}

  size_t at() {
    skip();
    return at_;
  }
  bool at_end() { return at() == text_.size(); }
  char peek() { return at_end() ? '\0' : text_[at_]; }
  std::string_view text() const { return text_; }
  void move_to(size_t at) { at_ = at; }

  /// Takes a character or a whole word if it is next; no error otherwise.
  bool accept(char c);
  bool accept_word(std::string_view w);
  bool expect(char c);
  bool expect_word(std::string_view w);
  /// Plain word or quoted text.
  bool name(std::string* out);
  bool string(std::string* out);
  /// Characters of a number; not checked further.
  bool number(std::string_view* out);
  bool integer(int64_t* out);

  bool fail_at(size_t at, std::string message, std::string expected = {});
  bool fail_with(size_t at, Error e);
  Error error() const { return error_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
  bool failed_ = false;
  Error error_;
  void skip();
  std::string position(size_t at) const;
  std::string found(size_t at) const;
};

}  // namespace tenon::core
