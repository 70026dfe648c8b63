// SPDX-License-Identifier: Apache-2.0
#include "npy_header.hpp"

#include <charconv>
#include <cstring>
#include <string_view>

namespace tenon::core {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};

Error malformed(std::string what) { return Error(TENON_E_INVALID, "not a valid array file: " + std::move(what)); }

/// Reader of the dict literal: strings, True and False, tuples of integers.
class DictReader {
  std::string_view s_;
  size_t i_ = 0;

  void space() {
    while (i_ < s_.size() && (s_[i_] == ' ' || s_[i_] == '\n' || s_[i_] == '\t' || s_[i_] == '\r')) ++i_;
  }
  bool eat(char c) {
    space();
    if (i_ >= s_.size() || s_[i_] != c) return false;
    ++i_;
    return true;
  }
  bool eat_word(std::string_view w) {
    space();
    if (s_.substr(i_, w.size()) != w) return false;
    i_ += w.size();
    return true;
  }
  bool text(std::string* out) {
    space();
    if (i_ >= s_.size() || (s_[i_] != '\'' && s_[i_] != '"')) return false;
    size_t end = s_.find(s_[i_], i_ + 1);
    if (end == std::string_view::npos) return false;
    *out = s_.substr(i_ + 1, end - i_ - 1);
    i_ = end + 1;
    return true;
  }
  bool integer(int64_t* out) {
    space();
    auto [p, ec] = std::from_chars(s_.data() + i_, s_.data() + s_.size(), *out);
    if (ec != std::errc{}) return false;
    i_ = static_cast<size_t>(p - s_.data());
    return !(i_ < s_.size() && s_[i_] == 'L') || ++i_;
  }
  bool tuple(std::vector<int64_t>* out) {
    if (!eat('(')) return false;
    while (!eat(')')) {
      int64_t v = 0;
      if (!integer(&v) || v < 0 || out->size() >= 64) return false;
      out->push_back(v);
      if (!eat(',') && (space(), i_ >= s_.size() || s_[i_] != ')')) return false;
    }
    return true;
  }
  bool boolean(bool* out) {
    *out = eat_word("True");
    return *out || eat_word("False");
  }

 public:
  explicit DictReader(std::string_view s) : s_(s) {}

  Status read(std::string* descr, bool* fortran, std::vector<int64_t>* shape) {
    int seen = 0;
    if (!eat('{')) return fail(malformed("its header is no dictionary"));
    while (!eat('}')) {
      std::string key;
      if (!text(&key) || !eat(':')) return fail(malformed("its header has no key where one is due"));
      bool ok = key == "descr" ? text(descr) : key == "fortran_order" ? boolean(fortran) : key == "shape" ? tuple(shape) : false;
      if (!ok && key == "descr") return fail(Error(TENON_E_UNSUPPORTED, "the array has structured elements"));
      if (!ok) return fail(malformed("its header's \"" + key + "\" cannot be read"));
      seen |= key == "descr" ? 1 : key == "shape" ? 2 : 4;
      eat(',');
    }
    return seen == 7 ? Status() : fail(malformed("its header lacks descr, shape or fortran_order"));
  }
};

Error unknown_type(const std::string& descr) {
  Error e = Error(TENON_E_UNSUPPORTED, "the array has an element type that cannot be read").with("found", descr);
  if (descr.find('O') != std::string::npos) e.with("hint", "text must be stored with NumPy's type U or S, not as objects");
  return e;
}

Status parse_descr(const std::string& descr, NpyHeader* h) {
  std::string_view d = descr;
  if (!d.empty() && std::string_view("<>|=").find(d[0]) != std::string_view::npos) {
    h->big_endian = d[0] == '>';
    d.remove_prefix(1);
  }
  uint64_t n = 0;
  if (d.size() < 2) return fail(unknown_type(descr));
  auto [p, ec] = std::from_chars(d.data() + 1, d.data() + d.size(), n);
  if (ec != std::errc{} || p != d.data() + d.size() || n > 1u << 30) return fail(unknown_type(descr));
  h->kind = d[0];
  h->item_bytes = h->kind == 'U' ? 4 * n : n;
  h->swap_bytes = h->kind == 'U' ? 4 : h->kind == 'S' ? 1 : h->kind == 'c' && n > 1 ? n / 2 : n;
  auto bits = static_cast<uint8_t>(n <= 16 ? n * 8 : 0);
  bool power = n == 1 || n == 2 || n == 4 || n == 8;
  switch (h->kind) {
    case 'f': h->type = {TENON_DT_FLOAT, bits, 1, 0}; return power && n > 1 ? Status() : fail(unknown_type(descr));
    case 'i': h->type = {TENON_DT_INT, bits, 1, 0}; return power ? Status() : fail(unknown_type(descr));
    case 'u': h->type = {TENON_DT_UINT, bits, 1, 0}; return power ? Status() : fail(unknown_type(descr));
    case 'b': h->type = dt::boolean; return n == 1 ? Status() : fail(unknown_type(descr));
    case 'c': h->type = {TENON_DT_COMPLEX, bits, 1, 0}; return n == 8 || n == 16 ? Status() : fail(unknown_type(descr));
    case 'V': h->type = {TENON_DT_NONE, bits, 1, 0}; return power || n == 16 ? Status() : fail(unknown_type(descr));
    case 'U':
    case 'S': h->type = dt::string; return {};
    default: return fail(unknown_type(descr));
  }
}

}  // namespace

Result<NpyHeader> parse_npy_header(std::span<const uint8_t> file) {
  std::string_view s(reinterpret_cast<const char*>(file.data()), file.size());
  if (s.size() < 10 || s.substr(0, 6) != kMagic) return fail(malformed("its first bytes are not those of one"));
  uint64_t length_bytes = file[6] == 1 ? 2 : file[6] == 2 || file[6] == 3 ? 4 : 0;
  if (!length_bytes) return fail(Error(TENON_E_UNSUPPORTED, "the array file has an unknown version").with("found", std::to_string(file[6])));
  if (s.size() < 8 + length_bytes) return fail(malformed("it ends inside its header"));
  uint64_t length = 0;
  for (uint64_t i = 0; i < length_bytes; ++i) length |= static_cast<uint64_t>(file[8 + i]) << (8 * i);
  if (length > s.size() - 8 - length_bytes) return fail(malformed("it ends inside its header"));
  NpyHeader h;
  std::string descr;
  TENON_TRY(DictReader(s.substr(8 + length_bytes, length)).read(&descr, &h.fortran, &h.shape));
  TENON_TRY(parse_descr(descr, &h));
  h.data_offset = 8 + length_bytes + length;
  return h;
}

std::string make_npy_header(const std::string& descr, const std::vector<int64_t>& shape) {
  std::string tuple = "(";
  for (size_t i = 0; i < shape.size(); ++i) tuple += (i ? " " : "") + std::to_string(shape[i]) + (i + 1 < shape.size() || i == 0 ? "," : "");
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + tuple + "), }";
  bool wide = dict.size() + 11 + 64 > 0xffff;
  size_t fixed = wide ? 12 : 10;
  dict.append(63 - (fixed + dict.size()) % 64, ' ');
  dict += '\n';
  std::string out(kMagic);
  out += {static_cast<char>(wide ? 2 : 1), '\0'};
  for (size_t i = 0; i < fixed - 8; ++i) out += static_cast<char>(dict.size() >> (8 * i) & 0xff);
  return out + dict;
}

}  // namespace tenon::core
