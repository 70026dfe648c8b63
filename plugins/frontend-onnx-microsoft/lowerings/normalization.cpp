// SPDX-License-Identifier: Apache-2.0
// normalization.cpp - layer and RMS normalization with a residual, embeddings with normalization, group normalization.
#include "emit.hpp"

namespace tenon::contrib {
namespace {

void no_statistics(const Lower& l, uint64_t first, uint64_t last) {
  for (uint64_t k = first; k <= last; ++k) refuse(used(l, k), "output " + std::to_string(k) + " (statistics)");
}

/// Input, skip and bias (input `bias`) added: what is normalized, and output 3.
tenon_value residual(Lower& l, uint64_t bias) { return plus_input(l, l.emit("Add", {need(l, 0), need(l, 1)}), bias); }

void lower_skip_layer(Lower& l) {
  known(l, {"epsilon"});
  arity(l, 3, 5, 4);
  tenon_value sum = residual(l, 4);
  Values in{sum, need(l, 2)};
  if (l.has_in(3)) in.push_back(l.in(3));
  const auto out = l.emit_n("LayerNormalization", in, AttrList{}.set("axis", -1).set("epsilon", l.f("epsilon", 1e-12)), 3, {true, l.has_out(1), l.has_out(2)});
  l.done({out[0], out[1], out[2], sum});
}
TENON_LOWERING("com.microsoft", "SkipLayerNormalization", 1, lower_skip_layer);

void lower_skip_simplified(Lower& l) {
  known(l, {"epsilon"});
  arity(l, 3, 4, 4);
  no_statistics(l, 1, 2);
  tenon_value sum = residual(l, 3);
  l.done({l.emit("RMSNormalization", {sum, need(l, 2)}, AttrList{}.set("axis", -1).set("epsilon", l.f("epsilon", 1e-12))), 0, 0, sum});
}
TENON_LOWERING("com.microsoft", "SkipSimplifiedLayerNormalization", 1, lower_skip_simplified);

// ONNX Runtime defines these two in ONNX's own domain, in models of opsets before 17 too.
void lower_simplified(Lower& l) {
  known(l, {"axis", "epsilon", "stash_type"});
  arity(l, 2, 2, 2);
  refuse(l.i("stash_type", 1) != 1, "a stash_type other than f32");
  no_statistics(l, 1, 1);
  l.done({l.emit("RMSNormalization", {need(l, 0), need(l, 1)}, AttrList{}.set("axis", l.i("axis", -1)).set("epsilon", l.f("epsilon", 1e-5f)))});
}
TENON_LOWERING("onnx", "SimplifiedLayerNormalization", 1, lower_simplified);
TENON_LOWERING("com.microsoft", "SimplifiedLayerNormalization", 1, lower_simplified);

void lower_layer(Lower& l) {
  known(l, {"axis", "epsilon", "stash_type"});
  arity(l, 2, 3, 3);
  refuse(l.i("stash_type", 1) != 1, "a stash_type other than f32");
  Values in{need(l, 0), need(l, 1)};
  if (l.has_in(2)) in.push_back(l.in(2));
  l.done(l.emit_n("LayerNormalization", in, AttrList{}.set("axis", l.i("axis", -1)).set("epsilon", l.f("epsilon", 1e-5f)), 3, {true, l.has_out(1), l.has_out(2)}));
}
TENON_LOWERING("onnx", "LayerNormalization", 1, lower_layer);

/// Number of marked tokens of each row of the mask; zeros without a mask.
tenon_value mask_index(Lower& l) {
  if (l.has_in(7)) return cast(l, reduce(l, "ReduceSum", l.in(7), {1}, false), dt::i32);
  return l.emit("Expand", {l.scalar<int32_t>(0), dim(l, l.in(0), 0)});
}

void lower_embed_layer(Lower& l) {
  known(l, {"epsilon", "mask_index_type"});
  arity(l, 7, 9, 3);
  refuse(l.i("mask_index_type", 0) != 0, "a mask_index_type other than 0", std::to_string(l.i("mask_index_type", 0)));
  if (l.has_in(1) != l.has_in(4)) throw invalid("segment_ids and segment_embedding belong together");
  tenon_value ids = need(l, 0), length = reshape(l, dim(l, ids, 1), {});
  tenon_value positions = l.has_in(8) ? l.in(8) : l.emit("Range", {l.scalar<int64_t>(0), length, l.scalar<int64_t>(1)});
  tenon_value sum = l.emit("Add", {gather(l, need(l, 2), ids), gather(l, need(l, 3), positions)});
  if (l.has_in(1)) sum = l.emit("Add", {sum, gather(l, l.in(4), l.in(1))});
  tenon_value y = l.emit("LayerNormalization", {sum, need(l, 5), need(l, 6)}, AttrList{}.set("axis", -1).set("epsilon", l.f("epsilon", 1e-12)));
  l.done({y, used(l, 1) ? mask_index(l) : 0, sum});
}
TENON_LOWERING("com.microsoft", "EmbedLayerNormalization", 1, lower_embed_layer);

/// Group normalization of x (channels last when the node says so), and Swish when `activation` is 1. Scale and shift are f32.
tenon_value group_norm(Lower& l, tenon_value x) {
  const bool last = l.i("channels_last", 1) != 0;
  const int64_t activation = l.i("activation", 0);
  if (activation != 0 && activation != 1) throw invalid("unknown activation").with("expected", "0 or 1").with("found", std::to_string(activation));
  const tenon_dtype t = type_of(l, l.in(0));
  if (last) x = transpose(l, x, {0, 3, 1, 2});
  tenon_value y = l.emit("GroupNormalization", {x, cast(l, need(l, 1), t), cast(l, need(l, 2), t)}, AttrList{}.set("num_groups", l.i("groups")).set("epsilon", l.f("epsilon", 1e-5f)));
  if (last) y = transpose(l, y, {0, 2, 3, 1});
  return activation ? l.emit("Swish", {y}) : y;
}

void lower_group(Lower& l) {
  known(l, {"activation", "channels_last", "epsilon", "groups"});
  arity(l, 3, 3);
  l.done({group_norm(l, need(l, 0))});
}
TENON_LOWERING("com.microsoft", "GroupNorm", 1, lower_group);

/// skip [N, C] stands for every pixel.
void lower_skip_group(Lower& l) {
  known(l, {"activation", "channels_last", "epsilon", "groups"});
  arity(l, 4, 5, 2);
  const bool last = l.i("channels_last", 1) != 0;
  auto spread = [&](tenon_value v) { return rank_of(l, v, "input 'skip'") == 2 ? unsqueeze(l, v, last ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 3}) : v; };
  tenon_value sum = l.emit("Add", {need(l, 0), spread(need(l, 3))});
  if (l.has_in(4)) sum = l.emit("Add", {sum, last ? l.in(4) : unsqueeze(l, l.in(4), {1, 2})});
  l.done({group_norm(l, sum), sum});
}
TENON_LOWERING("com.microsoft", "SkipGroupNorm", 1, lower_skip_group);

}  // namespace
}  // namespace tenon::contrib
