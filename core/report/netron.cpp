// SPDX-License-Identifier: Apache-2.0
#include "netron.hpp"

#include <fmt/format.h>
#include <tenon/dtype.hpp>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "../data/output_file.hpp"
#include "../ir/walk.hpp"
#include "graph_changes.hpp"
#include "graph_json.hpp"

namespace tenon::core {
namespace {

/// One graph of the model. Values are numbered by first mention; Netron connects nodes by their names, so names are made unique.
class NetronGraph {
 public:
  NetronGraph(const Model& m, const tenon_graph& g, const std::vector<tenon_node>& nodes) : m_(m), g_(g), nodes_(nodes) {}
  Json json() {
    Json inputs = Json::array(), outputs = Json::array(), nodes = Json::array();
    for (tenon_value v : g_.inputs) inputs.push_back(argument(std::string(m_.value_name(v)), {v}));
    for (tenon_node n : nodes_) nodes.push_back(node(n));
    for (size_t k = 0; k < g_.outputs.size(); ++k) outputs.push_back(argument(k < g_.output_names.size() ? g_.output_names[k] : "", {g_.outputs[k]}));
    return {{"name", g_.name}, {"values", values_}, {"inputs", inputs}, {"outputs", outputs}, {"nodes", nodes}};
  }

 private:
  const Model& m_;
  const tenon_graph& g_;
  const std::vector<tenon_node>& nodes_;
  std::unordered_map<tenon_value, size_t> number_;
  std::unordered_set<std::string> names_;
  Json values_ = Json::array();

  std::string unique_name(tenon_value v) {
    std::string name(m_.value_name(v));
    if (name.empty()) name = fmt::format("%{}", slot(v));
    while (!names_.insert(name).second) name += fmt::format("#{}", slot(v));
    return name;
  }
  Json type(tenon_value v) const {
    const ValueType t = m_.type(v);
    Json dims = Json::array();
    for (int32_t k = 0; k < t.rank; ++k) dims.push_back(t.dims[static_cast<size_t>(k)] >= 0 ? Json(t.dims[static_cast<size_t>(k)]) : Json(m_.symbols.text(t.dims[static_cast<size_t>(k)])));
    return {{"dataType", dtype_name(t.dtype)}, {"shape", {{"dimensions", dims}}}};
  }
  size_t value(tenon_value v) {
    const auto [it, fresh] = number_.try_emplace(v, values_.size());
    if (!fresh) return it->second;
    Json j{{"name", unique_name(v)}, {"type", type(v)}};
    if (m_.values.constant[slot(v)]) j["initializer"] = {{"type", j["type"]}};
    values_.push_back(std::move(j));
    return it->second;
  }
  Json argument(std::string name, const std::vector<tenon_value>& all) {
    Json j{{"name", std::move(name)}, {"value", Json::array()}};
    for (tenon_value v : all)
      if (v) j["value"].push_back(value(v));
    return j;
  }
  Json arguments(const std::vector<tenon_value>& all) {
    Json j = Json::array();
    for (size_t k = 0; k < all.size(); ++k)
      if (all[k]) j.push_back(argument(std::to_string(k), {all[k]}));
    return j;
  }
  Json node(tenon_node n) {
    std::vector<tenon_value> in, out;
    m_.inputs(n, &in);
    m_.outputs(n, &out);
    Json attrs = Json::array(), from = Json::array();
    const AttrSet* a = m_.attrs(n);
    for (uint64_t k = 0; a && k < a->size(); ++k) attrs.push_back(Json{{"name", std::string(a->data()[k].name.data, a->data()[k].name.len)}, {"type", "string"}, {"value", attr_text(m_, a->data()[k])}});
    for (const auto& name : m_.origin_names(n)) from.push_back(name);
    if (!from.empty()) attrs.push_back(Json{{"name", "origin"}, {"type", "string[]"}, {"value", from}});
    return {{"name", m_.nodes.name[slot(n)]}, {"type", {{"name", op_text(m_.nodes.op[slot(n)])}}}, {"inputs", arguments(in)}, {"outputs", arguments(out)}, {"attributes", attrs}};
  }
};

/// Letters, digits, '-' and '_' of a name; Netron needs no more to tell files apart.
std::string file_part(std::string s) {
  std::replace_if(s.begin(), s.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '_'; }, '-');
  return s.substr(0, 60);
}

Status write_file(const std::string& path, const std::string& text) {
  auto f = OutputFile::create(path);
  if (!f) return fail(std::move(f.error()));
  TENON_TRY(f->write(text.data(), text.size()));
  return f->commit();
}

}  // namespace

std::string netron_text(const Model& m, const std::string& description) {
  const auto dump = [](const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); };
  const Walk w = walk(m);
  // Netron looks for the signature in the first 64 bytes, up to the end of a line.
  std::string s = "{ \"signature\": \"netron:tenon\",\n\"format\": \"Tenon\", \"producer\": \"Tenon\", \"version\": \"1\", \"description\": " + dump(description) + ",\n\"graphs\": [";
  bool first = true;
  for (const tenon_graph* g : m.nested(m.main())) {
    s += (first ? "\n" : ",\n") + dump(NetronGraph(m, *g, w.nodes.at(g->index)).json());
    first = false;
  }
  return s + "\n]}\n";
}

void NetronWriter::changed(const GraphEvent& e) {
  if (!status_ || (e.before && graph_changes(e.before, *e.after).none())) return;
  std::error_code ec;
  std::filesystem::create_directories(folder_, ec);
  const auto name = fmt::format("{:03}-{}.netron.json", next_++, file_part(e.name));
  status_ = write_file((std::filesystem::path(folder_) / name).string(), netron_text(*e.after, e.name));
}

}  // namespace tenon::core
