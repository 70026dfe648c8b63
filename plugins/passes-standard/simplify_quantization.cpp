// SPDX-License-Identifier: Apache-2.0
// simplify-quantization: QuantizeLinear of what a DequantizeLinear with the same parameters made is its 8-bit input again, since
// (x - zero) * scale / scale is off by far less than one half.
#include <tenon/plugin.hpp>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>

namespace tenon::passes {
namespace {

/// Zero points, of which an absent one is 0.
bool same_zero_point(Rewriter& r, tenon_value a, tenon_value b) {
  if (a && b) return same_constant(r.g, a, b);
  return (!a || scalar(r.g, a) == 0.0) && (!b || scalar(r.g, b) == 0.0);
}

bool round_trip(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), "DequantizeLinear");
  if (!inner) return false;
  const tenon_value x = r.g.input(inner, 0);
  const ValueInfo from = r.g.info(x), to = r.g.info(r.g.output(n));
  const Attrs a = r.g.attrs(inner), b = r.g.attrs(n);
  const ValueInfo scale = r.g.info(r.g.input(n, 1));
  if (!is_int(from.type()) || from.type().bits > 8 || from.type() != to.type() || !scale.constant() || scale.type() != dt::f32) return false;
  if (a.i("block_size") != b.i("block_size") || (scale.count() != 1 && a.i("axis", 1) != b.i("axis", 1))) return false;
  if (!same_constant(r.g, r.g.input(inner, 1), r.g.input(n, 1)) || !same_zero_point(r, r.g.input(inner, 2), r.g.input(n, 2))) return false;
  const auto scales = floats(r.g, r.g.input(n, 1));
  for (double s : *scales)
    if (!(std::fabs(s) >= 1e-30 && std::fabs(s) <= 1e30)) return false;
  return r.forward(n, x);
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"QuantizeLinear"}, round_trip}}).run(); }

}  // namespace

TENON_PASS("simplify-quantization",
           R"("class":"exact","summary":"drop QuantizeLinear after DequantizeLinear with the same parameters","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
