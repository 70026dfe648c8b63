// SPDX-License-Identifier: Apache-2.0
// LayerNormalization, RMSNormalization, both with a residual, InstanceNormalization, GroupNormalization, Softmax and LogSoftmax over
// contiguous rows.
#include <cmath>
#include <numeric>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../simd/elementwise_simd.hpp"

namespace tenon::cpu {
namespace {

size_t axis_of(const PlanNode& n, size_t rank, int64_t otherwise) {
  const int64_t a = n.attrs.i("axis", otherwise);
  return static_cast<size_t>(a < 0 ? a + static_cast<int64_t>(rank) : a);
}

bool all_f32(const Builder& b, const PlanNode& n) {
  for (auto v : n.in)
    if (v != kNoValue && !b.is_f32(v)) return false;
  return b.is_f32(n.output()) && n.posts.empty() && !b.value(n.input(0)).dims.empty();
}

int64_t row_grain(int64_t row) { return std::max<int64_t>(1, 4096 / std::max<int64_t>(row, 1)); }

struct RowNorm {
  SlotId x, y, gain = kNoSlot, bias = kNoSlot;
  int64_t rows, row;
  float epsilon;
  bool centered;
  void run(const Run& r) const {
    const float *in = r.at<float>(x), *g = gain == kNoSlot ? nullptr : r.at<float>(gain), *s = bias == kNoSlot ? nullptr : r.at<float>(bias);
    float* out = r.at<float>(y);
    const auto n = static_cast<size_t>(row);
    parallel_for(rows, row_grain(row), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* p = in + i * row;
        const float mean = centered ? sum_of(p, n) / static_cast<float>(row) : 0.0f;
        const float variance = square_sum(p, mean, n) / static_cast<float>(row);
        const float scale = 1.0f / std::sqrt(variance + epsilon);
        scale_shift(p, scale, -mean * scale, g, s, out + i * row, n);
      }
    });
  }
};

int32_t match_row_norm(const Builder& b, const PlanNode& n) {
  if (!all_f32(b, n) || n.output(1) != kNoValue || n.output(2) != kNoValue) return -1;
  const Dims& x = b.value(n.input(0)).dims;
  const int64_t row = product(x, axis_of(n, x.size(), -1));
  for (size_t k = 1; k < n.in.size(); ++k)
    if (n.has_in(k) && b.value(n.input(k)).count() != row) return -1;
  return 100;
}
bool build_row_norm(Builder& b, const PlanNode& n) {
  const Dims& d = b.value(n.input(0)).dims;
  RowNorm s;
  s.row = product(d, axis_of(n, d.size(), -1));
  s.rows = product(d) / s.row;
  s.epsilon = static_cast<float>(n.attrs.f("epsilon", 1e-5));
  s.centered = n.op == "LayerNormalization";
  s.x = b.read(n.input(0));
  std::vector<SlotId> reads{s.x};
  if (n.has_in(1)) reads.push_back(s.gain = b.read(n.input(1)));
  if (n.has_in(2)) reads.push_back(s.bias = b.read(n.input(2)));
  s.y = b.write_over(n.output(), Layout::plain, n.input(0));
  b.step("cpu/layer-norm", s, reads, {s.y}, b.threads_for(static_cast<double>(product(d)) * 50));
  return true;
}

/// The sum of x and skip, whose rows repeat, then its normalization.
struct SkipNorm {
  SlotId x, skip, y, sum = kNoSlot, gain = kNoSlot, bias = kNoSlot;
  int64_t rows, row, skip_rows;
  float epsilon;
  bool centered;
  void run(const Run& r) const {
    const float *in = r.at<float>(x), *more = r.at<float>(skip);
    const float *g = gain == kNoSlot ? nullptr : r.at<float>(gain), *s = bias == kNoSlot ? nullptr : r.at<float>(bias);
    float *out = r.at<float>(y), *total = sum == kNoSlot ? out : r.at<float>(sum);
    const auto n = static_cast<size_t>(row);
    parallel_for(rows, row_grain(row), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* p = total + i * row;
        apply_binary(Binary::add, false, in + i * row, more + i % skip_rows * row, p, n);
        const float mean = centered ? sum_of(p, n) / static_cast<float>(row) : 0.0f;
        const float variance = square_sum(p, mean, n) / static_cast<float>(row);
        const float scale = 1.0f / std::sqrt(variance + epsilon);
        scale_shift(p, scale, -mean * scale, g, s, out + i * row, n);
      }
    });
  }
};

