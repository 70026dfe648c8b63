// SPDX-License-Identifier: Apache-2.0
#include "import_stage.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "../exec/infer.hpp"
#include "../ir/verifier.hpp"
#include "../model/tenon_file.hpp"
#include "../report/nearest.hpp"
#include "missing.hpp"
#include "options_schema.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace fs = std::filesystem;
namespace {

/// A file beside the model is named relative to it, as frontends open such files through the host.
std::string beside(const std::string& path, const std::string& model) {
  std::string relative = fs::path(path).lexically_relative(fs::path(model).parent_path()).string();
  return relative.empty() || relative.compare(0, 2, "..") == 0 ? path : relative;
}

int64_t to_dim(Model& m, const Json& d) { return d.is_number_integer() ? d.get<int64_t>() : m.symbols.named(d.get<std::string>()); }

}  // namespace

bool is_native_file(const std::string& path) {
  std::ifstream f(path, std::ios::binary);
  char head[kTenonMagic.size()];
  return f.read(head, sizeof head) && std::string_view(head, sizeof head) == kTenonMagic;
}

ImportStage::ImportStage(const Registry& r, const Config& config, const Json& json) {
  request_.frontend = json["import"];
  request_.model = config.resolve(json["model"]);
  Json schema = import_schema(r, request_.frontend);
  for (const auto& [key, value] : json.items()) {
    if (key == "import" || key == "model") continue;
    if (key == "shapes") {
      for (const auto& [name, dims] : value.items()) request_.shapes[name] = dims.get<std::vector<Json>>();
      continue;
    }
    bool is_path = is_path_option(schema, key) && value.is_string();
    request_.options[key] = value;
    if (!is_path) continue;
    std::string full = config.resolve(value), relative = beside(full, request_.model);
    request_.options[key] = relative;
    if (relative == full) request_.files.push_back(full);
  }
  Json own = options_of(r, "frontend", request_.frontend);
  if (request_.frontend != kAutoFrontend) fill_defaults(own, &request_.options);
}

void ImportStage::check(PlanCheck& c) const { c.input_file(request_.model, where); }

void ImportStage::explain(const Registry& r, const std::string& indent, std::string* out) const {
  *out += fmt::format("{}import {} by ", indent, request_.model);
  if (request_.frontend != kAutoFrontend) {
    *out += fmt::format("{} from {}\n", request_.frontend, request_.frontend == kNativeFormat ? "the host" : supplier_text(r, "frontend", request_.frontend));
    return;
  }
  *out += "the frontend that knows its first bytes best:\n";
  for (const auto& id : r.ids("frontend")) *out += fmt::format("{}  {} from {}\n", indent, id, supplier_text(r, "frontend", id));
  *out += fmt::format("{}  {} from the host\n", indent, kNativeFormat);
}

Status ImportStage::set_shapes(Model& m) const {
  std::vector<std::string> names;
  for (tenon_value v : m.main().inputs) names.emplace_back(m.value_name(v));
  for (const auto& [name, dims] : request_.shapes) {
    auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) return fail(Error(TENON_E_CONFIG, "the model has no input \"" + name + "\"").with("hint", nearest_hint(name, names)));
    tenon_value v = m.main().inputs[static_cast<size_t>(it - names.begin())];
    std::vector<int64_t> d;
    for (const auto& x : dims) d.push_back(to_dim(m, x));
    TENON_TRY(m.set_type(v, m.type(v).dtype, static_cast<int32_t>(d.size()), d.data()));
  }
  return {};
}

Status ImportStage::read_native(Run& r, StageRecord* record) const {
  if (!request_.options.empty()) return fail(Error(TENON_E_CONFIG, "the host's own format has no options").with("found", request_.options.dump()));
  auto file = map_file(request_.model);
  if (!file) return fail(std::move(file.error()));
  auto m = read_tenon(std::move(*file));
  if (!m) return fail(std::move(m.error()));
  TENON_TRY(set_shapes(**m));
  if (!request_.shapes.empty()) TENON_TRY(infer_graph(r.session, **m, (*m)->main()));
  r.observe({"read", 0, 0, 0, nullptr, m->get()});
  record->details["frontend"] = kNativeFormat;
  record->nodes_before = (*m)->n_nodes();
  r.leftovers.clear();
  r.model = std::move(*m);
  return {};
}

