// SPDX-License-Identifier: Apache-2.0
// fuse-dilated-conv: TensorFlow spells a dilated convolution as space to batch, a convolution, batch to space. Blocks of b by b pixels go to
// the batch, where each residue class of positions is convolved on its own: that is a convolution of the whole with b times the
// dilation. A crop of the result takes from the padding.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/permutation.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// Which axes of an image are channel, height and width.
struct Layout {
  int32_t channel, height, width;
};
constexpr int64_t kLargestBlock = 64;
constexpr Layout kChannelsFirst{1, 2, 3}, kChannelsLast{3, 1, 2};

int64_t product(const Graph& g, int64_t a, int64_t b) { return api().ir->dim_op(g.raw(), TENON_DIM_MUL, a, b); }

/// Space to batch: an image of layout `from` to pieces of layout `to`, the position in the block before the batch.
Permutation to_batch(const Graph& g, const ValueInfo& x, Layout from, Layout to, int64_t b) {
  auto part = [&](int32_t k) { return api().ir->dim_op(g.raw(), TENON_DIM_FLOORDIV, x.dim(k), b); };
  Permutation p;
  int64_t c = 1, h = 2, w = 4;  // where they are in the shape; the position in the block stands behind h and w
  if (from.channel == 1) p.shape = {x.dim(0), x.dim(1), part(2), b, part(3), b};
  else p.shape = {x.dim(0), part(1), b, part(2), b, x.dim(3)}, c = 5, h = 1, w = 3;
  p.perm = {h + 1, w + 1, 0};
  for (int64_t k : to.channel == 1 ? std::vector<int64_t>{c, h, w} : std::vector<int64_t>{h, w, c}) p.perm.push_back(k);
  return p;
}
/// Batch to space: pieces of layout `from` back to an image of layout `to`.
Permutation to_space(const ValueInfo& pieces, int64_t batch, Layout from, Layout to, int64_t b) {
  const Dims shape{b, b, batch, pieces.dim(1), pieces.dim(2), pieces.dim(3)};
  const int64_t c = from.channel + 2, h = from.height + 2, w = from.width + 2;
  if (to.channel == 1) return {shape, {2, c, h, 0, w, 1}};
  return {shape, {2, h, 0, w, 1, c}};
}

/// A value, or the one that a Transpose between the layouts takes it from.
struct Pieces {
  tenon_value value = 0;
  Layout layout = kChannelsFirst;
  tenon_node transpose = 0;
};
Pieces pieces_before(const Rewriter& r, tenon_value v) {
  const tenon_node t = r.made_by(v, "Transpose");
  if (!t || !r.single_use(v) || r.g.attrs(t).ints("perm") != std::vector<int64_t>{0, 3, 1, 2}) return {v, kChannelsFirst, 0};
  return {r.g.input(t, 0), kChannelsLast, t};
}
Pieces pieces_after(const Rewriter& r, tenon_value v) {
  const tenon_node t = r.made_by(v, "Transpose");
  if (!t || r.g.attrs(t).ints("perm") != std::vector<int64_t>{0, 2, 3, 1}) return {v, kChannelsFirst, 0};
  return {r.g.input(t, 0), kChannelsLast, t};
}

struct Image {
  tenon_value value = 0;
  Layout layout = kChannelsFirst;
  std::vector<tenon_node> nodes;
};

bool in_blocks(const Graph& g, const ValueInfo& image, Layout l, const ValueInfo& pieces, Layout p, int64_t b) {
  return image.dim(l.channel) == pieces.dim(p.channel) && product(g, pieces.dim(p.height), b) == image.dim(l.height) &&
         product(g, pieces.dim(p.width), b) == image.dim(l.width) && product(g, image.dim(0), b * b) == pieces.dim(0);
}

