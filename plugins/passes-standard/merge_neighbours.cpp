// SPDX-License-Identifier: Apache-2.0
// merge-neighbours: two data movements or conversions in a row become one, bit by bit the same.
#include <tenon/plugin.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

const tenon_dtype* named_type(std::string_view name) {
  for (const auto& d : dtype_names())
    if (name == d.name) return &d.type;
  return nullptr;
}

std::vector<int64_t> perm_of(Rewriter& r, tenon_node n) {
  auto perm = r.g.attrs(n).ints("perm");
  const int32_t rank = r.g.info(r.g.input(n, 0)).rank();
  if (perm.empty())
    for (int32_t k = rank; k > 0; --k) perm.push_back(k - 1);
  return perm;
}

bool transposes(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), "Transpose");
  if (!inner) return false;
  const auto outer_perm = perm_of(r, n), inner_perm = perm_of(r, inner);
  if (outer_perm.size() != inner_perm.size() || outer_perm.empty()) return false;
  std::vector<int64_t> perm;
  for (int64_t k : outer_perm) perm.push_back(inner_perm.at(static_cast<size_t>(k)));
  r.replace(n, {"Transpose", {r.g.input(inner, 0)}, AttrList{}.set("perm", perm), {inner}});
  return true;
}

/// A Transpose that moves only axes of length 1 keeps the order of the elements.
bool transpose_is_reshape(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  const auto target = reshape_target(r.g.info(r.g.output(n)));
  if (x.rank() < 0 || !target) return false;
  int64_t last = -1;
  for (int64_t k : perm_of(r, n)) {
    if (x.dim(static_cast<int32_t>(k)) == 1) continue;
    if (k < last) return false;
    last = k;
  }
  r.replace(n, {"Reshape", {r.g.input(n, 0), r.g.add_ints("", *target)}});
  return true;
}

bool keeps_order(Rewriter& r, tenon_node n) { return r.is(n, "Reshape") || r.is(n, "Squeeze") || r.is(n, "Unsqueeze"); }

/// Reshape, Squeeze and Unsqueeze keep the order of the elements, so only the last shape counts.
bool reshapes(Rewriter& r, tenon_node n) {
  const ValueInfo x = r.g.info(r.g.input(n, 0));
  const tenon_node inner = x.graph() == r.g.graph_of(n) ? x.producer() : 0;
  if (!inner || !keeps_order(r, inner)) return false;
  const auto target = reshape_target(r.g.info(r.g.output(n)));
  if (!target) return false;
  r.replace(n, {"Reshape", {r.g.input(inner, 0), r.g.add_ints("", *target)}, {}, {inner}});
  return true;
}

/// Every value of `from` is one of `to`.
bool embeds(tenon_dtype from, tenon_dtype to) {
  if (from == to) return true;
  if (from == dt::boolean) return is_int(to) || is_float(to);
  if (from.bits > 64 || to.bits > 64) return false;
  if (is_int(from) && is_int(to)) return from.code == to.code ? from.bits <= to.bits : from.code == TENON_DT_UINT && from.bits < to.bits;
  if (is_int(from) && to.code == TENON_DT_FLOAT) return from.bits <= (to.bits == 64 ? 32 : to.bits == 32 ? 16 : 8);
  if (from == dt::f16 || from == dt::bf16) return to == dt::f32 || to == dt::f64;
  return from == dt::f32 && to == dt::f64;
}

bool casts(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), "Cast");
  if (!inner) return false;
  const tenon_value source = r.g.input(inner, 0);
  const tenon_dtype from = r.g.info(source).type();
  const std::string to = r.g.attrs(n).s("to");
  const tenon_dtype* middle = named_type(r.g.attrs(inner).s("to"));
  const tenon_dtype* last = named_type(to);
  if (!middle || !last || from == dt::none || !embeds(from, *middle)) return false;
  // From a float an integer out of range is not defined, from an integer it wraps.
  if (is_float(*middle) && is_int(*last) && !is_float(from) && !embeds(from, *last)) return false;
  AttrList attrs;
  attrs.add("to", to);
  if (const tenon_attr* a = r.g.attrs(n).find("saturate")) attrs.copy(*a);
  r.replace(n, {"Cast", {source}, std::move(attrs), {inner}});
  return true;
}

