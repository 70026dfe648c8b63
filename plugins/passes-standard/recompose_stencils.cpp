// SPDX-License-Identifier: Apache-2.0
// recompose-stencils: convolutions whose weights are a constant window. Rows and columns of zeros at the border of all kernels are cut off;
// a depthwise window of equal weights that sum to 1 is an AveragePool; a depthwise window of rank 1 is two passes, along the height and
// along the width, where that halves the multiplications at least.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// Departure from the window's shape, relative to its largest weight, that rounding explains.
constexpr double kRounding = 1e-6;

/// A convolution over an image with constant f32 weights [O, I, H, W] and explicit pads.
struct Window {
  std::vector<double> weights;
  int64_t outs = 0, ins = 0, height = 0, width = 0, group = 1;
  std::vector<int64_t> pads, strides, dilations;
  double at(int64_t kernel, int64_t y, int64_t x) const { return weights[static_cast<size_t>((kernel * height + y) * width + x)]; }
  bool depthwise() const { return ins == 1 && group == outs; }
};
std::optional<Window> window(const Rewriter& r, tenon_node n) {
  const ValueInfo w = r.g.info(r.g.input(n, 1));
  const Attrs a = r.g.attrs(n);
  auto weights = floats(r.g, r.g.input(n, 1));
  if (!weights || weights->empty() || w.rank() != 4 || a.s("auto_pad", "NOTSET") != "NOTSET") return std::nullopt;
  Window k{std::move(*weights), w.dim(0), w.dim(1), w.dim(2), w.dim(3), a.i("group", 1), a.ints("pads", {0, 0, 0, 0}), a.ints("strides", {1, 1}), a.ints("dilations", {1, 1})};
  if (k.pads.size() != 4 || k.strides.size() != 2 || k.dilations.size() != 2) return std::nullopt;
  return k;
}

tenon_value weights_of(Rewriter& r, const std::vector<double>& data, const Dims& d) {
  const std::vector<float> f(data.begin(), data.end());
  return r.g.add_constant<float>("", d, f.data());
}

AttrList with_window(const Attrs& own, const std::vector<int64_t>& pads, const std::vector<int64_t>& strides, const std::vector<int64_t>& dilations) {
  AttrList attrs;
  for (const tenon_attr& a : own.all()) {
    const std::string_view name = view(a.name);
    if (name != "pads" && name != "strides" && name != "dilations" && name != "kernel_shape") attrs.copy(a);
  }
  attrs.add("pads", pads).add("strides", strides).add("dilations", dilations);
  return attrs;
}

/// Are the weights of all kernels zero in this row (axis 0) or column (axis 1)?
bool zero_line(const Window& w, int axis, int64_t line) {
  const int64_t length = axis == 0 ? w.width : w.height;
  for (int64_t k = 0; k < w.outs * w.ins; ++k)
    for (int64_t i = 0; i < length; ++i)
      if ((axis == 0 ? w.at(k, line, i) : w.at(k, i, line)) != 0) return false;
  return true;
}

/// Lines of zeros at both ends of an axis, as many as the padding allows: what remains covers the same pixels.
struct Cut {
  int64_t first = 0, last = 0;
};
Cut cut(const Window& w, int axis) {
  const int64_t length = axis == 0 ? w.height : w.width, step = w.dilations[static_cast<size_t>(axis)];
  Cut c;
  while (length - c.first > 1 && zero_line(w, axis, c.first) && (c.first + 1) * step <= w.pads[static_cast<size_t>(axis)]) ++c.first;
  while (length - c.first - c.last > 1 && zero_line(w, axis, length - 1 - c.last) && (c.last + 1) * step <= w.pads[static_cast<size_t>(axis) + 2]) ++c.last;
  return c;
}

bool crop(Rewriter& r, tenon_node n) {
  auto w = window(r, n);
  if (!w) return false;
  const Cut rows = cut(*w, 0), columns = cut(*w, 1);
  if (rows.first + rows.last + columns.first + columns.last == 0) return false;
  const int64_t height = w->height - rows.first - rows.last, width = w->width - columns.first - columns.last;
  std::vector<double> data;
  for (int64_t k = 0; k < w->outs * w->ins; ++k)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) data.push_back(w->at(k, y + rows.first, x + columns.first));
  const std::vector<int64_t> pads = {w->pads[0] - rows.first * w->dilations[0], w->pads[1] - columns.first * w->dilations[1],
                                     w->pads[2] - rows.last * w->dilations[0], w->pads[3] - columns.last * w->dilations[1]};
  std::vector<tenon_value> in = r.g.inputs(n);
  in[1] = weights_of(r, data, {w->outs, w->ins, height, width});
  r.replace(n, {"Conv", in, with_window(r.g.attrs(n), pads, w->strides, w->dilations)});
  return true;
}

