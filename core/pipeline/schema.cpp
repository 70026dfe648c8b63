// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include "options_schema.hpp"

namespace tenon::core {
namespace {

Json text(const char* description) { return {{"type", "string"}, {"description", description}}; }
Json path(const char* description) { return {{"type", "string"}, {"minLength", 1}, {"description", description}}; }
Json integer(int64_t least, const char* description) { return {{"type", "integer"}, {"minimum", least}, {"description", description}}; }

Json object(Json properties, std::vector<std::string> required) {
  Json s{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) s["required"] = required;
  return s;
}

Json tolerance_schema() {
  Json number{{"type", "number"}, {"minimum", 0}};
  Json parts = object({{"absolute", number}, {"relative", number}, {"of", {{"enum", {"element", "peak"}}}}}, {});
  return {{"anyOf", {number, parts}}, {"description", "|x - y| <= absolute + relative * |y|; of \"peak\": |y| is the output's largest magnitude. A number is relative to the peak."}};
}

Json dims_schema() { return {{"type", "object"}, {"additionalProperties", {{"type", "integer"}, {"minimum", 0}}}, {"description", "values of symbolic dimensions for made-up inputs"}}; }

Json verify_schema() {
  Json parts = object({{"tolerance", tolerance_schema()},
                       {"inputs", path(".npz or .npy file with the inputs; otherwise they are made up")},
                       {"seed", integer(0, "of made-up inputs")},
                       {"sets", integer(1, "number of sets of made-up inputs with ordinary numbers")},
                       {"edges", {{"type", "boolean"}, {"description", "made-up inputs also with other sizes where sizes are open, and for exact passes with NaN, infinities and extremes, and without elements; not said: unless one run takes seconds"}}},
                       {"dims", dims_schema()},
                       {"backend", text("what runs the graph; default: reference kernels")}},
                      {});
  return {{"anyOf", {Json{{"type", "boolean"}}, parts}}, {"description", "runs the graph before and after the stage on the same inputs and compares every output"}};
}

Json shapes_schema() {
  Json dim{{"anyOf", {Json{{"type", "integer"}, {"minimum", 0}}, Json{{"type", "string"}, {"minLength", 1}}}}};
  return {{"type", "object"}, {"additionalProperties", {{"type", "array"}, {"items", dim}}}, {"description", "shapes of inputs: numbers, or names for sizes that stay open"}};
}

Json ids_enum(const Registry& r, std::string_view kind, std::vector<std::string> more) {
  for (auto& id : r.ids(kind)) more.push_back(std::move(id));
  return {{"enum", more}};
}

Json execute_properties(Json backend, Json options) {
  return {{"execute", std::move(backend)},
          {"inputs", path(".npz or .npy file: entry in:NAME or NAME; NAME/0, NAME/1, ... for the items of a sequence")},
          {"expect", path(".npz or .npy file: entry out:NAME or NAME")},
          {"outputs", path(".npz file to write")},
          {"repeat", integer(1, "number of runs")},
          {"threads", integer(1, "threads of the backend")},
          {"seed", integer(0, "of made-up inputs")},
          {"dims", dims_schema()},
          {"tolerance", tolerance_schema()},
          {"accuracy", object({{"output", text("output that holds a score for each class along its last axis")}, {"labels", text("entry of the inputs or expect file, or a .npy file, with the right class")}}, {"output", "labels"})},
          {"options", std::move(options)}};
}

Json merged_frontend_options(const Registry& r) {
  Json all = Json::object();
  for (const auto& id : r.ids("frontend")) {
    Json own = options_of(r, "frontend", id);
    for (const auto& [key, s] : own["properties"].items())
      if (!all.contains(key)) all[key] = s;
  }
  return all;
}

}  // namespace

const std::vector<std::string>& stage_kinds() {
  static const std::vector<std::string> kinds = {"import", "pass", "export", "execute", "repeat", "pipeline"};
  return kinds;
}

Json options_of(const Registry& r, std::string_view kind, std::string_view id) {
  const Provided* p = r.find_provided(kind, id);
  if (!p || !p->json.contains("options") || !p->json["options"].is_object()) return object(Json::object(), {});
  Json s = p->json["options"];
  if (!s.contains("type")) s["type"] = "object";
  if (!s.contains("properties")) s["properties"] = Json::object();
  return closed_schema(std::move(s));
}

Json import_schema(const Registry& r, const std::string& frontend) {
  Json own = frontend == kAutoFrontend ? merged_frontend_options(r) : options_of(r, "frontend", frontend)["properties"];
  Json properties{{"import", {{"const", frontend}}}, {"model", path("the model file")}, {"shapes", shapes_schema()}};
  for (const auto& [key, s] : own.items())
    if (!properties.contains(key)) properties[key] = s;
  Json schema = object(std::move(properties), {"import", "model"});
  if (frontend != kAutoFrontend) {
    Json required = options_of(r, "frontend", frontend).value("required", Json::array());
    for (const auto& key : required) schema["required"].push_back(key);
  }
  return schema;
}

Json pass_schema(const Registry& r, const std::string& id) {
  Json options = options_of(r, "pass", id);
  bool needs_options = options.contains("required") && !options["required"].empty();
  return object({{"pass", {{"const", id}}}, {"options", std::move(options)}, {"verify", verify_schema()}}, needs_options ? std::vector<std::string>{"pass", "options"} : std::vector<std::string>{"pass"});
}

Json export_schema(const Registry& r, const std::string& id) {
  return object({{"export", {{"const", id}}}, {"model", path("the file to write")}, {"options", options_of(r, "exporter", id)}}, {"export", "model"});
}

Json execute_schema(const Registry& r, const std::vector<std::string>& backends) {
  Json options = object(Json::object(), {});
  for (const auto& b : backends) {
    Json own = options_of(r, "backend", b);
    for (const auto& [key, s] : own["properties"].items())
      if (!options["properties"].contains(key)) options["properties"][key] = s;
  }
  Json name{{"type", "string"}};
  Json one_or_more{{"anyOf", {name, Json{{"type", "array"}, {"items", name}, {"minItems", 1}}}}};
  return object(execute_properties(std::move(one_or_more), std::move(options)), {"execute"});
}

Json repeat_schema() {
  Json items{{"type", "array"}, {"minItems", 1}};
  return object({{"repeat", items},
                 {"until", {{"enum", {"unchanged"}}, {"default", "unchanged"}}},
                 {"at-most", {{"type", "integer"}, {"minimum", 1}, {"default", 8}, {"description", "rounds"}}},
                 {"verify", verify_schema()}},
                {"repeat"});
}

Json include_schema() { return object({{"pipeline", text("id of a pipeline that a plugin brings, or the path of a .json file")}, {"verify", verify_schema()}}, {"pipeline"}); }

Json top_schema() {
  Json folders{{"type", "array"}, {"items", {{"type", "string"}}}};
  Json prefer{{"type", "object"},
              {"description", "which plugin wins where two bring the same: {\"KIND:ID\": \"plugin\"} or a list"},
              {"additionalProperties", {{"anyOf", {Json{{"type", "string"}}, folders}}}}};
  return object({{"$schema", text("for editors")},
                 {"version", {{"enum", {1}}}},
                 {"description", text("for readers")},
                 {"plugins", {{"anyOf", {folders, object({{"path", folders}}, {})}}, {"description", "folders with plugins, relative to this file"}}},
                 {"prefer", prefer},
                 {"threads", integer(1, "threads of backends")},
                 {"stages", {{"type", "array"}}}},
                {"stages"});
}

Json pipeline_schema(const Registry& r) {
  Json stages = Json::array(), passes = Json::array();
  for (const auto& id : r.ids("frontend")) stages.push_back(import_schema(r, id));
  for (const char* id : {kAutoFrontend, kNativeFormat}) stages.push_back(import_schema(r, id));
  for (const auto& id : r.ids("pass")) passes.push_back(pass_schema(r, id));
  for (const auto& p : passes) stages.push_back(p);
  Json repeat = repeat_schema();
  Json inner = passes;
  inner.push_back(ids_enum(r, "pass", {}));
  repeat["properties"]["repeat"]["items"] = {{"anyOf", inner}};
  stages.push_back(repeat);
  stages.push_back(include_schema());
  for (const auto& id : r.ids("exporter")) stages.push_back(export_schema(r, id));
  stages.push_back(export_schema(r, kNativeFormat));
  Json execute = execute_schema(r, r.ids("backend"));
  execute["properties"]["execute"] = {{"anyOf", {ids_enum(r, "backend", {kReferenceBackend}), Json{{"type", "array"}, {"items", ids_enum(r, "backend", {kReferenceBackend})}, {"minItems", 1}}}}};
  stages.push_back(execute);
  stages.push_back(ids_enum(r, "pass", {}));
  Json all = top_schema();
  all["properties"]["stages"]["items"] = {{"anyOf", stages}};
  Json head{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Tenon pipeline"}};
  head.update(all);
  return head;
}

}  // namespace tenon::core
