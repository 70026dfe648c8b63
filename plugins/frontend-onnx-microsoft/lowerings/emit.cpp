// SPDX-License-Identifier: Apache-2.0
#include "emit.hpp"

namespace tenon::contrib {

tenon_value dequantized(Lower& l, tenon_value q, tenon_value scale, tenon_value zero, int64_t axis) {
  Values in{q, as_scalar(l, scale)};
  if (zero) {
    // A zero point for the whole tensor beside a scale for each slice, or the other way round, does not occur.
    if (single(l, zero) != single(l, scale)) throw unsupported("scale and zero point of different lengths are not supported");
    in.push_back(as_scalar(l, zero));
  }
  return l.emit("DequantizeLinear", in, AttrList{}.set("axis", axis));
}

tenon_value dequantized_input(Lower& l, uint64_t k) { return dequantized(l, need(l, k), need(l, k + 1), l.in(k + 2)); }

tenon_value quantized(Lower& l, tenon_value y, tenon_value scale, tenon_value zero) {
  Values in{y, as_scalar(l, scale)};
  if (zero) in.push_back(as_scalar(l, zero));
  return l.emit("QuantizeLinear", in);
}

tenon_value activation(Lower& l, const std::string& name, tenon_value v, const std::vector<double>& p, tenon_dtype type) {
  auto number = [&](size_t k, double otherwise) { return p.size() > k ? p[k] : otherwise; };
  if (name.empty()) return v;
  if (name == "Relu" || name == "Tanh" || name == "Sigmoid") return l.emit(name, {v});
  if (name == "LeakyRelu") return l.emit("LeakyRelu", {v}, AttrList{}.set("alpha", number(0, 0.01f)));
  if (name == "Elu") return l.emit("Elu", {v}, AttrList{}.set("alpha", number(0, 1)));
  if (name == "HardSigmoid") return l.emit("HardSigmoid", {v}, AttrList{}.set("alpha", number(0, 0.2f)).set("beta", number(1, 0.5)));
  if (name == "Clip" && p.size() == 2) return l.emit("Clip", {v, l.scalar_of(type, p[0]), l.scalar_of(type, p[1])});
  throw unsupported("this activation is not supported").with("expected", "Relu, Tanh, Sigmoid, LeakyRelu, Elu, HardSigmoid or Clip").with("found", name);
}

}  // namespace tenon::contrib
