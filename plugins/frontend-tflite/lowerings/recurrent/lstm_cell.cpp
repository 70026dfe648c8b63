// SPDX-License-Identifier: Apache-2.0
#include "lstm_cell.hpp"

#include "lowerings/quantized/image.hpp"

namespace tenon::tflite::recurrent {
namespace {

enum Gate : size_t { kInput, kForget, kCell, kOutput };

tenon_value clipped(Build& b, tenon_value x, float limit) { return limit > 0 ? b.emit("Clip", {x, b.scalar(-limit), b.scalar(limit)}) : x; }

}  // namespace

std::vector<uint64_t> LstmCell::gates(uint64_t first) const {
  std::vector<uint64_t> r;
  for (uint64_t k = coupled_ ? 1 : 0; k < 4; ++k) r.push_back(first + k);
  return r;
}

LstmCell::LstmCell(Lower& l, Build& b, const LstmInputs& at, const LstmOptions& options)
    : l_(l), at_(at), options_(options), coupled_(!l.has_in(at.weights)), normalized_(at.layer_norm && l.has_in(at.layer_norm + kForget)), peephole_(4), norm_(4), gate_bias_(4),
      units_(quantized::known_dim(l, need(l, at.weights + kForget), 0)) {
  weights_ = stack(l, b, gates(at.weights), options.asymmetric);
  recurrent_ = stack(l, b, gates(at.recurrent), options.asymmetric);
  if (at.aux && l.has_in(at.aux + kForget)) aux_ = stack(l, b, gates(at.aux), options.asymmetric);
  // Peepholes of the input, forget and output gate.
  const size_t holes[] = {kInput, kForget, kOutput};
  for (size_t k = 0; k < 3; ++k)
    if (l.has_in(at.peephole + k)) peephole_[holes[k]] = real_vector(l, b, at.peephole + k);
  for (uint64_t k = coupled_ ? 1 : 0; k < 4 && normalized_; ++k) {
    norm_[k] = need(l, at.layer_norm + k);
    gate_bias_[k] = need(l, at.bias + k);
  }
  if (!normalized_) bias_ = joined(l, b, gates(at.bias));
  if (l.has_in(at.projection)) projection_ = stack(l, b, {at.projection}, options.asymmetric);
  if (projection_ && l.has_in(at.projection_bias)) projection_bias_ = l.in(at.projection_bias);
}

tenon_value LstmCell::sums(Build& b, tenon_value x, tenon_value aux) const {
  tenon_value s = product(b, x, weights_);
  if (bias_) s = b.emit("Add", {s, bias_});
  return aux && aux_ ? b.emit("Add", {s, product(b, aux, aux_)}) : s;
}

tenon_value LstmCell::gate(Build& b, size_t k, tenon_value sum, tenon_value cell, std::string_view activation) const {
  if (peephole_[k]) sum = b.emit("Add", {sum, b.emit("Mul", {peephole_[k], cell})});
  if (norm_[k]) sum = b.emit("LayerNormalization", {sum, norm_[k], gate_bias_[k]}, AttrList{}.set("axis", -1).set("epsilon", 1e-8));
  return quantized::activated(b, sum, activation);
}

tenon_value LstmCell::projected(Build& b, tenon_value h) const {
  if (!projection_) return h;
  tenon_value y = product(b, h, projection_);
  if (projection_bias_) y = b.emit("Add", {y, projection_bias_});
  return clipped(b, y, options_.projection_clip);
}

Step LstmCell::operator()(Build& b, const Values& states, tenon_value sums) const {
  const tenon_value h = states[0], c = states[1], all = b.emit("Add", {sums, product(b, h, recurrent_)});
  const size_t n = coupled_ ? 3 : 4;
  const Values z = b.emit_n("Split", {all, b.ints(std::vector<int64_t>(n, units_))}, AttrList{}.set("axis", -1), n);
  auto sum = [&](Gate g) { return z[static_cast<size_t>(g) - (coupled_ ? 1 : 0)]; };
  const tenon_value forget = gate(b, kForget, sum(kForget), c, "SIGMOID");
  const tenon_value input = coupled_ ? b.emit("Sub", {b.scalar(1.0f), forget}) : gate(b, kInput, sum(kInput), c, "SIGMOID");
  const tenon_value update = gate(b, kCell, sum(kCell), c, options_.activation);
  const tenon_value cell = clipped(b, b.emit("Add", {b.emit("Mul", {forget, c}), b.emit("Mul", {input, update})}), options_.cell_clip);
  const tenon_value output = gate(b, kOutput, sum(kOutput), cell, "SIGMOID");
  const tenon_value next = projected(b, b.emit("Mul", {output, quantized::activated(b, cell, options_.activation)}));
  return {{next, cell}, next};
}

}  // namespace tenon::tflite::recurrent
