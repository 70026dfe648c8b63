// SPDX-License-Identifier: Apache-2.0
// exporter.cpp - the door: a clone of the graph is translated and written.
#include <algorithm>
#include <optional>

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

/// A member's name as a step of a JSON pointer (RFC 6901).
std::string pointer_step(const std::string& name) {
  std::string s = "/";
  for (char c : name) s += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return s;
}

/// The shape that option "output-shapes" gives an output: "1,3,N,?", "" for a scalar.
std::optional<Dims> given_shape(const Ctx& ctx, const Graph& g, const std::string& output) {
  const std::string at = "/output-shapes" + pointer_step(output);
  tenon_str found{};
  if (!api().core->opt_str(ctx.raw(), at.c_str(), &found)) return std::nullopt;
  std::string_view text = view(found);
  Dims d;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    const bool number = !one.empty() && one.size() < 19 && one.find_first_not_of("0123456789") == std::string_view::npos;
    d.push_back(number ? std::stoll(std::string(one)) : one == "?" ? TENON_DIM_UNKNOWN : g.symbol(one));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return d;
}

/// Outputs whose rank inference does not know have the shape that the user gives.
void set_output_shapes(const Ctx& ctx, Graph& g) {
  const auto outs = g.graph_outputs();
  for (uint64_t k = 0; k < outs.size(); ++k) {
    tenon_str s{};
    ok(api().ir->graph_output_name(g.raw(), k, &s));
    const std::string name(view(s));
    const ValueInfo i = g.info(outs[k]);
    if (i.rank() >= 0 || !is_tensor(i.type())) continue;
    if (const auto shape = given_shape(ctx, g, name)) g.set_type(outs[k], i.type(), *shape);
    else ctx.warn("output '" + name + "' has no shape in the file, because inference does not know its rank; option \"output-shapes\" can say it");
  }
}

void save(const Ctx& ctx, const Graph& g, const Sink& to) {
  const Settings s = read_settings(ctx);
  const Clone copy(ctx.raw(), g);
  Graph onnx(ctx.raw(), copy.raw());
  const Defaults defaults = translate(ctx, onnx, s);
  set_output_shapes(ctx, onnx);
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
