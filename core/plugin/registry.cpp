// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "../ir/op_table.hpp"
#include "loader.hpp"
#include "session.hpp"

namespace tenon::core {
namespace {

namespace fs = std::filesystem;

bool elevated() { return getuid() != geteuid() || getgid() != getegid(); }

std::vector<std::string> split_path(const char* text) {
  std::vector<std::string> r;
  std::string_view s(text ? text : "");
  while (!s.empty()) {
    size_t at = std::min(s.find(':'), s.size());
    if (at) r.emplace_back(s.substr(0, at));
    s.remove_prefix(std::min(at + 1, s.size()));
  }
  return r;
}

/// <folder of the executable>/../lib/tenon
std::string own_folder() {
  std::error_code e;
  auto exe = fs::read_symlink("/proc/self/exe", e);
  return e ? std::string() : (exe.parent_path().parent_path() / "lib" / "tenon").string();
}

/// Compares "1.10.2" and "1.9" by their numbers.
int compare_versions(std::string_view a, std::string_view b) {
  auto next = [](std::string_view& s) {
    long n = 0;
    while (!s.empty() && s[0] >= '0' && s[0] <= '9') n = n * 10 + (s[0] - '0'), s.remove_prefix(1);
    while (!s.empty() && !(s[0] >= '0' && s[0] <= '9')) s.remove_prefix(1);
    return n;
  };
  while (!a.empty() || !b.empty()) {
    long x = next(a), y = next(b);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t up = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = up;
    }
  }
  return row[b.size()];
}

std::string key(std::string_view kind, std::string_view id) { return std::string(kind) + ":" + std::string(id); }

}  // namespace

Registry::~Registry() { stop_all(); }

Status Registry::add_file(const std::string& path, int tier, bool must_be_plugin) {
  auto m = read_manifest(path);
  if (!m) {
    if (must_be_plugin) {
      m.error().code = TENON_E_ABI;
      return fail(std::move(m.error()));
    }
    if (m.error().code != TENON_E_NOT_FOUND) notes_.push_back({path, m.error().message});
    return {};
  }
  m->tier = tier;
  for (auto& other : manifests_) {
    if (other->id != m->id) continue;
    if (other->path == m->path) return {};
    if (other->tier < tier) {
      notes_.push_back({path, "shadowed by " + other->path + ", which is found earlier"});
      return {};
    }
    int order = compare_versions(other->version, m->version);
    if (order == 0 && other->bytes_hash == m->bytes_hash) {
      notes_.push_back({path, "the same plugin as " + other->path});
      return {};
    }
    if (order == 0)
      return fail(Error(TENON_E_CONFIG, "two different files call themselves plugin " + m->id + " " + m->version)
                      .with("file", other->path)
                      .with("file", path)
                      .with("hint", "remove one of them, or name the one to use with --plugin"));
    if (order > 0) {
      notes_.push_back({path, "shadowed by the newer version " + other->version + " in " + other->path});
      return {};
    }
    notes_.push_back({other->path, "shadowed by the newer version " + m->version + " in " + path});
    *other = std::move(*m);
    return {};
  }
  manifests_.push_back(std::make_unique<Manifest>(std::move(*m)));
  return {};
}

Status Registry::discover(const Discovery& d) {
  int tier = 0;
  for (const auto& f : d.files) {
    std::error_code e;
    if (!fs::is_regular_file(f, e)) return fail(Error(TENON_E_IO, "the plugin file does not exist").with("file", f));
    TENON_TRY(add_file(fs::absolute(f).lexically_normal().string(), tier, true));
  }
  auto folders = d.folders;
  size_t asked = folders.size();
  const char* only = std::getenv("TENON_PLUGIN_PATH_ONLY");
  bool trust = !elevated();
  if (d.defaults && trust)
    for (auto& p : split_path(std::getenv("TENON_PLUGIN_PATH"))) folders.push_back(p);
  if (d.defaults && !(trust && only && std::string_view(only) == "1")) {
    if (const char* home = std::getenv("XDG_DATA_HOME"); home && trust) folders.push_back(std::string(home) + "/tenon/plugins");
    folders.push_back(own_folder());
  }
  for (size_t i = 0; i < folders.size(); ++i) {
    ++tier;
    std::error_code e;
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folders[i], e))
      if (entry.is_regular_file(e) && (entry.path().extension() == ".so" || entry.path().extension() == ".dylib")) files.push_back(fs::absolute(entry.path()).lexically_normal().string());
    if (e && i < asked) return fail(Error(TENON_E_IO, "cannot read the plugin folder: " + e.message()).with("file", folders[i]));
    std::sort(files.begin(), files.end());
    for (const auto& f : files) TENON_TRY(add_file(f, tier, false));
  }
  std::sort(manifests_.begin(), manifests_.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return index();
}

