// SPDX-License-Identifier: Apache-2.0
#include "verify_stage.hpp"

#include <fmt/format.h>

#include "../exec/program.hpp"
#include "config.hpp"
#include "missing.hpp"
#include "schema.hpp"

namespace tenon::core {

VerifyOptions verify_options(const Json& stage, const std::function<std::string(const std::string&)>& resolve) {
  VerifyOptions o;
  if (!stage.contains("verify")) return o;
  const Json& v = stage["verify"];
  o.on = !v.is_boolean() || v.get<bool>();
  if (!v.is_object()) return o;
  if (v.contains("tolerance")) o.tolerance = tolerance_from(v["tolerance"]);
  if (v.contains("inputs")) o.inputs = resolve(v["inputs"]);
  o.seed = v.value("seed", uint64_t{0});
  o.backend = v.value("backend", "");
  const Json dims = v.value("dims", Json::object());  // items() only refers to it
  for (const auto& [name, value] : dims.items()) o.dims[name] = value;
  return o;
}

std::optional<Tolerance> class_tolerance(std::string_view pass_class) {
  if (pass_class == "approximate") return std::nullopt;
  if (pass_class == "reassociating") return Tolerance{1e-5, 1e-4, true, false};
  Tolerance exact;
  exact.bits = true;
  return exact;
}

Result<std::vector<Tensor>> run_graph(Session& s, Model& m, const std::string& backend, const TensorSet& inputs) {
  TENON_TRY(require_operators(s, m));
  auto program = compile(s, m, backend, Json::object());
  if (!program) return fail(std::move(program.error()));
  auto out = (*program)->run(inputs.pointers());
  if (!out) return fail(std::move(out.error()));
  std::vector<Tensor> copies;
  for (const tenon_tensor* t : *out) {
    auto c = Tensor::copy(*t);
    if (!c) return fail(std::move(c.error()));
    copies.push_back(std::move(*c));
  }
  return copies;
}

Status GraphChecker::read_inputs(const Model& m, const VerifyOptions& o, const std::string& key) {
  if (inputs_key_ == key) return {};
  const std::string& path = o.inputs.empty() ? default_inputs : o.inputs;
  DimValues dims = o.dims.empty() ? default_dims : o.dims;
  auto read = [&]() -> Result<std::vector<Tensor>> {
    if (path.empty()) return made_inputs(m, o.seed, dims);
    auto file = Npz::open(path);
    if (!file) return fail(std::move(file.error()));
    return inputs_from_file(*file, m);
  };
  auto t = read();
  if (!t) return fail(std::move(t.error()));
  inputs_ = TensorSet(std::move(*t));
  inputs_key_ = key;
  return {};
}

Status GraphChecker::check(Session& s, Model& before, Model& after, const VerifyOptions& o, const Tolerance& t, Json* report) {
  std::string backend = o.backend.empty() ? kReferenceBackend : o.backend;
  std::string key = fmt::format("{}|{}|{}", o.inputs.empty() ? default_inputs : o.inputs, o.seed, Json(o.dims).dump());
  std::string with_backend = key + '|' + backend;
  if (auto read = read_inputs(before, o, key); !read) return fail(std::move(read.error()).with("stage", "verify"));
  if (key_ != with_backend) {
    auto first = run_graph(s, before, backend, inputs_);
    bool made = o.inputs.empty() && default_inputs.empty();
    if (!first && made) return fail(std::move(first.error()).with("hint", "verification ran the graph on made-up inputs; give \"inputs\" or \"dims\" in \"verify\" when it needs special ones"));
    if (!first) return fail(std::move(first.error()));
    outputs_ = std::move(*first);
  }
  key_.clear();
  auto second = run_graph(s, after, backend, inputs_);
  if (!second) return fail(std::move(second.error()));
  if (second->size() != outputs_.size()) return fail(Error(TENON_E_MISMATCH, "the stage changed the number of outputs").with("expected", std::to_string(outputs_.size())).with("found", std::to_string(second->size())));
  Json outputs = Json::object();
  std::vector<Error> misses;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const std::string& name = after.main().output_names[i];
    Comparison c = compare((*second)[i], outputs_[i], t);
    outputs[name] = c.json();
    if (!c.ok()) misses.push_back(Error(TENON_E_MISMATCH, "the stage changed what output \"" + name + "\" computes: " + c.text()).with("value", name).with("tolerance", t.text()));
  }
  *report = Json{{"ok", misses.empty()}, {"tolerance", t.text()}, {"inputs", o.inputs.empty() && default_inputs.empty() ? "made up" : o.inputs.empty() ? default_inputs : o.inputs}, {"outputs", outputs}};
  if (!misses.empty()) return fail(gathered(std::move(misses), "stage's result"));
  outputs_ = std::move(*second);
  key_ = with_backend;
  return {};
}

}  // namespace tenon::core
