// SPDX-License-Identifier: Apache-2.0
// linear.cpp - products of matrices, and look-ups in tables of vectors.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

// The data as [batch, K]; K is the weights' second dimension, or the data's last one.
tenon_value as_matrix(Lower& l, tenon_value x, int64_t k) {
  auto info = l.info(x);
  if (info.rank() == 2 && (k < 0 || info.dim(1) == k || info.dim(1) < 0)) return x;
  if (k < 1) throw unsupported("the size of the weights of a fully connected layer is not known");
  return reshape(l, x, {-1, k});
}

void lower_fully_connected(Lower& l) {
  known(l, {"fused_activation_function", "weights_format", "keep_num_dims", "asymmetric_quantize_inputs", "quantized_bias_type", "quant_spec"});
  arity(l, 2, 3);
  if (l.s("weights_format", "DEFAULT") != "DEFAULT") throw unsupported("weights in the order " + l.s("weights_format") + " are made for one kernel").with("found", l.s("weights_format"));
  if (const tenon_attr* spec = l.find("quant_spec"); spec && spec->count) throw unsupported("option 'quant_spec' of the operator is not known");
  tenon_value x = need(l, 0), w = need(l, 1);
  if (rank_of(l, w) != 2) throw invalid("the weights of a fully connected layer have a wrong rank").with("expected", "2").with("found", std::to_string(l.info(w).rank()));
  tenon_dtype t = type_of(l, x);
  Values in{as_matrix(l, x, l.info(w).dim(1)), w};
  if (l.has_in(2)) in.push_back(l.in(2));
  AttrList a;
  a.add("transB", 1);
  tenon_value y = activate(l, l.emit("Gemm", in, a), t);
  if (l.i("keep_num_dims") && rank_of(l, x) != 2) {
    int64_t out = l.info(w).dim(0);
    y = l.emit("Reshape", {y, concat(l, {shape(l, x, 0, -1), out >= 0 ? l.ints({out}) : dim(l, w, 0)}, 0)});
  }
  finish(l, {y});
}
TFLITE_LOWERING("FULLY_CONNECTED", lower_fully_connected);

tenon_value adjoint(Lower& l, tenon_value v) {
  std::vector<int64_t> perm;
  int32_t rank = rank_of(l, v);
  if (rank < 2) throw invalid("a matrix product needs tensors of rank 2 at least").with("found", std::to_string(rank));
  for (int32_t k = 0; k < rank; ++k) perm.push_back(k);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transpose(l, v, perm);
}

void lower_batch_matmul(Lower& l) {
  known(l, {"adj_x", "adj_y", "asymmetric_quantize_inputs"});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), y = need(l, 1);
  to(l, "MatMul", {l.i("adj_x") ? adjoint(l, x) : x, l.i("adj_y") ? adjoint(l, y) : y});
}
TFLITE_LOWERING("BATCH_MATMUL", lower_batch_matmul);

void lower_embedding_lookup(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  to(l, "Gather", {need(l, 1), need(l, 0)}, AttrList{}.set("axis", 0));
}
TFLITE_LOWERING("EMBEDDING_LOOKUP", lower_embedding_lookup);

// Rows of a table (ids), weighted and added up by the position of each id in a sparse tensor (indices, dense shape), of which the
// last dimension is summed over. Positions without an id give 0.
void lower_embedding_lookup_sparse(Lower& l) {
  known(l, {"combiner"});
  arity(l, 5, 5);
  tenon_value ids = need(l, 0), indices = cast(l, need(l, 1), dt::i64), dense = index_list(l, need(l, 2)), weights = need(l, 3), table = need(l, 4);
  int32_t rank = rank_of(l, table);
  tenon_value lead = slice(l, dense, 0, 0, -1);
  tenon_value strides = l.emit("CumProd", {lead, l.scalar<int64_t>(0)}, AttrList{}.set("exclusive", 1).set("reverse", 1));
  tenon_value segment = reduce(l, "ReduceSum", l.emit("Mul", {slice(l, indices, 1, 0, -1), strides}), {1}, false);
  tenon_value count = l.emit("Reshape", {reduce(l, "ReduceProd", lead, {0}, true), l.ints({})});
  std::vector<int64_t> axes;
  for (int32_t k = 1; k < rank; ++k) axes.push_back(k);
  tenon_value w = axes.empty() ? weights : unsqueeze(l, weights, axes);
  auto sum = [&](tenon_value v) { return l.emit("SegmentReduce", {v, segment, count}, AttrList{}.set("reduction", "sum")); };
  tenon_value y = sum(l.emit("Mul", {l.emit("Gather", {table, ids}, AttrList{}.set("axis", 0)), w}));
  std::string combiner = l.s("combiner", "SUM");
  if (combiner != "SUM") {
    tenon_value norm = combiner == "MEAN" ? sum(w) : l.emit("Sqrt", {sum(l.emit("Mul", {w, w}))});
    tenon_value none = l.emit("Equal", {norm, l.scalar<float>(0)});
    y = l.emit("Div", {y, l.emit("Where", {none, l.scalar<float>(1), norm})});
  }
  to(l, "Reshape", {y, concat(l, {lead, l.emit("Shape", {table}, AttrList{}.set("start", 1))}, 0)});
}
TFLITE_LOWERING("EMBEDDING_LOOKUP_SPARSE", lower_embedding_lookup_sparse);

}  // namespace
}  // namespace tenon::tflite
