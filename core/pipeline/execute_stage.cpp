// SPDX-License-Identifier: Apache-2.0
#include "execute_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../data/output_file.hpp"
#include "../data/shape.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace {

Json output_json(const std::string& name, const Tensor& t) {
  Json j{{"name", name}, {"type", dtype_name(t.type)}};
  if (!t.present) j["absent"] = true;
  if (t.present) j["shape"] = t.dims;
  return j;
}

/// Items of a sequence, and keys and values of a map, as entries of their own; what leaves no such trace says so.
void add_entries(const std::string& name, const Tensor& t, std::vector<NamedTensor>* out) {
  auto zero = [&](const char* about, tenon_dtype type) {
    if (auto z = Tensor::zeros(type, {})) out->emplace_back(name + about, std::move(*z));
  };
  if (!t.present) return zero("/present", dt::boolean);
  if (t.items && t.items->empty()) return zero("/count", dt::i64);
  if (!t.items) {
    out->emplace_back(name, t);
    return;
  }
  for (size_t i = 0; i < t.items->size(); ++i) add_entries(item_name(name, t.type, i), (*t.items)[i], out);
}

/// As the output's element type where that is only a matter of reading the bits; a different type is left for the comparison to report.
Result<Tensor> read_like(const Npz& file, const std::string& name, tenon_dtype like) {
  auto t = read_entry(file, "out", name);
  if (!t) return t;
  auto same = conform(*t, element(like));
  return same ? std::move(same) : std::move(t);
}

bool has_items(const Npz& file, const std::string& name) { return has_entry(file, "out", name, false) || has_entry(file, "out", name + "/keys", false); }

/// The reference of an output of this type: a sequence or map is gathered from its items.
Result<Tensor> read_expected(const Npz& file, const std::string& name, tenon_dtype type) {
  auto none = says_absent(file, "out", name);
  if (!none) return fail(std::move(none.error()));
  if (*none) return absent_value(type);
  if (!is_map(type) && !(type.flags & TENON_DTF_SEQUENCE)) return read_like(file, name, type);
  Tensor all;
  all.type = type;
  all.items = std::make_shared<std::vector<Tensor>>();
  for (size_t i = 0; is_map(type) ? i < 2 : has_items(file, item_name(name, type, i)); ++i) {
    auto t = read_expected(file, item_name(name, type, i), item_type(type, i));
    if (!t) return t;
    all.items->push_back(std::move(*t));
  }
  all.dims = {static_cast<int64_t>(all.items->size())};
  auto count = is_map(type) ? Result<int64_t>(-1) : read_count(file, "out", name);
  if (!count) return fail(std::move(count.error()));
  if (*count >= 0 && *count != all.dims[0])
    return fail(Error(TENON_E_CONFIG, "sequence \"" + name + "\" has not as many items as its count says").with("expected", std::to_string(*count)).with("found", std::to_string(all.dims[0])).with("file", file.path()));
  return all;
}

bool expected_there(const Npz& file, const std::string& name, const Tensor& t, bool only_one) {
  if (has_entry(file, "out", name + "/present", false) || has_entry(file, "out", name + "/count", false)) return true;
  bool items = is_map(t.type) || t.type.flags & TENON_DTF_SEQUENCE;
  return items ? has_items(file, item_name(name, t.type, 0)) : has_entry(file, "out", name, only_one);
}

}  // namespace

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  size_t n = v.size();
  return n == 0 ? 0 : n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

Result<std::vector<Tensor>> copy_all(const std::vector<const tenon_tensor*>& all) {
  std::vector<Tensor> r;
  for (const tenon_tensor* t : all) {
    if (!t) return fail(TENON_E_INTERNAL, "a program returned no tensor for an output");
    auto c = Tensor::copy(*t);
    if (!c) return fail(std::move(c.error()));
    r.push_back(std::move(*c));
  }
  return r;
}

