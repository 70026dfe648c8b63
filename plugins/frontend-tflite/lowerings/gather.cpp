// SPDX-License-Identifier: Apache-2.0
// gather.cpp - elements by their positions.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

// Data's axis `axis` moved to the end of the batch axes, as GatherND wants it, and the result's axes back.
tenon_value gather_batched(Lower& l, int64_t axis, int64_t batch) {
  tenon_value x = need(l, 0), indices = need(l, 1);
  int64_t rank = rank_of(l, x), picked = rank_of(l, indices) - batch;
  std::vector<int64_t> to_front, back;
  for (int64_t k = 0; k < rank; ++k)
    if (k != axis) to_front.push_back(k);
  to_front.insert(to_front.begin() + batch, axis);
  if (axis != batch) x = transpose(l, x, to_front);
  tenon_value y = l.emit("GatherND", {x, unsqueeze(l, indices, {-1})}, AttrList{}.set("batch_dims", batch));
  if (axis == batch) return y;
  for (int64_t k = 0; k < batch; ++k) back.push_back(k);
  for (int64_t k = batch; k < axis; ++k) back.push_back(k + picked);
  for (int64_t k = 0; k < picked; ++k) back.push_back(batch + k);
  for (int64_t k = axis + picked; k < rank - 1 + picked; ++k) back.push_back(k);
  return transpose(l, y, back);
}

void lower_gather(Lower& l) {
  known(l, {"axis", "batch_dims"});
  arity(l, 2, 2);
  int64_t batch = l.i("batch_dims");
  if (batch == 0) return to(l, "Gather", {need(l, 0), need(l, 1)}, AttrList{}.set("axis", l.i("axis")));
  int32_t rank = rank_of(l, need(l, 0)), index_rank = rank_of(l, need(l, 1));
  if (batch < 0) batch += index_rank;
  int64_t axis = axis_of(l.i("axis"), rank);
  if (batch < 0 || batch > index_rank || axis < batch) throw invalid("option 'batch_dims' does not fit the axis and the indices").with("found", std::to_string(l.i("batch_dims")));
  finish(l, {gather_batched(l, axis, batch)});
}
TFLITE_LOWERING("GATHER", lower_gather);

void lower_gather_nd(Lower& l) { same(l, "GatherND", 2, 2); }
TFLITE_LOWERING("GATHER_ND", lower_gather_nd);

// Updates at the same place add up.
void lower_scatter_nd(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  tenon_dtype t = type_of(l, need(l, 1));
  AttrList a;
  if (t != dt::boolean) a.add("reduction", "add");
  to(l, "ScatterND", {zeros(l, index_list(l, need(l, 2)), t), need(l, 0), l.in(1)}, a);
}
TFLITE_LOWERING("SCATTER_ND", lower_scatter_nd);

// Indices: a number, a list of numbers, or a matrix with a position in each row.
void lower_sparse_to_dense(Lower& l) {
  known(l, {"validate_indices"});
  arity(l, 4, 4);
  tenon_value indices = need(l, 0), values = need(l, 2);
  int32_t rank = rank_of(l, indices);
  if (rank > 2) throw invalid("the indices have a wrong rank").with("expected", "0, 1 or 2").with("found", std::to_string(rank));
  if (rank < 2) indices = reshape(l, indices, {-1, 1});
  tenon_value all = l.emit("Expand", {values, shape(l, indices, 0, 1)});
  tenon_value dense = l.emit("Expand", {need(l, 3), index_list(l, need(l, 1))});
  to(l, "ScatterND", {dense, indices, all});
}
TFLITE_LOWERING("SPARSE_TO_DENSE", lower_sparse_to_dense);

void lower_where(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  finish(l, {transpose(l, l.emit("NonZero", {need(l, 0)}), {1, 0})});
}
TFLITE_LOWERING("WHERE", lower_where);

// A negative index is nowhere; for the IR's operator it would count from the end.
void lower_one_hot(Lower& l) {
  known(l, {"axis"});
  arity(l, 4, 4);
  tenon_value i = cast(l, need(l, 0), dt::i64), depth = index_scalar(l, need(l, 1));
  tenon_value clean = l.emit("Where", {l.emit("Less", {i, l.scalar<int64_t>(0)}), depth, i});
  tenon_value values = concat(l, {l.emit("Reshape", {need(l, 3), l.ints({1})}), l.emit("Reshape", {need(l, 2), l.ints({1})})}, 0);
  to(l, "OneHot", {clean, depth, values}, AttrList{}.set("axis", l.i("axis", -1)));
}
TFLITE_LOWERING("ONE_HOT", lower_one_hot);

// rows x columns, true on the diagonal.
tenon_value diagonal(Lower& l, tenon_value rows, tenon_value columns) {
  auto count = [&](tenon_value n) { return l.emit("Range", {l.scalar<int64_t>(0), l.emit("Reshape", {n, l.ints({})}), l.scalar<int64_t>(1)}); };
  return l.emit("Equal", {unsqueeze(l, count(rows), {1}), unsqueeze(l, count(columns), {0})});
}

void lower_matrix_diag(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  tenon_value x = need(l, 0), n = dim(l, x, -1);
  to(l, "Where", {diagonal(l, n, n), unsqueeze(l, x, {-1}), zero_of(l, x)});
}
TFLITE_LOWERING("MATRIX_DIAG", lower_matrix_diag);

// The diagonal has min(rows, columns) elements.
void lower_matrix_set_diag(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), d = need(l, 1);
  auto info = l.info(x);
  if (rank_of(l, x) < 2) throw invalid("a matrix has two dimensions at least");
  int64_t rows = info.dim(-2), columns = info.dim(-1);
  if (rows != columns && (rows < 0 || columns < 0)) throw unsupported("the size of the matrix is not known");
  tenon_value mask = diagonal(l, shape(l, x, -2, -1), dim(l, x, -1));
  to(l, "Where", {mask, unsqueeze(l, d, {rows <= columns ? -1 : -2}), x});
}
TFLITE_LOWERING("MATRIX_SET_DIAG", lower_matrix_set_diag);

void lower_densify(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  finish(l, {need(l, 0)});
}
TFLITE_LOWERING("DENSIFY", lower_densify);

}  // namespace
}  // namespace tenon::tflite
