// SPDX-License-Identifier: Apache-2.0
// rnn.cpp - RNN and its sequences: h = a(W x + R h + b).
#include "gate.hpp"

namespace tenon::tflite::recurrent {
namespace {

struct RnnInputs {
  uint64_t weights, recurrent, bias, state, aux;
};
constexpr RnnInputs kOne{1, 2, 3, 4, 0}, kForward{1, 2, 3, 4, 10}, kBackward{5, 6, 7, 8, 11};

/// A sequence along `axis`, or one step where it is -1.
tenon_value run(Lower& l, Build& b, const RnnInputs& at, tenon_value x, tenon_value aux, int64_t axis, bool reverse) {
  const bool asymmetric = l.i("asymmetric_quantize_inputs") != 0;
  const std::string activation = l.s("fused_activation_function", "NONE");
  const Stacked w = stack(l, b, {at.weights}, asymmetric), r = stack(l, b, {at.recurrent}, asymmetric);
  tenon_value sums = b.emit("Add", {product(b, x, w), need(l, at.bias)});
  if (aux) sums = b.emit("Add", {sums, product(b, aux, stack(l, b, {at.aux}, asymmetric))});
  const StepFn step = [&](Build& in, const Values& s, tenon_value sum) {
    const tenon_value h = quantized::activated(in, in.emit("Add", {sum, product(in, s[0], r)}), activation);
    return Step{{h}, h};
  };
  const Step last = axis < 0 ? step(b, {need(l, at.state)}, sums) : over_sequence(b, {need(l, at.state)}, sums, axis, reverse, step);
  assign_state(l, at.state, last.states[0]);
  return last.output;
}

void refuse_integers(Lower& l) {
  if (quantized::is_quantized(quantized::input_affine(l, 0))) throw unsupported("recurrent operators of this kind have no integer form");
}

void lower_rnn(Lower& l) {
  known(l, {"fused_activation_function", "asymmetric_quantize_inputs"});
  arity(l, 5, 5);
  refuse_integers(l);
  Build b(l);
  finish(l, {run(l, b, kOne, need(l, 0), 0, -1, false)});
}
TENON_LOWERING("tflite", "RNN", 1, lower_rnn);

void lower_sequence(Lower& l) {
  known(l, {"fused_activation_function", "asymmetric_quantize_inputs", "time_major"});
  arity(l, 5, 5);
  refuse_integers(l);
  Build b(l);
  finish(l, {run(l, b, kOne, need(l, 0), 0, l.i("time_major") ? 0 : 1, false)});
}
TENON_LOWERING("tflite", "UNIDIRECTIONAL_SEQUENCE_RNN", 1, lower_sequence);

/// An auxiliary input without weights of its own is the backward direction's input.
void lower_bidirectional(Lower& l) {
  known(l, {"fused_activation_function", "asymmetric_quantize_inputs", "time_major", "merge_outputs"});
  arity(l, 12, 12, 2);
  refuse_integers(l);
  Build b(l);
  const int64_t axis = l.i("time_major") ? 0 : 1;
  const bool stacked = l.has_in(9) && l.has_in(kForward.aux);
  const tenon_value aux = stacked ? l.in(9) : 0, other = l.has_in(9) && !stacked ? l.in(9) : need(l, 0);
  const tenon_value forward = run(l, b, kForward, need(l, 0), aux, axis, false), backward = run(l, b, kBackward, other, aux, axis, true);
  if (l.i("merge_outputs")) return finish(l, {b.emit("Concat", {forward, backward}, AttrList{}.set("axis", -1))});
  finish(l, {forward, backward});
}
TENON_LOWERING("tflite", "BIDIRECTIONAL_SEQUENCE_RNN", 1, lower_bidirectional);

}  // namespace
}  // namespace tenon::tflite::recurrent
