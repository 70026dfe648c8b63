// SPDX-License-Identifier: Apache-2.0
// ConvTranspose through oneDNN's deconvolution.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

struct Deconv {
  int64_t group;
  Dims weight_dims, weight_strides;
  dnn::Window window;
};

std::optional<Deconv> read_deconv(const Builder& b, const PlanNode& n) {
  if (!n.posts.empty() || n.in.size() > 3) return std::nullopt;
  for (auto v : n.in)
    if (v != kNoValue && !b.is_f32(v)) return std::nullopt;
  if (!b.is_f32(n.output()) || n.attrs.has("output_shape")) return std::nullopt;
  const Dims &x = b.value(n.input(0)).dims, &w = b.value(n.input(1)).dims, &y = b.value(n.output()).dims;
  const size_t spatial = x.size() - 2;
  if (x.size() < 3 || x.size() > 5) return std::nullopt;
  const auto pads = declared_pads(n.attrs, spatial);
  if (!pads) return std::nullopt;
  Deconv d;
  d.group = n.attrs.i("group", 1);
  d.window.strides = n.attrs.ints("strides", Dims(spatial, 1));
  d.window.dilations = n.attrs.ints("dilations", Dims(spatial, 1));
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t reach = (w[i + 2] - 1) * d.window.dilations[i] + 1;
    d.window.begin.push_back((*pads)[i]);
    d.window.end.push_back((x[i + 2] - 1) * d.window.strides[i] + reach - y[i + 2] - (*pads)[i]);
  }
  // ONNX keeps [C, O / group, k...]; oneDNN names it [group, O / group, C / group, k...].
  const Dims s = dense_strides(w);
  d.weight_dims = {w[1], x[1] / d.group};
  d.weight_strides = {s[1], s[0]};
  d.weight_dims.insert(d.weight_dims.end(), w.begin() + 2, w.end());
  d.weight_strides.insert(d.weight_strides.end(), s.begin() + 2, s.end());
  if (d.group > 1) {
    d.weight_dims.insert(d.weight_dims.begin(), d.group);
    d.weight_strides.insert(d.weight_strides.begin(), s[0] * (x[1] / d.group));
  }
  return d;
}

int32_t match(const Builder& b, const PlanNode& n) { return b.is_constant(n.input(1)) && read_deconv(b, n) ? 100 : -1; }

bool build(Builder& b, const PlanNode& n) {
  const Deconv d = *read_deconv(b, n);
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  const double flops = 2.0 * static_cast<double>(product(x)) * static_cast<double>(product(b.value(n.input(1)).dims, 1));
  const int threads = b.threads_for(flops);
  ThreadScope scope(threads);
  dnn::Posts posts;
  if (auto a = fused_activation(n.attrs)) posts.activation(*a);
  const bool has_bias = n.has_in(2);
  const dnn::Desc bias = dnn::desc({y[1]}, Layout::plain), weights = dnn::desc(d.weight_dims, d.weight_strides);
  std::optional<dnn::Primitive> best;
  Layout layout = Layout::plain;
  for (Layout l : {dnn::preferred_block(), Layout::channels_last, Layout::plain}) {
    auto p = dnn::deconvolution(dnn::desc(x, l), dnn::any(d.weight_dims), has_bias ? &bias : nullptr, dnn::desc(y, l), d.window, posts);
    if (!p || (best && (dnn::is_slow(p->impl) || !dnn::is_slow(best->impl)))) continue;
    best = std::move(p);
    layout = l;
  }
  if (!best) return false;
  const SlotId src = b.read(n.input(0), layout), dst = b.write(n.output(), layout);
  auto packed = b.packed(n.input(1), dnn::key(best->weights), [&] { return dnn::pack(weights, b.value(n.input(1)).data, best->weights); });
  dnn::StepMaker step(b, *best, threads);
  step.read(DNNL_ARG_SRC, best->src, src).fixed(DNNL_ARG_WEIGHTS, best->weights, packed);
  if (has_bias) step.read(DNNL_ARG_BIAS, best->bias, b.read(n.input(2)));
  step.write(DNNL_ARG_DST, best->dst, dst).done();
  return true;
}

}  // namespace

void register_conv_transpose(KernelTable& t) { t.add({"onednn/conv-transpose", "ConvTranspose", match, build}); }

}  // namespace tenon::cpu