Status write_outputs_file(const std::string& path, const Model& m, const std::vector<Tensor>& out) {
  std::vector<NamedTensor> entries;
  for (size_t i = 0; i < out.size(); ++i) add_entries("out:" + m.main().output_names[i], out[i], &entries);
  auto f = OutputFile::create(path);
  if (!f) return fail(std::move(f.error()));
  TENON_TRY(write_npz(entries, [&](const void* p, uint64_t n) { return f->write(p, n); }));
  return f->commit();
}

ExecuteStage::ExecuteStage(const Config& config, const Json& j) : backends_(backend_list(j["execute"])) {
  auto path = [&](const char* key) { return j.contains(key) ? config.resolve(j[key]) : std::string(); };
  inputs_ = path("inputs");
  expect_ = path("expect");
  outputs_ = path("outputs");
  repeat_ = j.value("repeat", int64_t{1});
  threads_ = j.value("threads", int64_t{0});
  seed_ = j.value("seed", uint64_t{0});
  options_ = j.value("options", Json::object());
  const Json dims = j.value("dims", Json::object());  // items() only refers to it
  for (const auto& [name, value] : dims.items()) dims_[name] = value;
  if (j.contains("tolerance")) tolerance_ = tolerance_from(j["tolerance"]);
  if (!j.contains("accuracy")) return;
  scores_ = j["accuracy"]["output"];
  labels_ = j["accuracy"]["labels"];
  bool is_file = labels_.size() > 4 && labels_.compare(labels_.size() - 4, 4, ".npy") == 0;
  if (is_file) labels_file_ = config.resolve(labels_);
}

std::string ExecuteStage::name() const {
  std::string s;
  for (const auto& b : backends_) s += (s.empty() ? "" : ", ") + b;
  return s;
}

void ExecuteStage::check(PlanCheck& c) const {
  c.input_file(inputs_, where);
  c.input_file(expect_, where);
  c.input_file(labels_file_, where);
  c.output_file(outputs_, where);
  if (!labels_.empty() && labels_file_.empty() && inputs_.empty() && expect_.empty())
    c.problems.push_back(Error(TENON_E_CONFIG, "\"accuracy\" takes its labels from the inputs or expect file, and there is none").with("position", where));
}

void ExecuteStage::explain(const Registry& r, const std::string& indent, std::string* out) const {
  *out += indent + "execute by the first of these that takes the graph:\n";
  for (const auto& b : backends_) *out += fmt::format("{}  {} from {}\n", indent, b, b == kReferenceBackend ? "the host, on reference kernels" : supplier_text(r, "backend", b));
}

Result<std::vector<Tensor>> ExecuteStage::read_inputs(Run& r) const {
  if (inputs_.empty() && !r.model->main().inputs.empty() && !expect_.empty())
    return fail(Error(TENON_E_CONFIG, "\"expect\" needs \"inputs\": the graph has inputs").with("position", where));
  if (inputs_.empty()) return made_inputs(*r.model, seed_, dims_);
  auto file = Npz::open(inputs_);
  if (!file) return fail(std::move(file.error()));
  return inputs_from_file(*file, *r.model);
}

