// SPDX-License-Identifier: Apache-2.0
// activation.cpp - one blob in, one of the same shape out.
#include <cmath>

#include "common.hpp"

namespace tenon::caffe {
namespace {

void plain(Lower& lower, std::string_view message, std::string_view op) {
  Layer l(lower, message);
  l.arity(1, 1);
  l.to(op, {l.in()});
}

void lower_abs(Lower& l) { plain(l, "absval_param", "Abs"); }
TENON_LOWERING("caffe", "AbsVal", 1, lower_abs);
void lower_bnll(Lower& l) { plain(l, "bnll_param", "Softplus"); }
TENON_LOWERING("caffe", "BNLL", 1, lower_bnll);
void lower_sigmoid(Lower& l) { plain(l, "sigmoid_param", "Sigmoid"); }
TENON_LOWERING("caffe", "Sigmoid", 1, lower_sigmoid);
void lower_tanh(Lower& l) { plain(l, "tanh_param", "Tanh"); }
TENON_LOWERING("caffe", "TanH", 1, lower_tanh);
void lower_sigmoid_loss(Lower& l) { plain(l, "loss_param", "Sigmoid"); }
TENON_LOWERING("caffe", "SigmoidCrossEntropyLoss", 1, lower_sigmoid_loss);

void lower_relu(Lower& lower) {
  Layer l(lower, "relu_param");
  l.arity(1, 1);
  double slope = l.f("negative_slope", 0);
  if (slope == 0) l.to("Relu", {l.in()});
  else l.to("LeakyRelu", {l.in()}, AttrList{}.set("alpha", slope));
}
TENON_LOWERING("caffe", "ReLU", 1, lower_relu);

void lower_relu6(Lower& lower) {
  Layer l(lower, "relu6_param");
  l.arity(1, 1);
  l.to("Clip", {l.in(), l.scalar(0), l.scalar(6)});
}
TENON_LOWERING("caffe", "ReLU6", 1, lower_relu6);

void lower_clip(Lower& lower) {
  Layer l(lower, "clip_param");
  l.arity(1, 1);
  if (!l.has("min") || !l.has("max")) throw invalid("a Clip layer needs min and max");
  l.to("Clip", {l.in(), l.scalar(l.f("min")), l.scalar(l.f("max"))});
}
TENON_LOWERING("caffe", "Clip", 1, lower_clip);

void lower_elu(Lower& lower) {
  Layer l(lower, "elu_param");
  l.arity(1, 1);
  l.to("Elu", {l.in()}, AttrList{}.set("alpha", l.f("alpha", 1)));
}
TENON_LOWERING("caffe", "ELU", 1, lower_elu);

void lower_swish(Lower& lower) {
  Layer l(lower, "swish_param");
  l.arity(1, 1);
  l.to("Swish", {l.in()}, AttrList{}.set("alpha", l.f("beta", 1)));
}
TENON_LOWERING("caffe", "Swish", 1, lower_swish);

void lower_prelu(Lower& lower) {
  Layer l(lower, "prelu_param");
  l.arity(1, 1);
  tenon_value x = l.in();
  int64_t rank = l.rank(x);
  if (rank < 2) throw invalid("a PReLU layer needs at least two dimensions").with("found", std::to_string(rank));
  bool shared = l.flag("channel_shared", false);
  Dims dims{shared ? 1 : l.dim(x, 1)};
  tenon_value slope = l.blob(0, dims, "filler");
  Dims spread = l.info(slope).dims();
  spread.resize(static_cast<size_t>(rank - 1), 1);
  l.to("PRelu", {x, l.reshaped(slope, spread)});
}
TENON_LOWERING("caffe", "PReLU", 1, lower_prelu);

void lower_threshold(Lower& lower) {
  Layer l(lower, "threshold_param");
  l.arity(1, 1);
  l.done({l.cast(l.emit("Greater", {l.in(), l.scalar(l.f("threshold", 0))}), dt::f32)});
}
TENON_LOWERING("caffe", "Threshold", 1, lower_threshold);

// x * factor + term, without what does nothing
tenon_value affine(const Layer& l, tenon_value x, double factor, double term) {
  if (factor != 1) x = l.emit("Mul", {x, l.scalar(factor)});
  return term == 0 ? x : l.emit("Add", {x, l.scalar(term)});
}
tenon_value same(const Layer& l, tenon_value x) { return l.emit("Identity", {x}); }
/// A constant in the shape of x.
tenon_value spread(const Layer& l, tenon_value x, double v) { return l.emit("Expand", {l.scalar(v), l.emit("Shape", {x})}); }

// (shift + scale * x) ^ power; where x does not count, Caffe fills the top
void lower_power(Lower& lower) {
  Layer l(lower, "power_param");
  l.arity(1, 1);
  double power = l.f("power", 1), scale = l.f("scale", 1), shift = l.f("shift", 0);
  tenon_value x = l.in();
  if (power == 0 || scale == 0) return l.done({spread(l, x, power == 0 ? 1.0 : std::pow(shift, power))});
  tenon_value y = affine(l, x, scale, shift);
  if (power == 1) return l.done({y == x ? same(l, x) : y});
  if (power == 2) return l.to("Mul", {y, y});
  if (power == 0.5) return l.to("Sqrt", {y});
  l.to("Pow", {y, l.scalar(power)});
}
TENON_LOWERING("caffe", "Power", 1, lower_power);

double log_base(const Layer& l) {
  double base = l.f("base", -1);
  if (base != -1 && !(base > 0)) throw invalid("base must be above 0, or -1 for e").with("found", std::to_string(base));
  return base == -1 ? 1.0 : std::log(base);
}

// base ^ (shift + scale * x) as exp(ln(base) * scale * x) * base ^ shift
void lower_exp(Lower& lower) {
  Layer l(lower, "exp_param");
  l.arity(1, 1);
  double ln = log_base(l), scale = l.f("scale", 1), shift = l.f("shift", 0);
  tenon_value y = l.emit("Exp", {affine(l, l.in(), ln * scale, 0)});
  l.done({affine(l, y, shift == 0 ? 1 : std::exp(ln * shift), 0)});
}
TENON_LOWERING("caffe", "Exp", 1, lower_exp);

void lower_log(Lower& lower) {
  Layer l(lower, "log_param");
  l.arity(1, 1);
  double ln = log_base(l);
  if (ln == 0) throw invalid("a logarithm to base 1 is not defined");
  tenon_value y = l.emit("Log", {affine(l, l.in(), l.f("scale", 1), l.f("shift", 0))});
  l.done({affine(l, y, 1 / ln, 0)});
}
TENON_LOWERING("caffe", "Log", 1, lower_log);

// Identity at test time; with scale_train false the scaling was left to the test.
void lower_dropout(Lower& lower) {
  Layer l(lower, "dropout_param");
  l.arity(1, 1);
  double ratio = l.f("dropout_ratio", 0.5);
  if (l.flag("scale_train", true)) return l.done({same(l, l.in())});
  l.done({affine(l, same(l, l.in()), 1 - ratio, 0)});
}
TENON_LOWERING("caffe", "Dropout", 1, lower_dropout);

void lower_split(Lower& lower) {
  Layer l(lower);
  l.arity(1, 1, UINT64_MAX);
  Values r;
  for (uint64_t k = 0; k < l.tops(); ++k) r.push_back(same(l, l.in()));
  l.done(r);
}
TENON_LOWERING("caffe", "Split", 1, lower_split);

}  // namespace
}  // namespace tenon::caffe
