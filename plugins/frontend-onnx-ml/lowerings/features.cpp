// SPDX-License-Identifier: Apache-2.0
// features.cpp - choosing and joining columns.
#include "common/lowering.hpp"

namespace tenon::contrib {
namespace {

/// Columns of X along its last axis; a vector gives one row.
void lower_extractor(Lower& l) {
  known(l, {});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), columns = reshape(l, need(l, 1), {-1});
  if (rank_of(l, x, "the features") == 1) x = unsqueeze(l, x, {0});
  l.to("Gather", {x, columns}, AttrList{}.set("axis", -1));
}
TENON_LOWERING("ai.onnx.ml", "ArrayFeatureExtractor", 1, lower_extractor);

/// The first n columns of v [rows, have], zeros behind what it has.
tenon_value with_columns(Lower& l, tenon_value v, int64_t have, int64_t n) {
  if (have < 0) throw unsupported("the number of features is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  if (n < 0) throw invalid("attribute 'inputdimensions' holds a negative number").with("found", std::to_string(n));
  if (have == n) return v;
  if (have > n) return slice(l, v, 1, 0, n);
  return l.emit("Pad", {v, l.ints({0, 0, 0, n - have})}, AttrList{}.set("mode", "constant"));
}

void lower_vectorizer(Lower& l) {
  known(l, {"inputdimensions"});
  arity(l, 1, UINT64_MAX);
  const auto sizes = attr_ints(l, "inputdimensions");
  if (!sizes.empty() && sizes.size() != l.n_in())
    throw invalid("attribute 'inputdimensions' has a wrong length").with("expected", std::to_string(l.n_in())).with("found", std::to_string(sizes.size()));
  Values parts;
  for (uint64_t k = 0; k < l.n_in(); ++k) {
    const int32_t rank = rank_of(l, need(l, k), "an input");
    if (rank < 1 || rank > 2) throw invalid("an input has a wrong rank").with("expected", "1 or 2").with("found", std::to_string(rank));
    tenon_value v = cast(l, l.in(k), dt::f32);
    if (rank == 1) v = unsqueeze(l, v, {0});
    parts.push_back(sizes.empty() ? v : with_columns(l, v, l.info(l.in(k)).dim(-1), sizes[k]));
  }
  l.to("Concat", parts, AttrList{}.set("axis", 1));
}
TENON_LOWERING("ai.onnx.ml", "FeatureVectorizer", 1, lower_vectorizer);

}  // namespace
}  // namespace tenon::contrib