Result<std::vector<Tensor>> ExecuteStage::run_all(Run& r, StageRecord* record) const {
  auto inputs = read_inputs(r);
  if (!inputs) return fail(std::move(inputs.error()));
  TensorSet set(std::move(*inputs));
  Json options = options_;
  if (r.profile && !options.contains("profile")) options["profile"] = true;
  auto c = compile_for(r.session, *r.model, backends_, options, threads_ ? threads_ : r.threads);
  if (!c) return fail(std::move(c.error()));
  std::vector<double> ms;
  Result<std::vector<Tensor>> out = fail(TENON_E_INTERNAL, "the program did not run");
  for (int64_t i = 0; i < repeat_; ++i) {
    Stopwatch watch;
    auto o = c->program->run(set.pointers());
    ms.push_back(watch.ms());
    if (!o) return fail(at_stage(std::move(o.error()), r.session.registry, "backend", c->backend));
    if (r.session.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
    if (r.progress) r.progress->update(static_cast<uint64_t>(i + 1), static_cast<uint64_t>(repeat_), "runs");
    if (i + 1 == repeat_) out = copy_all(*o);
  }
  Json& d = record->details;
  d["backend"] = c->backend;
  d["inputs"] = !inputs_.empty() ? inputs_ : set.tensors().empty() ? "none" : "made up";
  d["compile-ms"] = c->ms;
  d["runs"] = repeat_;
  d["ms-first"] = ms.front();
  d["ms-min"] = *std::min_element(ms.begin(), ms.end());
  d["ms-median"] = median(ms);
  d["program"] = c->program->describe();
  return out;
}

Status ExecuteStage::write_outputs(const Model& m, const std::vector<Tensor>& out) const { return outputs_.empty() ? Status() : write_outputs_file(outputs_, m, out); }

Status ExecuteStage::compare_outputs(Run& r, const std::vector<Tensor>& out, StageRecord* record) const {
  if (expect_.empty()) return {};
  auto file = Npz::open(expect_);
  if (!file) return fail(std::move(file.error()));
  std::vector<Error> misses;
  size_t compared = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const std::string& name = r.model->main().output_names[i];
    if (!expected_there(*file, name, out[i], out.size() == 1)) {
      r.session.log({3, "", "execute", "output \"" + name + "\" is not in " + expect_ + " and was not compared"});
      continue;
    }
    auto y = read_expected(*file, name, out[i].type);
    if (!y) return fail(std::move(y.error()));
    Comparison c = compare(out[i], *y, tolerance_);
    ++compared;
    record->details["outputs"][i]["compare"] = c.json();
    record->details["outputs"][i]["agrees"] = c.ok();
    record->details["outputs"][i]["text"] = c.text();
    if (!c.ok()) misses.push_back(Error(TENON_E_MISMATCH, "output \"" + name + "\" misses its reference: " + c.text()).with("value", name).with("tolerance", tolerance_.text()).with("file", expect_));
  }
  if (compared == 0) return fail(Error(TENON_E_CONFIG, "the file with expected outputs has none of the graph's outputs").with("file", expect_).with("expected", "an entry out:" + (out.empty() ? "NAME" : r.model->main().output_names[0])));
  return misses.empty() ? Status() : fail(gathered(std::move(misses), "result"));
}

Status ExecuteStage::run(Run& r, StageRecord* record) {
  auto out = run_all(r, record);
  if (!out) return fail(std::move(out.error()));
  record->details["outputs"] = Json::array();
  for (size_t i = 0; i < out->size(); ++i) record->details["outputs"].push_back(output_json(r.model->main().output_names[i], (*out)[i]));
  TENON_TRY(write_outputs(*r.model, *out));
  if (!outputs_.empty()) record->details["written"] = outputs_;
  Status agrees = compare_outputs(r, *out, record);
  TENON_TRY(count_right(r, *out, record));
  return agrees;
}

std::string ExecuteStage::summary(const StageRecord& record) const {
  const Json& d = record.details;
  if (!d.contains("ms-min")) return Stage::summary(record);
  std::string s = fmt::format("{}{} nodes, compiled in {}, ", backends_.size() > 1 ? d["backend"].get<std::string>() + " took it, " : "", record.nodes_after, time_text(d["compile-ms"]));
  s += repeat_ == 1 ? fmt::format("ran in {}", time_text(d["ms-min"])) : fmt::format("{} runs: min {}, median {}", repeat_, time_text(d["ms-min"]), time_text(d["ms-median"]));
  if (inputs_.empty() && d["inputs"] == "made up") s += ", inputs made up";
  for (const auto& o : d.value("outputs", Json::array())) {
    s += fmt::format("\n  {} {}{}", o["name"].get<std::string>(), o["type"].get<std::string>(), o.contains("shape") ? o["shape"].dump() : "");
    if (o.contains("text")) s += ": " + o["text"].get<std::string>();
  }
  if (d.contains("accuracy")) s += fmt::format("\n  accuracy {}/{} ({:.2f} %)", d["accuracy"]["right"].get<int64_t>(), d["accuracy"]["count"].get<int64_t>(), 100 * d["accuracy"]["ratio"].get<double>());
  if (!outputs_.empty()) s += "\n  written to " + outputs_;
  return s;
}

}  // namespace tenon::core
