// SPDX-License-Identifier: Apache-2.0
// DFT along one axis; the last axis holds one (real) or two (complex) parts. onesided keeps floor(n / 2) + 1 frequencies of a real
// signal or, inverse, makes the real signal of so many.
#include "common/infer.hpp"
#include "common/work.hpp"
#include "signal/fourier.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0);
  expect_rank_at_least(x, 2, "the input");
  const bool inverse = node.i("inverse") != 0, one_sided = node.i("onesided") != 0;
  const auto axis = node.has_in(2) ? known_int(node, 2) : std::optional<int64_t>(-2);
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  if (!axis) {
    Dims d(static_cast<size_t>(x.rank()), kUnknown);
    d.back() = one_sided && inverse ? 1 : 2;
    return node.set_out(0, x.type(), d);
  }
  const int64_t parts = x.dim(-1), a = normalize_axis(*axis, x.rank());
  if (a == x.rank() - 1) fail("axis is the last one, which holds the parts of complex numbers", "another axis", std::to_string(*axis));
  if (parts >= 0 && parts != 1 && parts != 2) fail("the last dimension is wrong", "1 (real) or 2 (complex)", std::to_string(parts));
  if (one_sided && parts >= 0 && parts != (inverse ? 2 : 1))
    fail("onesided needs another kind of input", inverse ? "complex" : "real", parts == 1 ? "real" : "complex");
  Dims d = x.dims().vec();
  int64_t& n = d[static_cast<size_t>(a)];
  if (node.has_in(1)) {
    const auto length = dim_values(node, 1);
    n = length && length->size() == 1 ? length->front() : kUnknown;
  } else if (one_sided && inverse) {
    n = dim_mul(node, dim_sub(node, n, 1), 2);
  }
  if (one_sided && !inverse) n = dim_add(node, dim_floordiv(node, n, 2), 1);
  d.back() = one_sided && inverse ? 1 : 2;
  node.set_out(0, x.type(), d);
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const bool inverse = node.i("inverse") != 0, one_sided = node.i("onesided") != 0;
  const int32_t axis = static_cast<int32_t>(normalize_axis(node.has_in(2) ? *known_int(node, 2) : -2, x.rank()));
  const int64_t given = x.dim(axis), parts = x.dim(-1), outer = count_of(x.raw()->dim, axis);
  const int64_t inner = count_of(x.raw()->dim + axis + 1, x.rank() - axis - 2);
  const int64_t n = node.has_in(1) ? *known_int(node, 1) : one_sided && inverse ? 2 * (given - 1) : given;
  if (n < 1) fail("the length of the transform is too small", "at least 1", std::to_string(n));
  const int64_t kept = one_sided && !inverse ? n / 2 + 1 : n, out_parts = one_sided && inverse ? 1 : 2;
  Dims d = x.dims().vec();
  d[static_cast<size_t>(axis)] = kept;
  d.back() = out_parts;
  const Fourier fourier(n, inverse ? 1 : -1);
  const double scale = inverse ? 1 / static_cast<double>(n) : 1;
  visit_real_work(x.type(), [&]<class W>(Tag<W>) {
    const Operand<W> in(x);
    Result<W> y;
    y.bind(node.out(0).has_data() ? node.out(0).mutable_data<void>() : node.alloc_out<void>(0, x.type(), d), x.type(),
           count_of(d.data(), static_cast<int32_t>(d.size())));
    std::vector<Complex> from(static_cast<size_t>(n)), to(static_cast<size_t>(n));
    for (int64_t line = 0; line < outer * inner; ++line) {
      const int64_t o = line / inner, i = line % inner;
      for (int64_t t = 0; t < n; ++t) {
        const int64_t at = ((o * given + t) * inner + i) * parts;
        from[static_cast<size_t>(t)] = t < given ? Complex(in[at], parts == 2 ? in[at + 1] : W(0)) : Complex(0);
      }
      if (one_sided && inverse)
        for (int64_t t = n / 2 + 1; t < n; ++t) from[static_cast<size_t>(t)] = std::conj(from[static_cast<size_t>(n - t)]);
      fourier(from.data(), to.data());
      for (int64_t t = 0; t < kept; ++t) {
        const int64_t at = ((o * kept + t) * inner + i) * out_parts;
        y[at] = static_cast<W>(to[static_cast<size_t>(t)].real() * scale);
        if (out_parts == 2) y[at + 1] = static_cast<W>(to[static_cast<size_t>(t)].imag() * scale);
      }
    }
    y.commit();
  });
}

}  // namespace

TENON_OPERATOR("tenon", "DFT", 1, 0, "(X: T(float), dft_length?: i32|i64, axis?: i64) -> (Y: T) {inverse?: int, onesided?: int}", infer, run);
}  // namespace tenon::ops
