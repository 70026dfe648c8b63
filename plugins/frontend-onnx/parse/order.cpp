// SPDX-License-Identifier: Apache-2.0
// order.cpp - a stable topological order of a graph's nodes by the names they read and write.
#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "ast.hpp"

namespace tenon::onnx {
namespace {

using Names = std::vector<std::string_view>;

Names captured(const GraphAst& g);

// Every name that a node reads from its own graph or an outer one, through its nested graphs too.
void add_reads(const NodeAst& n, Names& to) {
  for (auto name : n.in)
    if (!name.empty()) to.push_back(name);
  for (const auto& a : n.attrs)
    for (const auto& g : a.graphs) {
      Names c = captured(*g);
      to.insert(to.end(), c.begin(), c.end());
    }
}

Names captured(const GraphAst& g) {
  Names reads;
  for (const auto& n : g.nodes) add_reads(n, reads);
  for (const auto& v : g.outputs) reads.push_back(v.name);
  std::unordered_set<std::string_view> own;
  for (const auto& v : g.inputs) own.insert(v.name);
  for (const auto& t : g.initializers) own.insert(t.name);
  for (const auto& t : g.sparse_initializers) own.insert(t.values.name);
  for (const auto& n : g.nodes) own.insert(n.out.begin(), n.out.end());
  reads.erase(std::remove_if(reads.begin(), reads.end(), [&](auto s) { return own.count(s) != 0; }), reads.end());
  std::sort(reads.begin(), reads.end());
  reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
  return reads;
}

using Edges = std::vector<std::vector<size_t>>;  // [node] the nodes that it needs

// Calls f(node, node that it needs) for each name that is read and made in the graph.
template <class F>
void for_each_need(const GraphAst& g, F&& f) {
  std::unordered_map<std::string_view, size_t> producer;
  producer.reserve(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i)
    for (auto name : g.nodes[i].out)
      if (!name.empty()) producer.emplace(name, i);
  Names reads;
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    reads.clear();
    add_reads(g.nodes[i], reads);
    for (auto name : reads)
      if (auto at = producer.find(name); at != producer.end()) f(i, at->second);
  }
}

// Names of the nodes on one cycle; `open` marks the nodes that could not be ordered.
std::string cycle(const GraphAst& g, const Edges& needs, const std::vector<uint8_t>& open) {
  size_t at = static_cast<size_t>(std::find(open.begin(), open.end(), 1) - open.begin());
  std::vector<size_t> path;
  std::vector<uint8_t> seen(open.size());
  while (!seen[at]) {
    seen[at] = 1;
    path.push_back(at);
    at = *std::find_if(needs[at].begin(), needs[at].end(), [&](size_t k) { return open[k] != 0; });
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  std::string text;
  for (size_t k = 0; k < path.size() && k < 8; ++k) text += (k ? ", " : "") + g.nodes[path[path.size() - 1 - k]].label();
  return path.size() > 8 ? text + ", ... (" + std::to_string(path.size()) + " nodes)" : text;
}

std::vector<size_t> sorted(const File& file, const GraphAst& g, const Edges& needs) {
  size_t n = g.nodes.size();
  Edges feeds(n);
  std::vector<size_t> missing(n), order;
  std::vector<uint8_t> open(n, 1);
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < n; ++i) {
    for (size_t k : needs[i]) feeds[k].push_back(i);
    missing[i] = needs[i].size();
    if (!missing[i]) ready.push(i);
  }
  while (!ready.empty()) {
    size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    open[i] = 0;
    for (size_t k : feeds[i])
      if (--missing[k] == 0) ready.push(k);
  }
  if (order.size() != n) throw file.bad(g.at, "the graph has a cycle").with("node", cycle(g, needs, open));
  return order;
}

}  // namespace

std::vector<size_t> run_order(const File& file, const GraphAst& g) {
  bool in_order = true;
  for_each_need(g, [&](size_t i, size_t k) { in_order = in_order && k < i; });
  if (!in_order) {
    Edges needs(g.nodes.size());
    for_each_need(g, [&](size_t i, size_t k) { needs[i].push_back(k); });
    return sorted(file, g, needs);
  }
  std::vector<size_t> order(g.nodes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  return order;
}

}  // namespace tenon::onnx
