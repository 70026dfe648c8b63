// SPDX-License-Identifier: Apache-2.0
// eliminate-zero-state: an initial state of zeros is what LSTM, GRU and RNN start from without one. Exporters compute it from the batch
// size, so with it goes the arithmetic on shapes.
#include <tenon/plugin.hpp>

#include <algorithm>

#include <tenon/rewriter.hpp>

namespace tenon::passes {
namespace {

bool zero_bytes(Rewriter& r, tenon_value constant) {
  const auto b = r.g.constant_bytes(constant);
  return is_float(r.g.info(constant).type()) && std::all_of(b.begin(), b.end(), [](uint8_t x) { return x == 0; });
}

/// All elements are +0, whatever their number.
bool zeros(Rewriter& r, tenon_value v) {
  if (r.g.is_constant(v)) return zero_bytes(r, v);
  const tenon_node n = r.g.producer(v);
  if (r.is(n, "ConstantOfShape")) {
    const tenon_value value = r.g.attrs(n).tensor_id("value");
    return !value || zero_bytes(r, value);
  }
  for (const char* op : {"Expand", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Tile", "Identity", "Slice"})
    if (r.is(n, op)) return zeros(r, r.g.input(n, 0));
  return false;
}

bool initial_state(Rewriter& r, tenon_node n) {
  std::vector<tenon_value> in = r.g.inputs(n);
  bool found = false;
  for (size_t k = 5; k < in.size() && k < 7; ++k) {
    if (!in[k] || !zeros(r, in[k])) continue;
    in[k] = 0;
    found = true;
  }
  if (!found) return false;
  while (!in.back()) in.pop_back();
  r.set_inputs(n, in);
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"LSTM", "GRU", "RNN"}, initial_state}}).run(); }

}  // namespace

TENON_PASS("eliminate-zero-state",
           R"("class":"exact","summary":"drop initial states of LSTM, GRU and RNN that are zeros","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
