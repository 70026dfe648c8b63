// SPDX-License-Identifier: Apache-2.0
// exporter.hpp - the door of exporters: where they write, and their registration.
#pragma once
#include "plugin.hpp"

TENON_NAMESPACE_BEGIN

/// A file that the host renames to its final name when the whole export went well. Valid until the call returns.
class Sink {
  tenon_ctx* c_;
  const tenon_sink* s_;

 public:
  Sink(tenon_ctx* c, const tenon_sink* s) : c_(c), s_(s) {}
  /// Final path of this file.
  std::string_view path() const { return view(s_->path); }
  /// Appends.
  void write(const void* data, uint64_t size) const { ok(s_->write(s_, data, size)); }
  /// Another file in the main file's folder, by relative name.
  Sink sibling(std::string_view relative) const {
    const tenon_sink* r{};
    ok(s_->sibling(c_, s_, str(relative), &r));
    return {c_, r};
  }
};

/// A model of its own that shares the buffers of the original: what an exporter may change while it translates. Ids stay the same.
class Clone {
  tenon_graph* g_{};

 public:
  Clone(tenon_ctx* c, const Graph& of) {
    if (!api().exec) throw Error(TENON_E_ABI, "this host offers no " TENON_IID_EXEC);
    ok(api().exec->clone(c, of.raw(), &g_));
  }
  Clone(const Clone&) = delete;
  Clone& operator=(const Clone&) = delete;
  ~Clone() { api().exec->free_graph(g_); }
  tenon_graph* raw() const { return g_; }
};

/// Reads the main graph only.
using SaveFn = void (*)(const Ctx&, const Graph&, const Sink&);
template <SaveFn Fn> tenon_error* TENON_CALL save_thunk(tenon_ctx* c, tenon_graph* g, const tenon_sink* to) TENON_NX {
  return guard(c, [&] { Fn(Ctx(c), Graph(c, g), Sink(c, to)); });
}

TENON_NAMESPACE_END

/// Exporter. `fn_`: void(const tenon::Ctx&, const tenon::Graph&, const tenon::Sink&). `about_`: JSON members for the manifest, e.g.
/// R"("extensions":[".acme"],"summary":"...","options":{"type":"object","properties":{...}})".
#define TENON_EXPORTER(id_, about_, fn_)                                                                                           \
  TENON_MANIFEST("{\"kind\":\"exporter\",\"id\":\"" id_ "\"," about_ "}");                                                         \
  static constexpr tenon_exporter TENON_CAT_(tenon_exporter_, __LINE__) = {{sizeof(tenon_exporter), TENON_KIND_EXPORTER, id_},     \
                                                                           &::tenon::save_thunk<fn_>};                             \
  TENON_REGISTER(&TENON_CAT_(tenon_exporter_, __LINE__).h)
