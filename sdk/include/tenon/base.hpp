// SPDX-License-Identifier: Apache-2.0
// base.hpp - the C++17 face of abi.h, part 1: the host's tables, errors across the boundary, buffers and the call context.
// Header-only, no link dependency, any compiler and standard library. Everything sits in a versioned inline namespace with
// hidden visibility, so two plugins built from different SDKs never share a symbol.
#pragma once
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi.h"

#if defined(__GNUC__)
#define TENON_HIDDEN __attribute__((visibility("hidden")))
#else
#define TENON_HIDDEN
#endif
#define TENON_NAMESPACE_BEGIN namespace tenon { inline namespace sdk_1_0 TENON_HIDDEN {
#define TENON_NAMESPACE_END }}

TENON_NAMESPACE_BEGIN

/// The host's interface tables; filled once by the plugin's entry function. A NULL table is not offered by this host.
struct Api {
  const tenon_host* host{};
  const tenon_core_api* core{};
  const tenon_buffer_api* buffer{};
  const tenon_ir_api* ir{};
  const tenon_registry_api* registry{};
  const tenon_exec_api* exec{};
};
inline Api& api() {
  static Api tables;
  return tables;
}

inline tenon_str str(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view view(tenon_str s) { return {s.data, static_cast<size_t>(s.len)}; }

/// C++17 stand-in for std::span<const T>; borrows.
template <class T>
struct Span {
  const T* p{};
  uint64_t n{};
  Span() = default;
  Span(const T* data, uint64_t count) : p(data), n(count) {}
  Span(const std::vector<T>& v) : p(v.data()), n(v.size()) {}
  const T* begin() const { return p; }
  const T* end() const { return p + n; }
  const T* data() const { return p; }
  const T& operator[](uint64_t i) const { return p[i]; }
  const T& back() const { return p[n - 1]; }
  uint64_t size() const { return n; }
  bool empty() const { return n == 0; }
  std::vector<T> vec() const { return {p, p + n}; }
};
using Dims = std::vector<int64_t>;

/// Thrown by author code; never leaves the library: guard() turns it into a tenon_error.
struct Error : std::exception {
  int32_t code;
  std::string text;
  std::vector<std::pair<std::string, std::string>> details;
  Error(int32_t c, std::string t) : code(c), text(std::move(t)) {}
  /// Adds "expected", "found", "hint", ... (see tenon_core_api.error_detail).
  Error& with(std::string key, std::string value) {
    details.emplace_back(std::move(key), std::move(value));
    return *this;
  }
  const char* what() const noexcept override { return text.c_str(); }
};
inline Error invalid(std::string text) { return {TENON_E_INVALID, std::move(text)}; }
inline Error unsupported(std::string text) { return {TENON_E_UNSUPPORTED, std::move(text)}; }

/// A tenon_error from the host on its way back to the host, unchanged.
struct HostError : std::exception {
  mutable tenon_error* e;
  explicit HostError(tenon_error* x) : e(x) {}
  HostError(const HostError& o) noexcept : std::exception(o), e(std::exchange(o.e, nullptr)) {}
  HostError& operator=(const HostError&) = delete;
  ~HostError() override {
    if (e) api().core->error_free(e);
  }
  int32_t code() const { return api().core->error_get(e, nullptr); }
  std::string message() const {
    tenon_str s{};
    api().core->error_get(e, &s);
    return std::string(view(s));
  }
  const char* what() const noexcept override { return "error from the host"; }
};
/// Throws when a host call failed.
inline void ok(tenon_error* e) {
  if (e) throw HostError(e);
}

inline tenon_error* to_host(tenon_ctx* c, const Error& e) noexcept {
  tenon_error* r = api().core->error_new(c, e.code, str(e.text));
  for (const auto& d : e.details) api().core->error_detail(r, str(d.first), str(d.second));
  return r;
}
/// The only place where C++ meets the boundary: whatever happens inside becomes a tenon_error*.
template <class F>
tenon_error* guard(tenon_ctx* c, F&& f) noexcept {
  auto fail = [c](int32_t code, std::string_view m) { return api().core->error_new(c, code, str(m)); };
  try {
    f();
    return nullptr;
  } catch (const HostError& h) {
    return std::exchange(h.e, nullptr);
  } catch (const Error& e) {
    return to_host(c, e);
  } catch (const std::bad_alloc&) {
    return fail(TENON_E_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return fail(TENON_E_EXCEPTION, e.what());
  } catch (...) {
    return fail(TENON_E_EXCEPTION, "unknown exception");
  }
}

/// One counted reference to host-kept bytes.
class Buffer {
  tenon_buffer* b_{};

 public:
  Buffer() = default;
  explicit Buffer(tenon_buffer* owned) : b_(owned) {}
  Buffer(const Buffer& o) : b_(o.b_) {
    if (b_) api().buffer->ref(b_);
  }
  Buffer(Buffer&& o) noexcept : b_(std::exchange(o.b_, nullptr)) {}
  Buffer& operator=(Buffer o) noexcept {
    std::swap(b_, o.b_);
    return *this;
  }
  ~Buffer() {
    if (b_) api().buffer->unref(b_);
  }
  static Buffer borrow(tenon_buffer* b) {
    if (b) api().buffer->ref(b);
    return Buffer(b);
  }
  /// Zeroed, 64-byte aligned.
  static Buffer alloc(tenon_ctx* c, uint64_t bytes) {
    tenon_buffer* b{};
    ok(api().buffer->alloc(c, bytes, &b));
    return Buffer(b);
  }
  Buffer slice(tenon_ctx* c, uint64_t offset, uint64_t bytes) const {
    tenon_buffer* b{};
    ok(api().buffer->slice(c, b_, offset, bytes, &b));
    return Buffer(b);
  }
  explicit operator bool() const { return b_ != nullptr; }
  tenon_buffer* get() const { return b_; }
  uint64_t size() const { return api().buffer->size(b_); }
  const void* data() const { return api().buffer->data(b_); }
  void* writable() const { return api().buffer->writable(b_); }
};

/// The call in progress: options, log, progress, metrics. Valid until the call returns.
class Ctx {
  tenon_ctx* c_;

 public:
  explicit Ctx(tenon_ctx* c) : c_(c) {}
  tenon_ctx* raw() const { return c_; }
  void log(int level, std::string_view m) const {
    if (api().core->log_enabled(c_, level)) api().core->log(c_, level, str(m));
  }
  /// Also listed in the run's report.
  void warn(std::string_view m) const { log(3, m); }
  /// Throws TENON_E_CANCELLED when the user asked to stop. total 0 = unknown.
  void progress(uint64_t done, uint64_t total, std::string_view what = {}) const {
    if (api().core->progress(c_, done, total, str(what))) throw Error(TENON_E_CANCELLED, "cancelled");
  }
  /// Options by JSON pointer, e.g. option("/growth-limit", 1024).
  int64_t option(const char* pointer, int64_t otherwise) const {
    int64_t v{};
    return api().core->opt_i64(c_, pointer, &v) ? v : otherwise;
  }
  double option(const char* pointer, double otherwise) const {
    double v{};
    return api().core->opt_f64(c_, pointer, &v) ? v : otherwise;
  }
  std::string option(const char* pointer, std::string otherwise) const {
    tenon_str v{};
    return api().core->opt_str(c_, pointer, &v) ? std::string(tenon::view(v)) : std::move(otherwise);
  }
  std::string options() const {
    tenon_str v{};
    api().core->options_json(c_, &v);
    return std::string(tenon::view(v));
  }
  void metric(std::string_view key, double value) const { api().core->metric(c_, str(key), value); }
};

TENON_NAMESPACE_END
