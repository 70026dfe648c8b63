// SPDX-License-Identifier: Apache-2.0
// cast.cpp - conversions between element types.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

bool narrow_float(tenon_dtype t) { return t.code == TENON_DT_MINIFLOAT; }

/// Is v a sum of MatMulInteger that is scaled row by row? ONNX Runtime fuses the product, its cast and a multiplication as if all rows
/// had the first one's factor.
bool rows_scaled(Emit& e) {
  const Graph& g = e.graph();
  const tenon_node product = g.producer(e.in(0));
  if (!product || Graph::op_name(g.op(product)).name != "MatMulInteger") return false;
  for (tenon_node user : g.uses(e.out()))
    for (tenon_value v : g.inputs(user))
      if (v && v != e.out() && !(e.info(v).is_static() && e.info(v).count() == 1)) return true;
  return false;
}

void cast(Emit& e) {
  const tenon_dtype to = e.type(e.out()), from = e.type(e.in(0));
  AttrList a;
  a.add("to", data_type(to));
  if (narrow_float(to) && e.opset() >= 19 && e.has("saturate")) a.add("saturate", e.i("saturate", 1));
  if (to == dt::f8e8m0 && e.opset() >= 24 && e.has("round_mode")) a.add("round_mode", e.s("round_mode"));
  if (narrow_float(to) || narrow_float(from)) e.need_opset(19);
  // A detour that loses nothing: every number of 32 bits has an f64.
  const Value x = from == dt::i32 && to == dt::f32 && rows_scaled(e) ? e.cast(e.in(0), dt::f64) : e.in(0);
  e.to("Cast", {x}, a);
}
ONNX_RULE("Cast", cast);

// Equal widths only.
void bit_cast(Emit& e) {
  const tenon_dtype to = e.type(e.out()), from = e.type(e.in(0));
  if (from == to) return e.to("Identity", {e.in(0)});
  if (from.bits != to.bits) throw unsupported("ONNX reads bytes as another type of the same width only").with("found", dtype_name(from) + " as " + dtype_name(to));
  e.need_opset(26);
  e.to("BitCast", {e.in(0)}, AttrList{}.set("to", data_type(to)));
}
ONNX_RULE("BitCast", bit_cast);

}  // namespace
}  // namespace tenon::to_onnx
