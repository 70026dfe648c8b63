// SPDX-License-Identifier: Apache-2.0
// MatMul: numpy's matmul; exact (wrapping) on integers.
#include "linear/matrix_product.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { infer_matrix_product(node, node.in(0).type()); }

void run(const Node& node) {
  visit_work(node.out(0).type(), [&]<class W>(Tag<W>) {
    const Operand<W> a(node.in(0)), b(node.in(1));
    run_matrix_product<W>(node, a.data(), b.data());
  });
}

}  // namespace

TENON_OPERATOR("tenon", "MatMul", 1, 0, "(A: T(num), B: T) -> (Y: T)", infer, run);
}  // namespace tenon::ops