/// min(max(min(max(x, a), b), c), d) with a <= b and c <= d is one clamp.
bool clips(Rewriter& r, tenon_node n) {
  const tenon_node inner = r.made_by(r.g.input(n, 0), "Clip");
  const tenon_dtype type = r.g.info(r.g.output(n)).type();
  if (!inner || type != dt::f32) return false;
  bool constant = true;
  auto bound = [&](tenon_node m, uint64_t k, double open) {
    const tenon_value v = r.g.input(m, k);
    const auto s = scalar(r.g, v);
    if (v && (!s || std::isnan(*s))) constant = false;
    return s.value_or(open);
  };
  const double a = bound(inner, 1, -HUGE_VAL), b = bound(inner, 2, HUGE_VAL), c = bound(n, 1, -HUGE_VAL), d = bound(n, 2, HUGE_VAL);
  if (!constant || a > b || c > d) return false;
  const double low = std::min(std::max(a, c), d), high = std::min(std::max(b, c), d);
  std::vector<tenon_value> in = {r.g.input(inner, 0), low == -HUGE_VAL ? 0 : make_scalar(r.g, type, low), high == HUGE_VAL ? 0 : make_scalar(r.g, type, high)};
  r.replace(n, {"Clip", std::move(in), {}, {inner}});
  return true;
}

struct SliceSpec {
  std::vector<int64_t> starts, ends, axes, steps;
};
std::optional<SliceSpec> slice_spec(Rewriter& r, tenon_node n) {
  const auto starts = ints(r.g, r.g.input(n, 1)), ends = ints(r.g, r.g.input(n, 2));
  const int32_t rank = r.g.info(r.g.input(n, 0)).rank();
  if (!starts || !ends || rank < 0 || starts->size() != ends->size()) return std::nullopt;
  SliceSpec s{*starts, *ends, {}, {}};
  const auto axes = ints(r.g, r.g.input(n, 3)), steps = ints(r.g, r.g.input(n, 4));
  if ((r.g.input(n, 3) && !axes) || (r.g.input(n, 4) && !steps)) return std::nullopt;
  for (size_t k = 0; k < s.starts.size(); ++k) {
    s.axes.push_back(axes ? axis_of(axes->at(k), rank) : static_cast<int64_t>(k));
    s.steps.push_back(steps ? steps->at(k) : 1);
  }
  return s;
}

/// Slices along different axes do not see each other.
bool slices(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node inner = r.made_by(x, "Slice");
  if (!inner || r.g.info(x).is_output()) return false;
  for (tenon_node user : r.g.uses(x))
    if (!r.is(user, "Slice") || !slice_spec(r, user)) return false;
  auto first = slice_spec(r, inner), second = slice_spec(r, n);
  if (!first || !second) return false;
  for (int64_t a : second->axes)
    if (std::find(first->axes.begin(), first->axes.end(), a) != first->axes.end()) return false;
  auto both = [](std::vector<int64_t> a, const std::vector<int64_t>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  auto constant = [&](const std::vector<int64_t>& a, const std::vector<int64_t>& b) { return r.g.add_ints("", both(a, b)); };
  r.replace(n, {"Slice",
                {r.g.input(inner, 0), constant(first->starts, second->starts), constant(first->ends, second->ends), constant(first->axes, second->axes),
                 constant(first->steps, second->steps)},
                {},
                {inner}});
  return true;
}

std::optional<int64_t> concat_axis(Rewriter& r, tenon_node n) {
  const int32_t rank = r.g.info(r.g.output(n)).rank();
  if (rank < 0) return std::nullopt;
  return axis_of(r.g.attrs(n).i("axis"), rank);
}

/// A Slice along the axis of a Concat that takes all or a part of one of its inputs.
bool slice_concat(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node concat = r.made_by(x, "Concat");
  const auto s = concat ? slice_spec(r, n) : std::nullopt;
  const auto axis = concat ? concat_axis(r, concat) : std::nullopt;
  if (!s || !axis || s->axes.size() != 1 || s->axes[0] != *axis || s->steps[0] != 1) return false;
  const auto k = static_cast<int32_t>(*axis);
  const int64_t length = r.g.info(x).dim(k);
  if (length < 0) return false;
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? std::max(at, -length) + length : at, 0, length); };
  const int64_t begin = clamp(s->starts[0]), end = clamp(s->ends[0]);
  int64_t at = 0;
  for (tenon_value v : r.g.inputs(concat)) {
    const int64_t size = r.g.info(v).dim(k);
    if (size < 0 || begin >= end) return false;
    if (begin == at && end == at + size) return r.forward(n, v);
    if (begin >= at && end <= at + size) {
      r.replace(n, {"Slice", {v, r.g.add_ints("", {begin - at}), r.g.add_ints("", {end - at}), r.g.add_ints("", {*axis})}, {}, {}});
      return true;
    }
    at += size;
  }
  return false;
}

