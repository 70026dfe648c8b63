// SPDX-License-Identifier: Apache-2.0
// text.hpp - names and texts of the file. The IR's are UTF-8.
#pragma once
#include <string>
#include <string_view>

#include <flatbuffers/flatbuffers.h>

namespace tenon::tflite {

/// The same text with U+FFFD in the place of bytes that are no UTF-8.
std::string utf8(std::string_view s);
/// Empty when absent.
inline std::string text(const flatbuffers::String* s) { return s ? utf8({s->c_str(), s->size()}) : std::string(); }

}  // namespace tenon::tflite
