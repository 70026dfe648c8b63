// SPDX-License-Identifier: Apache-2.0
// hoist-strides: where 1x1 convolutions with stride s are all that reads a value, its producer need not compute the positions between: the
// stride moves to the convolution or pool before, past operators on single elements and to both sides of a residual sum. The same sums for
// fewer positions.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

bool all_equal(const std::vector<int64_t>& v, int64_t x) {
  return std::all_of(v.begin(), v.end(), [x](int64_t e) { return e == x; });
}
bool explicit_pads(const Attrs& a) {
  const std::string mode = a.s("auto_pad", "NOTSET");
  return mode == "NOTSET" || mode == "VALID";
}

/// Strides of a 1x1 convolution that reads x as its image and nothing but every s-th position of it.
std::optional<std::vector<int64_t>> pointwise(const Rewriter& r, tenon_node n, tenon_value x) {
  if (!r.is(n, "Conv") || !r.here(n) || r.g.input(n, 0) != x || r.g.input(n, 1) == x || r.g.input(n, 3)) return std::nullopt;
  const ValueInfo w = r.g.info(r.g.input(n, 1));
  const Attrs a = r.g.attrs(n);
  if (w.rank() < 3 || !explicit_pads(a) || !all_equal(a.ints("pads"), 0)) return std::nullopt;
  for (int32_t k = 2; k < w.rank(); ++k)
    if (w.dim(k) != 1) return std::nullopt;
  auto strides = a.ints("strides", std::vector<int64_t>(static_cast<size_t>(w.rank()) - 2, 1));
  if (strides.size() != static_cast<size_t>(w.rank()) - 2 || all_equal(strides, 1)) return std::nullopt;
  return strides;
}

/// The strides that all users of x have in common; nothing when they differ or somebody reads all of x.
std::optional<std::vector<int64_t>> common_strides(const Rewriter& r, tenon_value x) {
  if (r.g.info(x).is_output()) return std::nullopt;
  const std::vector<tenon_node> users = r.g.uses(x);
  const auto first = users.empty() ? std::nullopt : pointwise(r, users.front(), x);
  const bool agree = first && std::all_of(users.begin(), users.end(), [&](tenon_node u) { return pointwise(r, u, x) == first; });
  return agree ? first : std::nullopt;
}

bool passes_through(const Rewriter& r, tenon_node n) {
  static const char* const names[] = {"Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Swish", "Gelu", "BatchNormalization"};
  for (const char* name : names)
    if (r.is(n, name)) return r.one_output(n);
  return false;
}

/// A convolution or pool whose window may take larger steps: the size of its result is the number of windows that fit.
bool may_stride(const Rewriter& r, tenon_node n, size_t spatial) {
  const Attrs a = r.g.attrs(n);
  const bool windowed = r.is(n, "Conv") || ((r.is(n, "MaxPool") || r.is(n, "AveragePool")) && !a.i("ceil_mode"));
  return windowed && explicit_pads(a) && !r.g.input(n, 3) && a.ints("strides", std::vector<int64_t>(spatial, 1)).size() == spatial;
}

/// The windowed nodes that make x, and the nodes on single elements between them and x, which nobody else reads.
struct Sources {
  std::vector<tenon_node> windowed, between;
};
/// Adds what makes x; false when something there needs every position.
bool add_sources(const Rewriter& r, tenon_value x, const ValueInfo& like, int depth, Sources* s) {
  const ValueInfo i = r.g.info(x);
  const tenon_node n = i.producer();
  if (depth > 8 || !n || i.output_index() != 0 || !r.here(n) || !r.one_output(n) || !same_dims(i, like)) return false;
  const auto further = [&](uint64_t k) { return r.single_use(r.g.input(n, k)) && add_sources(r, r.g.input(n, k), like, depth + 1, s); };
  if (passes_through(r, n)) return s->between.push_back(n), further(0);
  if (r.is(n, "Add")) return s->between.push_back(n), further(0) && further(1);
  s->windowed.push_back(n);
  return may_stride(r, n, static_cast<size_t>(like.rank()) - 2);
}

/// Dimensions of a value of which every s-th position is kept.
Dims kept(const ValueInfo& i, const std::vector<int64_t>& strides) {
  Dims d = i.dims().vec();
  for (size_t k = 0; k < strides.size(); ++k) d[k + 2] = (d[k + 2] + strides[k] - 1) / strides[k];
  return d;
}

void set_strides(Rewriter& r, tenon_node n, const std::vector<int64_t>& strides) {
  AttrList attrs;
  attrs.add("strides", strides);
  r.g.set_attrs(n, attrs);
}

/// n is the first user of its image.
bool hoist(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const auto strides = common_strides(r, x);
  const ValueInfo made = r.g.info(x);
  if (!strides || made.rank() != static_cast<int32_t>(strides->size()) + 2) return false;
  for (int32_t k = 2; k < made.rank(); ++k)
    if (made.dim(k) < 0) return false;  // what a symbol rounds to would have two spellings
  Sources s;
  if (!add_sources(r, x, made, 0, &s)) return false;
  for (tenon_node m : s.windowed) {
    auto own = r.g.attrs(m).ints("strides", std::vector<int64_t>(strides->size(), 1));
    for (size_t k = 0; k < own.size(); ++k) own[k] *= (*strides)[k];
    set_strides(r, m, own);
  }
  for (const auto* nodes : {&s.windowed, &s.between})
    for (tenon_node m : *nodes) {
      const ValueInfo i = r.g.info(r.g.output(m));
      r.g.set_type(r.g.output(m), i.type(), kept(i, *strides));
    }
  for (tenon_node u : r.g.uses(x)) set_strides(r, u, std::vector<int64_t>(strides->size(), 1));
  for (tenon_node m : s.windowed) r.set_inputs(m, r.g.inputs(m));  // they may hand their stride on
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Conv"}, hoist, "hoist"}}).run(); }

}  // namespace

TENON_PASS("hoist-strides",
           R"("class":"reassociating","summary":"move the strides of 1x1 convolutions to the convolutions or pools before, which then compute only what is read","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
