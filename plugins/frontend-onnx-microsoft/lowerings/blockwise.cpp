// SPDX-License-Identifier: Apache-2.0
#include "blockwise.hpp"

namespace tenon::contrib {

tenon_dtype unsigned_of(int64_t bits) {
  if (bits == 2) return dt::u2;
  if (bits == 4) return dt::u4;
  if (bits == 8) return dt::u8;
  throw unsupported("this number of bits is not supported").with("expected", "2, 4 or 8").with("found", std::to_string(bits));
}

tenon_value seen_as(Lower& l, tenon_value v, tenon_dtype t, int64_t rows, int64_t columns, const char* what) {
  if (!l.graph().is_constant(v)) throw unsupported(std::string(what) + " must be a constant");
  const ValueInfo i = l.info(v);
  if (i.type() != dt::u8) throw invalid(std::string(what) + " must be packed in bytes").with("expected", "u8").with("found", dtype_name(i.type()));
  if (rows < 0 || columns < 0 || (columns && rows > INT64_MAX / 16 / columns) || i.count() != static_cast<int64_t>(bytes_of(t, static_cast<uint64_t>(rows * columns))))
    throw invalid(std::string(what) + " have a wrong size").with("expected", std::to_string(rows) + " rows of " + std::to_string(columns) + " elements").with("found", std::to_string(i.count()) + " bytes");
  uint64_t offset = 0;
  const Buffer bytes = l.graph().constant_buffer(v, &offset);
  return l.graph().add_constant("", t, Dims{rows, columns}, bytes, offset);
}

tenon_value middle(Lower& l, tenon_dtype t, int64_t rows, int64_t blocks) {
  const uint64_t bytes = bytes_of(t, static_cast<uint64_t>(rows * blocks));
  Buffer b = Buffer::alloc(l.graph().ctx(), bytes);
  std::memset(b.writable(), t.bits == 8 ? 0x80 : t.bits == 4 ? 0x88 : 0xaa, bytes);
  return l.graph().add_constant("", t, Dims{rows, blocks}, b);
}

tenon_value packed_zeros(Lower& l, tenon_value zeros, const Blocks& b) {
  const int64_t per_byte = 8 / b.type.bits, padded = (b.count + per_byte - 1) / per_byte * per_byte;
  tenon_value v = seen_as(l, zeros, b.type, b.rows, padded, "the zero points");
  return padded == b.count ? v : slice(l, v, 1, 0, b.count);
}

tenon_value block_weights(Lower& l, tenon_value q, tenon_value scales, tenon_value zeros, const Blocks& b) {
  AttrList a;
  a.add("axis", 1).add("block_size", b.size);
  tenon_value s = reshape(l, scales, {b.rows, b.count}), w;
  if (zeros && is_float(type_of(l, zeros))) {
    const tenon_dtype t = type_of(l, scales);
    tenon_value z = unsqueeze(l, cast(l, reshape(l, zeros, {b.rows, b.count}), t), {2});
    tenon_value whole = reshape(l, l.emit("Cast", {q}, AttrList{}.set("to", dtype_name(t))), {b.rows, b.count, b.size});
    w = reshape(l, l.emit("Mul", {l.emit("Sub", {whole, z}), unsqueeze(l, s, {2})}), {b.rows, b.count * b.size});
  } else {
    w = l.emit("DequantizeLinear", {q, s, zeros ? packed_zeros(l, zeros, b) : middle(l, b.type, b.rows, b.count)}, a);
  }
  return b.count * b.size == b.columns ? w : slice(l, w, 1, 0, b.columns);
}

namespace {

void lower_matmul(Lower& l) {
  known(l, {"K", "N", "accuracy_level", "bits", "block_size", "weight_prepacked"});
  arity(l, 3, 6);
  refuse_input(l, 4, "g_idx");
  refuse(l.i("weight_prepacked", 0) != 0, "weight_prepacked");
  Blocks b{l.i("N", 0), l.i("K", 0), l.i("block_size", 0), 0, unsigned_of(l.i("bits", 4))};
  if (b.rows < 1 || b.columns < 1 || b.size < 1 || b.columns > INT64_MAX / 4) throw invalid("attributes K, N and block_size must be positive");
  b.count = (b.columns - 1) / b.size + 1;
  tenon_value q = seen_as(l, need(l, 1), b.type, b.rows, b.count * b.size, "the weights");
  tenon_value w = block_weights(l, q, need(l, 2), l.in(3), b);
  const tenon_dtype t = type_of(l, need(l, 0));
  l.done({plus_input(l, l.emit("MatMul", {l.in(0), l.emit("Cast", {transpose(l, w, {1, 0})}, AttrList{}.set("to", dtype_name(t)))}), 5)});
}
TENON_LOWERING("com.microsoft", "MatMulNBits", 1, lower_matmul);

/// Rows of a quantized table, dequantized after they are taken. u8 data of fewer than 8 bits is packed.
void lower_gather(Lower& l) {
  known(l, {"bits", "block_size", "gather_axis", "quantize_axis"});
  arity(l, 3, 4);
  const ValueInfo data = l.info(need(l, 0));
  const int64_t rank = rank_of(l, l.in(0), "the data"), size = l.i("block_size", 128), bits = l.i("bits", 4);
  auto axis = [&](const char* name, int64_t otherwise) {
    const int64_t a = l.i(name, otherwise);
    return a < 0 ? a + rank : a;
  };
  refuse(axis("gather_axis", 0) != 0, "a gather_axis other than 0", std::to_string(l.i("gather_axis", 0)));
  refuse(axis("quantize_axis", 1) != rank - 1 || rank < 2, "a quantize_axis other than the last", std::to_string(l.i("quantize_axis", 1)));
  const int32_t index_rank = rank_of(l, need(l, 1), "the indices");
  tenon_value table = l.in(0), zeros = l.in(3);
  tenon_dtype t = data.type();
  if (t == dt::u8) {
    refuse(rank != 2 || !data.is_static(), "packed data of a rank other than 2");
    t = unsigned_of(bits);
    const int64_t columns = data.dim(1) * 8 / t.bits;
    table = seen_as(l, table, t, data.dim(0), columns, "the data");
    const Blocks b{data.dim(0), columns, size, size > 0 ? (columns + size - 1) / size : 0, t};
    if (b.count < 1) throw invalid("attribute 'block_size' must be positive");
    zeros = zeros ? packed_zeros(l, zeros, b) : middle(l, t, b.rows, b.count);
  }
  Values in{gather(l, table, l.in(1)), gather(l, need(l, 2), l.in(1))};
  if (zeros) in.push_back(gather(l, zeros, l.in(1)));
  l.to("DequantizeLinear", in, AttrList{}.set("axis", index_rank + rank - 2).set("block_size", size));
}
TENON_LOWERING("com.microsoft", "GatherBlockQuantized", 1, lower_gather);

}  // namespace
}  // namespace tenon::contrib
