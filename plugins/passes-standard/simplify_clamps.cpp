// SPDX-License-Identifier: Apache-2.0
// simplify-clamps: Relu and Clip whose input never leaves their bounds are nothing, and two in a row are one. A clamp replaces what is
// outside its bounds and hands through the rest bit by bit, NaN and -0 included, so bounds of the other elements are all that counts.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// Where every element that is no NaN lies.
struct Bounds {
  double low = -HUGE_VAL, high = HUGE_VAL;
  bool inside(const Bounds& b) const { return low >= b.low && high <= b.high; }
};

/// Bounds of a Clip; nothing when one is no constant, is NaN, or they cross.
std::optional<Bounds> clip_bounds(const Rewriter& r, tenon_node n) {
  Bounds b;
  for (uint64_t k : {1u, 2u}) {
    const tenon_value v = r.g.input(n, k);
    if (!v) continue;
    const auto s = scalar(r.g, v);
    if (!s || std::isnan(*s)) return std::nullopt;
    (k == 1 ? b.low : b.high) = *s;
  }
  if (b.low > b.high) return std::nullopt;
  return b;
}
std::optional<Bounds> clamp_bounds(const Rewriter& r, tenon_node n) {
  if (r.is(n, "Relu")) return Bounds{0, HUGE_VAL};
  return r.is(n, "Clip") ? clip_bounds(r, n) : std::nullopt;
}

/// Of a node that has an activation of its own.
Bounds activation_bounds(const Attrs& a) {
  const std::string name = a.s("activation");
  const auto params = a.floats("activation_params");
  if (name == "Relu") return {0, HUGE_VAL};
  if (name == "Sigmoid" || name == "HardSigmoid") return {0, 1};
  if (name == "Clip" && params.size() == 2 && params[0] <= params[1]) return {params[0], params[1]};
  return {};
}

bool named(std::string_view op, std::initializer_list<std::string_view> names) { return std::find(names.begin(), names.end(), op) != names.end(); }

class Prover {
 public:
  explicit Prover(const Rewriter& r) : r_(r) {}

  Bounds of(tenon_value v, int depth = 0) const {
    const ValueInfo i = r_.g.info(v);
    Bounds b;
    if (i.type().code == TENON_DT_UINT && i.type().bits < 64) b = {0, std::ldexp(1.0, static_cast<int>(i.type().bits)) - 1};
    const tenon_node n = i.producer();
    if (!n || depth > 8 || --budget_ < 0 || !r_.here(n)) return b;
    const Bounds found = of_node(n, i, depth);
    return {std::max(b.low, found.low), std::min(b.high, found.high)};
  }

 private:
  Bounds input(tenon_node n, uint64_t k, int depth) const { return of(r_.g.input(n, k), depth + 1); }

  Bounds of_node(tenon_node n, const ValueInfo& out, int depth) const {
    if (Graph::op_name(r_.g.op(n)).domain != "tenon") return {};
    const std::string_view op = Graph::op_name(r_.g.op(n)).name;
    if (const auto clamp = clamp_bounds(r_, n)) return within(*clamp, input(n, 0, depth));
    if (named(op, {"Conv", "ConvTranspose", "Gemm"})) return activation_bounds(r_.g.attrs(n));
    if (named(op, {"Sigmoid", "HardSigmoid", "Softmax"})) return {0, 1};
    if (named(op, {"Exp", "Sqrt", "Softplus"}) && is_float(out.type())) return {0, HUGE_VAL};
    if (op == "Abs" && is_float(out.type())) return {0, HUGE_VAL};
    if (op == "MaxPool" && out.output_index() == 0) return covered(r_.g.attrs(n)) ? input(n, 0, depth) : Bounds{};
    if (named(op, {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Expand", "Tile", "Gather", "DepthToSpace", "SpaceToDepth"}))
      return input(n, 0, depth);
    if (op == "Concat") return all_of(n, depth);
    // A mean is rounded, so only the sign is sure.
    if (named(op, {"AveragePool", "ReduceMean"}) && is_float(out.type())) return sign(input(n, 0, depth).low >= 0);
    if (op == "Add" || (op == "Mul" && is_float(out.type()))) return nonnegative(n, op, out, depth);
    return {};
  }
  /// No window lies in the padding alone.
  static bool covered(const Attrs& a) {
    const auto kernel = a.ints("kernel_shape"), pads = a.ints("pads");
    if (a.has("dilations") && a.ints("dilations") != std::vector<int64_t>(kernel.size(), 1)) return false;
    if (a.s("auto_pad", "NOTSET") != "NOTSET") return false;
    for (size_t k = 0; k < pads.size(); ++k)
      if (pads[k] >= kernel[k % kernel.size()]) return false;
    return true;
  }
  static Bounds within(const Bounds& clamp, const Bounds& x) {
    return {std::clamp(x.low, clamp.low, clamp.high), std::clamp(x.high, clamp.low, clamp.high)};
  }
  static Bounds sign(bool nonnegative) { return nonnegative ? Bounds{0, HUGE_VAL} : Bounds{}; }
  Bounds all_of(tenon_node n, int depth) const {
    Bounds b{HUGE_VAL, -HUGE_VAL};
    for (uint64_t k = 0; const tenon_value v = r_.g.input(n, k); ++k) {
      const Bounds x = of(v, depth + 3);
      b = {std::min(b.low, x.low), std::max(b.high, x.high)};
    }
    return b.low <= b.high ? b : Bounds{};
  }
  Bounds nonnegative(tenon_node n, std::string_view op, const ValueInfo& out, int depth) const {
    if (!is_float(out.type())) return {};
    if (op == "Mul" && r_.g.input(n, 0) == r_.g.input(n, 1)) return {0, HUGE_VAL};
    return sign(input(n, 0, depth).low >= 0 && input(n, 1, depth).low >= 0);
  }

  const Rewriter& r_;
  mutable int budget_ = 64;  ///< nodes to look at, so that one question costs the same in any graph
};

bool redundant(Rewriter& r, tenon_node n) {
  const auto clamp = clamp_bounds(r, n);
  return clamp && Prover(r).of(r.g.input(n, 0)).inside(*clamp) && r.forward(n, r.g.input(n, 0));
}

/// min(max(min(max(x, a), b), c), d) with a <= b and c <= d is one clamp.
bool in_a_row(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  tenon_node inner = r.made_by(x, "Clip");
  if (!inner) inner = r.made_by(x, "Relu");
  const tenon_dtype type = r.g.info(x).type();
  const auto first = inner ? clamp_bounds(r, inner) : std::nullopt, second = clamp_bounds(r, n);
  if (!first || !second || !(type == dt::f32 || type == dt::f64)) return false;
  const double low = std::clamp(first->low, second->low, second->high), high = std::clamp(first->high, second->low, second->high);
  if (low == 0 && high == HUGE_VAL) {
    r.replace(n, {"Relu", {r.g.input(inner, 0)}, {}, {inner}});
    return true;
  }
  std::vector<tenon_value> in = {r.g.input(inner, 0), low == -HUGE_VAL ? 0 : make_scalar(r.g, type, low), high == HUGE_VAL ? 0 : make_scalar(r.g, type, high)};
  while (!in.back()) in.pop_back();
  r.replace(n, {"Clip", std::move(in), {}, {inner}});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Relu", "Clip"}, redundant, "redundant"}, {{"Relu", "Clip"}, in_a_row, "in-a-row"}}).run();
}

}  // namespace

TENON_PASS("simplify-clamps",
           R"("class":"exact","summary":"drop Relu and Clip where values never leave their bounds; merge two in a row","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