/// skip is x's last axes, perhaps after axes of length 1.
bool repeats(const Dims& skip, const Dims& x) {
  size_t k = 0;
  while (k < skip.size() && skip[k] == 1) ++k;
  return std::equal(skip.rbegin(), skip.rend() - static_cast<int64_t>(k), x.rbegin());
}
int32_t match_skip_norm(const Builder& b, const PlanNode& n) {
  if (!all_f32(b, n) || (n.output(1) != kNoValue && !b.is_f32(n.output(1)))) return -1;
  const Dims &x = b.value(n.input(0)).dims, &skip = b.value(n.input(1)).dims;
  const int64_t row = product(x, axis_of(n, x.size(), -1));
  if (product(x) == 0 || !repeats(skip, x) || product(skip) % row != 0) return -1;
  for (size_t k = 2; k < n.in.size(); ++k)
    if (n.has_in(k) && b.value(n.input(k)).count() != row) return -1;
  return 100;
}
bool build_skip_norm(Builder& b, const PlanNode& n) {
  const Dims d = b.value(n.input(0)).dims;
  SkipNorm s;
  s.row = product(d, axis_of(n, d.size(), -1));
  s.rows = product(d) / s.row;
  s.skip_rows = b.value(n.input(1)).count() / s.row;
  s.epsilon = static_cast<float>(n.attrs.f("epsilon", 1e-5));
  s.centered = n.op == "SkipLayerNormalization";
  s.x = b.read(n.input(0));
  s.skip = b.read(n.input(1));
  std::vector<SlotId> reads{s.x, s.skip};
  if (n.has_in(2)) reads.push_back(s.gain = b.read(n.input(2)));
  if (n.has_in(3)) reads.push_back(s.bias = b.read(n.input(3)));
  s.y = b.write(n.output());
  std::vector<SlotId> writes{s.y};
  if (n.output(1) != kNoValue) writes.push_back(s.sum = b.write(n.output(1)));
  b.step("cpu/skip-norm", s, reads, writes, b.threads_for(static_cast<double>(product(d)) * 60));
  return true;
}

/// Rows are images or groups of them; gain and bias change from channel to channel.
struct ChannelNorm {
  SlotId x, y, gain, bias;
  int64_t batch, groups, channels, spatial;
  float epsilon;
  void run(const Run& r) const {
    const float *in = r.at<float>(x), *g = r.at<float>(gain), *s = r.at<float>(bias);
    float* out = r.at<float>(y);
    const int64_t per_group = channels / groups, row = per_group * spatial;
    parallel_for(batch * groups, row_grain(row), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* p = in + i * row;
        const float mean = sum_of(p, static_cast<size_t>(row)) / static_cast<float>(row);
        const float variance = square_sum(p, mean, static_cast<size_t>(row)) / static_cast<float>(row);
        const float scale = 1.0f / std::sqrt(variance + epsilon);
        for (int64_t c = 0; c < per_group; ++c) {
          const int64_t channel = i % groups * per_group + c;
          const float a = scale * g[channel];
          scale_shift(p + c * spatial, a, s[channel] - mean * a, nullptr, nullptr, out + i * row + c * spatial, static_cast<size_t>(spatial));
        }
      }
    });
  }
};

/// The same of channels_last images: sums of all channels at once, pixel by pixel.
struct PixelNorm {
  SlotId x, y, gain, bias;
  int64_t batch, groups, channels, spatial;
  float epsilon;
  void run(const Run& r) const {
    const float *in = r.at<float>(x), *g = r.at<float>(gain), *s = r.at<float>(bias);
    float* out = r.at<float>(y);
    const auto n = static_cast<size_t>(channels);
    parallel_for(batch, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> mean(n), scale(n), pixel(n);
      for (int64_t i = begin; i < end; ++i) {
        const float* p = in + i * spatial * channels;
        float* q = out + i * spatial * channels;
        std::fill(mean.begin(), mean.end(), 0.0f);
        for (int64_t k = 0; k < spatial; ++k) accumulate(false, p + k * channels, mean.data(), n);
        average(mean);
        std::fill(scale.begin(), scale.end(), 0.0f);
        for (int64_t k = 0; k < spatial; ++k) {
          apply_binary(Binary::sub, false, p + k * channels, mean.data(), pixel.data(), n);
          apply_unary({Unary::square}, pixel.data(), pixel.data(), n);
          accumulate(false, pixel.data(), scale.data(), n);
        }
        average(scale);
        for (size_t c = 0; c < n; ++c) {
          scale[c] = g[c] / std::sqrt(scale[c] + epsilon);
          mean[c] = s[c] - mean[c] * scale[c];
        }
        for (int64_t k = 0; k < spatial; ++k) {
          apply_binary(Binary::mul, false, p + k * channels, scale.data(), q + k * channels, n);
          apply_binary(Binary::add, false, q + k * channels, mean.data(), q + k * channels, n);
        }
      }
    });
  }
  /// Sums of channels become the means of their groups.
  void average(std::vector<float>& sums) const {
    const int64_t per_group = channels / groups;
    for (int64_t k = 0; k < groups; ++k) {
      const auto first = sums.begin() + k * per_group;
      std::fill(first, first + per_group, std::accumulate(first, first + per_group, 0.0f) / static_cast<float>(per_group * spatial));
    }
  }
};

