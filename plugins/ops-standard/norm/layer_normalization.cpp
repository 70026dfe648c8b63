// SPDX-License-Identifier: Apache-2.0
// LayerNormalization over the axes from `axis` on; scale and bias broadcast to the input. Mean and InvStdDev keep these axes as 1.
#include "common/broadcast.hpp"
#include "norm/normalization.hpp"

namespace tenon::ops {
namespace {

/// Statistics are float where the input is narrower or float.
tenon_dtype statistics_type(tenon_dtype t) { return t == dt::f64 ? dt::f64 : dt::f32; }

void infer(const Node& node) {
  const Tensor x = node.in(0);
  node.set_out_like(0, 0);
  if (!x.has_rank()) {
    node.set_out_unranked(1, statistics_type(x.type()));
    return node.set_out_unranked(2, statistics_type(x.type()));
  }
  const int64_t axis = normalize_axis(node.i("axis", -1), x.rank());
  for (uint32_t k = 1; k < 3; ++k)
    if (node.has_in(k) && node.in(k).has_rank() && node.in(k).rank() > x.rank())
      fail("scale or bias has more axes than the input", "shape that broadcasts to " + shape_text(x), shape_text(node.in(k)));
  Dims d = x.dims().vec();
  std::fill(d.begin() + axis, d.end(), 1);
  node.set_out(1, statistics_type(x.type()), d);
  node.set_out(2, statistics_type(x.type()), d);
}

/// A parameter spread out to the shape of the whole input or, where it has none of the leading axes, of the normalized axes.
template <class W>
struct Parameter {
  std::vector<W> value;
  int64_t period = 1;
  Parameter(const Tensor& t, const Tensor& x, int64_t axis) {
    if (!t) return;
    const Operand<W> from(t);
    const bool whole = t.rank() > x.rank() - axis && span_count(t, 0, t.rank() - (x.rank() - axis)) != 1;
    const Dims out(x.dims().begin() + (whole ? 0 : axis), x.dims().end());
    Dims own = t.dims().vec();
    while (own.size() > out.size()) own.erase(own.begin());
    for (size_t i = 0; i < own.size(); ++i)
      if (own[i] != 1) same_dim(own[i], out[i + out.size() - own.size()], "dimensions of a parameter and of the input");
    period = count_of(out.data(), static_cast<int32_t>(out.size()));
    value.resize(static_cast<size_t>(period));
    broadcast_loop<2>(out, {Span<int64_t>(own)}).for_each([&](std::array<int64_t, 2> at) { value[static_cast<size_t>(at[0])] = from[at[1]]; });
  }
  double at(int64_t i, double otherwise) const { return value.empty() ? otherwise : value[static_cast<size_t>(i % period)]; }
};

void run(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t axis = normalize_axis(node.i("axis", -1), x.rank());
  const int64_t rows = span_count(x, 0, axis), n = span_count(x, axis, x.rank());
  const double epsilon = node.f("epsilon", 1e-5);
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x);
    const Parameter<W> scale(node.in(1), x, axis), bias(node.in(2), x, axis);
    Result<W> y(node.out(0)), mean(node.out(1)), deviation(node.out(2));
    node.parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const Moments m = moments(in.data() + r * n, n);
        const double factor = 1 / std::sqrt(m.variance + epsilon);
        if (mean) mean[r] = static_cast<W>(m.mean);
        if (deviation) deviation[r] = static_cast<W>(factor);
        if (!y) continue;
        for (int64_t i = r * n; i < (r + 1) * n; ++i) y[i] = static_cast<W>((in[i] - m.mean) * factor * scale.at(i, 1) + bias.at(i, 0));
      }
    });
    y.commit();
    mean.commit();
    deviation.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "LayerNormalization", 1, 0,
               "(X: T(float), scale?: T, bias?: T) -> (Y: T, Mean?: U(float), InvStdDev?: U) {axis?: int, epsilon?: float}", infer, run);
}  // namespace tenon::ops
