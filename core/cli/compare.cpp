// SPDX-License-Identifier: Apache-2.0
// host compare A B
#include <fmt/format.h>

#include <cmath>

#include "../proof/compare_models.hpp"
#include "../pipeline/made_inputs.hpp"
#include "model_arguments.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  std::string a, b, pipeline_a = "none", pipeline_b = "none", inputs;
  std::vector<std::string> options_a, options_b, shapes_a, shapes_b, dims;
  double absolute = -1, relative = -1;
  int64_t seed = 0;
  bool all = false;
};

Status load(Run& r, const std::string& model, const std::vector<std::string>& shapes, const std::vector<std::string>& options, const std::string& pipeline) {
  auto stages = model_stages(r.session.registry, {model, shapes, options}, {pipeline, true});
  if (!stages) return fail(std::move(stages.error()));
  return run_stages(r, std::move(*stages));
}

Result<std::vector<Tensor>> read_inputs(const Options& o, const Model& m) {
  if (!o.inputs.empty()) {
    auto file = Npz::open(o.inputs);
    if (!file) return fail(std::move(file.error()));
    return inputs_from_file(*file, m);
  }
  auto dims = dims_json(o.dims);
  if (!dims) return fail(std::move(dims.error()));
  return made_inputs(m, static_cast<uint64_t>(o.seed), dims->get<DimValues>());
}

Tolerance tolerance_of(const Options& o) {
  if (o.absolute < 0 && o.relative < 0) return {};
  return {std::max(o.absolute, 0.0), std::max(o.relative, 0.0), false, false};
}

const char* verdict(const ValueComparison& v) { return v.moved ? "moved" : v.departs ? "DEPARTS" : v.comparable ? "ok" : "-"; }

Json value_json(const ValueComparison& v) {
  Json j{{"a", v.name_a}, {"b", v.name_b}, {"type-a", v.shape_a}, {"type-b", v.shape_b}, {"matched-by", v.match.name}, {"output", v.match.output}, {"verdict", verdict(v)}};
  if (!v.note.empty()) j["note"] = v.note;
  if (!v.comparable) return j;
  j["max-difference"] = std::isfinite(v.found.max_difference) ? Json(v.found.max_difference) : Json("infinite");
  j["max-relative"] = std::isfinite(v.relative) ? Json(v.relative) : Json("infinite");
  return j;
}

Json comparison_json(const ModelComparison& c) {
  Json j{{"values", Json::array()}, {"notes", c.notes}, {"peak-bytes", {{"a", c.peak_bytes_a}, {"b", c.peak_bytes_b}}}};
  for (const auto& v : c.values) j["values"].push_back(value_json(v));
  if (const auto* f = c.first()) j["first"] = value_json(*f);
  return j;
}

std::string fitted(const std::string& s, size_t width) { return s.size() <= width ? s : "..." + s.substr(s.size() - width + 3); }

void print_row(const ValueComparison& v) {
  const std::string numbers = v.comparable ? fmt::format("{:>10.3g} {:>10.3g}", v.found.max_difference, v.relative) : fmt::format("{:>10} {:>10}", "", "");
  print_line(fmt::format("{:<36} {:<36} {:<22} {} {:<8}{}", fitted(v.name_a, 36), v.name_b == v.name_a ? "=" : fitted(v.name_b, 36), fitted(v.shape_a, 22), numbers, verdict(v), v.note.empty() ? "" : " " + v.note));
}

void print_table(const ModelComparison& c, bool all) {
  constexpr size_t kMostRows = 60;
  print_line(fmt::format("{:<36} {:<36} {:<22} {:>10} {:>10}", "value of A", "value of B", "type", "max |a-b|", "relative"));
  size_t left_out = 0;
  for (const auto& v : c.values) {
    if (all || c.values.size() <= kMostRows || v.departs || v.match.output) print_row(v);
    else ++left_out;
  }
  if (left_out) print_line(fmt::format("{} more values agree or are not comparable; --all shows them", left_out));
}

Status compare(const Common& c, const Options& o) {
  Work work(c);
  TENON_TRY(work.discover());
  Run a(work.session), b(work.session);
  a.progress = b.progress = &work.progress;
  TENON_TRY(load(a, o.a, o.shapes_a, o.options_a, o.pipeline_a));
  TENON_TRY(load(b, o.b, o.shapes_b, o.options_b, o.pipeline_b));
  auto inputs = read_inputs(o, *a.model);
  if (!inputs) return fail(std::move(inputs.error()));
  const Tolerance t = tolerance_of(o);
  auto found = compare_models(work.session, *a.model, *b.model, *inputs, t);
  if (!found) return fail(std::move(found.error()));
  work.progress.clear();
  if (c.json) print_line(comparison_json(*found).dump(2, ' ', false, Json::error_handler_t::replace));
  else print_table(*found, o.all);
  for (const auto& n : found->notes)
    if (!c.json) print_line("note: " + n);
  const ValueComparison* first = found->first();
  if (found->values.empty()) return fail(Error(TENON_E_CONFIG, "the models have no value in common").with("hint", "values are matched by the names of nodes and values of the files, and outputs by position"));
  if (first) return fail(Error(TENON_E_MISMATCH, fmt::format("value \"{}\" is the first that departs: {}", first->name_a, first->found.text())).with("value", first->name_b).with("node", first->match.name).with("tolerance", t.text()));
  if (!c.json) print_line(fmt::format("{} values match, none departs; live at most {:.1f} MB of A and {:.1f} MB of B", found->values.size(), static_cast<double>(found->peak_bytes_a) / 1e6, static_cast<double>(found->peak_bytes_b) / 1e6));
  return {};
}

}  // namespace

void add_compare(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("compare", "Run two models side by side and find the first value in which they depart");
  sub->add_option("A", o->a, "Model file of any format: the reference")->required();
  sub->add_option("B", o->b, "Model file of any format; may be the same file")->required();
  sub->add_option("--pipeline-a", o->pipeline_a, "What optimizes A: a pipeline of a plugin, a .json file, or \"none\" (the default)");
  sub->add_option("--pipeline-b", o->pipeline_b, "The same for B");
  sub->add_option("--inputs", o->inputs, ".npz or .npy file with the inputs of A; without it they are made up")->type_name("FILE");
  sub->add_option("--shape-a", o->shapes_a, "Shape of an input of A: NAME=1,3,N")->allow_extra_args(false);
  sub->add_option("--shape-b", o->shapes_b, "Shape of an input of B")->allow_extra_args(false);
  sub->add_option("--option-a", o->options_a, "Option of the import of A: NAME=VALUE")->allow_extra_args(false);
  sub->add_option("--option-b", o->options_b, "Option of the import of B")->allow_extra_args(false);
  sub->add_option("--dim", o->dims, "Size of a symbolic dimension of made-up inputs: NAME=4")->allow_extra_args(false);
  sub->add_option("--seed", o->seed, "Seed of made-up inputs")->check(CLI::NonNegativeNumber);
  sub->add_option("--absolute", o->absolute, "A value departs by more than absolute + relative*|y|")->check(CLI::NonNegativeNumber);
  sub->add_option("--relative", o->relative, "The same; without any: 1e-6 + 1e-3 * largest magnitude")->check(CLI::NonNegativeNumber);
  sub->add_flag("--all", o->all, "Show all values");
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = compare(c, *o); });
}

}  // namespace tenon::core::cli