/// Options were checked against those of all frontends; now the one is known.
Status ImportStage::fit_options(const Registry& r, ImportRequest* request) {
  Json own = options_of(r, "frontend", request->frontend);
  std::vector<std::string> known;
  for (const auto& item : own["properties"].items()) known.push_back(item.key());
  for (const auto& item : request->options.items())
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      return fail(Error(TENON_E_CONFIG, "the frontend " + request->frontend + ", which the model file belongs to, has no option \"" + item.key() + "\"").with("hint", nearest_hint(item.key(), known)));
  fill_defaults(own, &request->options);
  return {};
}

Status ImportStage::import_foreign(Run& r, StageRecord* record) const {
  ImportRequest request = request_;
  if (request.frontend == kAutoFrontend) {
    auto id = frontend_of(r.session, request.model);
    if (!id) return fail(std::move(id.error()));
    request.frontend = *id;
    TENON_TRY(fit_options(r.session.registry, &request));
  }
  std::unique_ptr<Model> parsed;
  Stopwatch watch;
  double parsed_ms = 0;
  if (!r.observers.empty())
    request.parsed = [&](const Model& m) {
      parsed = m.clone();
      parsed_ms = watch.ms();
      r.observe({"parse", 0, parsed_ms, 0, nullptr, parsed.get()});
    };
  auto imported = import_model(r.session, request);
  if (!imported) return fail(std::move(imported.error()));
  if (parsed) r.observe({"lower", 0, watch.ms() - parsed_ms, 0, parsed.get(), imported->model.get()});
  record->details["frontend"] = imported->frontend;
  record->nodes_before = imported->foreign_nodes;
  record->details["operators"] = Json::array();
  for (const auto& [op, l] : imported->lowered) record->details["operators"].push_back({{"operator", op.first}, {"version", op.second}, {"count", l.count}, {"into", l.into}});
  r.leftovers = std::move(imported->leftovers);
  r.model = std::move(imported->model);
  return {};
}

/// The verifier's verdict on what was imported. It is the model's mistake before it is a plugin's.
Status ImportStage::sound(Run& r) {
  Status s = verify(r.session, *r.model);
  if (s || s.error().code != TENON_E_INTERNAL) return s;
  Error e = std::move(s.error());
  e.code = TENON_E_INVALID;
  return fail(std::move(e).with("hint", "the model breaks its format's rules, such as the types that an operator takes; if it does not, a lowering is wrong"));
}

Status ImportStage::run(Run& r, StageRecord* record) {
  bool automatic = request_.frontend == kAutoFrontend || request_.frontend.empty();
  bool native = request_.frontend == kNativeFormat || (automatic && is_native_file(request_.model));
  auto located = [&](Error e) -> Status {
    if (e.detail("file").empty()) e.with("file", request_.model);
    std::string frontend = record->details.value("frontend", request_.frontend);
    return fail(at_stage(std::move(e), r.session.registry, native || frontend == kAutoFrontend ? "import" : "frontend", frontend));
  };
  std::unique_ptr<Model> before = std::move(r.model);
  Status s = native ? read_native(r, record) : import_foreign(r, record);
  if (s) s = sound(r);
  r.checker.forget();
  if (!s) {
    r.model = std::move(before);
    return located(std::move(s.error()));
  }
  record->details["model"] = request_.model;
  for (const auto& l : r.leftovers) record->details["leftovers"].push_back(leftover_json(r.session.registry, l));
  r.report.leftovers.clear();
  for (const auto& l : r.leftovers) r.report.leftovers.push_back(leftover_json(r.session.registry, l));
  return {};
}

std::string ImportStage::summary(const StageRecord& record) const {
  std::string s = fmt::format("{}: {}", record.details.value("frontend", ""), Stage::summary(record));
  if (!record.details.contains("leftovers")) return s;
  for (const auto& l : record.details["leftovers"]) s += fmt::format("\n  left over: {} version {}, {} nodes: {}", l["operator"].get<std::string>(), l["version"].get<int>(), l["count"].get<uint64_t>(), l["reason"].get<std::string>());
  return s;
}

}  // namespace tenon::core
