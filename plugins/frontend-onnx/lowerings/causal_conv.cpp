// SPDX-License-Identifier: Apache-2.0
// causal_conv.cpp - CausalConvWithState: each channel with its own kernel over what was before, which the state carries on.
#include "common.hpp"

namespace tenon::onnx {
namespace {

// The k - 1 positions before the input: the state, or zeros.
tenon_value with_past(Lower& l, tenon_value x, tenon_value w) {
  AttrList first, along;
  first.add("axis", 0);
  along.add("axis", 2);
  tenon_value past = l.in(3);
  if (!past) {
    tenon_value before = l.emit("Sub", {dim(l, w, 2), l.ints({1})});
    past = l.emit("Expand", {scalar_like(l, x, 0), l.emit("Concat", {dim(l, x, 0), dim(l, x, 1), before}, first)});
  }
  return l.emit("Concat", {past, x}, along);
}

int64_t channels(const Lower& l, tenon_value x, tenon_value w) {
  int64_t n = rank_of(l, w, "the number of channels") == 3 ? l.info(w).dim(0) : -1;
  if (n < 0 && l.info(x).rank() == 3) n = l.info(x).dim(1);
  if (n < 0) throw unsupported("the number of channels is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return n;
}

void lower_causal_conv(Lower& l) {
  known(l, {"activation"});
  arity(l, 2, 4, 2);
  tenon_value x = need(l, 0), w = need(l, 1);
  std::string activation = l.s("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish") throw invalid("attribute 'activation' has the value '" + activation + "'").with("expected", "none, silu or swish");
  AttrList conv;
  conv.add("group", channels(l, x, w)).add("pads", std::vector<int64_t>{0, 0}).add("strides", std::vector<int64_t>{1}).add("dilations", std::vector<int64_t>{1});
  tenon_value all = with_past(l, x, w);
  tenon_value y = l.emit("Conv", l.has_in(2) ? Values{all, w, l.in(2)} : Values{all, w}, conv);
  if (activation != "none") y = l.emit("Swish", {y}, AttrList{}.set("alpha", 1.0));
  l.done({y, l.emit("Slice", {all, dim(l, x, 2), l.ints({INT64_MAX}), l.ints({2})})});
}
TENON_LOWERING("onnx", "CausalConvWithState", 27, lower_causal_conv);

}  // namespace
}  // namespace tenon::onnx
