// SPDX-License-Identifier: Apache-2.0
// norm.cpp - normalizations and softmax.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void softmax(Emit& e) { e.same("Softmax", {"axis"}); }
ONNX_RULE("Softmax", softmax);
void log_softmax(Emit& e) { e.same("LogSoftmax", {"axis"}); }
ONNX_RULE("LogSoftmax", log_softmax);
void lrn(Emit& e) { e.same("LRN", {"alpha", "beta", "bias", "size"}); }
ONNX_RULE("LRN", lrn);
void instance_normalization(Emit& e) { e.same("InstanceNormalization", {"epsilon"}); }
ONNX_RULE("InstanceNormalization", instance_normalization);

// Parameters of other types than the input's came with opset 15.
void batch_normalization(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  Values in = e.inputs();
  for (size_t k = 1; k < in.size() && e.opset() < 15; ++k) in[k] = e.cast(in[k], t);
  e.to("BatchNormalization", in, e.copied({"epsilon"}));
}
ONNX_RULE("BatchNormalization", batch_normalization);

std::vector<int64_t> axes_from(int64_t axis, int64_t rank) {
  std::vector<int64_t> r;
  for (int64_t k = axis; k < rank; ++k) r.push_back(k);
  return r;
}

/// Channel parameters [C] as they broadcast to an input of this rank.
Value by_channel(Emit& e, Value v, int32_t rank) {
  std::vector<int64_t> axes;
  for (int64_t k = 1; k < rank - 1; ++k) axes.push_back(k);
  return axes.empty() ? v : e.unsqueeze(v, axes);
}

// Before opset 21 scale and bias were those of groups: normalize groups as images of few channels, then scale channels.
void group_normalization(Emit& e) {
  if (e.opset() >= 21) return e.same("GroupNormalization", {"epsilon", "num_groups"});
  const tenon_dtype t = e.type(e.in(0));
  const int64_t groups = e.i("num_groups");
  const int32_t rank = e.known_rank(e.in(0), "the input");
  const auto n = static_cast<size_t>(groups);
  const Value ones = e.numbers(t, {groups}, std::vector<double>(n, 1)), zeros = e.numbers(t, {groups}, std::vector<double>(n, 0));
  const Value image = e.op("InstanceNormalization", {e.reshape(e.in(0), {0, groups, -1}), ones, zeros}, e.copied({"epsilon"}));
  const Value y = e.op("Reshape", {image, e.shape(e.in(0))});
  e.to("Add", {e.op("Mul", {y, by_channel(e, e.in(1), rank)}), by_channel(e, e.in(2), rank)});
}
ONNX_RULE("GroupNormalization", group_normalization);

class LayerNorm {
  Emit& e_;
  Value x_, scale_, bias_;
  tenon_dtype type_, statistics_;
  int64_t rank_, axis_;

  /// Does v have exactly the shape of the normalized axes?
  bool covers(Value v) const {
    if (!v) return true;
    const ValueInfo p = e_.info(v), x = e_.info(x_);
    if (p.rank() != rank_ - axis_) return false;
    for (int32_t k = 0; k < p.rank(); ++k)
      if (p.dim(k) != x.dim(static_cast<int32_t>(axis_) + k) || p.dim(k) == TENON_DIM_UNKNOWN) return false;
    return true;
  }
  Value ones() const {
    const ValueInfo x = e_.info(x_);
    Dims d(x.dims().begin() + axis_, x.dims().end());
    for (int64_t n : d)
      if (n < 0) throw unsupported("a normalization without scale over axes of unknown length").with("hint", "give the shapes of the model's inputs with \"shapes\"");
    return e_.numbers(type_, d, std::vector<double>(static_cast<size_t>(count_of(d.data(), static_cast<int32_t>(d.size()))), 1));
  }
  void direct() const {
    const bool whole = covers(scale_) && covers(bias_);
    const Value scale = whole && scale_ ? scale_ : ones();
    std::vector<bool> wanted;
    for (uint64_t k = 0; k < e_.n_out(); ++k) wanted.push_back(e_.out(k) != 0);
    Values y = e_.op_n("LayerNormalization", {x_, scale, whole ? bias_ : 0}, e_.copied({"axis", "epsilon"}), wanted.size(), wanted);
    if (!whole && scale_) y[0] = e_.op("Mul", {y[0], scale_});
    if (!whole && bias_) y[0] = e_.op("Add", {y[0], bias_});
    e_.done(y);
  }
  void expanded() const {
    const Value x = e_.cast(x_, statistics_);
    const auto axes = axes_from(axis_, rank_);
    const Value mean = e_.reduce("ReduceMean", x, axes, true), centred = e_.op("Sub", {x, mean});
    const Value variance = e_.reduce("ReduceMean", e_.op("Mul", {centred, centred}), axes, true);
    const Value deviation = e_.op("Sqrt", {e_.op("Add", {variance, e_.number(statistics_, e_.f("epsilon", 1e-5))})});
    Value y = e_.op("Div", {centred, deviation});
    if (statistics_ != type_) y = e_.op("Cast", {y}, AttrList{}.set("to", data_type(type_)));
    if (scale_) y = e_.op("Mul", {y, scale_});
    if (bias_) y = e_.op("Add", {y, bias_});
    Values all = {y, e_.n_out() > 1 && e_.out(1) ? mean : 0, e_.n_out() > 2 && e_.out(2) ? e_.op("Reciprocal", {deviation}) : 0};
    all.resize(e_.n_out());
    e_.done(all);
  }