/// The image whose blocks are the batch of what a convolution reads.
std::optional<Image> before(const Rewriter& r, tenon_value read, int64_t b) {
  const Pieces p = pieces_before(r, read);
  const tenon_node last = r.made_by(p.value, "Reshape");
  const auto s = last && r.single_use(p.value) ? shuffle(r, last) : std::nullopt;
  if (!s) return std::nullopt;
  const ValueInfo x = r.g.info(s->x), pieces = r.g.info(p.value);
  if (!known(x) || !known(pieces) || x.rank() != 4 || pieces.rank() != 4) return std::nullopt;
  for (const Layout l : {kChannelsFirst, kChannelsLast}) {
    if (!in_blocks(r.g, x, l, pieces, p.layout, b)) continue;
    if (!(canonical(r.g, s->movement) == canonical(r.g, to_batch(r.g, x, l, p.layout, b)))) continue;
    Image i{s->x, l, s->nodes};
    i.nodes.push_back(last);
    if (p.transpose) i.nodes.push_back(p.transpose);
    return i;
  }
  return std::nullopt;
}

bool is_plain(const Attrs& a, size_t spatial) {
  const auto ones = std::vector<int64_t>(spatial, 1), zeros = std::vector<int64_t>(2 * spatial, 0);
  const std::string pads = a.s("auto_pad", "NOTSET");
  return (pads == "NOTSET" || pads == "VALID") && a.ints("strides", ones) == ones && a.ints("pads", zeros) == zeros;
}

tenon_value transposed(Rewriter& r, tenon_node root, tenon_value v, const std::vector<int64_t>& perm) {
  const ValueInfo i = r.g.info(v);
  Dims d;
  for (int64_t k : perm) d.push_back(i.dim(static_cast<int32_t>(k)));
  const tenon_value t = r.emit(root, "Transpose", {v}, AttrList{}.set("perm", perm));
  r.g.set_type(t, i.type(), d);
  return t;
}

/// Layout of the image that pieces are put together to.
std::optional<Layout> result_layout(const Rewriter& r, const Shuffle& s, Layout from, const ValueInfo& y, int64_t b) {
  const ValueInfo pieces = r.g.info(s.x);
  for (const Layout l : {kChannelsFirst, kChannelsLast}) {
    if (!in_blocks(r.g, y, l, pieces, from, b)) continue;
    if (canonical(r.g, s.movement) == canonical(r.g, to_space(pieces, y.dim(0), from, l, b))) return l;
  }
  return std::nullopt;
}

/// The convolution with b times the dilation takes the place of root.
void put(Rewriter& r, tenon_node root, tenon_node conv, const Image& image, Layout layout, int64_t b, const std::vector<tenon_node>& absorbed) {
  AttrList attrs;
  const Attrs own = r.g.attrs(conv);
  for (const tenon_attr& a : own.all())
    if (view(a.name) != "dilations" && view(a.name) != "auto_pad" && view(a.name) != "pads") attrs.copy(a);
  auto dilations = own.ints("dilations", {1, 1});
  for (int64_t& d : dilations) d *= b;
  attrs.add("dilations", dilations).add("pads", std::vector<int64_t>{0, 0, 0, 0});
  std::vector<tenon_value> in = r.g.inputs(conv);
  in[0] = image.layout.channel == 1 ? image.value : transposed(r, root, image.value, {0, 3, 1, 2});
  const std::string name(r.g.name(conv));
  if (layout.channel == 1) {
    r.replace(root, {"Conv", in, std::move(attrs), absorbed, name});
    return;
  }
  const ValueInfo y = r.g.info(r.g.output(root));
  const tenon_value fresh = r.emit(root, "Conv", in, attrs);
  r.g.set_type(fresh, y.type(), Dims{y.dim(0), y.dim(3), y.dim(1), y.dim(2)});
  r.replace(root, {"Transpose", {fresh}, AttrList{}.set("perm", std::vector<int64_t>{0, 2, 3, 1}), absorbed, name});
}

