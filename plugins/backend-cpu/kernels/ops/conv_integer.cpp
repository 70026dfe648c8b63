// SPDX-License-Identifier: Apache-2.0
// ConvInteger, also with a bias and a Requantize after it, on channels-last images.
#include "../integer/operands.hpp"
#include "../integer/ready.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

struct IntegerConv {
  ImageWindow window;
  int64_t filters = 0;
  std::vector<int16_t> weight_zero;
  IntegerEnd end;
  bool depthwise() const { return window.groups > 1 && window.groups == window.channels && window.groups == filters && window.taps() <= kMostDepthwiseTaps; }
};

/// The last axes of three.
Axes axes_of(const Dims& d, size_t skip, int64_t otherwise) {
  Axes a{otherwise, otherwise, otherwise};
  const size_t n = d.size() - skip;
  for (size_t i = 0; i < n; ++i) a[3 - n + i] = d[skip + i];
  return a;
}

std::optional<IntegerConv> read_conv(const Builder& b, const PlanNode& n) {
  const ValueId x = n.input(0), w = n.input(1);
  if (x == kNoValue || w == kNoValue || n.output() == kNoValue || !b.value(x).known || !b.value(n.output()).known || !b.is_constant(w)) return std::nullopt;
  const PlanValue &in = b.value(x), &weight = b.value(w), &out = b.value(n.output());
  if (!is_byte(in.type) || !is_byte(weight.type) || in.dims.size() < 3 || in.dims.size() > 5 || weight.dims.size() != in.dims.size()) return std::nullopt;
  if (in.count() == 0 || weight.count() == 0 || out.count() == 0) return std::nullopt;
  if (n.has_in(2) && (!b.value(n.input(2)).known || b.value(n.input(2)).count() != 1)) return std::nullopt;
  const Dims kernel(weight.dims.begin() + 2, weight.dims.end());
  const auto read = window_of(n.attrs, in.dims, out.dims, kernel);
  if (!read) return std::nullopt;
  const dnn::Window window = dnn_window(*read);
  IntegerConv c;
  c.window.batch = in.dims[0];
  c.window.channels = in.dims[1];
  c.window.groups = n.attrs.i("group", 1);
  c.filters = weight.dims[0];
  if (c.window.groups < 1 || c.window.channels != weight.dims[1] * c.window.groups || c.filters % c.window.groups != 0) return std::nullopt;
  c.window.in = axes_of(in.dims, 2, 1);
  c.window.out = axes_of(out.dims, 2, 1);
  c.window.kernel = axes_of(kernel, 0, 1);
  c.window.strides = axes_of(window.strides, 0, 1);
  c.window.dilations = axes_of(window.dilations, 0, 1);
  c.window.begin = axes_of(window.begin, 0, 0);
  const auto zero = weight_zero_points(b, n.input(3), c.filters);
  const auto end = integer_end(b, n, c.filters);
  if (!zero || !end) return std::nullopt;
  c.weight_zero = *zero;
  c.end = *end;
  return c;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_conv(b, n) ? 50 : -1; }

/// The weights of filter f without its zero point, channels innermost.
std::vector<int16_t> filter_of(const Builder& b, ValueId w, const IntegerConv& c, int64_t f) {
  const ByteTensor t{b.value(w).data, b.value(w).type == dt::i8};
  const int64_t taps = c.window.taps(), channels = c.window.channels / c.window.groups;
  std::vector<int16_t> r(static_cast<size_t>(taps * channels));
  for (int64_t k = 0; k < channels; ++k)
    for (int64_t p = 0; p < taps; ++p)
      r[static_cast<size_t>(p * channels + k)] = static_cast<int16_t>(t[(f * channels + k) * taps + p] - c.weight_zero[static_cast<size_t>(f)]);
  return r;
}

