// SPDX-License-Identifier: Apache-2.0
// norm.cpp - normalization.
#include <cmath>

#include "common.hpp"

namespace tenon::caffe {
namespace {

Ints axes_from(int64_t begin, int64_t end) {
  Ints r;
  for (int64_t k = begin; k < end; ++k) r.push_back(k);
  return r;
}

/// (x - mean) / sqrt(variance + epsilon), over the given axes
tenon_value by_own_statistics(const Layer& l, tenon_value x, const Ints& axes, double eps) {
  tenon_value centred = l.emit("Sub", {x, l.reduce("ReduceMean", x, axes)});
  tenon_value variance = l.reduce("ReduceMean", l.emit("Mul", {centred, centred}), axes);
  return l.emit("Div", {centred, l.emit("Sqrt", {l.emit("Add", {variance, l.scalar(eps)})})});
}

struct Statistics {
  tenon_value mean, variance;
  int64_t channels;
};

/// Blobs are sums; the third one says of how much. 0 stands for nothing seen yet: Caffe's factor is 0 then.
Statistics statistics(const Layer& l, int64_t channels) {
  l.channel_blob(0, channels);
  l.channel_blob(1, channels);
  l.channel_blob(2, 1);
  auto mean = l.blob_data(0), variance = l.blob_data(1);
  float total = l.blob_data(2).at(0), factor = total == 0 ? 0 : 1 / total;
  for (auto* v : {&mean, &variance})
    for (float& x : *v) x *= factor;
  auto n = static_cast<int64_t>(mean.size());
  if (variance.size() != mean.size()) throw invalid("mean and variance have different lengths");
  return {l.constant({n}, mean), l.constant({n}, variance), n};
}

void lower_batch_norm(Lower& lower) {
  Layer l(lower, "batch_norm_param");
  l.arity(1, 1);
  l.ignore({"moving_average_fraction"});
  double eps = l.f("eps", 1e-5);
  tenon_value x = l.in();
  int64_t rank = l.rank(x);
  if (!l.flag("use_global_stats", true)) {
    l.ctx().warn("layer '" + l.name() + "' normalizes by the statistics of each batch, as use_global_stats: false says");
    Ints axes = axes_from(rank == 1 ? 0 : 2, rank);
    if (rank > 1) axes.insert(axes.begin(), 0);
    return l.done({by_own_statistics(l, x, axes, eps)});
  }
  // one dimension: one channel for everything
  Statistics s = statistics(l, rank == 1 ? 1 : l.dim(x, 1));
  if (rank == 1) {
    tenon_value root = l.emit("Sqrt", {l.emit("Add", {s.variance, l.scalar(eps)})});
    return l.to("Div", {l.emit("Sub", {x, s.mean}), root});
  }
  std::vector<float> ones(static_cast<size_t>(s.channels), 1), zeros(static_cast<size_t>(s.channels), 0);
  l.to("BatchNormalization", {x, l.constant({s.channels}, ones), l.constant({s.channels}, zeros), s.mean, s.variance}, AttrList{}.set("epsilon", eps));
}
TENON_LOWERING("caffe", "BatchNorm", 1, lower_batch_norm);

void scale_and_shift(const Layer& l) {
  tenon_value x = l.in();
  int64_t rank = l.rank(x), c = l.dim(x, 1);
  tenon_value scale = l.channel_blob(0, c), shift = l.channel_blob(1, c);
  Dims spread{l.dim(scale, 0)};
  spread.resize(static_cast<size_t>(rank - 1), 1);
  l.to("Add", {l.emit("Mul", {x, l.reshaped(scale, spread)}), l.reshaped(shift, spread)});
}

void normalize_scale_shift(const Layer& l, double eps) {
  tenon_value x = l.in();
  int64_t c = l.dim(x, 1);
  l.to("BatchNormalization", {x, l.channel_blob(0, c), l.channel_blob(1, c), l.channel_blob(2, c), l.channel_blob(3, c)}, AttrList{}.set("epsilon", eps));
}

// SegNet's BN has scale and shift, with mean and variance folded into them by its script; the other BN has all four.
void lower_bn(Lower& lower) {
  Layer l(lower, "bn_param");
  l.arity(1, 1);
  l.ignore({"momentum", "frozen"});
  if (l.rank(l.in()) < 2) throw invalid("a BN layer needs at least two dimensions");
  std::string mode = l.s("bn_mode", "LEARN");
  double eps = l.has("eps") ? l.f("eps") : l.f("var_eps", l.has("bn_mode") ? 1e-9 : 1e-5);
  if (l.blobs() == 4 && mode != "INFERENCE") return normalize_scale_shift(l, eps);
  if (l.blobs() == 2 && mode == "INFERENCE") return scale_and_shift(l);
  throw unsupported("a BN layer with " + std::to_string(l.blobs()) + " blobs in mode " + mode).with("expected", "2 blobs in mode INFERENCE, or 4 blobs");
}
TENON_LOWERING("caffe", "BN", 1, lower_bn);

// scale, shift, mean and variance, without a factor
void lower_cudnn_batch_norm(Lower& lower) {
  Layer l(lower, "batch_norm_param");
  l.arity(1, 1);
  l.ignore({"moving_average_fraction", "use_global_stats"});
  if (l.rank(l.in()) < 2) throw invalid("a CuDNNBatchNorm layer needs at least two dimensions");
  normalize_scale_shift(l, l.f("eps", 1e-5));
}
TENON_LOWERING("caffe", "CuDNNBatchNorm", 1, lower_cudnn_batch_norm);

/// x * (1 + alpha * mean of squares in a window)^-beta; padding counts in the mean, and k does not exist
tenon_value within_channel(const Layer& l, tenon_value x, int64_t size, double alpha, double beta) {
  int64_t pad = (size - 1) / 2;
  AttrList window;
  window.add("kernel_shape", Ints{size, size}).add("strides", Ints{1, 1}).add("pads", Ints{pad, pad, pad, pad}).add("ceil_mode", 1).add("count_include_pad", 1);
  tenon_value mean = l.emit("AveragePool", {l.emit("Mul", {x, x})}, window);
  tenon_value scale = l.emit("Add", {l.emit("Mul", {mean, l.scalar(alpha)}), l.scalar(1)});
  return l.emit("Mul", {x, l.emit("Pow", {scale, l.scalar(-beta)})});
}

void lower_lrn(Lower& lower) {
  Layer l(lower, "lrn_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t size = l.at_least("local_size", 1, 5);
  double alpha = l.f("alpha", 1), beta = l.f("beta", 0.75), k = l.f("k", 1);
  if (size % 2 == 0) throw invalid("local_size must be odd").with("found", std::to_string(size));
  if (l.rank(x) != 4) throw invalid("LRN needs a bottom of 4 dimensions").with("found", text(l.info(x).dims()));
  if (l.s("norm_region", "ACROSS_CHANNELS") == "WITHIN_CHANNEL") return l.done({within_channel(l, x, size, alpha, beta)});
  l.to("LRN", {x}, AttrList{}.set("size", size).set("alpha", alpha).set("beta", beta).set("bias", k));
}
TENON_LOWERING("caffe", "LRN", 1, lower_lrn);

// (x - mean) / (sqrt(variance) + eps): eps is outside the root
void lower_mvn(Lower& lower) {
  Layer l(lower, "mvn_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  double eps = l.f("eps", 1e-9);
  Ints axes = axes_from(l.flag("across_channels", false) ? 1 : 2, l.rank(x));
  tenon_value centred = axes.empty() ? l.emit("Sub", {x, x}) : l.emit("Sub", {x, l.reduce("ReduceMean", x, axes)});
  if (!l.flag("normalize_variance", true)) return l.done({centred});
  tenon_value squares = l.emit("Mul", {centred, centred}), variance = axes.empty() ? squares : l.reduce("ReduceMean", squares, axes);
  l.to("Div", {centred, l.emit("Add", {l.emit("Sqrt", {variance}), l.scalar(eps)})});
}
TENON_LOWERING("caffe", "MVN", 1, lower_mvn);

// SSD: x / sqrt(sum of squares + eps) * scale
void lower_normalize(Lower& lower) {
  Layer l(lower, "norm_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x);
  if (rank < 2) throw invalid("Normalize needs at least two dimensions");
  bool shared = l.flag("channel_shared", true);
  tenon_value sum = l.reduce("ReduceSum", l.emit("Mul", {x, x}), l.flag("across_spatial", true) ? axes_from(1, rank) : Ints{1});
  tenon_value norm = l.emit("Sqrt", {l.emit("Add", {sum, l.scalar(l.f("eps", 1e-10))})});
  // a shared scale has no dimensions, or as some write it, one of size 1
  tenon_value scale = l.blob(0, shared ? Dims{1} : Dims{l.dim(x, 1)}, "scale_filler");
  Dims spread{l.dim(scale, 0)};
  spread.resize(static_cast<size_t>(rank - 1), 1);
  l.to("Mul", {l.emit("Div", {x, norm}), l.reshaped(scale, spread)});
}
TENON_LOWERING("caffe", "Normalize", 1, lower_normalize);

}  // namespace
}  // namespace tenon::caffe
