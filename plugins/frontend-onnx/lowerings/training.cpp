// SPDX-License-Identifier: Apache-2.0
// training.cpp - one step of an optimizer: Adagrad, Adam and Momentum of ai.onnx.preview.training. Inputs are R, T (the number of
// updates so far), then all parameters, all gradients and the states of each kind; outputs are the new parameters and states.
#include <algorithm>

#include "common.hpp"

namespace tenon::onnx {
namespace {

/// The node's inputs and outputs by parameter.
class Step {
  Lower& l_;
  uint64_t count_;
  Values out_;

 public:
  /// `kinds`: lists of `count` inputs behind R and T, of which all but the gradients come out again.
  Step(Lower& l, uint64_t kinds) : l_(l), count_(l.n_in() < 2 ? 0 : (l.n_in() - 2) / kinds), out_(count_ * (kinds - 1)) {
    if (count_ == 0 || (l.n_in() - 2) % kinds) throw invalid("the inputs are no whole number of parameters").with("found", std::to_string(l.n_in()));
    arity(l, 2 + kinds * count_, 2 + kinds * count_, (kinds - 1) * count_);
    for (uint64_t k = 0; k < l.n_in(); ++k) need(l, k);
  }
  uint64_t count() const { return count_; }
  tenon_value in(uint64_t kind, uint64_t k) const { return l_.in(2 + kind * count_ + k); }
  void out(uint64_t kind, uint64_t k, tenon_value v) { out_[kind * count_ + k] = v; }
  void done() {
    out_.resize(std::min<size_t>(out_.size(), l_.n_out()));
    l_.done(out_);
  }

  tenon_value op(std::string_view name, tenon_value a, tenon_value b) { return l_.emit(name, {a, b}); }
  tenon_value times(uint64_t k, const char* attr, double otherwise, tenon_value v) { return op("Mul", number(k, l_.f(attr, otherwise)), v); }
  tenon_value number(uint64_t k, double v) { return scalar_like(l_, in(0, k), v); }
  /// Input 0 or 1 in the type of parameter k, as a scalar.
  tenon_value scalar(uint64_t k, uint64_t input) {
    return cast(l_, l_.emit("Reshape", {l_.in(input), l_.ints({})}), type_of(l_, in(0, k), "the type of the step"));
  }
  /// The gradient of norm_coefficient / 2 * |X|^2 included.
  tenon_value gradient(uint64_t k) { return op("Add", in(1, k), times(k, "norm_coefficient", 0, in(0, k))); }
  /// Has there been an update before?
  tenon_value later() { return l_.emit("Greater", {l_.emit("Reshape", {l_.in(1), l_.ints({})}), scalar_like(l_, l_.in(1), 0)}); }
};

void lower_adagrad(Lower& l) {
  known(l, {"decay_factor", "epsilon", "norm_coefficient"});
  Step s(l, 3);
  for (uint64_t k = 0; k < s.count(); ++k) {
    tenon_value rate = s.op("Div", s.scalar(k, 0), s.op("Add", s.number(k, 1), s.times(k, "decay_factor", 0, s.scalar(k, 1))));
    tenon_value g = s.gradient(k), h = s.op("Add", s.in(2, k), s.op("Mul", g, g));
    tenon_value size = s.op("Add", l.emit("Sqrt", {h}), s.number(k, l.f("epsilon", 1e-6f)));
    s.out(0, k, s.op("Sub", s.in(0, k), s.op("Div", s.op("Mul", rate, g), size)));
    s.out(1, k, h);
  }
  s.done();
}
TENON_LOWERING("ai.onnx.preview.training", "Adagrad", 1, lower_adagrad);

void lower_adam(Lower& l) {
  known(l, {"alpha", "beta", "epsilon", "norm_coefficient", "norm_coefficient_post"});
  Step s(l, 4);
  double alpha = l.f("alpha", 0.9f), beta = l.f("beta", 0.999f);
  for (uint64_t k = 0; k < s.count(); ++k) {
    tenon_value g = s.gradient(k), one = s.number(k, 1), t = s.scalar(k, 1);
    tenon_value v = s.op("Add", s.times(k, "alpha", 0.9f, s.in(2, k)), s.op("Mul", s.number(k, 1 - alpha), g));
    tenon_value h = s.op("Add", s.times(k, "beta", 0.999f, s.in(3, k)), s.op("Mul", s.number(k, 1 - beta), s.op("Mul", g, g)));
    auto rest = [&](double decay) { return s.op("Sub", one, s.op("Pow", s.number(k, decay), t)); };
    tenon_value corrected = s.op("Div", s.op("Mul", s.scalar(k, 0), l.emit("Sqrt", {rest(beta)})), rest(alpha));
    tenon_value rate = l.emit("Where", {s.later(), corrected, s.scalar(k, 0)});
    tenon_value size = s.op("Add", l.emit("Sqrt", {h}), s.number(k, l.f("epsilon", 1e-6f)));
    tenon_value x = s.op("Sub", s.in(0, k), s.op("Div", s.op("Mul", rate, v), size));
    s.out(0, k, s.op("Mul", s.number(k, 1 - l.f("norm_coefficient_post", 0)), x));
    s.out(1, k, v);
    s.out(2, k, h);
  }
  s.done();
}
TENON_LOWERING("ai.onnx.preview.training", "Adam", 1, lower_adam);

void lower_momentum(Lower& l) {
  known(l, {"alpha", "beta", "mode", "norm_coefficient"});
  Step s(l, 3);
  std::string mode = l.s("mode");
  for (const char* name : {"alpha", "beta", "mode", "norm_coefficient"})
    if (!l.has(name)) throw invalid(std::string("attribute '") + name + "' is missing");
  if (mode != "standard" && mode != "nesterov") throw invalid("attribute 'mode' has the value '" + mode + "'").with("expected", "standard or nesterov");
  for (uint64_t k = 0; k < s.count(); ++k) {
    tenon_value g = s.gradient(k);
    tenon_value share = l.emit("Where", {s.later(), s.number(k, l.f("beta")), s.number(k, 1)});
    tenon_value v = s.op("Add", s.times(k, "alpha", 0, s.in(2, k)), s.op("Mul", share, g));
    tenon_value way = mode == "standard" ? v : s.op("Add", g, s.times(k, "alpha", 0, v));
    s.out(0, k, s.op("Sub", s.in(0, k), s.op("Mul", s.scalar(k, 0), way)));
    s.out(1, k, v);
  }
  s.done();
}
TENON_LOWERING("ai.onnx.preview.training", "Momentum", 1, lower_momentum);

}  // namespace
}  // namespace tenon::onnx
