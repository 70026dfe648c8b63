// SPDX-License-Identifier: Apache-2.0
// How tensors look in NumPy's terms: the element type's code, and text as fixed-width elements.
#include <algorithm>
#include <cstring>

#include "npy.hpp"
#include "npy_header.hpp"
#include "utf.hpp"

namespace tenon::core {
namespace {

struct TextForm {
  char kind = 'U';
  size_t width = 1;  ///< characters (U) or bytes (S) of one element
};

/// UTF-32 when every element is valid UTF-8, bytes otherwise.
Result<TextForm> text_form(const std::vector<std::string>& all) {
  TextForm unicode, bytes{'S', 1};
  bool valid = true;
  for (const auto& s : all) {
    if (!s.empty() && s.back() == '\0') return fail(TENON_E_UNSUPPORTED, "NumPy's text elements cannot end in a NUL character");
    auto u = utf32(s);
    valid = valid && u;
    if (u) unicode.width = std::max(unicode.width, u->size());
    bytes.width = std::max(bytes.width, s.size());
  }
  return valid ? unicode : bytes;
}

std::string descr_of(tenon_dtype t) {
  uint32_t bytes = t.bits >= 8 ? t.bits / 8u : 1;
  std::string n = std::to_string(bytes);
  std::string order = bytes == 1 ? "|" : "<";
  switch (t.code) {
    case TENON_DT_INT: return order + "i" + n;
    case TENON_DT_UINT: return order + "u" + n;
    case TENON_DT_FLOAT: return order + "f" + n;
    case TENON_DT_COMPLEX: return order + "c" + n;
    case TENON_DT_BOOL: return "|b1";
    default: return "|V" + n;
  }
}

}  // namespace

Result<std::string> npy_header(const Tensor& t) {
  if (!t.present || t.items || (t.type.flags & ~0xffu)) return fail(Error(TENON_E_UNSUPPORTED, "only a tensor can be an array in a file").with("found", dtype_name(t.type)));
  if (t.type.code != TENON_DT_STRING) return make_npy_header(descr_of(t.type), t.dims);
  auto form = text_form(*t.strings);
  if (!form) return fail(std::move(form.error()));
  return make_npy_header((form->kind == 'U' ? "<U" : "|S") + std::to_string(form->width), t.dims);
}

Result<std::string> npy_strings(const Tensor& t) {
  auto form = text_form(*t.strings);
  if (!form) return fail(std::move(form.error()));
  size_t item = form->kind == 'U' ? form->width * 4 : form->width;
  std::string out(item * t.strings->size(), '\0');
  for (size_t i = 0; i < t.strings->size(); ++i) {
    const std::string& s = (*t.strings)[i];
    if (form->kind == 'S') {
      std::copy(s.begin(), s.end(), out.begin() + static_cast<std::ptrdiff_t>(i * item));
    } else {
      std::u32string u = *utf32(s);
      std::memcpy(out.data() + i * item, u.data(), u.size() * 4);
    }
  }
  return out;
}

}  // namespace tenon::core
