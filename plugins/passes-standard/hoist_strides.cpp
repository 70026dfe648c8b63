// SPDX-License-Identifier: Apache-2.0
// hoist-strides: where 1x1 convolutions with stride s are all that reads a value, its producer need not compute the positions between: the
// stride moves to the convolution or pool before, past operators on single elements. The same sums for fewer positions.
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

/// The node that makes x, through operators on single elements that nobody else reads; the way from the last to the first.
struct Source {
  tenon_node node = 0;
  std::vector<tenon_node> between;
};
bool passes_through(const Rewriter& r, tenon_node n) {
  static const char* const names[] = {"Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Swish", "Gelu", "BatchNormalization"};
  for (const char* name : names)
    if (r.is(n, name)) return r.one_output(n);
  return false;
}
std::optional<Source> source_of(const Rewriter& r, tenon_value x) {
  Source s;
  for (int depth = 0; depth < 8; ++depth) {
    const ValueInfo i = r.g.info(x);
    const tenon_node n = i.producer();
    if (!n || i.output_index() != 0 || !r.here(n) || !r.one_output(n)) return std::nullopt;
    if (!passes_through(r, n)) {
      s.node = n;
      return s;
    }
    s.between.push_back(n);
    x = r.g.input(n, 0);
    if (!r.single_use(x)) return std::nullopt;
  }
  return std::nullopt;
}

/// A convolution or pool whose window may take larger steps: the size of its result is the number of windows that fit.
bool may_stride(const Rewriter& r, tenon_node n, size_t spatial) {
  const Attrs a = r.g.attrs(n);
  const bool windowed = r.is(n, "Conv") || ((r.is(n, "MaxPool") || r.is(n, "AveragePool")) && !a.i("ceil_mode"));
  return windowed && explicit_pads(a) && !r.g.input(n, 3) && a.ints("strides", std::vector<int64_t>(spatial, 1)).size() == spatial;
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
  const auto source = strides ? source_of(r, x) : std::nullopt;
  if (!source || !may_stride(r, source->node, strides->size())) return false;
  const ValueInfo made = r.g.info(r.g.output(source->node));
  if (made.rank() != static_cast<int32_t>(strides->size()) + 2) return false;
  for (int32_t k = 2; k < made.rank(); ++k)
    if (made.dim(k) < 0) return false;  // what a symbol rounds to would have two spellings
  auto own = r.g.attrs(source->node).ints("strides", std::vector<int64_t>(strides->size(), 1));
  for (size_t k = 0; k < own.size(); ++k) own[k] *= (*strides)[k];
  set_strides(r, source->node, own);
  r.g.set_type(r.g.output(source->node), made.type(), kept(made, *strides));
  for (tenon_node m : source->between) {
    const ValueInfo i = r.g.info(r.g.output(m));
    r.g.set_type(r.g.output(m), i.type(), kept(i, *strides));
  }
  for (tenon_node u : r.g.uses(x)) set_strides(r, u, std::vector<int64_t>(strides->size(), 1));
  r.set_inputs(source->node, r.g.inputs(source->node));  // it may hand its stride on
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Conv"}, hoist, "hoist"}}).run(); }

}  // namespace

TENON_PASS("hoist-strides",
           R"("class":"reassociating","summary":"move the strides of 1x1 convolutions to the convolution or pool before, which then computes only what is read","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
