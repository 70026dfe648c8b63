// SPDX-License-Identifier: Apache-2.0
// emit.hpp - what the lowerings of com.microsoft share.
#pragma once
#include "common/lowering.hpp"

namespace tenon::contrib {

/// A node of ai.onnx at an opset, which its own lowering takes on: for attributes that ONNX completes, such as auto_pad.
inline tenon_value emit_onnx(Lower& l, std::string_view op, int32_t opset, const Values& in, const AttrList& attrs) {
  Graph::New d;
  d.op = Graph::op("onnx", op, opset);
  d.in = in;
  d.attrs = &attrs;
  d.out_names.resize(1);
  d.origins = {l.node()};
  d.before = l.node();
  d.name = l.name();
  return l.graph().output(l.graph().add(d));
}

inline bool single(const Lower& l, tenon_value v) {
  const ValueInfo i = l.info(v);
  return i.rank() == 0 || (i.rank() == 1 && i.dim(0) == 1);
}
/// An input of one element as a scalar: models have a list of one there.
inline tenon_value as_scalar(Lower& l, tenon_value v) { return v && l.info(v).rank() != 0 && single(l, v) ? reshape(l, v, {}) : v; }

/// scale * (q - zero point): one number each, or one for each slice along `axis`. zero 0 = none.
tenon_value dequantized(Lower& l, tenon_value q, tenon_value scale, tenon_value zero, int64_t axis = 1);
/// Inputs k, k + 1 and k + 2 as a float tensor.
tenon_value dequantized_input(Lower& l, uint64_t k);
/// y in the type of the zero point; without one u8.
tenon_value quantized(Lower& l, tenon_value y, tenon_value scale, tenon_value zero);

/// Adds input k when it is there.
inline tenon_value plus_input(Lower& l, tenon_value v, uint64_t k) { return l.has_in(k) ? l.emit("Add", {v, l.in(k)}) : v; }

/// Activation of a fused operator by its ONNX name, e.g. "Relu"; empty: none. Parameters are those of ONNX, in order.
tenon_value activation(Lower& l, const std::string& name, tenon_value v, const std::vector<double>& parameters, tenon_dtype type);

}  // namespace tenon::contrib