Status Registry::index() {
  for (const auto& m : manifests_)
    for (const auto& p : m->provides) {
      entries_[key(p.kind, p.id)].push_back({m.get(), &p});
      auto op = p.json.value("op", p.id);
      auto since = p.json.value("since", 1);
      if (p.kind == "lowering") lowerings_[op][since] = p.id;
      if (p.kind == "operator") operators_[p.id][since] = p.id;
      if (p.kind == "kernel") {
        auto& list = kernels_[p.json.value("target", std::string()) + "|" + op];
        if (std::find(list.begin(), list.end(), p.id) == list.end()) list.push_back(p.id);
      }
    }
  return {};
}

std::vector<std::pair<const Manifest*, const Provided*>> Registry::provided(std::string_view kind) const {
  std::vector<std::pair<const Manifest*, const Provided*>> r;
  std::string prefix = key(kind, "");
  for (auto it = entries_.lower_bound(prefix); it != entries_.end() && it->first.starts_with(prefix); ++it)
    for (const auto& e : it->second) r.emplace_back(e.manifest, e.provided);
  return r;
}

std::vector<std::string> Registry::ids(std::string_view kind) const {
  std::vector<std::string> r;
  for (auto& [m, p] : provided(kind))
    if (r.empty() || r.back() != p->id) r.push_back(p->id);
  return r;
}

std::string Registry::nearest(std::string_view kind, std::string_view id) const {
  std::string best;
  size_t best_distance = id.size() / 3 + 2;
  for (const auto& known : ids(kind))
    if (size_t d = edit_distance(known, id); d < best_distance) {
      best_distance = d;
      best = known;
    }
  return best;
}

const Provided* Registry::find_provided(std::string_view kind, std::string_view id) const {
  auto e = choose(kind, id);
  return e && *e ? (*e)->provided : nullptr;
}
const Manifest* Registry::owner(std::string_view kind, std::string_view id) const {
  auto e = choose(kind, id);
  return e && *e ? (*e)->manifest : nullptr;
}

Result<const Registry::Entry*> Registry::choose(std::string_view kind, std::string_view id) const {
  auto it = entries_.find(key(kind, id));
  if (it == entries_.end()) return nullptr;
  const auto& list = it->second;
  if (list.size() == 1) return &list[0];
  std::string preference = key(kind, id);
  if (auto p = prefer_.find(preference); p != prefer_.end()) {
    for (const auto& e : list)
      if (*p == e.manifest->id) return &e;
    return fail(Error(TENON_E_CONFIG, "\"prefer\" names a plugin that does not bring " + std::string(kind) + " '" + std::string(id) + "'")
                    .with("found", p->dump())
                    .with("expected", list[0].manifest->id + " or " + list[1].manifest->id));
  }
  return fail(Error(TENON_E_CONFIG, "two plugins bring " + std::string(kind) + " '" + std::string(id) + "'")
                  .with("file", list[0].manifest->path)
                  .with("file", list[1].manifest->path)
                  .with("hint", "decide in the pipeline: \"prefer\": {\"" + preference + "\": \"" + list[0].manifest->id + "\"}, or \"" + list[1].manifest->id + "\""));
}

Result<const LoadedPlugin*> Registry::load(const Manifest& m) {
  auto& slot = loaded_[&m];
  if (slot) return slot.get();
  auto p = load_plugin(session_, m);
  if (!p) {
    loaded_.erase(&m);
    return fail(std::move(p.error()));
  }
  slot = std::move(*p);
  load_order_.push_back(slot.get());
  for (const auto& [id, d] : slot->by_id) {
    origin_[d] = slot.get();
    if (d->kind == TENON_KIND_OPERATOR) origin_[reinterpret_cast<const tenon_operator*>(d)->reference] = slot.get();
  }
  return slot.get();
}

