// SPDX-License-Identifier: Apache-2.0
#include "graph_recorder.hpp"

#include <algorithm>

namespace tenon::core {
namespace {

/// Nodes of one step where only surroundings are kept, on each side.
constexpr size_t kMostInPart = 1500;
/// Nodes in all steps, as a multiple of the limit of one graph, after which only counts are kept.
constexpr uint64_t kMostRepeats = 20;

std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool same_graph(const tenon_graph& a, const tenon_graph& b) {
  return a.alive == b.alive && a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs && a.output_names == b.output_names;
}

/// Producers of the inputs and users of the outputs.
void add_neighbours(const Model& m, tenon_node n, std::set<tenon_node>* out) {
  std::vector<tenon_value> values;
  m.inputs(n, &values);
  for (tenon_value v : values)
    if (v && m.values.producer[slot(v)]) out->insert(m.node_id(m.values.producer[slot(v)]));
  m.outputs(n, &values);
  for (tenon_value v : values)
    for (uint32_t u = v ? m.values.first_use[slot(v)] : 0; u && out->size() < kMostInPart; u = m.operands[u].next) out->insert(m.node_id(m.operands[u].node));
}

}  // namespace

Json GraphRecorder::head(const GraphEvent& e, const GraphChanges& c) {
  std::map<tenon_op, uint64_t> counts;
  for (Slot n = 1; n < e.after->nodes.generation.size(); ++n)
    if (e.after->nodes.generation[n] & 1) ++counts[e.after->nodes.op[n]];
  Json ops = Json::array();
  for (const auto& [op, count] : counts) ops.push_back(Json::array({numbers_.op(op), count}));
  return {{"name", e.name}, {"stage", e.stage}, {"ms", e.ms}, {"rewritten", e.rewritten}, {"nodes", e.after->n_nodes()}, {"constant-bytes", used_constant_bytes(*e.after)},
          {"removed", c.removed.size()}, {"added", c.added.size()}, {"changed", c.changed.size()}, {"count", ops}};
}

Json GraphRecorder::whole(const GraphEvent& e, const GraphChanges& c) {
  const Model& m = *e.after;
  Json j{{"reset", e.before == nullptr}, {"gone", Json::array()}, {"set", Json::array()}, {"values", Json::array()}, {"graphs", Json::array()}};
  for (tenon_node n : c.removed) j["gone"].push_back(numbers_.node(n));
  std::vector<tenon_node> set(c.added);
  set.insert(set.end(), c.changed.begin(), c.changed.end());
  set.insert(set.end(), c.touched.begin(), c.touched.end());
  std::sort(set.begin(), set.end(), [](tenon_node a, tenon_node b) { return slot(a) < slot(b); });
  for (tenon_node n : set) j["set"].push_back(numbers_.node_json(m, n));
  for (tenon_value v : c.values) j["values"].push_back(numbers_.value_json(m, v));
  for (const tenon_graph* g : m.nested(m.main())) {
    const bool known = e.before && g->index < e.before->graphs.size() && same_graph(e.before->graphs[g->index], *g);
    if (!known) j["graphs"].push_back(numbers_.graph_json(*g));
  }
  kept_ += set.size();
  return j;
}

Json GraphRecorder::surroundings(const Model& m, const std::vector<tenon_node>& nodes, std::set<tenon_value>* values) {
  std::set<tenon_node> near(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(std::min(nodes.size(), kMostInPart)));
  for (tenon_node n : std::vector<tenon_node>(near.begin(), near.end()))
    if (near.size() < kMostInPart) add_neighbours(m, n, &near);
  Json j = Json::array();
  std::vector<tenon_value> io;
  for (tenon_node n : near) {
    j.push_back(numbers_.node_json(m, n));
    m.inputs(n, &io);
    values->insert(io.begin(), io.end());
    m.outputs(n, &io);
    values->insert(io.begin(), io.end());
  }
  values->erase(0);
  kept_ += near.size();
  return j;
}

Json GraphRecorder::part(const GraphEvent& e, const GraphChanges& c) {
  Json j{{"before", Json::array()}, {"after", Json::array()}, {"values", Json::array()}};
  if (!e.before) return j;
  std::vector<tenon_node> old_nodes(c.removed), new_nodes(c.added);
  old_nodes.insert(old_nodes.end(), c.changed.begin(), c.changed.end());
  new_nodes.insert(new_nodes.end(), c.changed.begin(), c.changed.end());
  std::set<tenon_value> old_values, new_values;
  j["before"] = surroundings(*e.before, old_nodes, &old_values);
  j["after"] = surroundings(*e.after, new_nodes, &new_values);
  for (tenon_value v : old_values)
    if (!new_values.count(v)) j["values"].push_back(numbers_.value_json(*e.before, v));
  for (tenon_value v : new_values) j["values"].push_back(numbers_.value_json(*e.after, v));
  return j;
}

void GraphRecorder::changed(const GraphEvent& e) {
  Stopwatch watch;
  if (!e.before) numbers_.forget();
  const GraphChanges c = graph_changes(e.before, *e.after);
  if (e.before && c.none()) return;
  // Differences only make sense as a whole chain, so once a graph was too large all that follow are kept in part.
  if (!e.before) partial_ = false;
  partial_ = partial_ || e.after->n_nodes() > most_nodes_ || kept_ + c.added.size() + c.changed.size() > most_nodes_ * kMostRepeats;
  Json j = head(e, c);
  if (!partial_) j["whole"] = whole(e, c);
  else if (kept_ < most_nodes_ * kMostRepeats) j["part"] = part(e, c);
  steps_.push_back(dump(j));
  ms_ += watch.ms();
}

std::string GraphRecorder::json() const {
  Json j = numbers_.tables();
  j["limit"] = most_nodes_;
  j["recording-ms"] = ms_;
  std::string s = dump(j);
  s.back() = ',';
  s += "\"steps\":[";
  for (size_t k = 0; k < steps_.size(); ++k) s += (k ? ",\n" : "") + steps_[k];
  return s + "]}";
}

}  // namespace tenon::core
