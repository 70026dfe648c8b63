// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

#include <boost/dll/shared_library.hpp>
#include <mutex>

#include "session.hpp"

namespace tenon::core {
namespace {

constexpr const char* kEntry = "tenon_plugin_entry_v1";

struct KindName {
  uint32_t kind;
  const char* name;
};
constexpr KindName kKinds[] = {{TENON_KIND_FRONTEND, "frontend"}, {TENON_KIND_LOWERING, "lowering"}, {TENON_KIND_OPERATOR, "operator"}, {TENON_KIND_PASS, "pass"},
                               {TENON_KIND_KERNEL, "kernel"}, {TENON_KIND_BACKEND, "backend"}, {TENON_KIND_EXPORTER, "exporter"}};

Error plugin_error(const Manifest& m, std::string text) { return Error(TENON_E_ABI, std::move(text)).with("plugin", m.id + " " + m.version).with("file", m.path); }

Result<tenon_plugin_entry_fn> open_library(const Manifest& m) {
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  try {
    // Heap-held and never freed: the library stays loaded.
    auto* lib = new boost::dll::shared_library(m.path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (!lib->has(kEntry)) return fail(plugin_error(m, std::string("the library has no symbol ") + kEntry));
    return reinterpret_cast<tenon_plugin_entry_fn>(&lib->get<tenon_error*(const tenon_host*, const tenon_plugin**)>(kEntry));
  } catch (const std::exception& e) {
    return fail(plugin_error(m, std::string("the library cannot be loaded: ") + e.what()));
  }
}

/// Manifest and descriptors must name the same things.
Status compare(const Manifest& m, const LoadedPlugin& p) {
  auto name_of = [](uint32_t kind) {
    for (const auto& k : kKinds)
      if (k.kind == kind) return k.name;
    return "";
  };
  auto kind_of = [](const std::string& name) {
    for (const auto& k : kKinds)
      if (name == k.name) return k.kind;
    return 0u;
  };
  for (const auto& [id, d] : p.by_id) {
    bool named = false;
    for (const auto& x : m.provides) named |= x.kind == name_of(id.first) && x.id == id.second;
    if (!named && *name_of(id.first)) return fail(plugin_error(m, std::string("the plugin brings ") + name_of(id.first) + " '" + id.second + "', which its manifest does not name"));
  }
  for (const auto& x : m.provides)
    if (uint32_t kind = kind_of(x.kind); kind && !p.by_id.count({kind, x.id}))
      return fail(plugin_error(m, "the manifest names " + x.kind + " '" + x.id + "', which the plugin does not bring"));
  return {};
}

Status check_abi(const Manifest& m) {
  auto abi = m.about.value("abi", Json::object());
  int major = abi.value("major", TENON_ABI_MAJOR), min_host = abi.value("min_host", 0);
  if (major == TENON_ABI_MAJOR && min_host <= TENON_ABI_MINOR) return {};
  return fail(plugin_error(m, "the plugin needs another host")
                  .with("expected", "ABI " + std::to_string(major) + "." + std::to_string(min_host) + " or a later minor")
                  .with("found", "ABI " + std::to_string(TENON_ABI_MAJOR) + "." + std::to_string(TENON_ABI_MINOR))
                  .with("hint", "upgrade the host, or take an older version of the plugin"));
}

}  // namespace

Result<std::unique_ptr<LoadedPlugin>> load_plugin(Session& s, const Manifest& m) {
  TENON_TRY(check_abi(m));
  auto entry = open_library(m);
  if (!entry) return fail(std::move(entry.error()));
  auto p = std::make_unique<LoadedPlugin>();
  p->manifest = &m;
  p->host = make_host();
  p->host->self = p.get();
  TENON_TRY(take((*entry)(p->host.get(), &p->table)));
  if (!p->table) return fail(plugin_error(m, "the plugin's entry returned nothing"));
  for (uint64_t i = 0; i < p->table->n_desc; ++i) {
    const tenon_desc* d = p->table->desc[i];
    if (!d) continue;
    if (!d->id || d->struct_size < sizeof(tenon_desc)) return fail(plugin_error(m, "a descriptor has no id, or a size that cannot be"));
    if (!p->by_id.emplace(std::make_pair(d->kind, std::string(d->id)), d).second) return fail(plugin_error(m, std::string("two descriptors have the id ") + d->id));
  }
  TENON_TRY(compare(m, *p));
  if (TENON_HAS(p->table, start)) {
    tenon_ctx c;
    c.session = &s;
    c.plugin = p.get();
    c.stage = "start";
    TENON_TRY(take(p->table->start(&c)));
  }
  return p;
}

}  // namespace tenon::core
