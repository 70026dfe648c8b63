// SPDX-License-Identifier: Apache-2.0
#include "types.hpp"

#include "schema.hpp"

namespace tenon::onnx {
namespace {

constexpr int kDeepest = 8;  // optional(sequence(map(tensor))) has four levels
constexpr uint32_t kOpaque = 7;  // onnx-ml.proto

ValueType read(const File& file, Bytes b, tenon_graph* g, int depth);

int64_t dimension(const File& file, Bytes b, tenon_graph* g) {
  namespace f = schema::TensorShapeProto::Dimension;
  int64_t d = TENON_DIM_UNKNOWN;
  for (Wire w(file, "TensorShapeProto.Dimension", b); w.next();) {
    if (w.field() == f::dim_value) d = w.i64() < 0 ? TENON_DIM_UNKNOWN : w.i64();
    if (w.field() == f::dim_param) {
      std::string_view name = w.text();
      // Exporters write "?" for "not known"; two of them are not the same size.
      d = name.empty() || name == "?" ? TENON_DIM_UNKNOWN : api().ir->symbol(g, str(name));
    }
  }
  return d;
}

ValueType tensor(const File& file, Bytes b, tenon_graph* g) {
  namespace f = schema::TypeProto::Tensor;
  ValueType t;
  for (Wire w(file, "TypeProto.Tensor", b); w.next();) {
    if (w.field() == f::elem_type) {
      t.dtype = element_type(w.i64());
      if (t.dtype == dt::none && w.i64() != 0) throw w.bad("unknown element type " + std::to_string(w.i64()));
    }
    if (w.field() == f::shape) {
      t.dims.clear();
      for (Wire s(file, "TensorShapeProto", w.bytes()); s.next();)
        if (s.field() == schema::TensorShapeProto::dim) t.dims.push_back(dimension(file, s.bytes(), g));
      t.rank = static_cast<int32_t>(t.dims.size());
    }
  }
  return t;
}

ValueType wrapped(const File& file, Bytes b, tenon_graph* g, uint32_t flag, int depth) {
  ValueType inner;
  for (Wire w(file, flag == TENON_DTF_SEQUENCE ? "TypeProto.Sequence" : "TypeProto.Optional", b); w.next();)
    if (w.field() == schema::TypeProto::Sequence::elem_type) inner = read(file, w.bytes(), g, depth + 1);
  bool fits = !(inner.dtype.flags & flag) && !(flag == TENON_DTF_SEQUENCE && inner.dtype.flags & TENON_DTF_OPTIONAL);
  if (!fits)
    throw unsupported("a value's type nests sequences or optionals in a way that the IR does not have")
        .with("file", file.path)
        .with("position", "byte " + std::to_string(file.position(b.p)));
  inner.dtype.flags |= flag;
  if (flag == TENON_DTF_SEQUENCE) {
    inner.rank = TENON_RANK_UNKNOWN;
    inner.dims.clear();
  }
  return inner;
}

ValueType map(const File& file, Bytes b, tenon_graph* g, int depth) {
  namespace f = schema::TypeProto::Map;
  ValueType value;
  int64_t key = 0;
  for (Wire w(file, "TypeProto.Map", b); w.next();) {
    if (w.field() == f::key_type) key = w.i64();
    if (w.field() == f::value_type) value = read(file, w.bytes(), g, depth + 1);
  }
  bool text = key == schema::TensorProto::DataType::STRING, number = key == schema::TensorProto::DataType::INT64;
  if ((!text && !number) || (value.dtype.flags & ~0xffu))
    throw unsupported("only maps from int64 or string to tensors are known").with("file", file.path).with("position", "byte " + std::to_string(file.position(b.p)));
  value.dtype.flags |= TENON_DTF_MAP;
  value.dtype.lanes = text ? 2 : 1;
  value.rank = TENON_RANK_UNKNOWN;
  value.dims.clear();
  return value;
}

ValueType read(const File& file, Bytes b, tenon_graph* g, int depth) {
  namespace f = schema::TypeProto;
  if (depth > kDeepest) throw file.bad(b.p, "a value's type is nested deeper than " + std::to_string(kDeepest) + " levels");
  ValueType t;
  for (Wire w(file, "TypeProto", b); w.next();) switch (w.field()) {
      case f::tensor_type:
      case f::sparse_tensor_type: t = tensor(file, w.bytes(), g); break;
      case f::sequence_type: t = wrapped(file, w.bytes(), g, TENON_DTF_SEQUENCE, depth); break;
      case f::optional_type: t = wrapped(file, w.bytes(), g, TENON_DTF_OPTIONAL, depth); break;
      case f::map_type: t = map(file, w.bytes(), g, depth); break;
      case kOpaque: throw unsupported("opaque types are not supported").with("file", file.path).with("position", "byte " + std::to_string(file.position(b.p)));
      default: break;
    }
  return t;
}

}  // namespace

tenon_dtype element_type(int64_t number) {
  static constexpr tenon_dtype by_number[] = {
      dt::none, dt::f32, dt::u8, dt::i8, dt::u16, dt::i16, dt::i32, dt::i64, dt::string, dt::boolean, dt::f16, dt::f64, dt::u32, dt::u64,
      dt::c64, dt::c128, dt::bf16, dt::f8e4m3fn, dt::f8e4m3fnuz, dt::f8e5m2, dt::f8e5m2fnuz, dt::u4, dt::i4, dt::f4e2m1, dt::f8e8m0, dt::u2, dt::i2};
  constexpr int64_t count = sizeof by_number / sizeof *by_number;
  return number >= 0 && number < count ? by_number[number] : dt::none;
}

ValueType read_type(const File& file, Bytes type, tenon_graph* g) { return type.p ? read(file, type, g, 0) : ValueType{}; }

}  // namespace tenon::onnx
