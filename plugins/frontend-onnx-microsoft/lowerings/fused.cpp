// SPDX-License-Identifier: Apache-2.0
// fused.cpp - products and convolutions with something fused in: taken apart again.
#include "emit.hpp"

namespace tenon::contrib {
namespace {

void lower_fused_conv(Lower& l) {
  known(l, {"activation", "activation_params", "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 2, 4);
  Values in{need(l, 0), need(l, 1)};
  if (l.has_in(2)) in.push_back(l.in(2));
  tenon_value y = emit_onnx(l, "Conv", 11, in, copied(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}));
  l.done({activation(l, l.s("activation"), plus_input(l, y, 3), l.Attrs::floats("activation_params"), type_of(l, l.in(0)))});
}
TENON_LOWERING("com.microsoft", "FusedConv", 1, lower_fused_conv);

/// Are the weights [outputs, spatial..., inputs / group] rather than ONNX's [outputs, inputs / group, spatial...]?
bool channels_last(Lower& l) {
  const ValueInfo x = l.info(need(l, 0)), w = l.info(need(l, 1));
  const int64_t group = l.i("group", 1), rank = rank_of(l, l.in(1), "the weights");
  if (x.rank() != rank || rank < 3 || group < 1 || x.dim(-1) < 0 || x.dim(-1) % group)
    throw unsupported("the number of channels is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  const int64_t channels = x.dim(-1) / group;
  const bool first = w.dim(1) == channels, last = w.dim(-1) == channels;
  if (first == last)
    throw unsupported("the layout of the weights cannot be told from their shape").with("expected", "as many channels as the data in axis 1 or in the last one, not in both");
  return last;
}

void lower_nhwc_conv(Lower& l) {
  known(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 2, 3);
  const bool last = channels_last(l);
  const int64_t rank = l.info(l.in(0)).rank();
  std::vector<int64_t> to_first{0, rank - 1}, to_last{0};
  for (int64_t k = 1; k + 1 < rank; ++k) to_first.push_back(k), to_last.push_back(k + 1);
  to_last.push_back(1);
  Values in{transpose(l, l.in(0), to_first), last ? transpose(l, l.in(1), to_first) : l.in(1)};
  if (l.has_in(2)) in.push_back(l.in(2));
  l.done({transpose(l, emit_onnx(l, "Conv", 11, in, copied(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"})), to_last)});
}
TENON_LOWERING("com.microsoft", "NhwcConv", 1, lower_nhwc_conv);

void lower_fused_gemm(Lower& l) {
  known(l, {"activation", "activation_alpha", "activation_beta", "activation_gamma", "alpha", "beta", "transA", "transB"});
  arity(l, 2, 3);
  Values in{need(l, 0), need(l, 1)};
  if (l.has_in(2)) in.push_back(l.in(2));
  std::vector<double> parameters;
  for (const char* name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (l.has(name)) parameters.push_back(l.f(name));
  tenon_value y = l.emit("Gemm", in, copied(l, {"alpha", "beta", "transA", "transB"}));
  l.done({activation(l, l.s("activation"), y, parameters, type_of(l, l.in(0)))});
}
TENON_LOWERING("com.microsoft", "FusedGemm", 1, lower_fused_gemm);

/// transBatch moves the first axis before the last one; after that, trans swaps the last two axes.
tenon_value operand(Lower& l, uint64_t k, bool trans, bool trans_batch) {
  tenon_value v = need(l, k);
  if (!trans && !trans_batch) return v;
  const int64_t rank = rank_of(l, v, "a matrix");
  if (rank < 2) return v;
  std::vector<int64_t> perm;
  for (int64_t i = 0; i < rank; ++i) perm.push_back(i);
  if (trans_batch) {
    if (rank < 3) throw invalid("transBatch needs a rank of 3 or more").with("found", std::to_string(rank));
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  }
  if (trans) std::swap(perm[static_cast<size_t>(rank - 1)], perm[static_cast<size_t>(rank - 2)]);
  return transpose(l, v, perm);
}

void lower_fused_matmul(Lower& l) {
  known(l, {"alpha", "transA", "transB", "transBatchA", "transBatchB"});
  arity(l, 2, 2);
  tenon_value a = operand(l, 0, l.i("transA"), l.i("transBatchA")), b = operand(l, 1, l.i("transB"), l.i("transBatchB"));
  tenon_value y = l.emit("MatMul", {a, b});
  const double alpha = l.f("alpha", 1);
  l.done({alpha == 1 ? y : l.emit("Mul", {y, l.scalar_of(type_of(l, l.in(0)), alpha)})});
}
TENON_LOWERING("com.microsoft", "FusedMatMul", 1, lower_fused_matmul);
TENON_LOWERING("com.microsoft", "TransposeMatMul", 1, lower_fused_matmul);

}  // namespace
}  // namespace tenon::contrib