bool no_bias(const Rewriter& r, tenon_node n) {
  const auto b = floats(r.g, r.g.input(n, 2));
  return !r.g.input(n, 2) || (b && std::all_of(b->begin(), b->end(), [](double v) { return v == 0; }));
}

bool box(Rewriter& r, tenon_node n) {
  const auto w = window(r, n);
  if (!w || !w->depthwise() || w->height * w->width < 2 || !no_bias(r, n) || r.g.input(n, 3) || r.g.attrs(n).has("activation")) return false;
  const double mean = 1.0 / static_cast<double>(w->height * w->width);
  if (!std::all_of(w->weights.begin(), w->weights.end(), [&](double v) { return std::fabs(v - mean) <= kRounding * mean; })) return false;
  for (size_t k = 0; k < 4; ++k)
    if (w->pads[k] < 0 || w->pads[k] >= (k % 2 ? w->width : w->height)) return false;
  AttrList attrs;
  attrs.add("kernel_shape", std::vector<int64_t>{w->height, w->width}).add("strides", w->strides).add("pads", w->pads).add("dilations", w->dilations);
  attrs.add("count_include_pad", 1);
  r.replace(n, {"AveragePool", {r.g.input(n, 0)}, std::move(attrs)});
  return true;
}

/// The kernels as products of a column and a row, the largest weight of each as the pivot; nothing when one has a higher rank.
struct Factors {
  std::vector<double> columns, rows;
};
std::optional<Factors> rank_one(const Window& w) {
  Factors f;
  for (int64_t k = 0; k < w.outs; ++k) {
    int64_t py = 0, px = 0;
    for (int64_t y = 0; y < w.height; ++y)
      for (int64_t x = 0; x < w.width; ++x)
        if (std::fabs(w.at(k, y, x)) > std::fabs(w.at(k, py, px))) py = y, px = x;
    const double pivot = w.at(k, py, px);
    for (int64_t y = 0; y < w.height; ++y) f.columns.push_back(pivot == 0 ? 0 : w.at(k, y, px) / pivot);
    for (int64_t x = 0; x < w.width; ++x) f.rows.push_back(w.at(k, py, x));
    for (int64_t y = 0; y < w.height; ++y)
      for (int64_t x = 0; x < w.width; ++x) {
        const double product = f.columns[static_cast<size_t>(k * w.height + y)] * f.rows[static_cast<size_t>(k * w.width + x)];
        if (!(std::fabs(product - w.at(k, y, x)) <= kRounding * std::fabs(pivot))) return std::nullopt;
      }
  }
  return f;
}

bool separable(Rewriter& r, tenon_node n) {
  const auto w = window(r, n);
  if (!w || !w->depthwise() || w->height * w->width < 2 * (w->height + w->width)) return false;
  const ValueInfo x = r.g.info(r.g.input(n, 0)), y = r.g.info(r.g.output(n));
  const auto f = x.rank() == 4 && y.rank() == 4 ? rank_one(*w) : std::nullopt;
  if (!f) return false;
  AttrList first;
  first.add("group", w->group).add("pads", std::vector<int64_t>{w->pads[0], 0, w->pads[2], 0}).add("strides", std::vector<int64_t>{w->strides[0], 1});
  first.add("dilations", std::vector<int64_t>{w->dilations[0], 1});
  std::vector<tenon_value> in = r.g.inputs(n);
  const tenon_value middle = r.emit(n, "Conv", {in[0], weights_of(r, f->columns, {w->outs, 1, w->height, 1})}, first);
  r.g.set_type(middle, y.type(), Dims{y.dim(0), y.dim(1), y.dim(2), x.dim(3)});
  in[0] = middle;
  in[1] = weights_of(r, f->rows, {w->outs, 1, 1, w->width});
  r.replace(n, {"Conv", in, with_window(r.g.attrs(n), {0, w->pads[1], 0, w->pads[3]}, {1, w->strides[1]}, {1, w->dilations[1]})});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Conv"}, crop, "crop"}, {{"Conv"}, box, "box"}, {{"Conv"}, separable, "separable"}}).run();
}

}  // namespace

TENON_PASS("recompose-stencils",
           R"("class":"reassociating","summary":"cut zero borders off kernels; box windows become AveragePool, separable ones two passes","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
