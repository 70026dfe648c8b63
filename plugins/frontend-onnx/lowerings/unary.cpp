// SPDX-License-Identifier: Apache-2.0
// unary.cpp - operators with one input that the IR has as they are.
#include "common.hpp"

namespace tenon::onnx {
namespace {

#define TENON_ONNX_UNARY(op, since, ir)                \
  void lower_##op(Lower& l) { same(l, ir, {}, 1, 1); } \
  TENON_LOWERING("onnx", #op, since, lower_##op)

TENON_ONNX_UNARY(Abs, 1, "Abs");
TENON_ONNX_UNARY(Acos, 7, "Acos");
TENON_ONNX_UNARY(Acosh, 9, "Acosh");
TENON_ONNX_UNARY(Asin, 7, "Asin");
TENON_ONNX_UNARY(Asinh, 9, "Asinh");
TENON_ONNX_UNARY(Atan, 7, "Atan");
TENON_ONNX_UNARY(Atanh, 9, "Atanh");
TENON_ONNX_UNARY(BitwiseNot, 18, "BitwiseNot");
TENON_ONNX_UNARY(Ceil, 1, "Ceil");
TENON_ONNX_UNARY(Cos, 7, "Cos");
TENON_ONNX_UNARY(Cosh, 9, "Cosh");
TENON_ONNX_UNARY(Erf, 9, "Erf");
TENON_ONNX_UNARY(Exp, 1, "Exp");
TENON_ONNX_UNARY(Floor, 1, "Floor");
TENON_ONNX_UNARY(HardSwish, 14, "HardSwish");
TENON_ONNX_UNARY(Identity, 1, "Identity");
TENON_ONNX_UNARY(IsNaN, 9, "IsNaN");
TENON_ONNX_UNARY(Log, 1, "Log");
TENON_ONNX_UNARY(Neg, 1, "Neg");
TENON_ONNX_UNARY(Not, 1, "LogicalNot");
TENON_ONNX_UNARY(Reciprocal, 1, "Reciprocal");
TENON_ONNX_UNARY(Relu, 1, "Relu");
TENON_ONNX_UNARY(Round, 11, "Round");
TENON_ONNX_UNARY(Sigmoid, 1, "Sigmoid");
TENON_ONNX_UNARY(Sign, 9, "Sign");
TENON_ONNX_UNARY(Sin, 7, "Sin");
TENON_ONNX_UNARY(Sinh, 9, "Sinh");
TENON_ONNX_UNARY(Softplus, 1, "Softplus");
TENON_ONNX_UNARY(Sqrt, 1, "Sqrt");
TENON_ONNX_UNARY(Tan, 7, "Tan");
TENON_ONNX_UNARY(Tanh, 1, "Tanh");

#undef TENON_ONNX_UNARY

void lower_is_inf(Lower& l) { same(l, "IsInf", {"detect_negative", "detect_positive"}, 1, 1); }
TENON_LOWERING("onnx", "IsInf", 10, lower_is_inf);

}  // namespace
}  // namespace tenon::onnx
