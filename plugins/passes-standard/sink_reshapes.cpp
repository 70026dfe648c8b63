// SPDX-License-Identifier: Apache-2.0
// sink-reshapes: an operator on single elements between two changes of shape is computed in the first shape, so that the two meet and
// merge-neighbours makes them one; a Softmax between them that finds its axis in the first shape needs neither.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

bool changes_shape(const Rewriter& r, tenon_node n) { return r.is(n, "Reshape") || r.is(n, "Squeeze") || r.is(n, "Unsqueeze"); }

/// The Reshape, Squeeze or Unsqueeze that makes v for one user only, else 0.
tenon_node shaper(const Rewriter& r, tenon_value v) {
  const ValueInfo i = r.g.info(v);
  return i.n_uses() == 1 && i.producer() && r.here(i.producer()) && changes_shape(r, i.producer()) ? i.producer() : 0;
}

/// Input k of n if all others are absent or numbers that widen nothing.
bool only_operand(const Rewriter& r, const std::vector<tenon_value>& in, size_t k) {
  for (size_t j = 0; j < in.size(); ++j)
    if (j != k && in[j] && !(r.g.is_constant(in[j]) && r.g.info(in[j]).rank() == 0)) return false;
  return true;
}

const std::vector<const char*>& elementwise_operators() {
  static const std::vector<const char*> all = {"Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Swish", "Gelu", "Softplus",
                                               "Abs", "Neg", "Exp", "Log", "Sqrt", "Rsqrt", "Reciprocal", "Erf", "Floor", "Ceil", "Round", "Cast", "Add", "Sub",
                                               "Mul", "Div", "Pow", "Maximum", "Minimum"};
  return all;
}
bool is_elementwise(const Rewriter& r, tenon_node n) {
  const auto& all = elementwise_operators();
  return std::any_of(all.begin(), all.end(), [&](const char* op) { return r.is(n, op); });
}

/// The only user of v changes its shape, or computes something on its elements that only such a user reads.
bool reshaped_after(const Rewriter& r, tenon_value v) {
  for (int depth = 0; depth < 8; ++depth) {
    if (!r.single_use(v) || r.g.info(v).is_output()) return false;
    const std::vector<tenon_node> users = r.g.uses(v);
    if (users.size() != 1 || !r.here(users[0])) return false;
    if (changes_shape(r, users[0])) return r.g.input(users[0], 0) == v;
    const std::vector<tenon_value> in = r.g.inputs(users[0]);
    const auto k = static_cast<size_t>(std::find(in.begin(), in.end(), v) - in.begin());
    const tenon_value y = r.g.output(users[0]);
    if (!is_elementwise(r, users[0]) || !only_operand(r, in, k) || !same_dims(r.g.info(v), r.g.info(y))) return false;
    v = y;
  }
  return false;
}

bool elementwise(Rewriter& r, tenon_node n) {
  std::vector<tenon_value> in = r.g.inputs(n);
  const tenon_value y = r.g.output(n);
  for (size_t k = 0; k < in.size(); ++k) {
    const tenon_node first = in[k] ? shaper(r, in[k]) : 0;
    if (!first || !only_operand(r, in, k) || !same_dims(r.g.info(in[k]), r.g.info(y)) || !reshaped_after(r, y)) continue;
    const auto target = reshape_target(r.g.info(y));
    const tenon_value x = r.g.input(first, 0);
    const ValueInfo source = r.g.info(x);
    if (!target || source.rank() < 0) return false;
    in[k] = x;
    AttrList attrs;
    const Attrs own = r.g.attrs(n);
    for (const tenon_attr& a : own.all()) attrs.copy(a);
    const std::string op(Graph::op_name(r.g.op(n)).name);
    const tenon_value computed = r.emit(n, op, in, attrs);
    r.g.set_type(computed, r.g.info(y).type(), source.dims());
    r.replace(n, {"Reshape", {computed, r.g.add_ints("", *target)}, {}, {first}});
    return true;
  }
  return false;
}

/// Elements behind the given axis; nothing when one of these dimensions is no number.
std::optional<int64_t> behind(const ValueInfo& i, int64_t axis) {
  int64_t count = 1;
  for (auto k = static_cast<int32_t>(axis) + 1; k < i.rank(); ++k) {
    if (i.dim(k) < 0) return std::nullopt;
    count *= i.dim(k);
  }
  return count;
}

/// Reshape, Softmax, Reshape back. The axis of x has the same length and as many elements behind it.
bool softmax(Rewriter& r, tenon_node n) {
  const tenon_value y = r.g.input(n, 0);
  if (!r.single_use(y)) return false;
  for (const char* op : {"Softmax", "LogSoftmax"}) {
    const tenon_node inner = r.made_by(y, op);
    const tenon_node first = inner ? shaper(r, r.g.input(inner, 0)) : 0;
    if (!first) continue;
    const tenon_value x = r.g.input(first, 0);
    const ValueInfo source = r.g.info(x), middle = r.g.info(y);
    if (middle.rank() < 1 || !same_type(source, r.g.info(r.g.output(n)))) return false;
    const int64_t axis = axis_of(r.g.attrs(inner).i("axis", -1), middle.rank()), length = middle.dim(static_cast<int32_t>(axis));
    const auto inside = behind(middle, axis);
    if (!inside || *inside < 1 || length < 1) return false;
    for (int32_t k = 0; k < source.rank(); ++k) {
      if (source.dim(k) != length || behind(source, k) != inside) continue;
      r.replace(n, {op, {x}, AttrList{}.set("axis", static_cast<int64_t>(k)), {inner, first}});
      return true;
    }
  }
  return false;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Reshape"}, softmax, "softmax", Measure::nodes()},
                   {elementwise_operators(), elementwise, "elementwise"}})
      .run();
}

}  // namespace

TENON_PASS("sink-reshapes",
           R"("class":"exact","summary":"move Reshape behind an elementwise operator where another one follows; Softmax in the shape that it is given","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
