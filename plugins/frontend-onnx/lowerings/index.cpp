// SPDX-License-Identifier: Apache-2.0
// index.cpp - joining, cutting and picking elements.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void concat(Lower& l, bool has_default) {
  known(l, {"axis"});
  if (!l.has("axis") && !has_default) throw invalid("attribute 'axis' is missing");
  for (uint64_t k = 0; k < l.n_in(); ++k) need(l, k);
  l.to("Concat", inputs(l), AttrList{}.set("axis", l.i("axis", 1)));
}
void lower_concat_1(Lower& l) { concat(l, true); }
TENON_LOWERING("onnx", "Concat", 1, lower_concat_1);
void lower_concat(Lower& l) { concat(l, false); }
TENON_LOWERING("onnx", "Concat", 4, lower_concat);

void split(Lower& l, tenon_value sizes, int64_t count) {
  AttrList a;
  a.add("axis", l.i("axis", 0));
  if (!sizes) a.add("num_outputs", count);
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < l.n_out(); ++k) wanted.push_back(l.has_out(k));
  l.done(l.emit_n("Split", sizes ? Values{l.in(0), sizes} : Values{l.in(0)}, a, l.n_out(), wanted));
}
void lower_split_attribute(Lower& l) {
  known(l, {"axis", "split"});
  arity(l, 1, 2, UINT64_MAX);
  need(l, 0);
  tenon_value sizes = l.has("split") ? l.ints(attr_ints(l, "split")) : l.in(1);
  split(l, sizes, static_cast<int64_t>(l.n_out()));
}
TENON_LOWERING("onnx", "Split", 1, lower_split_attribute);

void lower_split(Lower& l) {
  known(l, {"axis", "num_outputs"});
  arity(l, 1, 2, UINT64_MAX);
  need(l, 0);
  int64_t outputs = static_cast<int64_t>(l.n_out());
  if (l.i("num_outputs", outputs) != outputs)
    throw invalid("attribute 'num_outputs' does not fit").with("expected", std::to_string(outputs)).with("found", std::to_string(l.i("num_outputs")));
  if (l.has("num_outputs") && l.has_in(1)) throw invalid("both input 'split' and attribute 'num_outputs' are given");
  split(l, l.in(1), outputs);
}
TENON_LOWERING("onnx", "Split", 13, lower_split);

void lower_slice_attributes(Lower& l) {
  known(l, {"axes", "ends", "starts"});
  arity(l, 1, 1);
  std::vector<int64_t> starts = attr_ints(l, "starts"), ends = attr_ints(l, "ends");
  if (starts.size() != ends.size()) throw invalid("attributes 'starts' and 'ends' differ in length");
  Values in{need(l, 0), l.ints(starts), l.ints(ends)};
  if (l.has("axes")) in.push_back(l.ints(attr_ints(l, "axes")));
  l.to("Slice", in);
}
TENON_LOWERING("onnx", "Slice", 1, lower_slice_attributes);
void lower_slice(Lower& l) { same(l, "Slice", {}, 3, 5); }
TENON_LOWERING("onnx", "Slice", 10, lower_slice);

void check_pad_mode(const Lower& l) {
  std::string mode = l.s("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap") throw invalid("attribute 'mode' has the value '" + mode + "'").with("expected", "constant, reflect, edge or wrap");
}
void lower_pad_attributes(Lower& l) {
  known(l, {"mode", "paddings", "pads", "value"});
  arity(l, 1, 1);
  check_pad_mode(l);
  const char* name = l.version() < 2 ? "paddings" : "pads";
  if (!l.has(name)) throw invalid(std::string("attribute '") + name + "' is missing");
  Values in{need(l, 0), l.ints(attr_ints(l, name))};
  if (l.f("value", 0) != 0) in.push_back(scalar_like(l, l.in(0), l.f("value")));
  l.to("Pad", in, AttrList{}.set("mode", l.s("mode", "constant")));
}
TENON_LOWERING("onnx", "Pad", 1, lower_pad_attributes);
void lower_pad(Lower& l) {
  check_pad_mode(l);
  same(l, "Pad", {"mode"}, 2, 4);
}
TENON_LOWERING("onnx", "Pad", 11, lower_pad);

