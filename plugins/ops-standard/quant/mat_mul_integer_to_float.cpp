// SPDX-License-Identifier: Apache-2.0
// MatMulIntegerToFloat: the exact sums of MatMulInteger as floats, times (a_scale * b_scale), plus a bias. The scale of A is one number,
// that of B one number or one for each column, as is the bias.
#include "common/expanded.hpp"
#include "linear/matrix_product.hpp"
#include "quant/centred.hpp"

namespace tenon::ops {
namespace {

enum Input : uint32_t { kA, kB, kScaleA, kScaleB, kZeroA, kZeroB, kBias };

void one_or_each_column(const Node& node, uint32_t k, const char* what) {
  const Tensor t = node.in(k), b = node.in(kB);
  if (!t || !t.has_rank() || !b.has_rank() || (t.is_static() && t.count() == 1)) return;
  expect_rank(t, 1, what);
  same_dim(b.dim(-1), t.dim(0), what);
}

void infer(const Node& node) {
  expect_rank(node.in(kB), 2, "the right matrix");
  one_or_each_column(node, kScaleB, "columns of B and its scales");
  one_or_each_column(node, kZeroB, "columns of B and its zero points");
  one_or_each_column(node, kBias, "columns of B and the bias");
  for (uint32_t k : {kScaleA, kZeroA})
    if (node.has_in(k) && node.in(k).is_static() && node.in(k).count() != 1) fail("A has one scale and one zero point", "one element", shape_text(node.in(k)));
  infer_matrix_product(node, dt::f32);
}

void run(const Node& node) {
  const Tensor x = node.in(kA), w = node.in(kB), y = node.out(0);
  if (y.count() == 0) return;
  const auto over = [&](uint32_t k) { return node.has_in(k) && node.in(k).count() > 1 ? node.in(k).dims().vec() : Dims{}; };
  const auto a = centred<uint32_t>(x, node.in(kZeroA), over(kZeroA)), b = centred<uint32_t>(w, node.in(kZeroB), over(kZeroB));
  const Operand<float> scale_a(node.in(kScaleA)), scale_b(node.in(kScaleB)), bias(node.in(kBias));
  const int64_t k = x.dim(-1), n = w.dim(1), m = y.count() / n;
  float* to = y.mutable_data<float>();
  const PackedLeft<uint32_t> left(m, k, [&](int64_t i, int64_t j) { return a[static_cast<size_t>(i * k + j)]; });
  gemm(node, left, n, [&](int64_t d, int64_t j0, int64_t count, uint32_t* part) { std::copy_n(b.data() + d * n + j0, count, part); },
       [&](int64_t i, int64_t j0, int64_t count, const uint32_t* sums) {
         for (int64_t j = 0; j < count; ++j) {
           const float scale = scale_a[0] * scale_b[scale_b.count() == 1 ? 0 : j0 + j];
           const float v = static_cast<float>(static_cast<int32_t>(sums[j])) * scale;
           to[i * n + j0 + j] = bias ? v + bias[bias.count() == 1 ? 0 : j0 + j] : v;
         }
       });
}

void expand(Lower& l) {
  std::vector<tenon_value> in = {l.in(kA), l.in(kB), l.in(kZeroA), l.in(kZeroB)};
  while (!in.back()) in.pop_back();
  const tenon_value sums = l.emit("Cast", {l.emit("MatMulInteger", in)}, AttrList{}.set("to", "f32"));
  tenon_value y = l.emit("Mul", {sums, l.emit("Mul", {l.in(kScaleA), l.in(kScaleB)})});
  if (l.has_in(kBias)) y = l.emit("Add", {y, l.in(kBias)});
  l.done({y});
}

}  // namespace

TENON_EXPANDED_OPERATOR("MatMulIntegerToFloat",
                        "(A: T(i8|u8), B: U(i8|u8), a_scale: f32, b_scale: f32, a_zero_point?: T, b_zero_point?: U, bias?: f32) -> (Y: f32)",
                        infer, run, expand);
}  // namespace tenon::ops
