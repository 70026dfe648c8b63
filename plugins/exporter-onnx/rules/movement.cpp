// SPDX-License-Identifier: Apache-2.0
// movement.cpp - reshaping, joining, cutting and picking.
#include <numeric>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void concat(Emit& e) { e.same("Concat", {"axis"}); }
ONNX_RULE("Concat", concat);
void constant_of_shape(Emit& e) { e.same("ConstantOfShape", {"value"}); }
ONNX_RULE("ConstantOfShape", constant_of_shape);
void depth_to_space(Emit& e) { e.same("DepthToSpace", {"blocksize", "mode"}); }
ONNX_RULE("DepthToSpace", depth_to_space);
void expand(Emit& e) { e.same("Expand"); }
ONNX_RULE("Expand", expand);
void gather(Emit& e) { e.same("Gather", {"axis"}); }
ONNX_RULE("Gather", gather);
void gather_elements(Emit& e) { e.same("GatherElements", {"axis"}); }
ONNX_RULE("GatherElements", gather_elements);
void non_zero(Emit& e) { e.same("NonZero"); }
ONNX_RULE("NonZero", non_zero);
void squeeze(Emit& e) { e.same("Squeeze"); }
ONNX_RULE("Squeeze", squeeze);
void tile(Emit& e) { e.same("Tile"); }
ONNX_RULE("Tile", tile);
void transpose(Emit& e) { e.same("Transpose", {"perm"}); }
ONNX_RULE("Transpose", transpose);
void unsqueeze(Emit& e) { e.same("Unsqueeze"); }
ONNX_RULE("Unsqueeze", unsqueeze);
void slice(Emit& e) { e.same("Slice"); }
ONNX_RULE("Slice", slice);
void unique(Emit& e) { e.same("Unique", {"axis", "sorted"}); }
ONNX_RULE("Unique", unique);
void one_hot(Emit& e) { e.same("OneHot", {"axis"}); }
ONNX_RULE("OneHot", one_hot);

void trilu(Emit& e) {
  e.need_opset(14);
  Values in = e.inputs();
  if (in.size() > 1) in[1] = e.scalar(in[1]);
  e.to("Trilu", in, e.copied({"upper"}));
}
ONNX_RULE("Trilu", trilu);

void eye_like(Emit& e) {
  AttrList a = e.copied({"k"});
  a.add("dtype", data_type(e.type(e.out())));
  e.to("EyeLike", {e.in(0)}, a);
}
ONNX_RULE("EyeLike", eye_like);

void gather_nd(Emit& e) { e.to("GatherND", {e.in(0), e.cast(e.in(1), dt::i64)}, e.copied({"batch_dims"})); }
ONNX_RULE("GatherND", gather_nd);

// Opset 13 takes a 0 for the input's dimension, which is what a shape without zeros never asks for.
void reshape(Emit& e) {
  if (e.i("allowzero") == 0) return e.to("Reshape", {e.in(0), e.in(1)});
  if (e.opset() >= 14) return e.same("Reshape", {"allowzero"});
  for (int64_t d : e.need_ints(e.in(1), "the shape"))
    if (d == 0) e.need_opset(14);
  e.to("Reshape", {e.in(0), e.in(1)});
}
ONNX_RULE("Reshape", reshape);

void shape(Emit& e) {
  if (e.opset() >= 15) return e.same("Shape", {"start", "end"});
  const Value all = e.shape(e.in(0));
  if (!e.has("start") && !e.has("end")) return e.done({all});
  e.done({e.slice(all, e.i("start", 0), e.i("end", INT64_MAX), 0)});
}
ONNX_RULE("Shape", shape);

// Parts of equal size: before opset 18 their number is that of the outputs, and the last one cannot be smaller.
void split(Emit& e) {
  AttrList a = e.copied({"axis"});
  const auto n = static_cast<int64_t>(e.n_out());
  Values in = {e.in(0), e.in(1)};
  if (!in[1] && e.opset() >= 18) a.add("num_outputs", n);
  if (!in[1] && e.opset() < 18) {
    const int64_t dim = e.info(e.in(0)).dim(static_cast<int32_t>(e.axis(e.in(0), e.i("axis"))));
    if (dim < 0 && n > 1) throw unsupported("parts of a size that is not known").with("hint", "choose option \"opset\": 18 or above, or give the shapes of the model's inputs");
    std::vector<int64_t> sizes(static_cast<size_t>(n), (dim + n - 1) / n);
    sizes.back() = dim - sizes[0] * (n - 1);
    if (n > 1) in[1] = e.ints(sizes);
  }
  e.done(e.op_n("Split", in, a, static_cast<size_t>(n)));
}
ONNX_RULE("Split", split);

void top_k(Emit& e) { e.done(e.op_n("TopK", {e.in(0), e.one_element(e.in(1))}, e.copied({"axis", "largest", "sorted"}), 2)); }
ONNX_RULE("TopK", top_k);

void range(Emit& e) {
  const std::vector<tenon_dtype> takes = {dt::f32, dt::f64, dt::i16, dt::i32, dt::i64};
  const tenon_dtype t = e.type(e.in(0));
  Values in;
  for (uint64_t k = 0; k < 3; ++k) in.push_back(e.widened(e.scalar(e.in(k)), takes));
  const Value y = e.op("Range", in);
  e.done({e.type(in[0]) == t ? y : e.op("Cast", {y}, AttrList{}.set("to", data_type(t)))});
}
ONNX_RULE("Range", range);

