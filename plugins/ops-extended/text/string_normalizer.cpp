// SPDX-License-Identifier: Apache-2.0
// StringNormalizer: removes stop words, then changes the case. Input [C] or [1, C]; when nothing is left, one empty string.
#include <clocale>
#include <cwctype>
#include <set>

#include <locale.h>

#include "text/text.hpp"

namespace tenon::ops {
namespace {

enum class Case { none, lower, upper };

Case case_of(const std::string& name) {
  if (name == "NONE") return Case::none;
  if (name == "LOWER") return Case::lower;
  if (name == "UPPER") return Case::upper;
  throw invalid("unknown case_change_action").with("expected", "NONE, LOWER or UPPER").with("found", name);
}

/// Code point at s[i], and i moved behind it; a byte that is no UTF-8 stands for itself, beyond the range of Unicode.
constexpr uint32_t kRawByte = 0x200000;
uint32_t next_code_point(std::string_view s, size_t& i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char first = byte(i);
  const size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 1) return s[i++] & 0x7f;
  if (length == 0 || i + length > s.size()) return kRawByte + byte(i++);
  uint32_t c = first & (0x7fu >> length);
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xc0) != 0x80) return kRawByte + byte(i++);
    c = c << 6 | (byte(i + k) & 0x3f);
  }
  i += length;
  return c;
}
void append(std::string& s, uint32_t c) {
  if (c >= kRawByte) s += static_cast<char>(c - kRawByte);
  else if (c < 0x80) s += static_cast<char>(c);
  else if (c < 0x800) (s += static_cast<char>(0xc0 | c >> 6)) += static_cast<char>(0x80 | (c & 0x3f));
  else if (c < 0x10000) ((s += static_cast<char>(0xe0 | c >> 12)) += static_cast<char>(0x80 | (c >> 6 & 0x3f))) += static_cast<char>(0x80 | (c & 0x3f));
  else (((s += static_cast<char>(0xf0 | c >> 18)) += static_cast<char>(0x80 | (c >> 12 & 0x3f))) += static_cast<char>(0x80 | (c >> 6 & 0x3f))) += static_cast<char>(0x80 | (c & 0x3f));
}

/// Case mapping of a locale. Most languages share Unicode's; those that do not need their locale installed.
class Mapping {
  locale_t locale_ = nullptr;

 public:
  explicit Mapping(const std::string& name) {
    static constexpr std::string_view special[] = {"tr", "az", "lt"};
    if (!name.empty()) locale_ = newlocale(LC_CTYPE_MASK, name.c_str(), nullptr);
    const bool own_rules = std::find(std::begin(special), std::end(special), std::string_view(name).substr(0, 2)) != std::end(special);
    if (!locale_ && own_rules) throw unsupported("the locale is not installed, and its language has case rules of its own").with("found", name);
    if (!locale_) locale_ = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (!locale_) throw unsupported("locale C.UTF-8 is not installed");
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { freelocale(locale_); }
  std::string operator()(std::string_view s, Case to) const {
    if (to == Case::none) return std::string(s);
    std::string r;
    for (size_t i = 0; i < s.size();) {
      const uint32_t c = next_code_point(s, i);
      append(r, c >= kRawByte ? c : static_cast<uint32_t>(to == Case::lower ? towlower_l(static_cast<wint_t>(c), locale_) : towupper_l(static_cast<wint_t>(c), locale_)));
    }
    return r;
  }
};

std::vector<std::string> normalized(const Node& node) {
  const Mapping map(node.s("locale"));
  const Case change = case_of(node.s("case_change_action", "NONE"));
  const Case compare = node.i("is_case_sensitive") ? Case::none : Case::lower;
  std::set<std::string> stop;
  for (const auto& word : node.strings("stopwords")) stop.insert(map(word, compare));
  std::vector<std::string> r;
  for (int64_t i = 0; i < node.in(0).count(); ++i) {
    const std::string_view s = text_at(node.in(0), i);
    if (!stop.count(map(s, compare))) r.push_back(map(s, change));
  }
  if (r.empty()) r.emplace_back();
  return r;
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  case_of(node.s("case_change_action", "NONE"));
  if (!x.has_rank()) return node.set_out_unranked(0, dt::string);
  if (x.rank() != 1 && x.rank() != 2) fail("the input has a wrong rank", "[C] or [1, C]", shape_text(x));
  if (x.rank() == 2) same_dim(x.dim(0), 1, "the first dimension and 1");
  Dims dims = x.dims().vec();
  if (!node.strings("stopwords").empty() || dims.back() == 0) dims.back() = node.fresh_symbol();
  node.set_out(0, dt::string, dims);
}

void run(const Node& node) {
  const auto r = normalized(node);
  Dims dims{static_cast<int64_t>(r.size())};
  if (node.in(0).rank() == 2) dims.insert(dims.begin(), 1);
  strings_out(node, 0, dims, r);
}

}  // namespace

TENON_OPERATOR("tenon", "StringNormalizer", 1, 0,
               "(X: string) -> (Y: string) {case_change_action?: string, is_case_sensitive?: int, locale?: string, stopwords?: strings}", infer, run);
}  // namespace tenon::ops
