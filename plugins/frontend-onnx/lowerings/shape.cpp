// SPDX-License-Identifier: Apache-2.0
// shape.cpp - operators that change or read shapes.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_reshape_attribute(Lower& l) {
  known(l, {"shape"});
  arity(l, 1, 1);
  l.to("Reshape", {need(l, 0), l.ints(attr_ints(l, "shape"))});
}
TENON_LOWERING("onnx", "Reshape", 1, lower_reshape_attribute);

void lower_reshape(Lower& l) { same(l, "Reshape", {"allowzero"}, 2, 2); }
TENON_LOWERING("onnx", "Reshape", 5, lower_reshape);

void lower_flatten(Lower& l) {
  known(l, {"axis"});
  arity(l, 1, 1);
  l.done({flatten(l, need(l, 0), l.i("axis", 1))});
}
TENON_LOWERING("onnx", "Flatten", 1, lower_flatten);

void axes_from_attribute(Lower& l, std::string_view op, bool required) {
  known(l, {"axes"});
  arity(l, 1, 1);
  if (required && !l.has("axes")) throw invalid("attribute 'axes' is missing");
  l.to(op, l.has("axes") ? Values{need(l, 0), l.ints(attr_ints(l, "axes"))} : Values{need(l, 0)});
}
void lower_squeeze_attribute(Lower& l) { axes_from_attribute(l, "Squeeze", false); }
TENON_LOWERING("onnx", "Squeeze", 1, lower_squeeze_attribute);
void axes_from_input(Lower& l, std::string_view op, uint64_t least_in) {
  known(l, {});
  arity(l, least_in, 2);
  tenon_value x = need(l, 0), axes = axes_input(l, 1);
  if (!axes && least_in == 2) need(l, 1);
  l.to(op, axes ? Values{x, axes} : Values{x});
}
void lower_squeeze(Lower& l) { axes_from_input(l, "Squeeze", 1); }
TENON_LOWERING("onnx", "Squeeze", 13, lower_squeeze);
void lower_unsqueeze_attribute(Lower& l) { axes_from_attribute(l, "Unsqueeze", true); }
TENON_LOWERING("onnx", "Unsqueeze", 1, lower_unsqueeze_attribute);
void lower_unsqueeze(Lower& l) { axes_from_input(l, "Unsqueeze", 2); }
TENON_LOWERING("onnx", "Unsqueeze", 13, lower_unsqueeze);

void lower_transpose(Lower& l) { same(l, "Transpose", {"perm"}, 1, 1); }
TENON_LOWERING("onnx", "Transpose", 1, lower_transpose);

void lower_expand(Lower& l) { same(l, "Expand", {}, 2, 2); }
TENON_LOWERING("onnx", "Expand", 8, lower_expand);

void lower_tile(Lower& l) { same(l, "Tile", {}, 2, 2); }
TENON_LOWERING("onnx", "Tile", 6, lower_tile);

void lower_shape(Lower& l) { same(l, "Shape", {"start", "end"}, 1, 1); }
TENON_LOWERING("onnx", "Shape", 1, lower_shape);

void lower_size(Lower& l) {
  known(l, {});
  arity(l, 1, 1);
  l.to("ReduceProd", {shape(l, need(l, 0))}, AttrList{}.set("keepdims", 0));
}
TENON_LOWERING("onnx", "Size", 1, lower_size);

void lower_depth_to_space(Lower& l) {
  known(l, {"blocksize", "mode"});
  arity(l, 1, 1);
  AttrList a;
  a.add("blocksize", l.i("blocksize")).add("mode", l.s("mode", "DCR"));
  l.to("DepthToSpace", {need(l, 0)}, a);
}
TENON_LOWERING("onnx", "DepthToSpace", 1, lower_depth_to_space);

// Blocks ordered channel, row, column: [b, c, h, w] -> [b, c, h/n, n, w/n, n] -> [b, c, n, n, h/n, w/n] -> [b, c*n*n, h/n, w/n]
tenon_value channel_first(Lower& l, tenon_value x, int64_t n) {
  AttrList join, turn;
  join.add("axis", 0);
  turn.add("perm", std::vector<int64_t>{0, 1, 3, 5, 2, 4});
  tenon_value block = l.ints({n}), rows = l.emit("Div", {dim(l, x, 2), block}), columns = l.emit("Div", {dim(l, x, 3), block});
  tenon_value cut = l.emit("Reshape", {x, l.emit("Concat", {l.ints({0, 0}), rows, block, columns, block}, join)});
  tenon_value channels = l.emit("Mul", {dim(l, x, 1), l.ints({n * n})});
  return l.emit("Reshape", {l.emit("Transpose", {cut}, turn), l.emit("Concat", {l.ints({0}), channels, rows, columns}, join)});
}

