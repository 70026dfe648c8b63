// SPDX-License-Identifier: Apache-2.0
#include "options_schema.hpp"

#include <algorithm>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "../report/nearest.hpp"
#include "positions.hpp"

namespace tenon::core {
namespace {

bool is_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

/// Of several alternatives, the one whose type fits the value.
const Json& alternative(const Json& schema, const Json& value) {
  for (const char* key : {"anyOf", "oneOf"}) {
    if (!schema.is_object() || !schema.contains(key)) continue;
    for (const Json& s : schema[key])
      if (s.is_object() && s.contains("type") && s["type"].is_string() && is_type(value, s["type"])) return s;
  }
  return schema;
}

std::vector<std::string> property_names(const Json& schema) {
  std::vector<std::string> names;
  for (const auto& p : schema["properties"].items()) names.push_back(p.key());
  return names;
}

/// Reports unknown keys and removes them, so that they are not reported again in other words.
void take_unknown_keys(const Json& any, Json* value, const std::string& at, std::vector<Problem>* out) {
  const Json& schema = alternative(any, *value);
  if (!schema.is_object()) return;
  if (value->is_array() && schema.contains("items") && schema["items"].is_object())
    for (size_t i = 0; i < value->size(); ++i) take_unknown_keys(schema["items"], &(*value)[i], at + '/' + std::to_string(i), out);
  if (!value->is_object() || !schema.contains("properties")) return;
  bool closed = schema.contains("additionalProperties") && schema["additionalProperties"] == false;
  std::vector<std::string> unknown;
  for (auto& [key, v] : value->items()) {
    if (schema["properties"].contains(key))
      take_unknown_keys(schema["properties"][key], &v, at + pointer_step(key), out);
    else if (closed)
      unknown.push_back(key);
  }
  for (const auto& key : unknown) {
    value->erase(key);
    Problem p{at + pointer_step(key), "unknown key \"" + key + "\"", "", "", nearest_hint(key, property_names(schema)), true};
    if (schema["properties"].empty()) p.hint = "no keys are allowed here";
    out->push_back(std::move(p));
  }
}

const Json* schema_at(const Json& root, const Json& value, const std::vector<std::string>& steps) {
  const Json* s = &alternative(root, value);
  const Json* v = &value;
  for (const auto& step : steps) {
    if (v->is_array()) {
      size_t i = std::strtoull(step.c_str(), nullptr, 10);
      if (i >= v->size() || !s->contains("items")) return nullptr;
      v = &(*v)[i];
      s = &(*s)["items"];
    } else {
      if (!v->is_object() || !v->contains(step) || !s->contains("properties") || !(*s)["properties"].contains(step)) return nullptr;
      v = &(*v)[step];
      s = &(*s)["properties"][step];
    }
    s = &alternative(*s, *v);
  }
  return s;
}

/// What a schema allows, in a few words.
std::string allowed(const Json& s) {
  std::string out;
  auto add = [&](const std::string& t) { out += (out.empty() ? "" : ", ") + t; };
  if (s.contains("enum"))
    for (const auto& e : s["enum"]) out += (out.empty() ? "one of " : ", ") + e.dump();
  if (s.contains("const")) add(s["const"].dump());
  if (s.contains("type")) add(s["type"].is_string() ? s["type"].get<std::string>() : s["type"].dump());
  for (const char* key : {"anyOf", "oneOf"})
    if (s.contains(key))
      for (const auto& a : s[key]) {
        if (a.is_object()) out += (out.empty() ? "" : " or ") + allowed(a);
      }
  if (s.contains("minimum")) add("at least " + s["minimum"].dump());
  if (s.contains("maximum")) add("at most " + s["maximum"].dump());
  if (s.contains("exclusiveMinimum")) add("more than " + s["exclusiveMinimum"].dump());
  if (s.contains("minItems")) add("at least " + s["minItems"].dump() + " items");
  if (s.contains("pattern")) add("like " + s["pattern"].dump());
  return out;
}

std::vector<std::string> steps_of(const std::vector<std::string>& context) {
  std::vector<std::string> steps;
  for (const auto& c : context)
    if (c.size() > 1 && c.front() == '[') steps.push_back(c.substr(1, c.size() - 2));
  return steps;
}

std::string shortened(const Json& v) {
  std::string s = v.dump(-1, ' ', false, Json::error_handler_t::replace);
  return s.size() > 60 ? s.substr(0, 57) + "..." : s;
}

const Json* value_at(const Json& root, const std::vector<std::string>& steps) {
  const Json* v = &root;
  for (const auto& step : steps) {
    if (v->is_array()) {
      size_t i = std::strtoull(step.c_str(), nullptr, 10);
      if (i >= v->size()) return nullptr;
      v = &(*v)[i];
    } else if (v->is_object() && v->contains(step)) {
      v = &(*v)[step];
    } else {
      return nullptr;
    }
  }
  return v;
}

std::string missing_key(const std::string& description) {
  // valijson names a missing member as: Missing required property 'x'.
  if (description.compare(0, 26, "Missing required property ") != 0) return {};
  size_t a = description.find('\''), b = description.rfind('\'');
  return a < b ? description.substr(a + 1, b - a - 1) : std::string();
}

Problem describe(const Json& schema, const Json& value, const valijson::ValidationResults::Error& e) {
  std::vector<std::string> steps = steps_of(e.context);
  Problem p;
  for (const auto& s : steps) p.pointer += pointer_step(s);
  std::string absent = missing_key(e.description);
  if (!absent.empty()) {
    p.message = "\"" + absent + "\" is missing";
    return p;
  }
  const Json* v = value_at(value, steps);
  p.message = (steps.empty() ? "the value" : "\"" + steps.back() + "\"") + std::string(" has a value that is not allowed");
  if (const Json* s = schema_at(schema, value, steps)) p.expected = allowed(*s);
  if (p.expected.empty()) p.expected = e.description;
  if (v) p.found = shortened(*v);
  return p;
}

/// The problems furthest inside: a failed member makes every object around it fail too.
std::vector<Problem> innermost(std::vector<Problem> all) {
  std::vector<Problem> kept;
  for (const auto& p : all) {
    bool inner = std::any_of(all.begin(), all.end(), [&](const Problem& q) { return q.pointer.compare(0, p.pointer.size() + 1, p.pointer + '/') == 0; });
    bool known = std::any_of(kept.begin(), kept.end(), [&](const Problem& q) { return q.pointer == p.pointer && (q.message == p.message || p.found.size()); });
    if ((!inner || p.found.empty()) && !known) kept.push_back(p);
  }
  return kept;
}

}  // namespace

Json closed_schema(Json schema) {
  if (schema.is_array())
    for (auto& s : schema) s = closed_schema(std::move(s));
  if (!schema.is_object()) return schema;
  for (const char* key : {"anyOf", "oneOf", "allOf", "items"})
    if (schema.contains(key)) schema[key] = closed_schema(std::move(schema[key]));
  if (!schema.contains("properties")) return schema;
  for (auto& [key, s] : schema["properties"].items()) s = closed_schema(std::move(s));
  if (!schema.contains("additionalProperties")) schema["additionalProperties"] = false;
  return schema;
}

void fill_defaults(const Json& schema, Json* value) {
  if (!schema.is_object() || !value->is_object() || !schema.contains("properties")) return;
  for (const auto& [key, s] : schema["properties"].items()) {
    if (!s.is_object()) continue;
    if (!value->contains(key) && s.contains("default")) (*value)[key] = s["default"];
    if (value->contains(key)) fill_defaults(s, &(*value)[key]);
  }
}

bool is_path_option(const Json& schema, const std::string& key) {
  if (!schema.contains("properties") || !schema["properties"].contains(key)) return false;
  const Json& s = schema["properties"][key];
  return s.is_object() && s.contains("format") && s["format"] == "path";
}

Result<std::vector<Problem>> check_value(const Json& schema, const Json& value) {
  std::vector<Problem> problems;
  Json known = value;
  take_unknown_keys(schema, &known, "", &problems);
  try {
    nlohmann::json plain_schema = schema, plain_value = known;
    valijson::Schema compiled;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(plain_schema), compiled);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(compiled, valijson::adapters::NlohmannJsonAdapter(plain_value), &results)) return problems;
    std::vector<Problem> found;
    for (const auto& e : results) found.push_back(describe(schema, known, e));
    for (auto& p : innermost(std::move(found))) problems.push_back(std::move(p));
  } catch (const std::exception& e) {
    return fail(Error(TENON_E_ABI, "a plugin's option schema is not a valid JSON schema").with("found", e.what()));
  }
  return problems;
}

}  // namespace tenon::core