 public:
  explicit LayerNorm(Emit& e) : e_(e), x_(e.in(0)), scale_(e.in(1)), bias_(e.in(2)), type_(e.type(x_)), statistics_(type_ == dt::f64 ? dt::f64 : dt::f32) {
    rank_ = e.known_rank(x_, "the input");
    axis_ = e.axis(x_, e.i("axis", -1));
  }
  void run() const { e_.opset() >= 17 ? direct() : expanded(); }
};
void layer_normalization(Emit& e) { LayerNorm(e).run(); }
ONNX_RULE("LayerNormalization", layer_normalization);

// Computed in f32 at least, as the IR says; the result has the scale's type.
void rms_normalization(Emit& e) {
  const tenon_dtype t = e.type(e.in(0)), to = e.type(e.in(1));
  const int64_t rank = e.known_rank(e.in(0), "the input"), axis = e.axis(e.in(0), e.i("axis", -1));
  if (e.opset() >= 23) return e.to("RMSNormalization", {e.in(0), e.in(1)}, e.copied({"axis", "epsilon"}));
  const tenon_dtype work = t == dt::f64 ? dt::f64 : dt::f32;
  const Value x = e.cast(e.in(0), work);
  const Value squares = e.reduce("ReduceMean", e.op("Mul", {x, x}), axes_from(axis, rank), true);
  const Value root = e.op("Sqrt", {e.op("Add", {squares, e.number(work, e.f("epsilon", 1e-5))})});
  Value y = e.op("Div", {x, root});
  if (work != to) y = e.op("Cast", {y}, AttrList{}.set("to", data_type(to)));
  e.to("Mul", {y, e.in(1)});
}
ONNX_RULE("RMSNormalization", rms_normalization);

/// com.microsoft normalizes the last axis of tensors of rank 3, whose sum with one of the same shape it gives too.
bool fits_skip(Emit& e) {
  const ValueInfo x = e.info(e.in(0)), skip = e.info(e.in(1));
  if (!e.microsoft() || x.type() != dt::f32 || x.rank() != 3 || skip.rank() != 3 || !e.in(2)) return false;
  for (int32_t k = 0; k < 3; ++k)
    if (x.dim(k) == TENON_DIM_UNKNOWN || x.dim(k) != skip.dim(k)) return false;
  const int64_t axis = e.i("axis", -1);
  return axis == -1 || axis == 2;
}
void skip_normalization(Emit& e, const char* name, const Values& in) {
  AttrList a;
  a.add("epsilon", e.f("epsilon", 1e-5));
  const bool sum = e.n_out() > 1 && e.out(1);
  const Values y = e.make("com.microsoft", name, in, a, sum ? 4 : 1, sum ? std::vector<bool>{true, false, false, true} : std::vector<bool>{});
  Values all = {y[0], sum ? y[3] : 0};
  all.resize(e.n_out());
  e.done(all);
}
void skip_layer_normalization(Emit& e) { skip_normalization(e, "SkipLayerNormalization", {e.in(0), e.in(1), e.in(2), e.in(3)}); }
ONNX_RULE_IF("SkipLayerNormalization", fits_skip, skip_layer_normalization);
void skip_rms_normalization(Emit& e) { skip_normalization(e, "SkipSimplifiedLayerNormalization", {e.in(0), e.in(1), e.in(2)}); }
ONNX_RULE_IF("SkipRMSNormalization", fits_skip, skip_rms_normalization);

}  // namespace
}  // namespace tenon::to_onnx