Result<const tenon_desc*> Registry::descriptor(uint32_t kind, std::string_view kind_name, std::string_view id) {
  auto entry = choose(kind_name, id);
  if (!entry) return fail(std::move(entry.error()));
  if (!*entry) {
    Error e(TENON_E_NOT_FOUND, "no plugin brings " + std::string(kind_name) + " '" + std::string(id) + "'");
    if (auto near = nearest(kind_name, id); !near.empty()) e.with("hint", "did you mean '" + near + "'?");
    return fail(std::move(e));
  }
  auto plugin = load(*(*entry)->manifest);
  if (!plugin) return fail(std::move(plugin.error()));
  auto it = (*plugin)->by_id.find({kind, std::string(id)});
  if (it == (*plugin)->by_id.end()) return fail(TENON_E_ABI, "the plugin's manifest names " + std::string(kind_name) + " '" + std::string(id) + "', but it has none");
  return it->second;
}

template <class T>
static Result<const T*> as(Result<const tenon_desc*> d) {
  if (!d) return fail(std::move(d.error()));
  return reinterpret_cast<const T*>(*d);
}
Result<const tenon_frontend*> Registry::frontend(std::string_view id) { return as<tenon_frontend>(descriptor(TENON_KIND_FRONTEND, "frontend", id)); }
Result<const tenon_pass*> Registry::pass(std::string_view id) { return as<tenon_pass>(descriptor(TENON_KIND_PASS, "pass", id)); }
Result<const tenon_backend*> Registry::backend(std::string_view id) { return as<tenon_backend>(descriptor(TENON_KIND_BACKEND, "backend", id)); }
Result<const tenon_exporter*> Registry::exporter(std::string_view id) { return as<tenon_exporter>(descriptor(TENON_KIND_EXPORTER, "exporter", id)); }

Result<const tenon_lowering*> Registry::lowering(std::string_view domain, std::string_view name, int32_t version) {
  auto it = lowerings_.find(std::string(domain) + "::" + std::string(name));
  if (it == lowerings_.end()) return nullptr;
  auto newest = it->second.upper_bound(version);
  if (newest == it->second.begin()) return nullptr;
  return as<tenon_lowering>(descriptor(TENON_KIND_LOWERING, "lowering", std::prev(newest)->second));
}

Result<const tenon_operator*> Registry::find_operator(tenon_op op) {
  if (auto it = operator_cache_.find(op); it != operator_cache_.end()) return it->second;
  OpName n = op_name(op);
  const tenon_operator* found = nullptr;
  if (auto it = operators_.find(std::string(n.domain) + "::" + std::string(n.name)); it != operators_.end()) {
    auto newest = it->second.upper_bound(n.version);
    if (newest != it->second.begin()) {
      auto d = as<tenon_operator>(descriptor(TENON_KIND_OPERATOR, "operator", std::prev(newest)->second));
      if (!d) return fail(std::move(d.error()));
      found = *d;
    }
  }
  operator_cache_[op] = found;
  return found;
}

Result<const std::vector<const tenon_kernel*>*> Registry::kernels(tenon_op op, std::string_view target) {
  auto cache = std::make_pair(op, std::string(target));
  if (auto it = kernel_cache_.find(cache); it != kernel_cache_.end()) return &it->second;
  OpName n = op_name(op);
  std::string name = std::string(n.domain) + "::" + std::string(n.name);
  std::vector<const tenon_kernel*> found;
  if (auto it = kernels_.find(std::string(target) + "|" + name); it != kernels_.end())
    for (const auto& id : it->second) {
      auto k = as<tenon_kernel>(descriptor(TENON_KIND_KERNEL, "kernel", id));
      if (!k) return fail(std::move(k.error()));
      if ((*k)->since <= n.version && ((*k)->until == 0 || n.version < (*k)->until)) found.push_back(*k);
    }
  auto rank = [&](const tenon_kernel* k) {
    auto p = prefer_.find("kernel:" + name);
    if (p == prefer_.end()) return size_t{1000};
    const Json list = p->is_array() ? *p : Json::array({*p});
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i] == k->h.id) return i;
    return size_t{1000};
  };
  std::sort(found.begin(), found.end(), [&](const tenon_kernel* a, const tenon_kernel* b) {
    return std::make_tuple(rank(a), -a->priority, std::string_view(a->h.id)) < std::make_tuple(rank(b), -b->priority, std::string_view(b->h.id));
  });
  return &(kernel_cache_[cache] = std::move(found));
}

const LoadedPlugin* Registry::plugin_of(const void* descriptor) const {
  auto it = origin_.find(descriptor);
  return it == origin_.end() ? nullptr : it->second;
}

void Registry::stop_all() {
  for (auto it = load_order_.rbegin(); it != load_order_.rend(); ++it)
    if ((*it)->table && (*it)->table->stop) (*it)->table->stop();
  load_order_.clear();
}

}  // namespace tenon::core
