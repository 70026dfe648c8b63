// SPDX-License-Identifier: Apache-2.0
#include "classifier.hpp"

namespace tenon::contrib {

Labels::Labels(const Lower& l, std::string_view ints_name, std::string_view strings_name) : ints(attr_ints(l, ints_name)), strings(l.strings(strings_name)) {
  if (ints.empty() == strings.empty())
    throw invalid("exactly one of two attributes must hold the labels").with("expected", std::string(ints_name) + " or " + std::string(strings_name)).with("found", ints.empty() ? "none" : "both");
}

tenon_value Labels::constant(Lower& l) const { return strings.empty() ? l.ints(ints) : contrib::strings(l, strings); }

std::string post_transform_of(const Lower& l) {
  std::string name = l.s("post_transform", "NONE");
  for (const char* known : {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"})
    if (name == known) return name;
  throw invalid("unknown post_transform").with("expected", "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT").with("found", name);
}

namespace {

/// sqrt(2) * erfinv(2 p - 1); S. Winitzki, "A handy approximation for the error function and its inverse" (2008), with a = 0.147.
tenon_value probit(Lower& l, tenon_value p, tenon_dtype type) {
  constexpr double kA = 0.147, kPi = 3.14159265358979323846, kRoot2 = 1.41421356237309504880;
  auto number = [&](double v) { return l.scalar_of(type, v); };
  tenon_value one = number(1), x = l.emit("Sub", {l.emit("Mul", {p, number(2)}), one});
  tenon_value log = l.emit("Log", {l.emit("Mul", {l.emit("Sub", {one, x}), l.emit("Add", {one, x})})});
  tenon_value v = l.emit("Add", {l.emit("Mul", {log, number(0.5)}), number(2 / (kPi * kA))});
  tenon_value inner = l.emit("Sqrt", {l.emit("Sub", {l.emit("Mul", {v, v}), l.emit("Mul", {log, number(1 / kA)})})});
  tenon_value magnitude = l.emit("Mul", {l.emit("Sqrt", {l.emit("Sub", {inner, v})}), number(kRoot2)});
  return l.emit("Where", {l.emit("Less", {x, number(0)}), l.emit("Neg", {magnitude}), magnitude});
}

/// Softmax that keeps zeros: they are scaled by exp(-max) instead, as ONNX Runtime computes it.
tenon_value softmax_zero(Lower& l, tenon_value x, tenon_dtype type) {
  tenon_value most = reduce(l, "ReduceMax", x, {1});
  tenon_value small = l.emit("LessEqual", {l.emit("Abs", {x}), l.scalar_of(type, 1e-7)});
  tenon_value scaled = l.emit("Mul", {x, l.emit("Exp", {l.emit("Neg", {most})})});
  tenon_value e = l.emit("Where", {small, scaled, l.emit("Exp", {l.emit("Sub", {x, most})})});
  return l.emit("Div", {e, reduce(l, "ReduceSum", e, {1})});
}

}  // namespace

tenon_value post_transform(Lower& l, const std::string& name, tenon_value scores, tenon_dtype type) {
  if (name == "SOFTMAX") return l.emit("Softmax", {scores}, AttrList{}.set("axis", 1));
  if (name == "LOGISTIC") return l.emit("Sigmoid", {scores});
  if (name == "SOFTMAX_ZERO") return softmax_zero(l, scores, type);
  return name == "PROBIT" ? probit(l, scores, type) : scores;
}

tenon_value regression_transform(Lower& l, const std::string& name, tenon_value scores, int64_t targets, tenon_dtype type) {
  if (targets != 1 || name == "NONE" || name == "PROBIT") return post_transform(l, name, scores, type);
  warn(l, "post_transform " + name + " of a single target is not applied, as in ONNX Runtime");
  return scores;
}

tenon_value second_class(Lower& l, const std::string& name, tenon_value p, bool both_signs) {
  refuse(name == "PROBIT", "post_transform PROBIT of a single score", name);
  if (name == "LOGISTIC") return l.emit("Sigmoid", {concat(l, {l.emit("Neg", {p}), p}, 1)});
  return concat(l, {both_signs ? l.emit("Neg", {p}) : l.emit("Sub", {l.scalar<float>(1), p}), p}, 1);
}

tenon_value feature_rows(Lower& l, tenon_value x) {
  const int32_t rank = rank_of(l, x, "the features");
  x = cast(l, x, dt::f32);
  if (rank == 1) return unsqueeze(l, x, {0});
  if (rank != 2) throw invalid("the features have a wrong rank").with("expected", "1 or 2").with("found", std::to_string(rank));
  return x;
}

}  // namespace tenon::contrib
