// SPDX-License-Identifier: Apache-2.0
// host schema [ID]
#include "../pipeline/schema.hpp"

#include "../report/nearest.hpp"
#include "app.hpp"

namespace tenon::core::cli {
namespace {

Status print_schema(const Common& c, const std::string& id) {
  Work work(c);
  TENON_TRY(work.discover());
  const Registry& r = work.session.registry;
  if (id.empty()) {
    print_line(pipeline_schema(r).dump(2));
    return {};
  }
  std::vector<std::string> known;
  for (const char* kind : {"frontend", "pass", "exporter", "backend"})
    for (auto& k : r.ids(kind)) {
      if (k == id) {
        std::string_view what = kind;
        Json s = what == "frontend" ? import_schema(r, id) : what == "pass" ? pass_schema(r, id) : what == "exporter" ? export_schema(r, id) : execute_schema(r, {id});
        print_line(s.dump(2));
        return {};
      }
      known.push_back(std::move(k));
    }
  return fail(Error(TENON_E_NOT_FOUND, "no plugin brings a frontend, pass, exporter or backend \"" + id + "\"").with("hint", nearest_hint(id, known)));
}

}  // namespace

void add_schema(CLI::App& app, Common& c) {
  auto id = std::make_shared<std::string>();
  auto* sub = app.add_subcommand("schema", "Print the JSON schema of pipelines, or of the stage of one entry");
  sub->add_option("ID", *id, "A frontend, pass, exporter or backend");
  add_common(*sub, c);
  sub->callback([&c, id] { c.status = print_schema(c, *id); });
}

}  // namespace tenon::core::cli
