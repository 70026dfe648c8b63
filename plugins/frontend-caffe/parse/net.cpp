// SPDX-License-Identifier: Apache-2.0
#include "net.hpp"

#include <algorithm>

#include "upgrade.hpp"

namespace tenon::caffe {
namespace {

Dims dims_of(const Message& shape) { return shape.integers("dim"); }

std::vector<Dims> input_shapes(const File& file, const Message& net, size_t inputs) {
  std::vector<Dims> r;
  if (const auto* shapes = net.messages("input_shape"))
    for (const auto& s : *shapes) r.push_back(dims_of(s));
  auto flat = net.integers("input_dim");
  if (!r.empty() && !flat.empty()) throw invalid("the network has both input_shape and input_dim").with("file", file.path);
  if (!flat.empty() && flat.size() != 4 * inputs)
    throw invalid("input_dim has the wrong number of entries").with("file", file.path).with("expected", std::to_string(4 * inputs)).with("found", std::to_string(flat.size()));
  for (size_t k = 0; k + 4 <= flat.size(); k += 4) r.emplace_back(flat.begin() + static_cast<int64_t>(k), flat.begin() + static_cast<int64_t>(k) + 4);
  if (r.size() != inputs && !r.empty())
    throw invalid("the network has not one input_shape for each input").with("file", file.path).with("expected", std::to_string(inputs)).with("found", std::to_string(r.size()));
  return r;
}

/// `input`, `input_dim` and `input_shape` as Input layers.
void add_inputs(const File& file, const Message& net, std::vector<LayerProto>* layers) {
  auto names = net.texts("input");
  auto shapes = input_shapes(file, net, names.size());
  for (size_t k = 0; k < names.size(); ++k) {
    LayerProto l;
    l.m = new_message("LayerParameter");
    set_text(l.m, "name", names[k]);
    set_text(l.m, "type", "Input");
    set_text(l.m, "top", names[k]);
    if (!shapes.empty()) {
      Message& shape = sub_message(sub_message(l.m, "input_param"), "shape");
      shape.at_name("dim", field_of(shape, "dim")).ints = shapes[k];
    }
    layers->push_back(std::move(l));
  }
}

bool meets(const Message& rule, const State& s) {
  auto has = [&](const std::string& stage) { return std::find(s.stages.begin(), s.stages.end(), stage) != s.stages.end(); };
  auto stages = rule.texts("stage"), not_stages = rule.texts("not_stage");
  return (!rule.has("phase") || rule.text("phase") == s.phase) && (!rule.has("min_level") || s.level >= rule.integer("min_level")) &&
         (!rule.has("max_level") || s.level <= rule.integer("max_level")) && std::all_of(stages.begin(), stages.end(), has) &&
         std::none_of(not_stages.begin(), not_stages.end(), has);
}

bool included(const File& file, const LayerProto& l, const State& s) {
  const auto *include = l.m.messages("include"), *exclude = l.m.messages("exclude");
  if (include && exclude) throw invalid("a layer has both include and exclude rules").with("file", file.path).with("node", l.name());
  auto any = [&](const std::vector<Message>& rules) { return std::any_of(rules.begin(), rules.end(), [&](const Message& r) { return meets(r, s); }); };
  return include ? any(*include) : !exclude || !any(*exclude);
}

}  // namespace

Net upgrade(const File& file, Message m) {
  Net net;
  net.name = m.text("name");
  add_inputs(file, m, &net.layers);
  auto *old = m.messages("layers"), *now = m.messages("layer");
  if (old && now) throw invalid("the network has both 'layer' and 'layers'").with("file", file.path).with("hint", "they are two forms of the same; use one");
  if (old) upgrade_layers(file, std::move(*old), &net.layers);
  if (now)
    for (auto& l : *now) net.layers.push_back({std::move(l)});
  return net;
}

void filter(const File& file, Net& net, const State& state) {
  std::erase_if(net.layers, [&](const LayerProto& l) { return !included(file, l, state); });
}

}  // namespace tenon::caffe
