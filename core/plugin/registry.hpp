// SPDX-License-Identifier: Apache-2.0
// registry.hpp - which plugins there are, what they bring, and loading them when first needed.
#pragma once
#include <tenon/abi.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "manifest.hpp"

namespace tenon::core {

class Session;

/// Where plugins are looked for, in this order: files (--plugin), folders (pipeline "plugins", then --plugin-dir, then
/// TENON_PLUGIN_PATH, then the installation's own). An earlier place wins.
struct Discovery {
  std::vector<std::string> files, folders;
  bool defaults = true;  ///< TENON_PLUGIN_PATH and the installation's folder too
};

struct LoadedPlugin {
  const Manifest* manifest = nullptr;
  const tenon_plugin* table = nullptr;
  std::map<std::pair<uint32_t, std::string>, const tenon_desc*> by_id;  ///< (kind, id)
  std::unique_ptr<tenon_host> host;
};

/// Shadowed or broken plugin files, for `host plugins`.
struct PluginNote {
  std::string path, reason;
};

/// Lookups load the plugin that has the thing, by its manifest; two plugins that bring the same id are an error that names
/// both and the "prefer" line that decides. Thread-safe after discover().
class Registry {
 public:
  explicit Registry(Session& s) : session_(s) {}
  ~Registry();
  /// Reads manifests. A file that is no plugin is skipped; one that is malformed is noted.
  Status discover(const Discovery& d);
  /// From the pipeline: {"pass:a-pass": "acme.npu", "kernel:a::B": ["acme.npu/b", ...]}.
  void set_prefer(const Json& prefer) { prefer_ = prefer; }

  const std::vector<std::unique_ptr<Manifest>>& manifests() const { return manifests_; }
  const std::vector<PluginNote>& notes() const { return notes_; }
  /// All provided things of a kind ("pass", "frontend", ...), sorted by id.
  std::vector<std::pair<const Manifest*, const Provided*>> provided(std::string_view kind) const;
  std::vector<std::string> ids(std::string_view kind) const;
  /// Nearest known id of a kind, empty when none is near.
  std::string nearest(std::string_view kind, std::string_view id) const;
  const Provided* find_provided(std::string_view kind, std::string_view id) const;
  /// The plugin that a thing comes from (after prefer), null when nobody has it.
  const Manifest* owner(std::string_view kind, std::string_view id) const;

  Result<const tenon_frontend*> frontend(std::string_view id);
  Result<const tenon_pass*> pass(std::string_view id);
  Result<const tenon_backend*> backend(std::string_view id);
  Result<const tenon_exporter*> exporter(std::string_view id);
  /// Newest with since <= version; nullptr when nobody has one.
  Result<const tenon_lowering*> lowering(std::string_view domain, std::string_view name, int32_t version);
  Result<const tenon_operator*> find_operator(tenon_op op);
  Result<const std::vector<const tenon_kernel*>*> kernels(tenon_op op, std::string_view target);
  /// The manifest that brought a descriptor, null for the host's own.
  const LoadedPlugin* plugin_of(const void* descriptor) const;
  Result<const LoadedPlugin*> load(const Manifest& m);
  /// Calls stop() of every loaded plugin, in reverse order of loading.
  void stop_all();

 private:
  struct Entry {
    const Manifest* manifest;
    const Provided* provided;
  };
  Session& session_;
  Json prefer_;
  std::vector<std::unique_ptr<Manifest>> manifests_;
  std::vector<PluginNote> notes_;
  std::map<std::string, std::vector<Entry>, std::less<>> entries_;  ///< "kind:id"
  std::map<std::string, std::map<int32_t, std::string>, std::less<>> lowerings_;  ///< "domain::name" -> since -> id
  std::map<std::string, std::map<int32_t, std::string>, std::less<>> operators_;
  std::map<std::string, std::vector<std::string>, std::less<>> kernels_;  ///< "target|domain::name" -> ids
  std::map<const Manifest*, std::unique_ptr<LoadedPlugin>> loaded_;
  std::vector<LoadedPlugin*> load_order_;
  std::unordered_map<const void*, const LoadedPlugin*> origin_;
  std::unordered_map<tenon_op, const tenon_operator*> operator_cache_;
  std::map<std::pair<tenon_op, std::string>, std::vector<const tenon_kernel*>> kernel_cache_;

  Status add_file(const std::string& path, int tier, bool must_be_plugin);
  Status index();
  Result<const Entry*> choose(std::string_view kind, std::string_view id) const;
  Result<const tenon_desc*> descriptor(uint32_t kind, std::string_view kind_name, std::string_view id);
};

}  // namespace tenon::core
