// SPDX-License-Identifier: Apache-2.0
// error.hpp - the one error object of the host, and the result type that carries it.
#pragma once
#include <tenon/abi.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

/// An error: stable code, one sentence, details ("file", "position", "node", "operator", "value", "expected", "found", "hint",
/// "plugin", "stage", "pass", ...) and causes. The same object crosses the plugin boundary by pointer.
struct tenon_error {
  int32_t code = TENON_E_INTERNAL;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;
  std::vector<tenon_error> causes;

  tenon_error() = default;
  tenon_error(int32_t c, std::string m) : code(c), message(std::move(m)) {}
  tenon_error& with(std::string key, std::string text) & {
    details.emplace_back(std::move(key), std::move(text));
    return *this;
  }
  tenon_error&& with(std::string key, std::string text) && {
    details.emplace_back(std::move(key), std::move(text));
    return std::move(*this);
  }
  /// First detail of that key, empty when absent.
  std::string_view detail(std::string_view key) const {
    for (const auto& d : details)
      if (d.first == key) return d.second;
    return {};
  }
};

namespace tenon::core {

using Error = tenon_error;
template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(int32_t code, std::string message) { return tl::unexpected<Error>(Error(code, std::move(message))); }
inline tl::unexpected<Error> fail(Error e) { return tl::unexpected<Error>(std::move(e)); }
/// Takes over an error that came back from a plugin (NULL = success).
inline Status take(tenon_error* e) {
  if (!e) return {};
  Error r = std::move(*e);
  delete e;
  return fail(std::move(r));
}
/// Hands an error over to a plugin, which returns it to the host or frees it through the host's table.
inline tenon_error* give(Error e) { return new tenon_error(std::move(e)); }
inline tenon_error* give(Status s) { return s ? nullptr : give(std::move(s.error())); }

/// Name of a code in reports, e.g. "invalid-model".
const char* code_name(int32_t code);
/// Exit code of the process: 0 done, 1 a check failed, 2 usage or config, 3 bad model, 4 unsupported operator, 5 plugin,
/// 6 I/O or memory, 70 a bug of ours.
int exit_code(const Error& e);
/// Several lines for a terminal: sentence, where, expected and found, hint, causes.
std::string to_text(const Error& e);

}  // namespace tenon::core

/// Returns the error of a Result from the enclosing function.
#define TENON_TRY(expr)                                              \
  do {                                                               \
    if (auto tenon_try_ = (expr); !tenon_try_) return ::tenon::core::fail(std::move(tenon_try_.error())); \
  } while (0)
