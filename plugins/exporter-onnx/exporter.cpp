// SPDX-License-Identifier: Apache-2.0
// exporter.cpp - the door: a clone of the graph is translated and written.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "translate.hpp"
#include "write/model.hpp"

namespace tenon::to_onnx {
namespace {

Settings read_settings(const Ctx& ctx) {
  Settings s;
  s.opset = ctx.option("/opset", s.opset);
  s.microsoft = ctx.option("/fused", std::string("expand")) == "microsoft";
  s.external_above = static_cast<uint64_t>(ctx.option("/external-data-above", int64_t{0}));
  s.keep_foreign = ctx.option("/keep-foreign", int64_t{0}) != 0;
  return s;
}

using Shapes = std::map<std::string, std::string>;

/// Option "output-shapes": shape by name of an output.
Shapes given_shapes(const Ctx& ctx) {
  const auto all = nlohmann::json::parse(ctx.options(), nullptr, false);
  if (!all.is_object() || !all.contains("output-shapes")) return {};
  return all["output-shapes"].get<Shapes>();
}

/// "1,3,N,?", "" for a scalar.
Dims dims_of(const Graph& g, std::string_view text) {
  Dims d;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    const bool number = !one.empty() && one.size() < 19 && one.find_first_not_of("0123456789") == std::string_view::npos;
    d.push_back(number ? std::stoll(std::string(one)) : one == "?" ? TENON_DIM_UNKNOWN : g.symbol(one));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return d;
}

std::vector<std::string> output_names(const Graph& g) {
  std::vector<std::string> names;
  for (uint64_t k = 0; k < g.graph_outputs().size(); ++k) {
    tenon_str s{};
    ok(api().ir->graph_output_name(g.raw(), k, &s));
    names.emplace_back(view(s));
  }
  return names;
}

void expect_outputs(const Shapes& shapes, const std::vector<std::string>& names) {
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& [name, shape] : shapes) {
    if (known.contains(name)) continue;
    std::string list;
    for (const auto& n : known) list += (list.empty() ? "" : ", ") + n;
    throw Error(TENON_E_CONFIG, "option \"output-shapes\" names '" + name + "', which is no output of the graph").with("expected", list).with("found", name);
  }
}

/// Outputs whose rank inference does not know have the shape that the user gives.
void set_output_shapes(const Ctx& ctx, Graph& g, const Shapes& shapes) {
  const auto outs = g.graph_outputs();
  const auto names = output_names(g);
  for (uint64_t k = 0; k < outs.size(); ++k) {
    const std::string& name = names[k];
    const ValueInfo i = g.info(outs[k]);
    if (i.rank() >= 0 || !is_tensor(i.type())) continue;
    if (const auto shape = shapes.find(name); shape != shapes.end()) g.set_type(outs[k], i.type(), dims_of(g, shape->second));
    else ctx.warn("output '" + name + "' has no shape in the file, because inference does not know its rank; option \"output-shapes\" can say it");
  }
}

void save(const Ctx& ctx, const Graph& g, const Sink& to) {
  const Settings s = read_settings(ctx);
  const Shapes shapes = given_shapes(ctx);
  expect_outputs(shapes, output_names(g));
  const Clone copy(ctx.raw(), g);
  Graph onnx(ctx.raw(), copy.raw());
  const Defaults defaults = translate(ctx, onnx, s);
  set_output_shapes(ctx, onnx, shapes);
  write_model(ctx, onnx, s, defaults, to);
}

TENON_EXPORTER("onnx",
               R"("formats":["onnx"],"extensions":[".onnx"],"summary":"ONNX models, opset 13 to 28","options":{"type":"object","properties":{)"
               R"("opset":{"type":"integer","minimum":13,"maximum":28,"default":21,"description":"version of the operators of ai.onnx"},)"
               R"("fused":{"enum":["expand","microsoft"],"default":"expand","description":"fused operators as standard ones, or where they agree as those of com.microsoft"},)"
               R"("external-data-above":{"type":"integer","minimum":0,"default":2000000000,"description":"bytes of tensors from which they are written to a file beside the model"},)"
               R"("output-shapes":{"type":"object","additionalProperties":{"type":"string"},)"
               R"("description":"shapes of outputs whose rank inference does not know, as 1,3,N,? and empty for a scalar"},)"
               R"("keep-foreign":{"type":"boolean","default":false,"description":"write operators that no plugin lowered as they stand, in their own domain"})"
               R"(},"additionalProperties":false})",
               save);

}  // namespace
}  // namespace tenon::to_onnx
