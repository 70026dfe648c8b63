// SPDX-License-Identifier: Apache-2.0
// host inspect MODEL
#include <fmt/format.h>

#include <algorithm>

#include "../data/shape.hpp"
#include "../ir/text.hpp"
#include "../pipeline/inputs.hpp"
#include "../pipeline/missing.hpp"
#include "model_arguments.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  ImportArguments import;
  bool text = false, full = false;
};

Json io_json(const Model& m, const std::vector<tenon_value>& values, const std::vector<std::string>& names) {
  Json all = Json::array();
  for (size_t i = 0; i < values.size(); ++i) {
    ValueType t = m.type(values[i]);
    Json dims = Json::array();
    for (int64_t d : t.dims) dims.push_back(d >= 0 ? Json(d) : Json(m.symbols.text(d)));
    all.push_back(Json{{"name", names.empty() ? std::string(m.value_name(values[i])) : names[i]}, {"type", dtype_name(t.dtype)}, {"shape", t.rank < 0 ? Json() : dims}, {"text", value_type_text(m, values[i])}});
  }
  return all;
}

/// {"domain::Name": 3, ...}, sorted by name.
Json sorted_counts(const std::map<std::string, uint64_t>& counts) {
  Json j = Json::object();
  for (const auto& [name, n] : counts) j[name] = n;
  return j;
}

std::map<std::string, uint64_t> operators(const Model& m) {
  std::map<std::string, uint64_t> counts;
  for (const tenon_graph* g : m.nested(m.main()))
    for (Slot n = g->first; n; n = m.nodes.next[n]) {
      OpName op = op_name(m.nodes.op[n]);
      ++counts[fmt::format("{}::{}", op.domain, op.name)];
    }
  return counts;
}

std::map<std::string, uint64_t> file_operators(const Model& m) {
  std::map<std::string, uint64_t> counts;
  for (const auto& o : m.origins)
    if (!o.operator_name.empty()) ++counts[o.operator_name];
  return counts;
}

Json parameters(const Model& m) {
  uint64_t tensors = 0, elements = 0, bytes = 0;
  std::map<std::string, uint64_t> by_type;
  for (Slot s = 1; s < m.values.generation.size(); ++s) {
    bool used = m.values.n_uses[s] + m.values.extra_uses[s] > 0;
    if (!(m.values.generation[s] & 1) || !m.values.constant[s] || !used) continue;
    ValueType t = m.type(m.value_id(s));
    auto n = static_cast<uint64_t>(count_of(t.dims.data(), t.rank));
    ++tensors;
    elements += n;
    bytes += m.constants[m.values.constant[s]].bytes;
    by_type[dtype_name(t.dtype)] += n;
  }
  return {{"tensors", tensors}, {"elements", elements}, {"bytes", bytes}, {"elements-by-type", sorted_counts(by_type)}};
}

Json account(const Run& r, const std::string& path) {
  const Model& m = *r.model;
  const StageRecord& import = r.report.stages.front();
  Json j{{"model", path}, {"frontend", import.details.value("frontend", "")}};
  j["inputs"] = io_json(m, m.main().inputs, {});
  j["outputs"] = io_json(m, m.main().outputs, m.main().output_names);
  j["nodes"] = {{"file", import.nodes_before}, {"lowered", m.n_nodes()}};
  j["file-operators"] = sorted_counts(file_operators(m));
  j["operators"] = sorted_counts(operators(m));
  j["parameters"] = parameters(m);
  j["metadata"] = Json::object();
  for (const auto& [key, text] : m.metadata) j["metadata"][key] = text;
  if (!r.report.leftovers.empty()) j["leftovers"] = r.report.leftovers;
  return j;
}

void print_counts(const char* title, const Json& counts) {
  if (counts.empty()) return;
  std::vector<std::pair<std::string, uint64_t>> sorted;
  for (const auto& [name, n] : counts.items()) sorted.emplace_back(name, n.get<uint64_t>());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  print_line(title);
  for (const auto& [name, n] : sorted) print_line(fmt::format("  {:>6}  {}", n, name));
}

void print_account(const Json& j) {
  print_line(fmt::format("{} ({})", j["model"].get<std::string>(), j["frontend"].get<std::string>()));
  for (const auto& [key, text] : j["metadata"].items()) print_line(fmt::format("  {}: {}", key, text.get<std::string>()));
  for (const char* io : {"inputs", "outputs"}) {
    print_line(io);
    for (const auto& v : j[io]) print_line(fmt::format("  {}: {}", v["name"].get<std::string>(), v["text"].get<std::string>()));
  }
  const Json& p = j["parameters"];
  print_line(fmt::format("parameters\n  {} elements in {} tensors, {} bytes", p["elements"].get<uint64_t>(), p["tensors"].get<uint64_t>(), p["bytes"].get<uint64_t>()));
  print_counts(fmt::format("operators of the file ({} nodes)", j["nodes"]["file"].get<uint64_t>()).c_str(), j["file-operators"]);
  print_counts(fmt::format("operators after lowering ({} nodes)", j["nodes"]["lowered"].get<uint64_t>()).c_str(), j["operators"]);
  for (const auto& l : j.value("leftovers", Json::array()))
    print_line(fmt::format("left over: {} version {}, {} nodes: {} ({})", l["operator"].get<std::string>(), l["version"].get<int>(), l["count"].get<uint64_t>(), l["reason"].get<std::string>(), l["supplier"].get<std::string>()));
}

Status inspect(const Common& c, const Options& o) {
  Work work(c);
  TENON_TRY(work.discover());
  Run run(work.session);
  run.progress = &work.progress;
  TENON_TRY(import_alone(run, o.import));
  if (o.text || o.full) {
    PrintOptions p;
    p.full = o.full;
    std::string text = print(*run.model, p);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    print_line(text);
    return {};
  }
  Json j = account(run, o.import.model);
  if (c.json)
    print_line(j.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_account(j);
  return {};
}

}  // namespace

void add_inspect(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("inspect", "Show a model: inputs, outputs, operators, parameters");
  add_import(*sub, o->import);
  sub->add_flag("--text", o->text, "Print the graph as text");
  sub->add_flag("--full-text", o->full, "Print the graph as text with all constants in full");
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = inspect(c, *o); });
}

}  // namespace tenon::core::cli