// Steps of -1 from the last element to before the first.
void reverse(Emit& e) {
  const auto axes = e.need_ints(e.in(1), "the set of axes");
  if (axes.empty()) return e.to("Identity", {e.in(0)});
  const std::vector<int64_t> last(axes.size(), -1), before_first(axes.size(), INT64_MIN + 1);
  e.to("Slice", {e.in(0), e.ints(last), e.ints(before_first), e.ints(axes), e.ints(last)});
}
ONNX_RULE("Reverse", reverse);

// ONNX has time and batch as the first two axes; others are moved there and back.
void reverse_sequence(Emit& e) {
  const Value lengths = e.cast(e.in(1), dt::i64);
  const int64_t batch = e.axis(e.in(0), e.i("batch_axis", 1)), time = e.axis(e.in(0), e.i("time_axis", 0));
  auto call = [&](Value x, int64_t b, int64_t t) { return e.op("ReverseSequence", {x, lengths}, AttrList{}.set("batch_axis", b).set("time_axis", t)); };
  if (batch < 2 && time < 2) return e.done({call(e.in(0), batch, time)});
  std::vector<int64_t> perm = {batch, time}, back(static_cast<size_t>(e.known_rank(e.in(0), "the input")));
  for (int64_t k = 0; k < static_cast<int64_t>(back.size()); ++k)
    if (k != batch && k != time) perm.push_back(k);
  for (size_t k = 0; k < perm.size(); ++k) back[static_cast<size_t>(perm[k])] = static_cast<int64_t>(k);
  e.done({e.transpose(call(e.transpose(e.in(0), perm), 0, 1), back)});
}
ONNX_RULE("ReverseSequence", reverse_sequence);

AttrList scatter_attributes(Emit& e) {
  const std::string how = e.s("reduction", "none");
  if (how == "add" || how == "mul") e.need_opset(16);
  if (how == "max" || how == "min") e.need_opset(18);
  AttrList a;
  if (how != "none") a.add("reduction", how);
  return a;
}
void scatter_elements(Emit& e) {
  AttrList a = scatter_attributes(e);
  a.add("axis", e.i("axis"));
  e.to("ScatterElements", {e.in(0), e.in(1), e.in(2)}, a);
}
ONNX_RULE("ScatterElements", scatter_elements);
void scatter_nd(Emit& e) { e.to("ScatterND", {e.in(0), e.cast(e.in(1), dt::i64), e.in(2)}, scatter_attributes(e)); }
ONNX_RULE("ScatterND", scatter_nd);

// The position in the block as the inner part of the channel is a reshape and a transpose.
void space_to_depth(Emit& e) {
  const int64_t b = e.i("blocksize");
  if (e.s("mode", "DCR") == "DCR") return e.to("SpaceToDepth", {e.in(0)}, AttrList{}.set("blocksize", b));
  const ValueInfo x = e.info(e.in(0));
  if (!x.is_static()) throw unsupported("blocks inside of channels need a known shape").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  const int64_t n = x.dim(0), c = x.dim(1), h = x.dim(2) / b, w = x.dim(3) / b;
  const Value parts = e.transpose(e.reshape(e.in(0), {n, c, h, b, w, b}), {0, 1, 3, 5, 2, 4});
  e.done({e.reshape(parts, {n, c * b * b, h, w})});
}
ONNX_RULE("SpaceToDepth", space_to_depth);

void col2im(Emit& e) {
  e.need_opset(18);
  e.same("Col2Im", {"strides", "pads", "dilations"});
}
ONNX_RULE("Col2Im", col2im);

// A convolution of each channel with kernels that pick one element each.
void im2col(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  const auto kernel = e.attr_ints("kernel_shape");
  const int64_t channels = e.info(e.in(0)).dim(1), taps = std::accumulate(kernel.begin(), kernel.end(), int64_t{1}, std::multiplies<>());
  if (channels < 0 || !is_float(t)) throw unsupported("windows of this type, or of an unknown number of channels");
  std::vector<double> w(static_cast<size_t>(channels * taps * taps), 0);
  for (int64_t k = 0; k < channels * taps; ++k) w[static_cast<size_t>(k * taps + k % taps)] = 1;
  Dims dims = {channels * taps, 1};
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  AttrList a = e.copied({"strides", "pads", "dilations"});
  a.add("kernel_shape", kernel).add("group", channels);
  e.to("Conv", {e.in(0), e.numbers(t, dims, w)}, a);
}
ONNX_RULE("Im2Col", im2col);

// The number of boundaries that are not above the element, as sums of comparisons in f64; NaN is above all.
void bucketize(Emit& e) {
  const std::vector<double> b = e.floats("boundaries");
  const Value x = e.unsqueeze(e.cast(e.in(0), dt::f64), {-1});
  const Value above = e.op("Less", {x, e.numbers(dt::f64, {static_cast<int64_t>(b.size())}, b)});
  const Value counted = e.op("Cast", {e.op("Not", {above})}, AttrList{}.set("to", data_type(dt::i32)));
  e.done({e.reduce("ReduceSum", counted, {-1}, false)});
}
ONNX_RULE("Bucketize", bucketize);

}  // namespace
}  // namespace tenon::to_onnx
