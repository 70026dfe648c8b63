// SPDX-License-Identifier: Apache-2.0
#include "quant/cast_string.hpp"

#include <charconv>

#include "common/infer.hpp"
#include "common/whole_bytes.hpp"

namespace tenon::ops {
namespace {
template <class C>
std::string_view number_text(C v, char (&buffer)[64]) {
  if constexpr (std::is_floating_point_v<C>) {
    if (v != v) return "NaN";
    if (std::isinf(v)) return v > 0 ? "INF" : "-INF";
  }
  if constexpr (std::is_same_v<C, bool>) return v ? "1" : "0";
  else return {buffer, static_cast<size_t>(std::to_chars(buffer, buffer + sizeof buffer, v).ptr - buffer)};
}
[[noreturn]] void fail_text(std::string_view s) { fail("a string cannot be read as a number", "a number", "'" + std::string(s) + "'"); }
std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r\n");
  if (first == s.npos) return {};
  s = s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
  return s.size() > 1 && s[0] == '+' && s[1] != '-' ? s.substr(1) : s;
}
template <class N>
bool read(std::string_view s, N& v) {
  const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
  return !s.empty() && r.ec == std::errc() && r.ptr == s.data() + s.size();
}
double parse_double(std::string_view s) {
  const std::string_view digits = trimmed(s);
  double v = 0;
  if (read(digits, v)) return v;
  // from_chars refuses what lies outside the range; strtod gives infinity or 0.
  const std::string copy(digits);
  char* end = nullptr;
  v = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end || copy.find_first_of("xX") != copy.npos) fail_text(s);
  return v;
}
template <class T>
T parse(std::string_view s) {
  if constexpr (std::is_same_v<T, float>) {
    float v = 0;  // straight to float: one rounding
    return read(trimmed(s), v) ? v : static_cast<float>(parse_double(s));
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    T v = 0;
    return read(trimmed(s), v) ? v : convert<T>(parse_double(s));
  } else {
    return convert<T>(parse_double(s));
  }
}
}  // namespace

void cast_to_strings(const Node& node) {
  const RawInput in(node.in(0));
  visit<AllNumberTypes>(whole_type(node.in(0).type()), [&]<class T>(Tag<T>) {
    char buffer[64];
    for (int64_t i = 0; i < node.in(0).count(); ++i)
      node.string_out(0, static_cast<uint64_t>(i), number_text(compute_t<T>(in.data<T>()[i]), buffer));
  });
}
void cast_from_strings(const Node& node) {
  const tenon_str* x = node.in(0).data<tenon_str>();
  const RawOutput out(node, 0);
  visit<AllNumberTypes>(whole_type(node.out(0).type()), [&]<class T>(Tag<T>) {
    for (int64_t i = 0; i < node.in(0).count(); ++i) out.data<T>()[i] = parse<T>(view(x[i]));
  });
  out.commit();
}

}  // namespace tenon::ops
