// SPDX-License-Identifier: Apache-2.0
// channels_last.cpp - ONNX's operators on data with its channels last; weights stay [outputs, inputs / group, spatial...].
#include "emit.hpp"

namespace tenon::contrib {
namespace {

/// Permutations between [N, spatial..., C] and [N, C, spatial...].
struct Order {
  std::vector<int64_t> to_first, to_last;
  explicit Order(int64_t rank) : to_first{0, rank - 1}, to_last{0} {
    if (rank < 3) throw invalid("the data has a wrong rank").with("expected", "3 or more").with("found", std::to_string(rank));
    for (int64_t k = 1; k + 1 < rank; ++k) to_first.push_back(k), to_last.push_back(k + 1);
    to_last.push_back(1);
  }
};

/// The ONNX operator on input 0 with its channels first, result with them last.
tenon_value between(Lower& l, const char* op, int32_t opset, Values in, const AttrList& a, bool last = true) {
  if (!last) return emit_onnx(l, op, opset, in, a);
  const Order order(rank_of(l, l.in(0), "the data"));
  in[0] = transpose(l, in[0], order.to_first);
  return transpose(l, emit_onnx(l, op, opset, in, a), order.to_last);
}

void lower_qlinear_conv(Lower& l) {
  known(l, {"auto_pad", "channels_last", "dilations", "group", "kernel_shape", "pads", "strides"});
  arity(l, 8, 9);
  Values in;
  for (uint64_t k = 0; k < 8; ++k) in.push_back(need(l, k));
  if (l.has_in(8)) in.push_back(l.in(8));
  l.done({between(l, "QLinearConv", 10, in, copied(l, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}), l.i("channels_last", 0) != 0)});
}
TENON_LOWERING("com.microsoft", "QLinearConv", 1, lower_qlinear_conv);

void lower_nhwc_max_pool(Lower& l) {
  known(l, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"});
  arity(l, 1, 1);
  l.done({between(l, "MaxPool", 12, {need(l, 0)}, copied(l, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"}))});
}
TENON_LOWERING("com.microsoft", "NhwcMaxPool", 1, lower_nhwc_max_pool);

}  // namespace
}  // namespace tenon::contrib
