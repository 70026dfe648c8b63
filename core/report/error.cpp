// SPDX-License-Identifier: Apache-2.0
#include "error.hpp"

#include <algorithm>
#include <array>

namespace tenon::core {
namespace {

struct CodeInfo {
  int32_t code;
  const char* name;
  int exit;
};
constexpr std::array<CodeInfo, 14> kCodes{{{TENON_OK, "ok", 0},
                                           {TENON_E_INTERNAL, "internal", 70},
                                           {TENON_E_INVALID, "invalid-model", 3},
                                           {TENON_E_UNSUPPORTED, "unsupported", 4},
                                           {TENON_E_NOT_FOUND, "not-found", 2},
                                           {TENON_E_NO_MEMORY, "no-memory", 6},
                                           {TENON_E_CANCELLED, "cancelled", 1},
                                           {TENON_E_STALE, "stale-id", 70},
                                           {TENON_E_ABI, "plugin-abi", 5},
                                           {TENON_E_IO, "io", 6},
                                           {TENON_E_EXCEPTION, "plugin-exception", 5},
                                           {TENON_E_CRASH, "plugin-crash", 5},
                                           {TENON_E_CONFIG, "config", 2},
                                           {TENON_E_MISMATCH, "mismatch", 1}}};
constexpr size_t kMaxCauses = 40;

const CodeInfo* find_code(int32_t code) {
  auto it = std::find_if(kCodes.begin(), kCodes.end(), [code](const CodeInfo& c) { return c.code == code; });
  return it == kCodes.end() ? nullptr : &*it;
}

void append_text(const Error& e, const std::string& indent, std::string* out) {
  for (const auto& [key, text] : e.details) {
    if (text.empty()) continue;
    *out += indent + key + ": ";
    for (char c : text) *out += c == '\n' ? "\n" + indent + "  " : std::string(1, c);
    *out += '\n';
  }
  size_t shown = std::min(e.causes.size(), kMaxCauses);
  for (size_t i = 0; i < shown; ++i) {
    *out += indent + "- " + e.causes[i].message + '\n';
    append_text(e.causes[i], indent + "  ", out);
  }
  if (shown < e.causes.size()) *out += indent + "- and " + std::to_string(e.causes.size() - shown) + " more\n";
}

}  // namespace

const char* code_name(int32_t code) {
  const CodeInfo* c = find_code(code);
  return c ? c->name : "unknown";
}

int exit_code(const Error& e) {
  bool in_plugin = !e.detail("plugin").empty();
  if ((e.code == TENON_E_INTERNAL || e.code == TENON_E_STALE) && in_plugin) return 5;
  const CodeInfo* c = find_code(e.code);
  return c ? c->exit : in_plugin ? 5 : 70;
}

std::string to_text(const Error& e) {
  std::string out = std::string("error (") + code_name(e.code) + "): " + e.message + '\n';
  append_text(e, "  ", &out);
  return out;
}

}  // namespace tenon::core
