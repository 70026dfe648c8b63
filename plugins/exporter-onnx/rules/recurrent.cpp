// SPDX-License-Identifier: Apache-2.0
// recurrent.cpp - LSTM, GRU and RNN.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void recurrent(Emit& e, std::string_view op, const char* own) {
  AttrList a = e.copied({"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size"});
  if (*own)
    if (const tenon_attr* x = e.find(own)) a.copy(*x);
  if (e.i("layout") != 0) {
    e.need_opset(14);
    a.add("layout", e.i("layout"));
  }
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < e.n_out(); ++k) wanted.push_back(e.out(k) != 0);
  e.done(e.op_n(op, e.inputs(), a, wanted.size(), wanted));
}
void lstm(Emit& e) { recurrent(e, "LSTM", "input_forget"); }
ONNX_RULE("LSTM", lstm);
void gru(Emit& e) { recurrent(e, "GRU", "linear_before_reset"); }
ONNX_RULE("GRU", gru);
void rnn(Emit& e) { recurrent(e, "RNN", ""); }
ONNX_RULE("RNN", rnn);

}  // namespace
}  // namespace tenon::to_onnx
