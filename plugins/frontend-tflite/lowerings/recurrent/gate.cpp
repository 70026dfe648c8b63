// SPDX-License-Identifier: Apache-2.0
#include "gate.hpp"

#include "lowerings/quantized/float_form.hpp"
#include "lowerings/quantized/image.hpp"

namespace tenon::tflite::recurrent {
namespace {

tenon_value concat(Build& b, const Values& v) { return v.size() == 1 ? v[0] : b.emit("Concat", v, AttrList{}.set("axis", 0)); }

void check_kind(const Affine& first, const Affine& a) {
  if (static_cast<bool>(first) == static_cast<bool>(a) && first.type == a.type) return;
  throw unsupported("the gates' weights are of different kinds").with("expected", dtype_name(first.type)).with("found", dtype_name(a.type));
}

}  // namespace

Stacked stack(Lower& l, Build& b, const std::vector<uint64_t>& at, bool asymmetric) {
  Stacked s;
  s.asymmetric = asymmetric;
  Values parts;
  const Affine first = quantized::input_affine(l, at[0]);
  for (uint64_t k : at) {
    const Affine a = quantized::input_affine(l, k);
    check_kind(first, a);
    parts.push_back(quantized::whole_bytes(b, need(l, k)));
    if (!a) continue;
    if (!l.graph().is_constant(l.in(k))) throw unsupported("the quantized weights of a recurrent operator must be constant");
    if (a.type.code != TENON_DT_INT || a.one_zero() != 0) throw unsupported("the weights of a recurrent operator must be floats, or i8 without a zero point").with("found", dtype_name(a.type));
    s.affine.scale.insert(s.affine.scale.end(), static_cast<size_t>(quantized::known_dim(l, l.in(k), 0)), a.one_scale());
  }
  if (!first && is_int(first.type)) throw invalid("the integer weights of a recurrent operator have no scale");
  s.affine.type = first ? dt::i8 : first.type;
  s.affine.axis = 1;
  s.matrix = b.transpose(concat(b, parts), {1, 0});
  return s;
}

tenon_value product(Build& b, tenon_value x, const Stacked& w) {
  return w.affine ? quantized::hybrid_matmul(b, x, w.matrix, w.affine, w.asymmetric) : b.emit("MatMul", {x, w.matrix});
}

tenon_value real_vector(Lower& l, Build& b, uint64_t at) {
  const Affine a = quantized::input_affine(l, at);
  return a && is_int(a.type) ? quantized::dequantized(b, l.in(at), a) : need(l, at);
}

tenon_value joined(Lower& l, Build& b, const std::vector<uint64_t>& at) {
  Values parts;
  for (uint64_t k : at) parts.push_back(real_vector(l, b, k));
  return concat(b, parts);
}

}  // namespace tenon::tflite::recurrent
