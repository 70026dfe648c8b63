// SPDX-License-Identifier: Apache-2.0
#include "specialize.hpp"

#include <algorithm>
#include <array>

#include "../kernels/kernel.hpp"

namespace tenon::cpu {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr int kMostRounds = 64;  // each round decides at least one node; nesting deeper than this is not met

bool fold_shape(Graph& g, tenon_node n) {
  ValueInfo x = g.info(g.input(n, 0));
  if (x.rank() < 0) return false;
  const Attrs a = g.attrs(n);
  const int64_t rank = x.rank();
  auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t begin = clamp(a.i("start", 0)), end = clamp(a.i("end", rank));
  std::vector<int64_t> dims;
  for (int64_t i = begin; i < end; ++i) {
    if (x.dim(static_cast<int32_t>(i)) < 0) return false;
    dims.push_back(x.dim(static_cast<int32_t>(i)));
  }
  g.replace_uses(g.output(n), g.add_ints("", dims));
  g.erase(n);
  return true;
}

bool fold_if(Graph& g, tenon_node n) {
  const tenon_value cond = g.input(n, 0);
  if (!g.is_constant(cond)) return false;
  auto bytes = g.constant_bytes(cond);
  if (bytes.size() != 1) return false;
  tenon_graph* branch = g.attrs(n).graph(bytes[0] ? "then_branch" : "else_branch");
  std::vector<tenon_value> outs(Graph(g.ctx(), branch).graph_outputs().size());
  ok(api().ir->inline_graph(g.ctx(), g.raw(), branch, n, nullptr, 0, outs.data(), outs.size()));
  const auto old = g.outputs(n).vec();
  for (size_t k = 0; k < old.size(); ++k)
    if (old[k]) g.replace_uses(old[k], outs.at(k));
  g.erase(n);
  return true;
}

bool fold_constant(Graph& g, tenon_node n) {
  for (auto v : g.inputs(n))
    if (v && !g.is_constant(v)) return false;
  const auto old = g.outputs(n).vec();
  std::vector<tenon_value> outs(old.size());
  if (tenon_error* e = api().exec->evaluate(g.ctx(), g.raw(), n, kMostBytes, outs.data(), outs.size())) {
    // What cannot be evaluated now runs later and reports its error then, with the values that the user gave.
    api().core->error_free(e);
    return false;
  }
  for (size_t k = 0; k < old.size(); ++k)
    if (old[k]) g.replace_uses(old[k], outs[k]);
  g.erase(n);
  return true;
}

/// Quantized weights of a product whose data is dequantized too: the planner makes an integer product of it.
bool is_integer_weight(Graph& g, tenon_node n, tenon_op dequantize, const std::array<tenon_op, 3>& products) {
  const ValueInfo x = g.info(g.input(n, 0));
  if (x.rank() < 2 || !is_int(x.type()) || x.type().bits != 8) return false;
  const auto readers = g.uses(g.output(n));
  for (auto reader : readers) {
    const bool product = std::find(products.begin(), products.end(), g.op(reader)) != products.end();
    if (!product || g.input(reader, 1) != g.output(n)) return false;
    const tenon_node source = g.producer(g.input(reader, 0));
    if (!source || g.op(source) != dequantize) return false;
  }
  return true;
}

bool fold_once(Graph& g) {
  const tenon_op dequantize = Graph::op("DequantizeLinear");
  const std::array<tenon_op, 3> products{Graph::op("Conv"), Graph::op("MatMul"), Graph::op("Gemm")};
  const tenon_op shape = Graph::op("Shape"), branch = Graph::op("If");
  const View v = g.view();
  const std::vector<tenon_node> nodes(v.v->node, v.v->node + v.size());
  const std::vector<uint8_t> flags(v.v->nflags, v.v->nflags + v.size());
  bool changed = false;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const tenon_node n = nodes[i];
    if (!g.alive(n)) continue;
    if (flags[i] & (TENON_NF_SIDE_EFFECTS | TENON_NF_NONDETERMINISTIC)) continue;
    if (g.op(n) == branch)
      changed = fold_if(g, n) || changed;
    else if (flags[i] & TENON_NF_SUBGRAPHS)
      continue;
    else if (g.op(n) == shape && fold_shape(g, n))
      changed = true;
    else if (g.op(n) == dequantize && is_integer_weight(g, n, dequantize, products))
      continue;
    else
      changed = fold_constant(g, n) || changed;
  }
  return changed;
}

/// Operators without a kernel of ours that are defined in simpler ones, which the planner may then fuse its own way.
bool expand(Graph& g) {
  bool any = false;
  const View v = g.view();
  const std::vector<tenon_node> nodes(v.v->node, v.v->node + v.size());
  for (tenon_node n : nodes) {
    const auto name = Graph::op_name(g.op(n));
    const auto& kernels = kernel_table().all();
    if (name.domain != "tenon" || std::any_of(kernels.begin(), kernels.end(), [&](const Kernel& k) { return k.op == name.name; })) continue;
    const tenon_operator* o = api().registry->find_operator(g.op(n));
    if (!o || !TENON_DESC_HAS(o, expand)) continue;
    ok(o->expand(g.ctx(), g.raw(), n));
    any = true;
  }
  return any;
}

}  // namespace

void specialize(Graph& g, bool infer) {
  if (expand(g)) ok(api().exec->infer(g.ctx(), g.raw()));
  // First without inference: a branch that is not taken may not fit these shapes.
  for (int round = 0; round < kMostRounds && fold_once(g);) ++round;
  for (int round = 0; infer && round < kMostRounds; ++round) {
    ok(api().exec->infer(g.ctx(), g.raw()));
    if (!fold_once(g)) return;
  }
}

}  // namespace tenon::cpu