void lower_space_to_depth(Lower& l) {
  known(l, {"blocksize", "mode"});
  arity(l, 1, 1);
  std::string mode = l.s("mode", "DCR");
  int64_t n = l.i("blocksize");
  if ((mode != "DCR" && mode != "CRD") || n <= 0 || n > 1 << 15) throw invalid("attribute 'mode' or 'blocksize' has a wrong value");
  if (mode == "CRD") return l.done({channel_first(l, need(l, 0), n)});
  l.to("SpaceToDepth", {need(l, 0)}, AttrList{}.set("blocksize", n));
}
TENON_LOWERING("onnx", "SpaceToDepth", 1, lower_space_to_depth);

// true of the shape of x; before opset 10 the mask has the type of the data
tenon_value mask(Lower& l, tenon_value x) {
  const bool yes = true;
  Dims one{1};
  AttrList a;
  a.add_tensor("value", l.graph().add_constant<bool>("", one, &yes));
  tenon_value m = l.emit("ConstantOfShape", {shape(l, x)}, a);
  return l.version() < 10 ? cast(l, m, type_of(l, x, "the mask")) : m;
}

// Is this input a constant with only zero bytes (false, or 0)?
bool constant_zero(Lower& l, uint64_t k) {
  if (!l.graph().is_constant(l.in(k))) return false;
  for (uint8_t b : l.graph().constant_bytes(l.in(k)))
    if (b) return false;
  return true;
}

// Training: each element is dropped with probability `ratio`, and the others grow by 1 / (1 - ratio). Where the input training_mode
// is false the mask is all true and the data stay as they are.
void dropout_in_training(Lower& l) {
  tenon_value x = l.in(0), ratio = l.has_in(1) ? cast(l, l.in(1), dt::f32) : l.scalar<float>(0.5f);
  AttrList a = copied(l, {"seed"});
  a.add("low", 0.0).add("high", 1.0).add("dtype", "f32");
  tenon_value none = l.scalar<float>(0), one = l.scalar<float>(1);
  ratio = l.emit("Where", {l.in(2), ratio, none});
  tenon_value mask = l.emit("GreaterEqual", {l.emit("RandomUniform", {shape(l, x)}, a), ratio});
  tenon_dtype type = type_of(l, x, "the result's type");
  tenon_value grown = l.emit("Mul", {x, cast(l, l.emit("Div", {one, l.emit("Sub", {one, ratio})}), type)});
  tenon_value y = l.emit("Where", {mask, grown, scalar_like(l, x, 0)});
  l.done(used(l, 1) ? Values{y, mask} : Values{y});
}

// Inference: the data passes unchanged.
void lower_dropout(Lower& l) {
  known(l, {"ratio", "is_test", "seed"});
  arity(l, 1, 3, 2);
  tenon_value x = need(l, 0);
  if (l.has_in(2) && !constant_zero(l, 2) && !(l.has_in(1) && constant_zero(l, 1))) return dropout_in_training(l);
  tenon_value y = l.emit("Identity", {x});
  l.done(used(l, 1) ? Values{y, mask(l, x)} : Values{y});
}
TENON_LOWERING("onnx", "Dropout", 1, lower_dropout);

void lower_cast_name(Lower& l) {
  known(l, {"to"});
  arity(l, 1, 1);
  static constexpr std::string_view names[] = {"UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128"};
  std::string to = l.s("to");
  int64_t number = 0;
  for (size_t k = 0; k < std::size(names); ++k)
    if (names[k] == to) number = static_cast<int64_t>(k);
  if (!number) throw invalid("attribute 'to' has the value '" + to + "'").with("expected", "the name of an element type");
  l.to("Cast", {need(l, 0)}, AttrList{}.set("to", dtype_text(number)));
}
TENON_LOWERING("onnx", "Cast", 1, lower_cast_name);

AttrList cast_attributes(Lower& l, const std::string& to) {
  AttrList a = copied(l, {"saturate", "round_mode"});
  a.add("to", to);
  return a;
}
void lower_cast(Lower& l) {
  known(l, {"to", "saturate", "round_mode"});
  arity(l, 1, 1);
  if (!l.has("to")) throw invalid("attribute 'to' is missing");
  l.to("Cast", {need(l, 0)}, cast_attributes(l, dtype_text(l.i("to"))));
}
TENON_LOWERING("onnx", "Cast", 6, lower_cast);

void lower_cast_like(Lower& l) {
  known(l, {"saturate", "round_mode"});
  arity(l, 2, 2);
  l.to("Cast", {need(l, 0)}, cast_attributes(l, dtype_name(type_of(l, need(l, 1), "the result's type"))));
}
TENON_LOWERING("onnx", "CastLike", 15, lower_cast_like);

void lower_bit_cast(Lower& l) {
  known(l, {"to"});
  arity(l, 1, 1);
  l.to("BitCast", {need(l, 0)}, AttrList{}.set("to", dtype_text(l.i("to"))));
}
TENON_LOWERING("onnx", "BitCast", 26, lower_bit_cast);

}  // namespace
}  // namespace tenon::onnx
