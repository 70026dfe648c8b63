// SPDX-License-Identifier: Apache-2.0
// ConvTranspose through oneDNN's deconvolution, or as a matrix product whose rows are then added into place.
#include <cmath>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/elementwise_simd.hpp"
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

/// Adds the products for each output channel and kernel position, [O, kh, kw, H, W], into the image.
struct ColumnsStep {
  SlotId columns, bias, y;
  int64_t batch, channels, kernel_h, kernel_w, in_h, in_w, out_h, out_w;
  int64_t stride_h, stride_w, dilation_h, dilation_w, top, left;
  std::optional<Activation> activation;

  void run(const Run& r) const {
    parallel_for(batch * channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        float* image = r.at<float>(y) + u * out_h * out_w;
        std::fill(image, image + out_h * out_w, bias == kNoSlot ? 0.0f : r.at<float>(bias)[u % channels]);
        const float* from = r.at<float>(columns) + u * kernel_h * kernel_w * in_h * in_w;
        for (int64_t p = 0; p < kernel_h * kernel_w; ++p) add_position(from + p * in_h * in_w, p / kernel_w, p % kernel_w, image);
        if (activation) apply_unary(*activation, image, image, static_cast<size_t>(out_h * out_w));
      }
    });
  }
  void add_position(const float* from, int64_t kh, int64_t kw, float* image) const {
    const int64_t shift = kw * dilation_w - left;
    // Input columns whose output column is inside.
    const int64_t first = shift >= 0 ? 0 : (-shift + stride_w - 1) / stride_w, last = std::min(in_w, (out_w - 1 - shift) / stride_w + 1);
    if (out_w - 1 - shift < 0) return;
    for (int64_t i = 0; i < in_h; ++i) {
      const int64_t row = i * stride_h + kh * dilation_h - top;
      if (row < 0 || row >= out_h) continue;
      float* to = image + row * out_w + shift;
      const float* p = from + i * in_w;
      if (stride_w == 2)
        for (int64_t j = first; j < last; ++j) to[j * 2] += p[j];
      else
        for (int64_t j = first; j < last; ++j) to[j * stride_w] += p[j];
    }
  }
};

int32_t match_columns(const Builder& b, const PlanNode& n) {
  const auto d = b.is_constant(n.input(1)) ? read_deconv(b, n) : std::nullopt;
  if (!d || d->group != 1 || b.value(n.input(0)).dims.size() != 4) return -1;
  // oneDNN's kernels are slow with strides, and where there are few output channels.
  const Dims& w = b.value(n.input(1)).dims;
  const bool strided = d->window.strides[0] * d->window.strides[1] > 1;
  return strided || w[1] < 16 ? 50 : -1;
}

bool build_columns(Builder& b, const PlanNode& n) {
  const Deconv d = *read_deconv(b, n);
  const Dims x = b.value(n.input(0)).dims, w = b.value(n.input(1)).dims, y = b.value(n.output()).dims;
  const int64_t rows = w[1] * w[2] * w[3], pixels = x[2] * x[3];
  const int threads = b.threads_for(2.0 * static_cast<double>(x[0] * rows * pixels * x[1]));
  ThreadScope scope(threads);
  auto p = dnn::matmul(dnn::desc({1, rows, x[1]}, Layout::plain), dnn::desc({x[0], x[1], pixels}, Layout::plain), nullptr, dnn::desc({x[0], rows, pixels}, Layout::plain), {});
  if (!p) return false;
  const SlotId in = b.read(n.input(0)), columns = b.scratch(static_cast<uint64_t>(x[0] * rows * pixels) * 4);
  auto weights = b.packed(n.input(1), "columns", [&] { return dnn::pack(dnn::desc({rows, x[1]}, Dims{1, rows}), b.value(n.input(1)).data, dnn::desc({rows, x[1]}, Layout::plain)); });
  dnn::StepMaker(b, *p, threads).fixed(DNNL_ARG_SRC, p->src, weights).read(DNNL_ARG_WEIGHTS, p->weights, in).write(DNNL_ARG_DST, p->dst, columns).done();
  const SlotId bias = n.has_in(2) ? b.read(n.input(2)) : kNoSlot, to = b.write(n.output());
  std::vector<SlotId> reads{columns};
  if (bias != kNoSlot) reads.push_back(bias);
  ColumnsStep s{columns, bias, to, x[0], w[1], w[2], w[3], x[2], x[3], y[2], y[3], d.window.strides[0], d.window.strides[1],
                d.window.dilations[0], d.window.dilations[1], d.window.begin[0], d.window.begin[1], fused_activation(n.attrs)};
  b.step("cpu/conv-transpose", s, reads, {to}, threads);
  return true;
}

}  // namespace

void register_conv_transpose(KernelTable& t) {
  t.add({"onednn/conv-transpose", "ConvTranspose", match, build});
  t.add({"cpu/conv-transpose", "ConvTranspose", match_columns, build_columns});
}

}  // namespace tenon::cpu
