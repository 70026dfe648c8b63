// SPDX-License-Identifier: Apache-2.0
// integer_lstm.hpp - one step of an LSTM in integers: 8-bit data and output, 16-bit gates and cell state. Gates have 12 fraction bits
// before and 15 after their activation; the cell state's scale is a power of two.
#pragma once
#include "lstm_cell.hpp"

namespace tenon::tflite::recurrent {

class IntegerLstmCell {
  Lower& l_;
  LstmInputs at_;
  bool coupled_, normalized_;
  int64_t units_, hidden_zero_;
  int cell_log2_;
  float hidden_scale_;
  std::vector<float> gate_scale_;  ///< of the gates' sums, in the order input, forget, cell, output
  Affine x_, state_;
  tenon_value weights_ = 0, recurrent_ = 0, bias_ = 0, projection_ = 0;
  tenon_value logistic_ = 0, gate_tanh_ = 0, cell_tanh_ = 0;  ///< tables
  quantized::Range cell_range_, output_range_;

  std::vector<uint64_t> gates(uint64_t first) const;
  tenon_value stacked(Build& b, uint64_t first) const;
  std::vector<double> scales(uint64_t first, float data_scale) const;
  tenon_value gate(Build& b, size_t k, tenon_value sum, tenon_value cell) const;
  tenon_value normalized(Build& b, size_t k, tenon_value sum) const;
  tenon_value hidden(Build& b, tenon_value output, tenon_value cell) const;

 public:
  /// Scales and zero points of the four gates' sums and of the hidden value.
  IntegerLstmCell(Lower& l, Build& b, const LstmInputs& at, const LstmOptions& options, const std::vector<double>& scales, const std::vector<int64_t>& zeros);
  tenon_value sums(Build& b, tenon_value x) const;
  Step operator()(Build& b, const Values& states, tenon_value sums) const;
};

}  // namespace tenon::tflite::recurrent
