// SPDX-License-Identifier: Apache-2.0
// host plugins [ID [ENTRY]]
#include <fmt/format.h>

#include "../pipeline/schema.hpp"
#include "../report/nearest.hpp"
#include "app.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  std::string id, entry;
};

Json plugin_json(const Manifest& m, bool entries) {
  Json j{{"id", m.id}, {"version", m.version}, {"vendor", m.vendor}, {"license", m.license}, {"path", m.path}};
  std::map<std::string, uint64_t> counts;
  for (const auto& p : m.provides) ++counts[p.kind];
  j["provides"] = counts;
  if (!entries) return j;
  j["about"] = m.about;
  j["entries"] = Json::array();
  for (const auto& p : m.provides) j["entries"].push_back(p.json);
  return j;
}

std::string counts_text(const Manifest& m) {
  std::map<std::string, uint64_t> counts;
  for (const auto& p : m.provides) ++counts[p.kind];
  std::string s;
  for (const auto& [kind, n] : counts) s += fmt::format("{}{} {}{}", s.empty() ? "" : ", ", n, kind, n == 1 ? "" : kind == "pass" ? "es" : "s");
  return s;
}

void list_all(const Common& c, const Registry& r) {
  if (c.json) {
    Json j{{"plugins", Json::array()}, {"notes", Json::array()}};
    for (const auto& m : r.manifests()) j["plugins"].push_back(plugin_json(*m, false));
    for (const auto& n : r.notes()) j["notes"].push_back(Json{{"path", n.path}, {"reason", n.reason}});
    return print_line(j.dump(2));
  }
  for (const auto& m : r.manifests()) print_line(fmt::format("{:<24} {:<10} {}\n{:<24} {}", m->id, m->version, counts_text(*m), "", m->path));
  for (const auto& n : r.notes()) print_line(fmt::format("not used: {}: {}", n.path, n.reason));
  if (r.manifests().empty()) print_line("no plugins found");
}

void list_entries(const Common& c, const Registry& r, const Manifest& m) {
  if (c.json) return print_line(plugin_json(m, true).dump(2));
  print_line(fmt::format("{} {}, {}, license {}\n{}", m.id, m.version, m.vendor, m.license, m.path));
  std::string kind;
  for (const auto& p : m.provides) {
    if (p.kind != kind) print_line(p.kind);
    kind = p.kind;
    const Manifest* owner = r.owner(p.kind, p.id);
    std::string other = owner && owner != &m ? " (comes from " + owner->id + ")" : "";
    std::string summary = p.json.value("summary", "");
    print_line(fmt::format("  {}{}{}", p.id, other, summary.empty() ? "" : ": " + summary));
  }
}

void print_options(const Json& schema) {
  if (schema["properties"].empty()) return print_line("no options");
  print_line("options");
  for (const auto& [key, s] : schema["properties"].items()) {
    std::string type = s.contains("enum") ? s["enum"].dump() : s.contains("type") ? s["type"].is_string() ? s["type"].get<std::string>() : s["type"].dump() : "any";
    std::string text = fmt::format("  {}: {}", key, type);
    if (s.contains("minimum")) text += fmt::format(", at least {}", s["minimum"].dump());
    if (s.contains("maximum")) text += fmt::format(", at most {}", s["maximum"].dump());
    if (s.contains("default")) text += fmt::format(", default {}", s["default"].dump());
    if (s.contains("description")) text += fmt::format("\n    {}", s["description"].get<std::string>());
    print_line(text);
  }
}

Status show_entry(const Common& c, const Registry& r, const Manifest& m, const std::string& id) {
  std::vector<std::string> known;
  bool found = false;
  for (const auto& p : m.provides) {
    known.push_back(p.id);
    if (p.id != id) continue;
    found = true;
    if (c.json) {
      print_line(p.json.dump(2));
      continue;
    }
    print_line(fmt::format("{} {} of plugin {} {}", p.kind, p.id, m.id, m.version));
    for (const auto& [key, value] : p.json.items())
      if (key != "kind" && key != "id" && key != "options") print_line(fmt::format("  {}: {}", key, value.is_string() ? value.get<std::string>() : value.dump()));
    print_options(options_of(r, p.kind, p.id));
  }
  if (found) return {};
  return fail(Error(TENON_E_NOT_FOUND, "plugin \"" + m.id + "\" has no entry \"" + id + "\"").with("hint", nearest_hint(id, known)));
}

Status plugins(const Common& c, const Options& o) {
  Work work(c);
  TENON_TRY(work.discover());
  const Registry& r = work.session.registry;
  if (o.id.empty()) {
    list_all(c, r);
    return {};
  }
  std::vector<std::string> known;
  for (const auto& m : r.manifests()) {
    known.push_back(m->id);
    if (m->id != o.id) continue;
    if (!o.entry.empty()) return show_entry(c, r, *m, o.entry);
    list_entries(c, r, *m);
    return {};
  }
  return fail(Error(TENON_E_NOT_FOUND, "there is no plugin \"" + o.id + "\"").with("hint", nearest_hint(o.id, known)));
}

}  // namespace

void add_plugins(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("plugins", "List plugins, what one brings, or one entry with its options");
  sub->add_option("ID", o->id, "A plugin");
  sub->add_option("ENTRY", o->entry, "One of its entries");
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = plugins(c, *o); });
}

}  // namespace tenon::core::cli