int32_t match_channel_norm(const Builder& b, const PlanNode& n) {
  if (!all_f32(b, n) || n.in.size() != 3) return -1;
  const Dims& d = b.value(n.input(0)).dims;
  if (d.size() < 3) return -1;
  for (size_t k = 1; k < 3; ++k)
    if (!n.has_in(k) || b.value(n.input(k)).count() != d[1]) return -1;
  return 100;
}
std::optional<LayoutCosts> layouts_channel_norm(const Builder& b, const PlanNode& n) {
  auto c = match_channel_norm(b, n) < 0 ? std::nullopt : streaming_costs(b, {n.input(0), n.output()});
  if (c) (*c)[Layout::blocked8] = (*c)[Layout::blocked16] = kCannot;
  return c;
}
bool build_channel_norm(Builder& b, const PlanNode& n) {
  const Dims& d = b.value(n.input(0)).dims;
  ChannelNorm s;
  s.batch = d[0];
  s.channels = d[1];
  s.groups = n.op == "GroupNormalization" ? n.attrs.i("num_groups", 1) : d[1];
  s.spatial = product(d, 2);
  s.epsilon = static_cast<float>(n.attrs.f("epsilon", 1e-5));
  const Layout l = b.planned() == Layout::channels_last ? Layout::channels_last : Layout::plain;
  s.x = b.read(n.input(0), l);
  s.gain = b.read(n.input(1));
  s.bias = b.read(n.input(2));
  s.y = b.write_over(n.output(), l, n.input(0));
  const int threads = b.threads_for(static_cast<double>(product(d)) * 50);
  if (l == Layout::plain)
    b.step("cpu/instance-norm", s, {s.x, s.gain, s.bias}, {s.y}, threads);
  else
    b.step("cpu/instance-norm", PixelNorm{s.x, s.y, s.gain, s.bias, s.batch, s.groups, s.channels, s.spatial, s.epsilon}, {s.x, s.gain, s.bias}, {s.y}, threads);
  return true;
}

struct Softmax {
  SlotId x, y;
  int64_t rows, row;
  bool log;
  void run(const Run& r) const {
    const float* in = r.at<float>(x);
    float* out = r.at<float>(y);
    const auto n = static_cast<size_t>(row);
    parallel_for(rows, row_grain(row * 4), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* p = in + i * row;
        float* q = out + i * row;
        const float top = max_of(p, n);
        if (log) {
          alignas(64) float part[256];
          float sum = 0;
          for (size_t at = 0; at < n; at += 256) sum += exp_sum(p + at, top, part, std::min<size_t>(256, n - at));
          scale_shift(p, 1, -top - std::log(sum), nullptr, nullptr, q, n);
        } else {
          const float sum = exp_sum(p, top, q, n);
          scale_shift(q, 1 / sum, 0, nullptr, nullptr, q, n);
        }
      }
    });
  }
};

/// Over rows so short that vectors would be mostly empty: as columns of a tile.
struct ShortSoftmax {
  static constexpr int64_t kMost = 16, kWidth = 256;
  SlotId x, y;
  int64_t rows, row;
  bool log;
  void run(const Run& r) const {
    const float* in = r.at<float>(x);
    float* out = r.at<float>(y);
    parallel_for((rows + kWidth - 1) / kWidth, 4, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) tile(in + u * kWidth * row, out + u * kWidth * row, std::min(kWidth, rows - u * kWidth));
    });
  }
  void tile(const float* in, float* out, int64_t n) const {
    alignas(64) float value[kMost][kWidth], power[kWidth], top[kWidth], sum[kWidth];
    const auto count = static_cast<size_t>(n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < row; ++k) value[k][i] = in[i * row + k];
    std::copy(value[0], value[0] + n, top);
    for (int64_t k = 1; k < row; ++k) accumulate(true, value[k], top, count);
    std::fill(sum, sum + n, 0.0f);
    for (int64_t k = 0; k < row; ++k) {
      apply_binary(Binary::sub, false, value[k], top, value[k], count);
      apply_unary({Unary::exp}, value[k], power, count);
      accumulate(false, power, sum, count);
      if (!log) std::copy(power, power + n, value[k]);
    }
    if (log)
      for (int64_t i = 0; i < n; ++i) sum[i] = std::log(sum[i]);
    for (int64_t k = 0; k < row; ++k) apply_binary(log ? Binary::sub : Binary::div, false, value[k], sum, value[k], count);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < row; ++k) out[i * row + k] = value[k][i];
  }
};

