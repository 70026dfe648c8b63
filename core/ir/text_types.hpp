// SPDX-License-Identifier: Apache-2.0
// text_types.hpp - element types, names and elements of small constants in the text form.
#pragma once
#include "model.hpp"

namespace tenon::core {

/// Characters of a value name that needs no quotes.
bool value_name_char(char c);
bool plain_value_name(std::string_view s);
/// Graph, operator, domain and attribute names that need no quotes.
bool word_char(char c);
bool plain_word(std::string_view s);

/// dtype_name() where that reads back, else "dtype<code, bits, lanes, flags>".
std::string dtype_text(tenon_dtype t);
/// Reads an element type or container at text[*at]; false leaves *at at the error.
bool parse_dtype(std::string_view text, size_t* at, tenon_dtype* out);

/// Elements as text; false where the type has no exact and readable one.
bool dense_text(tenon_dtype t, const uint8_t* data, uint64_t bytes, uint64_t elements, std::string* out);
/// Number of a float attribute: "1.5", "1e-05f", "inf", "nan", "nan(0x7ff8...)".
bool parse_double(std::string_view token, double* out);
bool parse_integer(std::string_view token, int64_t* out);
/// Puts one element at position k of zeroed bytes; false when the token is no element of that type.
bool pack_element(tenon_dtype t, std::string_view token, uint64_t k, uint8_t* data);

}  // namespace tenon::core