/// n is the last Reshape of batch to space.
bool dilated(Rewriter& r, tenon_node n) {
  const auto s = shuffle(r, n);
  if (!s || !r.single_use(s->x)) return false;
  const Pieces p = pieces_after(r, s->x);
  const tenon_node conv = r.made_by(p.value, "Conv");
  const ValueInfo pieces = r.g.info(s->x), y = r.g.info(r.g.output(n));
  if (!conv || !r.single_use(p.value) || r.g.input(conv, 3) || !is_plain(r.g.attrs(conv), 2)) return false;
  if (!known(pieces) || !known(y) || pieces.rank() != 4 || y.rank() != 4) return false;
  for (int64_t b = 2; b <= kLargestBlock; ++b) {
    if (product(r.g, y.dim(0), b * b) != pieces.dim(0)) continue;
    const auto image = before(r, r.g.input(conv, 0), b);
    const auto layout = image ? result_layout(r, *s, p.layout, y, b) : std::nullopt;
    if (!layout) return false;
    std::vector<tenon_node> absorbed = image->nodes;
    absorbed.insert(absorbed.end(), s->nodes.begin(), s->nodes.end());
    if (p.transpose) absorbed.push_back(p.transpose);
    absorbed.push_back(conv);
    put(r, n, conv, *image, *layout, b, absorbed);
    return true;
  }
  return false;
}

/// A Slice of a convolution's result at steps of one, where the convolution pads more than is cut off.
bool cropped(Rewriter& r, tenon_node n) {
  const tenon_value x = r.g.input(n, 0);
  const tenon_node conv = r.made_by(x, "Conv");
  const ValueInfo i = r.g.info(x);
  const auto starts = ints(r.g, r.g.input(n, 1)), ends = ints(r.g, r.g.input(n, 2)), axes = ints(r.g, r.g.input(n, 3));
  const tenon_value steps_in = r.g.input(n, 4);
  const auto steps = ints(r.g, steps_in);
  if (!conv || !r.single_use(x) || i.rank() < 3 || !starts || !ends || !axes || starts->size() != axes->size() || ends->size() != axes->size()) return false;
  if (steps_in && (!steps || std::any_of(steps->begin(), steps->end(), [](int64_t s) { return s != 1; }))) return false;
  const Attrs a = r.g.attrs(conv);
  const size_t spatial = static_cast<size_t>(i.rank()) - 2;
  const std::vector<int64_t> ones(spatial, 1);
  if (r.g.input(conv, 3) || a.s("auto_pad", "NOTSET") != "NOTSET" || a.ints("strides", ones) != ones) return false;
  auto pads = a.ints("pads", std::vector<int64_t>(2 * spatial, 0));
  if (pads.size() != 2 * spatial) return false;
  for (size_t k = 0; k < axes->size(); ++k) {
    const int64_t axis = axis_of((*axes)[k], i.rank()), length = i.dim(static_cast<int32_t>(axis));
    if (axis < 2 || length < 0) return false;
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? std::max(at, -length) + length : at, 0, length); };
    const int64_t begin = clamp((*starts)[k]), end = clamp((*ends)[k]);
    int64_t &first = pads[static_cast<size_t>(axis) - 2], &last = pads[spatial + static_cast<size_t>(axis) - 2];
    if (begin >= end || begin > first || length - end > last) return false;
    first -= begin;
    last -= length - end;
  }
  AttrList fresh;
  for (const tenon_attr& own : a.all())
    if (view(own.name) != "pads") fresh.copy(own);
  fresh.add("pads", pads);
  std::string name(r.g.name(conv));
  r.replace(n, {"Conv", r.g.inputs(conv), std::move(fresh), {conv}, std::move(name)});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Reshape"}, dilated, "dilated", Measure::nodes()}, {{"Slice"}, cropped, "cropped", Measure::nodes()}}).run();
}

}  // namespace

TENON_PASS("fuse-dilated-conv",
           R"("class":"reassociating","summary":"recognize dilated convolutions written as space to batch, convolution, batch to space; a crop takes from the padding","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
