// SPDX-License-Identifier: Apache-2.0
// matmul.cpp - matrix products of floats.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_gemm(Lower& l) {
  known(l, {"alpha", "beta", "transA", "transB", "broadcast"});
  arity(l, 2, 3);
  need(l, 0);
  need(l, 1);
  AttrList a;
  a.add("alpha", l.f("alpha", 1)).add("beta", l.f("beta", 1)).add("transA", l.i("transA", 0)).add("transB", l.i("transB", 0));
  l.to("Gemm", inputs(l), a);
}
TENON_LOWERING("onnx", "Gemm", 1, lower_gemm);

void lower_matmul(Lower& l) { same(l, "MatMul", {}, 2, 2); }
TENON_LOWERING("onnx", "MatMul", 1, lower_matmul);

void lower_einsum(Lower& l) {
  known(l, {"equation"});
  if (!l.has("equation")) throw invalid("attribute 'equation' is missing");
  AttrList a = copied(l, {"equation"});
  l.to("Einsum", inputs(l), a);
}
TENON_LOWERING("onnx", "Einsum", 12, lower_einsum);

}  // namespace
}  // namespace tenon::onnx