std::shared_ptr<const std::vector<IntegerWeights>> pack(Builder& b, ValueId w, const IntegerConv& c) {
  auto made = b.packed(w, "integer conv " + zero_point_key(c.weight_zero) + "/" + std::to_string(c.window.groups), [&] {
    FormChoice choice;
    for (int64_t f = 0; f < c.filters; ++f) choice.add(filter_of(b, w, c, f));
    auto all = std::make_shared<std::vector<IntegerWeights>>();
    const int64_t each = c.filters / c.window.groups;
    for (int64_t g = 0; g < c.window.groups; ++g) {
      all->push_back(make_integer_weights(choice.form(), c.window.pieces(), c.window.piece(), each));
      for (int64_t f = 0; f < each; ++f) pack_column(all->back(), f, filter_of(b, w, c, g * each + f).data());
    }
    return std::shared_ptr<void>(all, all.get());
  });
  return std::static_pointer_cast<const std::vector<IntegerWeights>>(made);
}

struct DepthwiseWeights {
  std::vector<int32_t> pairs, sums;
};
std::shared_ptr<const DepthwiseWeights> pack_depthwise(Builder& b, ValueId w, const IntegerConv& c) {
  auto made = b.packed(w, "integer depthwise " + zero_point_key(c.weight_zero), [&] {
    auto d = std::make_shared<DepthwiseWeights>();
    const int64_t taps = c.window.taps();
    d->pairs.assign(static_cast<size_t>((taps + 1) / 2 * c.filters), 0);
    d->sums.assign(static_cast<size_t>(c.filters), 0);
    for (int64_t f = 0; f < c.filters; ++f) {
      const auto values = filter_of(b, w, c, f);
      for (int64_t t = 0; t < taps; ++t) {
        const int16_t v = values[static_cast<size_t>(t)];
        std::memcpy(reinterpret_cast<char*>(&d->pairs[static_cast<size_t>(t / 2 * c.filters + f)]) + t % 2 * 2, &v, sizeof v);
        d->sums[static_cast<size_t>(f)] += v;
      }
    }
    return std::shared_ptr<void>(d, d.get());
  });
  return std::static_pointer_cast<const DepthwiseWeights>(made);
}

bool build(Builder& b, const PlanNode& n) {
  const IntegerConv c = *read_conv(b, n);
  const ValueId x = n.input(0), w = n.input(1), y = n.output();
  const bool is_signed = b.value(x).type == dt::i8;
  const int threads = b.threads_for(static_cast<double>(c.window.pixels()) * static_cast<double>(b.value(w).count()) / static_cast<double>(c.window.groups));
  std::vector<SlotId> reads{b.read(x, Layout::channels_last)};
  const IntegerScalar zero = zero_point_of(b, n.input(2), &reads);
  if (c.depthwise()) {
    const auto packed = pack_depthwise(b, w, c);
    DepthwiseProduct p{c.window, reads[0], b.write(y, Layout::channels_last), is_signed, zero, {packed, &packed->pairs}, {packed, &packed->sums}, c.end, {}, {}};
    b.step("cpu/depthwise-integer", std::move(p), reads, {b.read(y, Layout::channels_last)}, threads);
    return true;
  }
  IntegerProduct p;
  p.window = c.window;
  p.filters = c.filters;
  p.x = reads[0];
  p.is_signed = is_signed;
  p.zero_point = zero;
  p.weights = pack(b, w, c);
  p.end = c.end;
  p.copy = copied_input(b, p);
  p.y = b.write(y, Layout::channels_last);
  if (p.copy != kNoSlot) reads.push_back(p.copy);
  b.step("cpu/conv-integer", std::move(p), reads, {b.read(y, Layout::channels_last)}, threads);
  return true;
}

}  // namespace

bool integer_conv_ready(const Builder& b, const PlanNode& n) { return read_conv(b, n).has_value(); }

void register_conv_integer(KernelTable& t) { t.add({"cpu/conv-integer", "ConvInteger", match, build}); }

}  // namespace tenon::cpu
