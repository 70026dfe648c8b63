// SPDX-License-Identifier: Apache-2.0
// quote.hpp - names and strings in the text form.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::core {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "..." with \" \\ \n \t \r, and \xHH for other control characters and bytes that are no UTF-8.
std::string quote(std::string_view s);
/// Inverse: text[*at] is the opening quote; *at moves behind the closing one, or to the place of the error.
bool unquote(std::string_view text, size_t* at, std::string* out);

std::string to_base64(const uint8_t* data, uint64_t size);
/// False for anything but what to_base64 writes.
bool from_base64(std::string_view text, std::vector<uint8_t>* out);

/// Shortest text that reads back as the same value; always with '.', 'e', "inf" or "nan", so that it is no integer. The text of a
/// double that is a float is the float's, with "f" behind it, where that is shorter.
std::string float_text(float v);
std::string double_text(double v);

}  // namespace tenon::core
