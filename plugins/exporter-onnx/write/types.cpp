// SPDX-License-Identifier: Apache-2.0
#include "types.hpp"

#include "schema.hpp"

namespace tenon::to_onnx {
namespace {

using namespace onnx;

std::string symbol_text(const Graph& g, int64_t dim) {
  tenon_str s{};
  api().ir->symbol_name(g.raw(), dim, &s);
  return std::string(view(s));
}

Message shape_proto(const Graph& g, Span<int64_t> dims) {
  namespace f = schema::TensorShapeProto;
  Message shape;
  for (int64_t d : dims) {
    Message m;
    if (d >= 0) m.integer(f::Dimension::dim_value, d);
    else if (d != TENON_DIM_UNKNOWN) m.text(f::Dimension::dim_param, symbol_text(g, d));
    shape.message(f::dim, std::move(m));
  }
  return shape;
}

Message tensor_proto(const Graph& g, tenon_dtype type, int32_t rank, Span<int64_t> dims) {
  namespace f = schema::TypeProto;
  Message tensor, all;
  tensor.integer(f::Tensor::elem_type, data_type(type));
  if (rank >= 0) tensor.message(f::Tensor::shape, shape_proto(g, dims));
  all.message(f::tensor_type, std::move(tensor));
  return all;
}

Message wrapped(uint32_t kind, uint32_t elem_field, Message inner) {
  Message m, all;
  m.message(elem_field, std::move(inner));
  all.message(kind, std::move(m));
  return all;
}

Message map_proto(const Graph& g, tenon_dtype type, uint16_t key) {
  namespace f = schema::TypeProto;
  Message m, all;
  m.integer(f::Map::key_type, data_type(key == 2 ? dt::string : dt::i64));
  m.message(f::Map::value_type, tensor_proto(g, type, 0, {}));
  all.message(f::map_type, std::move(m));
  return all;
}

}  // namespace

Message type_proto(const Graph& g, tenon_dtype type, int32_t rank, Span<int64_t> dims) {
  namespace f = schema::TypeProto;
  const uint16_t key = type.lanes;
  tenon_dtype inner = type;
  inner.flags &= 0xffu;
  inner.lanes = 1;
  const bool plain = !(type.flags & TENON_DTF_SEQUENCE);
  Message m = type.flags & TENON_DTF_MAP ? map_proto(g, inner, key) : tensor_proto(g, inner, plain ? rank : TENON_RANK_UNKNOWN, dims);
  if (type.flags & TENON_DTF_SEQUENCE) m = wrapped(f::sequence_type, f::Sequence::elem_type, std::move(m));
  if (type.flags & TENON_DTF_OPTIONAL) m = wrapped(f::optional_type, f::Optional::elem_type, std::move(m));
  return m;
}

int64_t data_type(tenon_dtype t) {
  static const std::vector<tenon_dtype> order = {dt::none,    dt::f32,        dt::u8,     dt::i8,      dt::u16,      dt::i16,    dt::i32,   dt::i64,  dt::string,
                                                 dt::boolean, dt::f16,        dt::f64,    dt::u32,     dt::u64,      dt::c64,    dt::c128,  dt::bf16, dt::f8e4m3fn,
                                                 dt::f8e4m3fnuz, dt::f8e5m2, dt::f8e5m2fnuz, dt::u4, dt::i4, dt::f4e2m1, dt::f8e8m0, dt::u2, dt::i2};
  for (size_t k = 1; k < order.size(); ++k)
    if (order[k] == t) return static_cast<int64_t>(k);
  throw unsupported("ONNX has no element type for a value").with("found", dtype_name(t));
}

}  // namespace tenon::to_onnx
