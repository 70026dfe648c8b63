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

std::optional<dnn::Primitive> attempt(const Builder& b, const PlanNode& n, const Deconv& d, Layout l) {
  dnn::Posts posts;
  if (auto a = fused_activation(n.attrs)) posts.activation(*a);
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  const dnn::Desc bias = dnn::desc({y[1]}, Layout::plain);
  return dnn::deconvolution(dnn::desc(x, l), dnn::any(d.weight_dims), n.has_in(2) ? &bias : nullptr, dnn::desc(y, l), d.window, posts);
}

double flops_of(const Builder& b, const PlanNode& n) {
  return 2.0 * static_cast<double>(product(b.value(n.input(0)).dims)) * static_cast<double>(product(b.value(n.input(1)).dims, 1));
}

bool build(Builder& b, const PlanNode& n) {
  const Deconv d = *read_deconv(b, n);
  const int threads = b.threads_for(flops_of(b, n));
  ThreadScope scope(threads);
  const dnn::Desc weights = dnn::desc(d.weight_dims, d.weight_strides);
  std::optional<dnn::Primitive> best;
  Layout layout = Layout::plain;
  for (Layout l : {b.planned().value_or(dnn::preferred_block()), dnn::preferred_block(), Layout::channels_last, Layout::plain}) {
    auto p = attempt(b, n, d, l);
    if (!p || (best && (dnn::is_slow(p->impl) || !dnn::is_slow(best->impl)))) continue;
    best = std::move(p);
    layout = l;
  }
  if (!best) return false;
  const SlotId src = b.read(n.input(0), layout), dst = b.write(n.output(), layout);
  auto packed = b.packed(n.input(1), dnn::key(best->weights), [&] { return dnn::pack(weights, b.value(n.input(1)).data, best->weights); });
  dnn::StepMaker step(b, *best, threads);
  step.read(DNNL_ARG_SRC, best->src, src).fixed(DNNL_ARG_WEIGHTS, best->weights, packed);
  if (n.has_in(2)) step.read(DNNL_ARG_BIAS, best->bias, b.read(n.input(2)));
  step.write(DNNL_ARG_DST, best->dst, dst).done();
  return true;
}

/// Shape of an image, its kernel and what it grows to.
struct Columns {
  SlotId columns, bias, y;
  int64_t batch, channels, kernel_h, kernel_w, in_h, in_w, out_h, out_w;
  int64_t stride_h, stride_w, dilation_h, dilation_w, top, left;
  std::optional<Activation> activation;
};

