// SPDX-License-Identifier: Apache-2.0
// recurrent.cpp - LSTM, GRU and RNN.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// output_sequence (before opset 7) only said whether output 0 is wanted; the list of outputs says so, too.
void recurrent(Lower& l, std::string_view op, std::initializer_list<std::string_view> own, uint64_t most_in, size_t outputs) {
  std::vector<std::string_view> names{"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"};
  names.insert(names.end(), own);
  for (const auto& a : l.all()) {
    std::string_view n = view(a.name);
    bool found = n == "output_sequence";
    for (auto k : names) found = found || k == n;
    if (!found) known(l, {});
  }
  arity(l, 3, most_in, outputs);
  for (uint64_t k = 0; k < 3; ++k) need(l, k);
  AttrList a;
  for (auto n : names)
    if (const tenon_attr* x = l.find(n)) a.copy(*x);
  std::vector<bool> wanted;
  for (size_t k = 0; k < outputs; ++k) wanted.push_back(l.has_out(k));
  l.done(l.emit_n(op, inputs(l), a, outputs, wanted));
}

void lower_lstm(Lower& l) { recurrent(l, "LSTM", {"input_forget"}, 8, 3); }
TENON_LOWERING("onnx", "LSTM", 1, lower_lstm);
void lower_gru(Lower& l) { recurrent(l, "GRU", {"linear_before_reset"}, 6, 2); }
TENON_LOWERING("onnx", "GRU", 1, lower_gru);
void lower_rnn(Lower& l) { recurrent(l, "RNN", {}, 6, 2); }
TENON_LOWERING("onnx", "RNN", 1, lower_rnn);

}  // namespace
}  // namespace tenon::onnx
