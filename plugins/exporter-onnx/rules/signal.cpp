// SPDX-License-Identifier: Apache-2.0
// signal.cpp - Fourier transforms.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

// The axis, by default the last but one, is an input since opset 20.
void dft(Emit& e) {
  e.need_opset(17);
  const Value length = e.in(1) ? e.scalar(e.in(1)) : 0;
  AttrList a = e.copied({"inverse", "onesided"});
  if (e.opset() >= 20) return e.to("DFT", {e.in(0), length, e.in(2) ? e.scalar(e.in(2)) : 0}, a);
  int64_t axis = -2;
  if (e.in(2)) axis = e.need_ints(e.in(2), "the axis").at(0);
  a.add("axis", e.axis(e.in(0), axis));
  e.to("DFT", {e.in(0), length}, a);
}
ONNX_RULE("DFT", dft);

void stft(Emit& e) {
  e.need_opset(17);
  Values in = e.inputs();
  for (size_t k : {1, 3})
    if (k < in.size() && in[k]) in[k] = e.scalar(in[k]);
  e.to("STFT", in, e.copied({"onesided"}));
}
ONNX_RULE("STFT", stft);

}  // namespace
}  // namespace tenon::to_onnx
