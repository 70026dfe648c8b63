// SPDX-License-Identifier: Apache-2.0
// lstm.cpp - LSTM, UNIDIRECTIONAL_SEQUENCE_LSTM and BIDIRECTIONAL_SEQUENCE_LSTM.
#include "integer_lstm.hpp"
#include "lstm_cell.hpp"

namespace tenon::tflite::recurrent {
namespace {

LstmOptions options(const Lower& l) {
  if (l.i("diagonal_recurrent_tensors")) throw unsupported("diagonal recurrent weights are not supported");
  return {l.s("fused_activation_function", "TANH"), static_cast<float>(l.f("cell_clip")), static_cast<float>(l.f("proj_clip")), l.i("asymmetric_quantize_inputs") != 0};
}

constexpr LstmInputs kInputs{1, 5, 9, 12, 16, 17, 18, 19, 0, 20};
constexpr LstmInputs kForward{1, 5, 9, 12, 16, 17, 35, 36, 40, 0}, kBackward{18, 22, 26, 29, 33, 34, 37, 38, 44, 0};

bool is_integer(Lower& l) { return quantized::is_quantized(quantized::input_affine(l, 0)); }

IntegerLstmCell integer_cell(Lower& l, Build& b, const LstmOptions& o) {
  const auto scales = l.floats("intermediate_scales");
  const auto zeros = attr_ints(l, "intermediate_zero_points");
  if (scales.size() != 5 || zeros.size() != 5) throw unsupported("an integer LSTM needs five intermediate tensors").with("expected", "5").with("found", std::to_string(scales.size()));
  if (o.activation != "TANH") throw unsupported("an integer LSTM's activation must be TANH").with("found", o.activation);
  return IntegerLstmCell(l, b, kInputs, o, scales, zeros);
}

/// A sequence along `axis`, or one step where it is -1.
template <class Cell>
Step run_cell(Build& b, const Cell& cell, const Values& states, tenon_value sums, int64_t axis, bool reverse) {
  if (axis < 0) return cell(b, states, sums);
  return over_sequence(b, states, sums, axis, reverse, [&](Build& inner, const Values& s, tenon_value slice) { return cell(inner, s, slice); });
}

void lower_one_direction(Lower& l, int64_t axis) {
  arity(l, 20, 24);
  Build b(l);
  const LstmOptions o = options(l);
  const Values states{need(l, kInputs.output_state), need(l, kInputs.cell_state)};
  LstmInputs at = kInputs;
  if (l.n_in() < 24) at.layer_norm = 0;
  Step r;
  if (is_integer(l)) {
    const IntegerLstmCell cell = integer_cell(l, b, o);
    r = run_cell(b, cell, states, cell.sums(b, need(l, 0)), axis, false);
  } else {
    const LstmCell cell(l, b, at, o);
    r = run_cell(b, cell, states, cell.sums(b, need(l, 0), 0), axis, false);
  }
  assign_state(l, kInputs.output_state, r.states[0]);
  assign_state(l, kInputs.cell_state, r.states[1]);
  finish(l, {r.output});
}

void lower_sequence(Lower& l) {
  known(l, {"fused_activation_function", "cell_clip", "proj_clip", "time_major", "asymmetric_quantize_inputs", "diagonal_recurrent_tensors", "intermediate_scales", "intermediate_zero_points"});
  lower_one_direction(l, l.i("time_major") ? 0 : 1);
}
TENON_LOWERING("tflite", "UNIDIRECTIONAL_SEQUENCE_LSTM", 1, lower_sequence);

/// Inputs: data, former activation, weights [4 * units, depth + units] of the gates input, new, forget and output, bias, former state. Outputs:
/// activation, state, and two intermediate results.
void lower_basic(Lower& l) {
  arity(l, 5, 5, 4);
  if (is_integer(l)) throw unsupported("the BASIC LSTM of 8-bit tensors is not supported").with("hint", "the FULL kernel, or UNIDIRECTIONAL_SEQUENCE_LSTM, has an integer form");
  if (options(l).activation != "TANH") throw unsupported("a BASIC LSTM's activation must be TANH").with("found", options(l).activation);
  if (l.f("cell_clip") != 0 || l.f("proj_clip") != 0) throw unsupported("a BASIC LSTM cannot clip");
  Build b(l);
  const tenon_value joined = b.emit("Concat", {need(l, 0), need(l, 1)}, AttrList{}.set("axis", -1));
  const tenon_value all = b.emit("Add", {b.emit("MatMul", {joined, b.transpose(need(l, 2), {1, 0})}), need(l, 3)});
  const Values z = b.emit_n("Split", {all}, AttrList{}.set("axis", -1).set("num_outputs", 4), 4);
  const tenon_value added = b.emit("Mul", {b.emit("Sigmoid", {z[0]}), b.emit("Tanh", {z[1]})});
  const tenon_value state = b.emit("Add", {added, b.emit("Mul", {b.emit("Sigmoid", {z[2]}), need(l, 4)})});
  const tenon_value output = b.emit("Mul", {b.emit("Sigmoid", {z[3]}), b.emit("Tanh", {state})});
  assign_state(l, 1, output);
  assign_state(l, 4, state);
  Values out{output, state, joined, all};
  out.resize(l.n_out());
  finish(l, out);
}

void lower_lstm(Lower& l) {
  known(l, {"fused_activation_function", "cell_clip", "proj_clip", "kernel_type", "asymmetric_quantize_inputs", "intermediate_scales", "intermediate_zero_points"});
  if (l.s("kernel_type", "FULL") == "BASIC") return lower_basic(l);
  if (l.n_out() > 1) throw unsupported("an LSTM with scratch outputs is of a format that LiteRT no longer runs").with("expected", "1 output").with("found", std::to_string(l.n_out()));
  lower_one_direction(l, -1);
}
TENON_LOWERING("tflite", "LSTM", 1, lower_lstm);

/// An auxiliary input without weights of its own is the backward direction's input.
void lower_bidirectional(Lower& l) {
  known(l, {"fused_activation_function", "cell_clip", "proj_clip", "merge_outputs", "time_major", "asymmetric_quantize_inputs"});
  arity(l, 39, 48, 2);
  if (is_integer(l)) throw unsupported("BIDIRECTIONAL_SEQUENCE_LSTM of 8-bit tensors is not supported");
  Build b(l);
  const LstmOptions o = options(l);
  const int64_t axis = l.i("time_major", 1) ? 0 : 1;
  const bool has_aux = l.has_in(39), stacked = has_aux && l.has_in(kForward.aux + 1);
  const tenon_value aux = stacked ? l.in(39) : 0;
  auto direction = [&](const LstmInputs& at, tenon_value x, bool reverse) {
    const LstmCell cell(l, b, at, o);
    const Step r = run_cell(b, cell, {need(l, at.output_state), need(l, at.cell_state)}, cell.sums(b, x, aux), axis, reverse);
    assign_state(l, at.output_state, r.states[0]);
    assign_state(l, at.cell_state, r.states[1]);
    return r.output;
  };
  const tenon_value forward = direction(kForward, need(l, 0), false), backward = direction(kBackward, has_aux && !stacked ? l.in(39) : l.in(0), true);
  if (l.i("merge_outputs")) return finish(l, {b.emit("Concat", {forward, backward}, AttrList{}.set("axis", -1))});
  finish(l, {forward, backward});
}
TENON_LOWERING("tflite", "BIDIRECTIONAL_SEQUENCE_LSTM", 1, lower_bidirectional);

}  // namespace
}  // namespace tenon::tflite::recurrent