/// A Concat that only feeds another one along the same axis.
bool concats(Rewriter& r, tenon_node n) {
  const auto axis = concat_axis(r, n);
  if (!axis) return false;
  std::vector<tenon_value> in;
  std::vector<tenon_node> absorbed;
  for (tenon_value v : r.g.inputs(n)) {
    const tenon_node inner = r.made_by(v, "Concat");
    if (!inner || !r.single_use(v) || concat_axis(r, inner) != axis) {
      in.push_back(v);
      continue;
    }
    const Ids more = r.g.inputs(inner);
    in.insert(in.end(), more.begin(), more.end());
    absorbed.push_back(inner);
  }
  if (absorbed.empty()) return false;
  r.replace(n, {"Concat", in, AttrList{}.set("axis", *axis), absorbed});
  return true;
}

/// Concat of all outputs of one Split, in order.
bool split_concat(Rewriter& r, tenon_node n) {
  const Ids in = r.g.inputs(n);
  const tenon_node split = in.empty() || !in[0] ? 0 : r.g.producer(in[0]);
  if (!r.is(split, "Split") || r.g.outputs(split) != in || r.g.graph_of(split) != r.g.graph_of(n)) return false;
  const int32_t rank = r.g.info(r.g.input(split, 0)).rank();
  const auto axis = concat_axis(r, n);
  if (!axis || rank < 0 || *axis != axis_of(r.g.attrs(split).i("axis"), rank)) return false;
  return r.forward(n, r.g.input(split, 0));
}

/// Runs of elements that are shorter cost more one by one than as the pieces of a Concat.
constexpr int64_t kLongRun = 16;
/// Positions that a Gather takes in place of a Split: each is 8 bytes more of the model.
constexpr int64_t kMostPositions = 4096;

/// Elements behind an axis that stay together when the axis changes its order; 1 when a dimension is no number.
int64_t run_behind(const ValueInfo& i, int64_t axis) {
  int64_t count = 1;
  for (auto k = static_cast<int32_t>(axis) + 1; k < i.rank(); ++k) count *= std::max<int64_t>(i.dim(k), 1);
  return count;
}

/// Concat of all outputs of one Split, each once, in another order: one Gather.
bool reordered_split(Rewriter& r, tenon_node n) {
  const Ids in = r.g.inputs(n);
  const tenon_node split = in.empty() || !in[0] ? 0 : r.g.producer(in[0]);
  if (!r.is(split, "Split") || r.g.graph_of(split) != r.g.graph_of(n)) return false;
  const ValueInfo x = r.g.info(r.g.input(split, 0));
  const auto axis = concat_axis(r, n);
  if (!axis || x.rank() < 1 || *axis != axis_of(r.g.attrs(split).i("axis"), x.rank()) || run_behind(x, *axis) < kLongRun) return false;
  std::vector<tenon_value> left = r.g.outputs(split);
  std::vector<int64_t> positions, begins = {0};
  for (tenon_value v : left) {
    const int64_t length = v && r.single_use(v) ? r.g.info(v).dim(static_cast<int32_t>(*axis)) : -1;
    if (length < 0) return false;
    begins.push_back(begins.back() + length);
  }
  for (tenon_value v : in) {
    const auto k = static_cast<size_t>(std::find(left.begin(), left.end(), v) - left.begin());
    if (k == left.size()) return false;
    left[k] = 0;
    for (int64_t at = begins[k]; at < begins[k + 1]; ++at) positions.push_back(at);
  }
  if (static_cast<int64_t>(positions.size()) != begins.back() || begins.back() > kMostPositions) return false;
  r.replace(n, {"Gather", {r.g.input(split, 0), r.g.add_ints("", positions)}, AttrList{}.set("axis", *axis), {split}});
  return true;
}

