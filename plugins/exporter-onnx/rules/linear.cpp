// SPDX-License-Identifier: Apache-2.0
// linear.cpp - convolutions and matrix products. What fusion put into them becomes nodes of its own, or one of com.microsoft.
#include "window.hpp"

namespace tenon::to_onnx {
namespace {

// Activations of FusedConv and FusedGemm, with their parameters in ONNX's order.
bool fused_activation(const std::string& name) {
  for (const char* known : {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid"})
    if (name == known) return true;
  return false;
}
std::vector<double> full_params(const std::string& name, std::vector<double> p) {
  const std::vector<double> defaults = name == "LeakyRelu" ? std::vector<double>{0.01} : name == "HardSigmoid" ? std::vector<double>{0.2, 0.5}
                                       : name == "Clip"    ? std::vector<double>{-3.4028234663852886e38, 3.4028234663852886e38} : std::vector<double>{};
  while (p.size() < defaults.size()) p.push_back(defaults[p.size()]);
  return p;
}

AttrList conv_attributes(Emit& e, std::initializer_list<std::string_view> more = {}) {
  AttrList a = e.copied({"strides", "dilations", "group", "kernel_shape"});
  for (auto n : more)
    if (const tenon_attr* x = e.find(n)) a.copy(*x);
  return a;
}

/// What follows the sum: the residual, then the activation.
Value finished(Emit& e, Value y, Value residual) {
  const tenon_dtype t = e.type(e.in(0));
  if (residual) y = e.op("Add", {y, residual});
  return activation(e, e.s("activation"), e.floats("activation_params"), y, t);
}

bool same_shape(const ValueInfo& a, const ValueInfo& b) { return a.is_static() && b.is_static() && a.dims().vec() == b.dims().vec(); }

// A residual is added after the bias; FusedConv wants one of the output's own shape.
bool fits_fused_conv(Emit& e) {
  const std::string name = e.s("activation");
  if (!e.microsoft() || e.type(e.in(0)) != dt::f32 || (name.empty() && !e.in(3))) return false;
  if (e.in(3) && !same_shape(e.info(e.in(3)), e.info(e.out()))) return false;
  return name.empty() || fused_activation(name);
}

void conv(Emit& e) {
  AttrList a = conv_attributes(e);
  const Value x = padded_input(e, e.in(0), a);
  if (!fits_fused_conv(e)) return e.done({finished(e, e.op("Conv", {x, e.in(1), e.in(2)}, a), e.in(3))});
  const std::string name = e.s("activation");
  if (!name.empty()) a.add("activation", name);
  if (const auto p = full_params(name, e.floats("activation_params")); !p.empty()) a.add("activation_params", p);
  e.done({e.ms("FusedConv", {x, e.in(1), e.in(2), e.in(3)}, a)});
}
ONNX_RULE("Conv", conv);

void conv_transpose(Emit& e) {
  AttrList a = conv_attributes(e, {"output_padding", "pads", "auto_pad"});
  auto shape = e.attr_ints("output_shape");
  const int32_t rank = e.rank(e.in(1));
  if (rank > 2 && shape.size() == static_cast<size_t>(rank)) shape.erase(shape.begin(), shape.begin() + 2);
  if (!shape.empty()) a.add("output_shape", shape);
  e.done({finished(e, e.op("ConvTranspose", {e.in(0), e.in(1), e.in(2)}, a), e.in(3))});
}
ONNX_RULE("ConvTranspose", conv_transpose);

void deform_conv(Emit& e) {
  e.need_opset(19);
  e.same("DeformConv", {"pads", "strides", "dilations", "group", "offset_group", "kernel_shape"});
}
ONNX_RULE("DeformConv", deform_conv);

// ONNX's Gemm has matrices only; A may have more axes here.
void many_rows(Emit& e) {
  const tenon_dtype t = e.type(e.in(0));
  Value y = e.op("MatMul", {e.in(0), e.i("transB") ? e.op("Transpose", {e.in(1)}, AttrList{}.set("perm", std::vector<int64_t>{1, 0})) : e.in(1)});
  if (const double alpha = e.f("alpha", 1); alpha != 1) y = e.op("Mul", {y, e.number(t, alpha)});
  if (Value c = e.in(2)) {
    if (const double beta = e.f("beta", 1); beta != 1) c = e.op("Mul", {c, e.number(t, beta)});
    y = e.op("Add", {y, c});
  }
  e.done({finished(e, y, 0)});
}

void gemm(Emit& e) {
  if (e.rank(e.in(0)) > 2) return many_rows(e);
  AttrList a = e.copied({"alpha", "beta", "transA", "transB"});
  const std::string name = e.s("activation");
  if (e.microsoft() && !name.empty() && fused_activation(name) && e.type(e.in(0)) == dt::f32) {
    a.add("activation", name);
    const auto p = full_params(name, e.floats("activation_params"));
    static constexpr const char* names[] = {"activation_alpha", "activation_beta"};
    for (size_t k = 0; k < p.size() && k < 2; ++k) a.add(names[k], p[k]);
    return e.done({e.ms("FusedGemm", {e.in(0), e.in(1), e.in(2)}, a)});
  }
  e.done({finished(e, e.op("Gemm", {e.in(0), e.in(1), e.in(2)}, a), 0)});
}
ONNX_RULE("Gemm", gemm);

void mat_mul(Emit& e) { e.same("MatMul"); }
ONNX_RULE("MatMul", mat_mul);
void einsum(Emit& e) { e.same("Einsum", {"equation"}); }
ONNX_RULE("Einsum", einsum);

}  // namespace
}  // namespace tenon::to_onnx
