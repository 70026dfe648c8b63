// SPDX-License-Identifier: Apache-2.0
// eliminate-identity: nodes that hand through one of their inputs unchanged, bit by bit. x + 0 is not among them, since it turns -0 into
// +0: x - (+0), x + (-0) and integer x + 0 are. A symbolic dimension equals itself.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

bool forward_first(Rewriter& r, tenon_node n) { return r.forward(n, r.g.input(n, 0)); }
/// Output 0 has the type and provably the shape of input k.
bool keeps_shape(Rewriter& r, tenon_node n, uint64_t k = 0) {
  const tenon_value v = r.g.input(n, k);
  return v && same_type(r.g.info(r.g.output(n)), r.g.info(v));
}
bool all_equal(const std::vector<int64_t>& v, int64_t x) {
  return std::all_of(v.begin(), v.end(), [x](int64_t e) { return e == x; });
}

bool same_shape(Rewriter& r, tenon_node n) { return keeps_shape(r, n) && forward_first(r, n); }

bool cast(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  return x.type() != dt::none && dtype_name(x.type()) == r.g.attrs(n).s("to") && forward_first(r, n);
}

bool reshape(Rewriter& r, tenon_node n) {
  if (keeps_shape(r, n)) return forward_first(r, n);
  const auto target = ints(r.g, r.g.input(n, 1));
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  return target && x.rank() == static_cast<int64_t>(target->size()) && !r.g.attrs(n).i("allowzero") && all_equal(*target, 0) && forward_first(r, n);
}

bool squeeze(Rewriter& r, tenon_node n) {
  const auto axes = ints(r.g, r.g.input(n, 1));
  return ((axes && axes->empty()) || keeps_shape(r, n)) && forward_first(r, n);
}

bool slice(Rewriter& r, tenon_node n) {
  if (!keeps_shape(r, n)) return false;
  const tenon_value steps = r.g.input(n, 4);
  const auto step = ints(r.g, steps);
  return (!steps || (step && all_equal(*step, 1))) && forward_first(r, n);
}

bool pad(Rewriter& r, tenon_node n) {
  const auto pads = ints(r.g, r.g.input(n, 1));
  return pads && all_equal(*pads, 0) && forward_first(r, n);
}

bool tile(Rewriter& r, tenon_node n) {
  const auto repeats = ints(r.g, r.g.input(n, 1));
  return repeats && all_equal(*repeats, 1) && forward_first(r, n);
}

bool transpose(Rewriter& r, tenon_node n) {
  const auto perm = r.g.attrs(n).ints("perm");
  if (perm.empty()) return r.g.info(r.g.input(n, 0)).rank() == 1 && forward_first(r, n);
  for (size_t k = 0; k < perm.size(); ++k)
    if (perm[k] != static_cast<int64_t>(k)) return false;
  return forward_first(r, n);
}

/// Inputs that are known to be empty along the axis are left out.
bool concat(Rewriter& r, tenon_node n) {
  const Ids in = r.g.inputs(n);
  if (in.size() == 1) return forward_first(r, n);
  std::vector<tenon_value> kept;
  for (tenon_value v : in) {
    const ValueInfo i = r.g.info(v);
    if (i.rank() < 1) return false;
    if (i.dim(static_cast<int32_t>(axis_of(r.g.attrs(n).i("axis"), i.rank()))) != 0) kept.push_back(v);
  }
  if (kept.size() == in.size() || kept.empty()) return false;
  if (kept.size() == 1) return r.forward(n, kept[0]);
  r.set_inputs(n, kept);
  return true;
}

/// Blocks of one pixel.
bool blocks(Rewriter& r, tenon_node n) { return r.g.attrs(n).i("blocksize") == 1 && forward_first(r, n); }

/// The largest and the smallest of one element; a sum of one would lose the sign of -0.
bool reduce(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  const tenon_value axes_in = r.g.input(n, 1);
  const auto axes = ints(r.g, axes_in);
  if (x.rank() < 0 || (axes_in && !axes) || !keeps_shape(r, n)) return false;
  if (!axes || axes->empty()) return (r.g.attrs(n).i("noop_with_empty_axes") || all_ones(x)) && forward_first(r, n);
  const bool single = std::all_of(axes->begin(), axes->end(), [&](int64_t a) { return x.dim(static_cast<int32_t>(axis_of(a, x.rank()))) == 1; });
  return single && forward_first(r, n);
}

bool split(Rewriter& r, tenon_node n) { return r.one_output(n) && same_shape(r, n); }

bool pool(Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  const auto kernel = a.ints("kernel_shape");
  return r.one_output(n) && !kernel.empty() && all_equal(kernel, 1) && all_equal(a.ints("strides"), 1) && all_equal(a.ints("pads"), 0) &&
         same_shape(r, n);
}

/// Nearest neighbours of the positions themselves; other modes multiply by zero, which is no copy where there are infinities.
bool resize(Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  const std::string mode = a.s("coordinate_transformation_mode", "half_pixel");
  return a.s("mode", "nearest") == "nearest" && (mode == "half_pixel" || mode == "asymmetric" || mode == "align_corners") && same_shape(r, n);
}

