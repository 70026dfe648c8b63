// SPDX-License-Identifier: Apache-2.0
// MatMulInteger: numpy's matmul of A - a_zero_point and B - b_zero_point, summed exactly in i32 (i64 for 16-bit operands); wraps.
// A zero point is one number; a vector with one number for each row of A or column of B; or a tensor that broadcasts to its operand.
#include "linear/matrix_product.hpp"
#include "quant/centred.hpp"

namespace tenon::ops {
namespace {

/// The zero point's shape as it lies over the operand of rank `rank`; a vector runs along the rows where `rows` says so.
Dims zero_dims(const Tensor& zero, int32_t rank, bool rows) {
  if (!zero) return {};
  if (rows && zero.rank() == 1 && rank > 1) return {zero.dim(0), 1};
  return zero.dims().vec();
}

void check_zero_point(const Node& node, uint32_t operand, bool rows) {
  const Tensor x = node.in(operand), zero = node.in(operand + 2);
  if (!zero || !zero.has_rank() || !x.has_rank()) return;
  const Dims d = zero_dims(zero, x.rank(), rows);
  const bool fits = d.size() <= static_cast<size_t>(x.rank());
  for (size_t i = 0; fits && i < d.size(); ++i)
    if (const int64_t of = x.dim(static_cast<int32_t>(i) - static_cast<int32_t>(d.size())); d[i] != 1 && d[i] >= 0 && of >= 0 && d[i] != of)
      fail("a zero point does not fit its matrix", "1 or " + std::to_string(of), std::to_string(d[i]));
  if (!fits) fail("a zero point has more dimensions than its matrix", "at most " + std::to_string(x.rank()), shape_text(zero));
}

void infer(const Node& node) {
  check_zero_point(node, 0, true);
  check_zero_point(node, 1, false);
  infer_matrix_product(node, accumulator_type(node.in(0).type(), node.in(1).type()));
}

void run(const Node& node) {
  visit_work(node.out(0).type(), [&]<class W>(Tag<W>) {
    if constexpr (std::is_integral_v<W>) {
      const auto a = centred<W>(node.in(0), node.in(2), zero_dims(node.in(2), node.in(0).rank(), true));
      const auto b = centred<W>(node.in(1), node.in(3), zero_dims(node.in(3), node.in(1).rank(), false));
      run_matrix_product<W>(node, a.data(), b.data());
    }
  });
}

}  // namespace

TENON_OPERATOR("tenon", "MatMulInteger", 1, 0, "(A: T(i8|u8|i16), B: U(i8|u8|i16), a_zero_point?: T, b_zero_point?: U) -> (Y: i32|i64)", infer, run);
}  // namespace tenon::ops