/// Over an axis that is not the innermost: column by column of a tile, so that memory is read in order.
struct StridedSoftmax {
  SlotId x, y;
  int64_t outer, axis, inner;
  bool log;
  void run(const Run& r) const {
    const float* in = r.at<float>(x);
    float* out = r.at<float>(y);
    constexpr int64_t kWidth = 256;
    const int64_t tiles = (inner + kWidth - 1) / kWidth;
    parallel_for(outer * tiles, 1, [&](int64_t begin, int64_t end) {
      alignas(64) float top[kWidth], sum[kWidth], part[kWidth];
      for (int64_t u = begin; u < end; ++u) {
        const int64_t first = u % tiles * kWidth, n = std::min(kWidth, inner - first), at = u / tiles * axis * inner + first;
        const auto count = static_cast<size_t>(n);
        std::copy(in + at, in + at + n, top);
        for (int64_t k = 1; k < axis; ++k) accumulate(true, in + at + k * inner, top, count);
        std::fill(sum, sum + n, 0.0f);
        for (int64_t k = 0; k < axis; ++k) {
          float* q = log ? part : out + at + k * inner;
          apply_binary(Binary::sub, false, in + at + k * inner, top, q, count);
          apply_unary({Unary::exp}, q, q, count);
          accumulate(false, q, sum, count);
        }
        if (log) {
          for (int64_t i = 0; i < n; ++i) top[i] += std::log(sum[i]);
          for (int64_t k = 0; k < axis; ++k) apply_binary(Binary::sub, false, in + at + k * inner, top, out + at + k * inner, count);
        } else {
          for (int64_t k = 0; k < axis; ++k) apply_binary(Binary::div, false, out + at + k * inner, sum, out + at + k * inner, count);
        }
      }
    });
  }
};

int32_t match_softmax(const Builder& b, const PlanNode& n) { return all_f32(b, n) ? 100 : -1; }
bool build_softmax(Builder& b, const PlanNode& n) {
  const Dims& d = b.value(n.input(0)).dims;
  const size_t axis = axis_of(n, d.size(), -1);
  const bool log = n.op == "LogSoftmax";
  const SlotId x = b.read(n.input(0)), y = b.write_over(n.output(), Layout::plain, n.input(0));
  const int threads = b.threads_for(static_cast<double>(product(d)) * 100);
  const int64_t inner = product(d, axis + 1);
  if (inner == 1 && d[axis] <= ShortSoftmax::kMost && product(d) / d[axis] >= 64)
    b.step("cpu/softmax", ShortSoftmax{x, y, product(d) / d[axis], d[axis], log}, {x}, {y}, threads);
  else if (inner == 1)
    b.step("cpu/softmax", Softmax{x, y, product(d) / d[axis], d[axis], log}, {x}, {y}, threads);
  else
    b.step("cpu/softmax", StridedSoftmax{x, y, product(d) / (d[axis] * inner), d[axis], inner, log}, {x}, {y}, threads);
  return true;
}

}  // namespace

void register_normalize(KernelTable& t) {
  t.add({"cpu/layer-norm", "LayerNormalization", match_row_norm, build_row_norm});
  t.add({"cpu/layer-norm", "RMSNormalization", match_row_norm, build_row_norm});
  t.add({"cpu/skip-norm", "SkipLayerNormalization", match_skip_norm, build_skip_norm});
  t.add({"cpu/skip-norm", "SkipRMSNormalization", match_skip_norm, build_skip_norm});
  t.add({"cpu/instance-norm", "InstanceNormalization", match_channel_norm, build_channel_norm, layouts_channel_norm});
  t.add({"cpu/instance-norm", "GroupNormalization", match_channel_norm, build_channel_norm, layouts_channel_norm});
  t.add({"cpu/softmax", "Softmax", match_softmax, build_softmax});
  t.add({"cpu/softmax", "LogSoftmax", match_softmax, build_softmax});
}

}  // namespace tenon::cpu