/// The number that all elements of a constant are.
std::optional<double> uniform(const Graph& g, tenon_value v) {
  if (const auto one = scalar(g, v)) return one;
  if (!g.is_constant(v)) return std::nullopt;
  const ValueInfo i = g.info(v);
  const auto b = g.constant_bytes(v);
  const uint64_t size = i.type().bits / 8;
  if (i.type().bits % 8 || b.size() <= size || std::memcmp(b.data(), b.data() + size, b.size() - size) != 0) return std::nullopt;
  if (i.type() == dt::f32) return element_at<float>(b, 0);
  if (i.type() == dt::f64) return element_at<double>(b, 0);
  if (i.type() == dt::f16) return from_half(element_at<uint16_t>(b, 0));
  if (i.type() == dt::i64) return static_cast<double>(element_at<int64_t>(b, 0));
  if (i.type() == dt::i32) return element_at<int32_t>(b, 0);
  return std::nullopt;
}

bool is_zero(double x, bool negative) { return x == 0 && std::signbit(x) == negative; }

bool times_one(Rewriter& r, tenon_node n) {
  for (uint64_t k : {0u, 1u})
    if (keeps_shape(r, n, k) && uniform(r.g, r.g.input(n, 1 - k)) == 1.0) return r.forward(n, r.g.input(n, k));
  return false;
}
bool by_one(Rewriter& r, tenon_node n) { return keeps_shape(r, n) && uniform(r.g, r.g.input(n, 1)) == 1.0 && forward_first(r, n); }
bool plus_zero(Rewriter& r, tenon_node n) {
  for (uint64_t k : {0u, 1u}) {
    const auto c = keeps_shape(r, n, k) ? uniform(r.g, r.g.input(n, 1 - k)) : std::nullopt;
    if (!c) continue;
    if (is_zero(*c, true) || (*c == 0 && is_int(r.g.info(r.g.output(n)).type()))) return r.forward(n, r.g.input(n, k));
  }
  return false;
}
bool minus_zero(Rewriter& r, tenon_node n) {
  const auto c = keeps_shape(r, n) ? uniform(r.g, r.g.input(n, 1)) : std::nullopt;
  return c && is_zero(*c, false) && forward_first(r, n);
}

bool clip(Rewriter& r, tenon_node n) {
  auto open = [&](uint64_t k, double bound) {
    const tenon_value v = r.g.input(n, k);
    return !v || scalar(r.g, v) == bound;
  };
  return open(1, -HUGE_VAL) && open(2, HUGE_VAL) && forward_first(r, n);
}

std::string_view own_name(Rewriter& r, tenon_node n) { return Graph::op_name(r.g.op(n)).name; }
/// f(f(x)) = x
bool involution(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), own_name(r, n));
  return inner && r.forward(n, r.g.input(inner, 0));
}
/// f(f(x)) = f(x)
bool idempotent(Rewriter& r, tenon_node n) { return r.made_by(r.g.input(n, 0), own_name(r, n)) && forward_first(r, n); }

bool where(Rewriter& r, tenon_node n) {
  const tenon_value condition = r.g.input(n, 0);
  if (r.g.input(n, 1) == r.g.input(n, 2) && keeps_shape(r, n, 1)) return r.forward(n, r.g.input(n, 1));
  if (!r.g.is_constant(condition)) return false;
  const auto b = r.g.constant_bytes(condition);
  if (b.empty() || std::any_of(b.begin(), b.end(), [&](uint8_t x) { return (x != 0) != (b[0] != 0); })) return false;
  const uint64_t taken = b[0] ? 1 : 2;
  return keeps_shape(r, n, taken) && r.forward(n, r.g.input(n, taken));
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Identity"}, forward_first},
                   {{"Cast", "BitCast"}, cast},
                   {{"Reshape"}, reshape},
                   {{"Expand"}, same_shape},
                   {{"Squeeze", "Unsqueeze"}, squeeze},
                   {{"Slice"}, slice},
                   {{"Pad"}, pad},
                   {{"Tile"}, tile},
                   {{"Transpose"}, transpose},
                   {{"Concat"}, concat},
                   {{"Split"}, split},
                   {{"DepthToSpace", "SpaceToDepth"}, blocks},
                   {{"ReduceMax", "ReduceMin"}, reduce},
                   {{"MaxPool", "AveragePool"}, pool},
                   {{"Resize"}, resize},
                   {{"Mul"}, times_one},
                   {{"Div", "Pow"}, by_one},
                   {{"Add"}, plus_zero},
                   {{"Sub"}, minus_zero},
                   {{"Clip"}, clip},
                   {{"Neg", "LogicalNot", "BitwiseNot"}, involution},
                   {{"Relu", "Abs", "Floor", "Ceil", "Round", "Sign"}, idempotent},
                   {{"Where"}, where}})
      .run();
}

}  // namespace

TENON_PASS("eliminate-identity",
           R"("class":"exact","summary":"drop nodes that hand an input through unchanged","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
