// SPDX-License-Identifier: Apache-2.0
#include "translate.hpp"

#include <tenon/walk.hpp>

#include <unordered_map>

#include "rules/complex.hpp"
#include "rules/emit.hpp"

namespace tenon::to_onnx {
namespace {

using Rules = std::unordered_map<tenon_op, const RuleEntry*>;

const Rules& rules() {
  static const Rules all = [] {
    Rules r;
    for (auto p = __start_onnx_rule; p != __stop_onnx_rule; ++p) r[Graph::op((*p)->domain, (*p)->name, 1)] = *p;
    return r;
  }();
  return all;
}

/// What could not be translated, by operator and reason.
class Failures {
  struct Entry {
    uint64_t count = 0;
    std::string nodes, hint;
  };
  std::map<std::pair<std::string, std::string>, Entry> all_;
  static constexpr uint64_t kNamed = 3;

 public:
  void add(const Graph& g, tenon_node n, const std::string& reason, const std::string& hint) {
    const auto op = Graph::op_name(g.op(n));
    Entry& e = all_[{std::string(op.domain) + "::" + std::string(op.name), reason}];
    if (e.count < kNamed) e.nodes += (e.count ? ", " : "") + std::string(g.name(n));
    if (++e.count == kNamed + 1) e.nodes += ", ...";
    if (e.hint.empty()) e.hint = hint;
  }
  void raise(const Settings& s) const {
    if (all_.empty()) return;
    Error e = unsupported("ONNX opset " + std::to_string(s.opset) + " cannot say all of this graph");
    for (const auto& [key, entry] : all_) {
      e.with(key.first, std::to_string(entry.count) + (entry.count == 1 ? " node (" : " nodes (") + entry.nodes + "): " + key.second);
      if (!entry.hint.empty()) e.with("hint", entry.hint);
    }
    throw e;
  }
};

bool has_rule(const Graph& g, tenon_node n, const Settings& s) {
  const auto at = rules().find(g.op(n));
  if (at == rules().end()) return false;
  Constants none;
  Emit e(g, n, s, none);
  return !at->second->applies || at->second->applies(e);
}

/// Operators without a rule whose definition can write them in simpler ones; again while that brings new ones.
void expand_unknown(const Ctx& ctx, Graph& g, const Settings& s) {
  constexpr int kMostRounds = 16;
  for (int round = 0; round < kMostRounds; ++round) {
    bool any = false;
    for (tenon_node n : all_nodes(g)) {
      if (!g.alive(n)) continue;  // it moved with a graph that was put in the place of a node
      const tenon_operator* o = has_rule(g, n, s) ? nullptr : api().registry->find_operator(g.op(n));
      if (!o || !TENON_DESC_HAS(o, expand)) continue;
      ok(o->expand(ctx.raw(), g.graph_of(n), n));
      any = true;
    }
    if (!any) return;
    ok(api().exec->infer(ctx.raw(), g.raw()));
  }
  throw Error(TENON_E_INTERNAL, "operators expand into each other without an end");
}

std::string detail(const Error& e, std::string_view key) {
  for (const auto& d : e.details)
    if (d.first == key) return d.second;
  return {};
}

void apply(Graph& g, tenon_node n, const Settings& s, Constants& constants, Failures& failures) {
  const auto op = Graph::op_name(g.op(n));
  const bool onnx = op.domain == "onnx";
  if (onnx && op.version != s.opset)
    return failures.add(g, n, "it stayed as the model of opset " + std::to_string(op.version) + " had it", "choose option \"opset\": " + std::to_string(op.version));
  if (op.domain != "tenon") {
    if (!onnx && !s.keep_foreign) failures.add(g, n, "no plugin lowered it", "option \"keep-foreign\" writes it as it stands");
    return;
  }
  auto at = rules().find(g.op(n));
  if (at == rules().end()) return failures.add(g, n, "ONNX has no such operator", "a plugin's definition of the operator may bring an expansion into simpler ones");
  try {
    Emit e(g, n, s, constants);
    at->second->rule(e);
  } catch (const Error& e) {
    if (e.code != TENON_E_UNSUPPORTED) throw;
    const std::string found = detail(e, "found");
    failures.add(g, n, e.text + (found.empty() ? "" : ", found " + found), detail(e, "hint"));
  }
}

}  // namespace

Defaults translate(const Ctx& ctx, Graph& g, const Settings& s) {
  ok(api().exec->infer(ctx.raw(), g.raw()));
  expand_unknown(ctx, g, s);
  Defaults defaults = variables_to_interface(ctx, g);
  complex_to_pairs(g);
  Constants constants;
  Failures failures;
  const auto nodes = all_nodes(g);
  uint64_t done = 0;
  for (tenon_node n : nodes) {
    apply(g, n, s, constants, failures);
    if (++done % 4096 == 0) ctx.progress(done, nodes.size(), "nodes");
  }
  failures.raise(s);
  return defaults;
}

}  // namespace tenon::to_onnx
