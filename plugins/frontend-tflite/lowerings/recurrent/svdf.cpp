// SPDX-License-Identifier: Apache-2.0
// svdf.cpp - SVDF: each filter's last `memory` results, which outlive the run, are weighted and summed; `rank` filters make a unit.
#include "gate.hpp"
#include "lowerings/quantized/float_form.hpp"
#include "lowerings/quantized/image.hpp"

namespace tenon::tflite::recurrent {
namespace {

enum In : uint64_t { kData, kFeature, kTime, kBias, kState };

tenon_value summed(Build& b, tenon_value x) { return b.emit("ReduceSum", {x, b.ints({-1})}, AttrList{}.set("keepdims", 0)); }

struct Memory {
  int64_t filters, length, units, rank;
  explicit Memory(Lower& l) : filters(quantized::known_dim(l, need(l, kFeature), 0)), length(quantized::known_dim(l, need(l, kTime), 1)), units(0), rank(l.i("rank")) {
    if (rank < 1 || filters % rank) throw invalid("the filters of SVDF are no multiple of its rank").with("expected", "a multiple of " + std::to_string(rank)).with("found", std::to_string(filters));
    units = filters / rank;
  }
  /// The state [batch, filters, length] without its oldest results and with the newest behind.
  tenon_value shifted(Lower& l, Build& b, tenon_value newest) const {
    const tenon_value old = b.emit("Slice", {b.reshape(need(l, kState), {-1, filters, length}), b.ints({1}), b.ints({length}), b.ints({2})});
    const tenon_value next = b.emit("Concat", {old, b.reshape(newest, {-1, filters, 1})}, AttrList{}.set("axis", 2));
    assign_state(l, kState, b.reshape(next, {-1, filters * length}));
    return next;
  }
  /// Weighted over time, and summed over the filters of each unit.
  tenon_value units_of(Build& b, tenon_value state, tenon_value weights) const { return summed(b, b.reshape(summed(b, b.emit("Mul", {state, weights})), {-1, units, rank})); }
};

void lower_float(Lower& l, const Memory& m) {
  Build b(l);
  const Stacked feature = stack(l, b, {kFeature}, l.i("asymmetric_quantize_inputs") != 0);
  const tenon_value state = m.shifted(l, b, product(b, need(l, kData), feature));
  tenon_value y = m.units_of(b, state, real_vector(l, b, kTime));
  if (l.has_in(kBias)) y = b.emit("Add", {y, l.in(kBias)});
  finish(l, {quantized::activated(b, y, l.s("fused_activation_function", "NONE"))});
}

/// 8-bit data, 16-bit state. RELU is the lower end of the output's range.
void lower_integer(Lower& l, const Memory& m) {
  const Affine x = quantized::input_affine(l, kData), feature = quantized::input_affine(l, kFeature), time = quantized::input_affine(l, kTime);
  const Affine state = quantized::input_affine(l, kState), out = quantized::output_affine(l);
  if (time.type != dt::i16 || state.type != dt::i16) throw unsupported("SVDF of 8-bit data needs 16-bit time weights and state").with("found", dtype_name(time.type) + " and " + dtype_name(state.type));
  if (feature.one_zero() || time.one_zero() || state.one_zero()) throw unsupported("the weights and the state of an integer SVDF must have no zero point");
  const std::string activation = l.s("fused_activation_function", "NONE");
  if (activation != "RELU") throw unsupported("this fused activation has no integer form").with("found", activation).with("expected", "RELU");
  auto real = [](const Affine& a) { return static_cast<double>(a.one_scale()); };
  Build b(l);
  const tenon_value product = b.emit("MatMulInteger", {need(l, kData), b.transpose(need(l, kFeature), {1, 0}), b.integer(x.type, x.one_zero())});
  const tenon_value newest = quantized::requantize(b, product, {real(x) * real(feature) / real(state)}, {dt::i16, 0, {}});
  tenon_value y = m.units_of(b, b.wide(m.shifted(l, b, newest)), b.wide(need(l, kTime)));
  if (l.has_in(kBias)) y = b.emit("Add", {y, l.in(kBias)});
  finish(l, {quantized::requantize(b, y, {real(state) * real(time) / real(out)}, {out.type, out.one_zero(), {}})});
}

void lower_svdf(Lower& l) {
  known(l, {"rank", "fused_activation_function", "asymmetric_quantize_inputs"});
  arity(l, 5, 5);
  const Memory m(l);
  if (quantized::is_quantized(quantized::input_affine(l, kData))) lower_integer(l, m);
  else lower_float(l, m);
}
TENON_LOWERING("tflite", "SVDF", 1, lower_svdf);

}  // namespace
}  // namespace tenon::tflite::recurrent