/// Values that are each given an axis of length 1 and put side by side along it: they may as well stand side by side along the axis
/// behind it, which is then cut in two.
bool stack(Rewriter& r, tenon_node n) {
  const Ids in = r.g.inputs(n);
  const auto axis = concat_axis(r, n);
  const auto target = reshape_target(r.g.info(r.g.output(n)));
  if (!axis || !target || in.size() < 2) return false;
  const auto k = static_cast<int32_t>(*axis);
  std::vector<tenon_value> parts;
  std::vector<tenon_node> absorbed;
  for (tenon_value v : in) {
    const ValueInfo wide = r.g.info(v);
    const tenon_node inner = wide.graph() == r.g.graph_of(n) ? wide.producer() : 0;
    if (!inner || !keeps_order(r, inner) || !r.single_use(v) || !known(wide) || wide.dim(k) != 1) return false;
    const tenon_value x = r.g.input(inner, 0);
    const ValueInfo narrow = r.g.info(x);
    Dims d = wide.dims().vec();
    d.erase(d.begin() + k);
    if (narrow.rank() <= k || narrow.dims().vec() != d) return false;
    parts.push_back(x);
    absorbed.push_back(inner);
  }
  const ValueInfo first = r.g.info(parts.front());
  Dims side_by_side = first.dims().vec();
  int64_t& length = side_by_side[static_cast<size_t>(k)];
  if (length < 0 || !std::all_of(parts.begin(), parts.end(), [&](tenon_value v) { return same_dims(r.g.info(v), first); })) return false;
  length *= static_cast<int64_t>(in.size());
  const tenon_value together = r.emit(n, "Concat", parts, AttrList{}.set("axis", *axis));
  r.g.set_type(together, first.type(), side_by_side);
  r.replace(n, {"Reshape", {together, r.g.add_ints("", *target)}, {}, absorbed});
  return true;
}

/// An operator that broadcasts needs no Expand before it, when its result has the same shape without.
bool expand(Rewriter& r, tenon_node n) {
  const ValueInfo y = r.g.info(r.g.output(n));
  std::vector<tenon_value> in = r.g.inputs(n);
  if (in.size() != 2 || !in[0] || !in[1] || !known(y)) return false;
  for (size_t k = 0; k < 2; ++k) {
    const tenon_node e = r.made_by(in[k], "Expand");
    if (!e) continue;
    const auto d = broadcast_dims(r.g.info(r.g.input(e, 0)), r.g.info(in[1 - k]));
    if (!d || *d != y.dims().vec()) continue;
    in[k] = r.g.input(e, 0);
    r.set_inputs(n, in);
    return true;
  }
  return false;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g,
                  {{{"Transpose"}, transposes},
                   {{"Transpose"}, transpose_is_reshape},
                   {{"Reshape", "Squeeze", "Unsqueeze"}, reshapes},
                   {{"Cast"}, casts},
                   {{"Clip"}, clips},
                   {{"Slice"}, slices},
                   {{"Slice"}, slice_concat},
                   {{"Concat"}, split_concat},
                   {{"Concat"}, reordered_split, "reordered-split", Measure::nodes()},
                   {{"Concat"}, stack, "stack", Measure::nodes()},
                   {{"Concat"}, concats},
                   {{"Add", "Sub", "Mul", "Div", "Pow", "Maximum", "Minimum", "Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd",
                     "LogicalOr"},
                    expand}})
      .run();
}

}  // namespace

TENON_PASS("merge-neighbours",
           R"("class":"exact","summary":"merge transposes, reshapes, casts, clips, slices and concats in a row; reordered pieces are a Gather, stacked values one Concat; drop Expand before broadcasting","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