void lower_gather(Lower& l) { same(l, "Gather", {"axis"}, 2, 2); }
TENON_LOWERING("onnx", "Gather", 1, lower_gather);
void lower_gather_elements(Lower& l) { same(l, "GatherElements", {"axis"}, 2, 2); }
TENON_LOWERING("onnx", "GatherElements", 11, lower_gather_elements);
void lower_gather_nd(Lower& l) { same(l, "GatherND", {"batch_dims"}, 2, 2); }
TENON_LOWERING("onnx", "GatherND", 11, lower_gather_nd);
void lower_scatter(Lower& l) { same(l, "ScatterElements", {"axis"}, 3, 3); }
TENON_LOWERING("onnx", "Scatter", 9, lower_scatter);
void lower_scatter_elements(Lower& l) { same(l, "ScatterElements", {"axis", "reduction"}, 3, 3); }
TENON_LOWERING("onnx", "ScatterElements", 11, lower_scatter_elements);
void lower_scatter_nd(Lower& l) { same(l, "ScatterND", {"reduction"}, 3, 3); }
TENON_LOWERING("onnx", "ScatterND", 11, lower_scatter_nd);

// Elements (along an axis, or of the flat tensor) where the condition is true.
void lower_compress(Lower& l) {
  known(l, {"axis"});
  arity(l, 2, 2);
  tenon_value x = need(l, 0), flat = l.ints({-1});
  tenon_value where = l.emit("Reshape", {l.emit("NonZero", {need(l, 1)}), flat});
  if (!l.has("axis")) x = l.emit("Reshape", {x, flat});
  l.to("Gather", {x, where}, AttrList{}.set("axis", l.i("axis", 0)));
}
TENON_LOWERING("onnx", "Compress", 9, lower_compress);

void topk(Lower& l, tenon_value k) {
  AttrList a;
  a.add("axis", l.i("axis", -1)).add("largest", l.i("largest", 1)).add("sorted", l.i("sorted", 1));
  l.done(l.emit_n("TopK", {need(l, 0), k}, a, 2));
}
void lower_topk_attribute(Lower& l) {
  known(l, {"axis", "k"});
  arity(l, 1, 1, 2);
  if (!l.has("k")) throw invalid("attribute 'k' is missing");
  topk(l, l.ints({l.i("k")}));
}
TENON_LOWERING("onnx", "TopK", 1, lower_topk_attribute);
void lower_topk(Lower& l) {
  known(l, {"axis", "largest", "sorted"});
  arity(l, 2, 2, 2);
  topk(l, need(l, 1));
}
TENON_LOWERING("onnx", "TopK", 10, lower_topk);

// Before opset 11 a negative index is out of range, which leaves its row without a 1.
void lower_one_hot_9(Lower& l) {
  known(l, {"axis"});
  arity(l, 3, 3);
  tenon_value index = need(l, 0), depth = need(l, 1), zero = scalar_like(l, index, 0);
  tenon_value beyond = cast(l, l.emit("Reshape", {depth, l.ints({})}), l.info(index).type());
  AttrList a = copied(l, {"axis"});
  l.to("OneHot", {l.emit("Where", {l.emit("Less", {index, zero}), beyond, index}), depth, need(l, 2)}, a);
}
TENON_LOWERING("onnx", "OneHot", 9, lower_one_hot_9);
void lower_one_hot(Lower& l) { same(l, "OneHot", {"axis"}, 3, 3); }
TENON_LOWERING("onnx", "OneHot", 11, lower_one_hot);
void lower_non_zero(Lower& l) { same(l, "NonZero", {}, 1, 1); }
TENON_LOWERING("onnx", "NonZero", 9, lower_non_zero);
void lower_trilu(Lower& l) { same(l, "Trilu", {"upper"}, 1, 2); }
TENON_LOWERING("onnx", "Trilu", 14, lower_trilu);
void lower_cum_sum(Lower& l) { same(l, "CumSum", {"exclusive", "reverse"}, 2, 2); }
TENON_LOWERING("onnx", "CumSum", 11, lower_cum_sum);
void lower_cum_prod(Lower& l) { same(l, "CumProd", {"exclusive", "reverse"}, 2, 2); }
TENON_LOWERING("onnx", "CumProd", 26, lower_cum_prod);
void lower_reverse_sequence(Lower& l) { same(l, "ReverseSequence", {"batch_axis", "time_axis"}, 2, 2); }
TENON_LOWERING("onnx", "ReverseSequence", 10, lower_reverse_sequence);

void lower_unique(Lower& l) {
  known(l, {"axis", "sorted"});
  arity(l, 1, 1, 4);
  AttrList a = copied(l, {"axis", "sorted"});
  l.done(l.emit_n("Unique", {need(l, 0)}, a, 4, {l.has_out(0), l.has_out(1), l.has_out(2), l.has_out(3)}));
}
TENON_LOWERING("onnx", "Unique", 11, lower_unique);

void lower_col2im(Lower& l) { same(l, "Col2Im", {"dilations", "pads", "strides"}, 3, 3); }
TENON_LOWERING("onnx", "Col2Im", 18, lower_col2im);

}  // namespace
}  // namespace tenon::onnx