/// Adds the products for each output channel and kernel position, [O, kh, kw, H, W], into the plain image.
struct ColumnsStep : Columns {
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

/// The same in channels_last: products for each pixel, [H, W, kh, kw, O].
struct PixelsStep : Columns {
  void run(const Run& r) const {
    parallel_for(batch * out_h, std::max<int64_t>(1, 8192 / (out_w * channels)), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        float* line = r.at<float>(y) + u * out_w * channels;
        for (int64_t j = 0; j < out_w; ++j)
          for (int64_t c = 0; c < channels; ++c) line[j * channels + c] = bias == kNoSlot ? 0.0f : r.at<float>(bias)[c];
        for (int64_t kh = 0; kh < kernel_h; ++kh) {
          const int64_t at = u % out_h + top - kh * dilation_h;
          if (at < 0 || at % stride_h != 0 || at / stride_h >= in_h) continue;
          add_line(r.at<float>(columns) + (u / out_h * in_h + at / stride_h) * in_w * kernel_h * kernel_w * channels + kh * kernel_w * channels, line);
        }
        if (activation) apply_unary(*activation, line, line, static_cast<size_t>(out_w * channels));
      }
    });
  }
  void add_line(const float* from, float* line) const {
    for (int64_t j = 0; j < in_w; ++j, from += kernel_h * kernel_w * channels)
      for (int64_t kw = 0; kw < kernel_w; ++kw) {
        const int64_t column = j * stride_w + kw * dilation_w - left;
        if (column < 0 || column >= out_w) continue;
        for (int64_t c = 0; c < channels; ++c) line[column * channels + c] += from[kw * channels + c];
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

/// The weights as rows of channels, [kh, kw, O] by [I] for plain images and its transposition for channels_last.
std::shared_ptr<void> turned_weights(const Builder& b, const PlanNode& n, bool plain) {
  const Dims w = b.value(n.input(1)).dims;
  const int64_t positions = w[2] * w[3], rows = w[1] * positions;
  const Dims turned = plain ? Dims{rows, w[0]} : Dims{w[0], positions, w[1]};
  return dnn::pack(dnn::desc(turned, plain ? Dims{1, rows} : Dims{rows, 1, positions}), b.value(n.input(1)).data, dnn::desc(turned, Layout::plain));
}

/// The products of all pixels with all weights, [O, kh, kw] of each image for plain images, [kh, kw, O] of each pixel in channels_last.
SlotId multiply(Builder& b, const PlanNode& n, Layout l, int threads) {
  const Dims x = b.value(n.input(0)).dims, w = b.value(n.input(1)).dims;
  const int64_t rows = w[1] * w[2] * w[3], pixels = x[2] * x[3];
  const bool plain = l == Layout::plain;
  const dnn::Desc by_channel = dnn::desc({x[1], rows}, Layout::plain);
  auto plain_desc = [](const Dims& d) { return dnn::desc(d, Layout::plain); };
  auto p = plain ? dnn::matmul(plain_desc({1, rows, x[1]}), plain_desc({x[0], x[1], pixels}), nullptr, plain_desc({x[0], rows, pixels}), {})
                 : dnn::matmul(plain_desc({x[0] * pixels, x[1]}), dnn::any({x[1], rows}), nullptr, plain_desc({x[0] * pixels, rows}), {});
  if (!p) return kNoSlot;
  const SlotId in = b.read(n.input(0), l), columns = b.scratch(static_cast<uint64_t>(x[0] * rows * pixels) * 4);
  auto weights = b.packed(n.input(1), plain ? "columns" : "pixels:" + dnn::key(p->weights), [&] {
    auto turned = turned_weights(b, n, plain);
    return plain ? turned : dnn::pack(by_channel, turned.get(), p->weights);
  });
  const int left = plain ? DNNL_ARG_SRC : DNNL_ARG_WEIGHTS, right = plain ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC;
  dnn::StepMaker(b, *p, threads).fixed(left, plain ? p->src : p->weights, weights).read(right, plain ? p->weights : p->src, in).write(DNNL_ARG_DST, p->dst, columns).done();
  return columns;
}

bool build_columns(Builder& b, const PlanNode& n) {
  const Deconv d = *read_deconv(b, n);
  const Dims x = b.value(n.input(0)).dims, w = b.value(n.input(1)).dims, y = b.value(n.output()).dims;
  const int threads = b.threads_for(flops_of(b, n));
  ThreadScope scope(threads);
  const Layout l = b.planned().value_or(Layout::plain) == Layout::plain ? Layout::plain : Layout::channels_last;
  const SlotId columns = multiply(b, n, l, threads);
  if (columns == kNoSlot) return false;
  const SlotId bias = n.has_in(2) ? b.read(n.input(2)) : kNoSlot, to = b.write(n.output(), l);
  std::vector<SlotId> reads{columns};
  if (bias != kNoSlot) reads.push_back(bias);
  const Columns s{columns, bias, to, x[0], w[1], w[2], w[3], x[2], x[3], y[2], y[3], d.window.strides[0], d.window.strides[1],
                  d.window.dilations[0], d.window.dilations[1], d.window.begin[0], d.window.begin[1], fused_activation(n.attrs)};
  if (l == Layout::plain)
    b.step("cpu/conv-transpose", ColumnsStep{s}, reads, {to}, threads);
  else
    b.step("cpu/conv-transpose", PixelsStep{s}, reads, {to}, threads);
  return true;
}

/// Columns are made for plain and channels_last images and go through memory twice; else what oneDNN has.
std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& n) {
  const auto d = b.is_constant(n.input(1)) ? read_deconv(b, n) : std::nullopt;
  if (!d) return std::nullopt;
  LayoutCosts r;
  r.values = {n.input(0), n.output()};
  r.leads = true;
  if (match_columns(b, n) >= 0) {
    const double products = flops_of(b, n) / 2 / static_cast<double>(b.value(n.input(0)).dims[1]);
    r[Layout::plain] = r[Layout::channels_last] = flops_of(b, n) / 80e9 + products * 8 / 8e9;
    return r;
  }
  for (Layout l : {Layout::plain, Layout::channels_last, dnn::preferred_block()})
    if (auto p = attempt(b, n, *d, l)) r[l] = flops_of(b, n) / (dnn::is_slow(p->impl) ? 1e9 : dnn::is_gemm(p->impl) ? 4e9 : 80e9);
  return r;
}

}  // namespace

void register_conv_transpose(KernelTable& t) {
  t.add({"onednn/conv-transpose", "ConvTranspose", match, build, layouts});
  t.add({"cpu/conv-transpose", "ConvTranspose", match_columns, build_columns});
}

}  // namespace tenon::cpu
