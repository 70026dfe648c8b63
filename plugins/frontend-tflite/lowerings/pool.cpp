// SPDX-License-Identifier: Apache-2.0
// pool.cpp - pooling over height and width. Padding does not count in averages.
#include "lowerings/common/window.hpp"

namespace tenon::tflite {
namespace {

tenon_value pool(Lower& l, std::string_view op, tenon_value x, tenon_value nchw) {
  Window w{{l.i("filter_height"), l.i("filter_width")}, {l.i("stride_h"), l.i("stride_w")}, {}, {}, false};
  pad_window(l, x, l.s("padding", "SAME"), w);
  AttrList a;
  a.add("kernel_shape", w.kernel);
  write(w, a, false);
  return l.emit(op, {nchw}, a);
}

void check(Lower& l) {
  known(l, {"padding", "stride_w", "stride_h", "filter_width", "filter_height", "fused_activation_function"});
  arity(l, 1, 1);
  if (rank_of(l, need(l, 0)) != 4) throw invalid("the data of a pooling has a wrong rank").with("expected", "4").with("found", std::to_string(l.info(l.in(0)).rank()));
}

void lower_pool(Lower& l, std::string_view op) {
  check(l);
  if (op == "AveragePool") need_float(l, 0);
  tenon_dtype t = type_of(l, l.in(0));
  finish(l, {channels_last(l, activate(l, pool(l, op, l.in(0), channels_first(l, l.in(0))), t))});
}
void lower_average_pool_2d(Lower& l) { lower_pool(l, "AveragePool"); }
void lower_max_pool_2d(Lower& l) { lower_pool(l, "MaxPool"); }
TFLITE_LOWERING("AVERAGE_POOL_2D", lower_average_pool_2d);
TFLITE_LOWERING("MAX_POOL_2D", lower_max_pool_2d);

void lower_l2_pool_2d(Lower& l) {
  check(l);
  need_float(l, 0);
  tenon_dtype t = type_of(l, l.in(0));
  tenon_value x = channels_first(l, l.in(0));
  tenon_value root = l.emit("Sqrt", {pool(l, "AveragePool", l.in(0), l.emit("Mul", {x, x}))});
  finish(l, {channels_last(l, activate(l, root, t))});
}
TFLITE_LOWERING("L2_POOL_2D", lower_l2_pool_2d);

}  // namespace
}  // namespace tenon::tflite
