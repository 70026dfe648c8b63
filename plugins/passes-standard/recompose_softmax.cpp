// SPDX-License-Identifier: Apache-2.0
// recompose-softmax: exp(x) / sum(exp(x)) along one axis, with or without the largest element taken off before, is Softmax; its logarithm,
// and x - log(sum(exp(x))), is LogSoftmax.
#include <tenon/pattern.hpp>
#include <tenon/plugin.hpp>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using namespace pattern;

struct Formula {
  Pattern x = any(), max_axes = any(), sum_axes = any();
  Pattern shifted = op("Sub", {x, op("ReduceMax", {x, max_axes}).attr("keepdims", 1, 1)});
  Pattern exponent = either({shifted, x}), power = op("Exp", {exponent});
  Pattern total = op("ReduceSum", {power, sum_axes}).attr("keepdims", 1, 1).once();

  /// The one axis that everything is along.
  std::optional<int64_t> axis(Rewriter& r, const Match& m) const {
    const ValueInfo i = r.g.info(m[x]);
    const auto sum = ints(r.g, m[sum_axes]);
    if (!is_float(i.type()) || !same_type(i, r.g.info(r.g.output(m.root()))) || !sum || sum->size() != 1) return std::nullopt;
    const int64_t axis = axis_of(sum->front(), i.rank());
    if (!m.has(max_axes)) return axis;
    const auto max = ints(r.g, m[max_axes]);
    return max && max->size() == 1 && axis_of(max->front(), i.rank()) == axis ? std::optional(axis) : std::nullopt;
  }
};

const Formula& formula() {
  static const Formula f;
  return f;
}

Rewriter::Entry becomes(const char* name, const char* softmax, const Pattern& root) {
  return rule(name, root, [](Rewriter& r, const Match& m) { return formula().axis(r, m).has_value(); },
              [softmax](Rewriter& r, const Match& m) { return Rewriter::Replacement{softmax, {m[formula().x]}, AttrList{}.set("axis", *formula().axis(r, m))}; });
}

Rewriter::Entry log_of_softmax() {
  const Pattern x = any(), softmax = op("Softmax", {x}).once();
  return rule("log", op("Log", {softmax}), {}, [=](Rewriter& r, const Match& m) {
    return Rewriter::Replacement{"LogSoftmax", {m[x]}, AttrList{}.set("axis", r.g.attrs(m.node(softmax)).i("axis", -1))};
  });
}

uint64_t run(const Ctx& ctx, Graph& g) {
  const Formula& f = formula();
  return Rewriter(ctx, g,
                  {becomes("divided", "Softmax", op("Div", {f.power, f.total})),
                   becomes("multiplied", "Softmax", product(f.power, op("Reciprocal", {f.total}))),
                   becomes("log-sum", "LogSoftmax", op("Sub", {f.exponent, op("Log", {f.total})})),
                   log_of_softmax()})
      .run();
}

}  // namespace

TENON_PASS("recompose-softmax",
           R"("class":"reassociating","summary":"recognize Softmax and LogSoftmax written as formulas","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
