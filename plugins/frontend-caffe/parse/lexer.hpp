// SPDX-License-Identifier: Apache-2.0
// lexer.hpp - words of protobuf's text format and of its schema language.
#pragma once
#include <string>
#include <string_view>

namespace tenon::caffe {

struct Token {
  enum Kind { end, word, number, text, symbol } kind = end;
  std::string_view s;       ///< as written; quoted text with its quotes
  uint64_t at = 0;          ///< byte in the input
  bool is(char c) const { return kind == symbol && s[0] == c; }
};

/// `#` starts a comment in the text format, `//` in the schema language; here both do in either.
class Lexer {
  std::string_view in_;
  uint64_t at_ = 0;
  Token now_;
  void skip_space();
  Token scan();

 public:
  explicit Lexer(std::string_view in) : in_(in) { now_ = scan(); }
  const Token& peek() const { return now_; }
  Token take();
  bool accept(char symbol);
  /// "line 3, column 7"
  std::string place(uint64_t at) const;
};

/// The characters that quoted text stands for; false where an escape is malformed.
bool unquote(std::string_view quoted, std::string* out);

}  // namespace tenon::caffe
