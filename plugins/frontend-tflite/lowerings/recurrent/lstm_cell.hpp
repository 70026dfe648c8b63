// SPDX-License-Identifier: Apache-2.0
// lstm_cell.hpp - one step of an LSTM in float, with float or quantized weights:
//   i = s(Wi x + Ri h + Pi . c + bi), or 1 - f without it; f likewise; g = a(Wg x + Rg h + bg)
//   c = clip(f . c + i . g); o = s(Wo x + Ro h + Po . c + bo); h = o . a(c), or clip(Wp (o . a(c)) + bp)
// With layer normalization every gate's sum without its bias is normalized, scaled and then biased.
#pragma once
#include "gate.hpp"

namespace tenon::tflite::recurrent {

/// Where the node's inputs are, in the order input, forget, cell, output gate.
struct LstmInputs {
  uint64_t weights, recurrent, peephole, bias, projection, projection_bias, output_state, cell_state;
  uint64_t aux = 0;         ///< weights of an auxiliary input; 0 = none
  uint64_t layer_norm = 0;  ///< 0 = none
};

struct LstmOptions {
  std::string activation;
  float cell_clip = 0, projection_clip = 0;
  bool asymmetric = false;
};

class LstmCell {
  Lower& l_;
  LstmInputs at_;
  LstmOptions options_;
  bool coupled_, normalized_;
  Stacked weights_, aux_, recurrent_, projection_;
  tenon_value bias_ = 0, projection_bias_ = 0;
  std::vector<tenon_value> peephole_, norm_, gate_bias_;  ///< for each gate; 0 = none
  int64_t units_;

  std::vector<uint64_t> gates(uint64_t first) const;
  tenon_value gate(Build& b, size_t k, tenon_value sum, tenon_value cell, std::string_view activation) const;
  tenon_value projected(Build& b, tenon_value h) const;

 public:
  LstmCell(Lower& l, Build& b, const LstmInputs& at, const LstmOptions& options);
  /// Sums of the gates over the input (a whole sequence or one step) and the auxiliary input (0 = none).
  tenon_value sums(Build& b, tenon_value x, tenon_value aux) const;
  /// States are h and c.
  Step operator()(Build& b, const Values& states, tenon_value sums) const;
};

}  // namespace tenon::tflite::recurrent
