// SPDX-License-Identifier: Apache-2.0
// fuse-integer-product: MatMulInteger, the conversion of its sums to floats by the product of both scales, and a bias, as dynamic quantization
// writes them, become MatMulIntegerToFloat. The same operations in the same order.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using namespace pattern;

bool one_element(const ValueInfo& i) { return all_ones(i) && i.rank() <= 1; }
/// One number, or one for each column of b.
bool along_columns(const ValueInfo& i, const ValueInfo& b) { return one_element(i) || (i.rank() == 1 && i.dim(0) == b.dim(1) && i.dim(0) > 0); }
bool is_byte(tenon_dtype t) { return t == dt::i8 || t == dt::u8; }

struct Product {
  Pattern a = any(), b = any(), a_scale = any(), b_scale = any(), a_zero = any(), b_zero = any();
  Pattern sums = op("MatMulInteger", {a, b, either({a_zero, absent()}), either({b_zero, absent()})}).once();
  Pattern root = product(op("Cast", {sums}).attr("to", "f32", "").once(), op("Mul", {a_scale, b_scale}));

  /// Which of the scales is that of a: of two numbers the order does not matter.
  bool fits(Rewriter& r, const Match& m, bool swapped) const {
    const ValueInfo x = r.g.info(m[a]), w = r.g.info(m[b]), y = r.g.info(r.g.output(m.root()));
    const ValueInfo p = r.g.info(m[swapped ? b_scale : a_scale]), q = r.g.info(m[swapped ? a_scale : b_scale]);
    if (!is_byte(x.type()) || !is_byte(w.type()) || w.rank() != 2 || x.rank() < 2 || y.rank() != x.rank() || y.type() != dt::f32) return false;
    if (m.has(a_zero) && !one_element(r.g.info(m[a_zero]))) return false;
    if (m.has(b_zero) && !along_columns(r.g.info(m[b_zero]), w)) return false;
    return one_element(p) && along_columns(q, w);
  }
};

const Product& formula() {
  static const Product p;
  return p;
}

std::vector<Rewriter::Entry> rules() {
  const Pattern bias = any();
  const Pattern with_bias = sum(op("MatMulIntegerToFloat").once(), bias);
  auto biased = [bias](Rewriter& r, const Match& m) {
    const tenon_node n = m.absorbed().front();
    const ValueInfo c = r.g.info(m[bias]);
    return !r.g.input(n, 6) && c.constant() && along_columns(c, r.g.info(r.g.input(n, 1))) && same_type(r.g.info(r.g.output(n)), r.g.info(r.g.output(m.root())));
  };
  return {rule("scales", formula().root, [](Rewriter& r, const Match& m) { return formula().fits(r, m, false) || formula().fits(r, m, true); },
               [](Rewriter& r, const Match& m) {
                 const Product& p = formula();
                 const bool swapped = !p.fits(r, m, false);
                 std::vector<tenon_value> in = {m[p.a], m[p.b], m[swapped ? p.b_scale : p.a_scale], m[swapped ? p.a_scale : p.b_scale], m[p.a_zero], m[p.b_zero]};
                 while (!in.back()) in.pop_back();
                 return Rewriter::Replacement{"MatMulIntegerToFloat", std::move(in)};
               }),
          rule("bias", with_bias, biased, [bias](Rewriter& r, const Match& m) {
            std::vector<tenon_value> in = r.g.inputs(m.absorbed().front());
            in.resize(6);
            in.push_back(m[bias]);
            return Rewriter::Replacement{"MatMulIntegerToFloat", std::move(in)};
          })};
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, rules()).run(); }

}  // namespace

TENON_PASS("fuse-integer-product",
           R"("class":"exact","summary":"MatMulInteger, its scales and its bias become one node","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
