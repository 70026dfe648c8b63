// SPDX-License-Identifier: Apache-2.0
#include "build.hpp"

namespace tenon::tflite::quantized {

Values Build::emit_n(std::string_view op, const Values& in, const AttrList& attrs, size_t n) {
  Graph::New d;
  d.op = Graph::op(op);
  d.in = in;
  d.attrs = &attrs;
  d.out_names.resize(n);
  d.origins = {origin_};
  d.before = before_;
  d.name = name_;
  return g_.outputs(g_.add(d)).vec();
}

tenon_value Build::integer(tenon_dtype t, int64_t v) {
  if (t == dt::i8) return scalar(static_cast<int8_t>(v));
  if (t == dt::u8) return scalar(static_cast<uint8_t>(v));
  if (t == dt::i16) return scalar(static_cast<int16_t>(v));
  if (t == dt::u16) return scalar(static_cast<uint16_t>(v));
  if (t == dt::i32) return scalar(static_cast<int32_t>(v));
  if (t == dt::i64) return scalar(v);
  throw unsupported("numbers of this type cannot be quantized").with("found", dtype_name(t)).with("expected", "i8, u8, i16, u16, i32 or i64");
}

tenon_value Build::cast(tenon_value v, tenon_dtype to) {
  if (info(v).type() == to) return v;
  return emit("Cast", {v}, AttrList{}.set("to", dtype_name(to)));
}

tenon_value Build::centred(tenon_value q, int64_t zero) {
  const tenon_value x = wide(q);
  return zero ? emit("Sub", {x, scalar(static_cast<int32_t>(zero))}) : x;
}

tenon_value requantize(Build& b, tenon_value sums, const std::vector<double>& scale, const Requantized& to) {
  const Range all = range_of(to.type);
  const bool one = scale.size() == 1;
  AttrList a;
  a.add("output_dtype", dtype_name(to.type)).add("rounding", to.rounding);
  if (!one) a.add("axis", to.axis);
  Values in{sums, one ? b.scalar(scale[0]) : b.constant({static_cast<int64_t>(scale.size())}, scale)};
  const bool low = to.range.low > all.low, high = to.range.high < all.high;
  if (to.zero || low || high) in.push_back(to.zero ? b.integer(to.type, to.zero) : 0);
  if (low || high) in.push_back(low ? b.integer(to.type, to.range.low) : 0);
  if (high) in.push_back(b.integer(to.type, to.range.high));
  return b.emit("Requantize", in, a);
}

namespace {

template <class T>
tenon_value table_constant(Build& b, const std::vector<int32_t>& table) {
  return b.constant({static_cast<int64_t>(table.size())}, std::vector<T>(table.begin(), table.end()));
}

}  // namespace

tenon_value lookup(Build& b, tenon_value q, tenon_dtype type, const std::vector<int32_t>& table) {
  const tenon_value entries = type == dt::i8    ? table_constant<int8_t>(b, table)
                              : type == dt::u8  ? table_constant<uint8_t>(b, table)
                              : type == dt::i16 ? table_constant<int16_t>(b, table)
                                                : table_constant<int32_t>(b, table);
  // Gather's indices below 0 count from the end.
  return b.emit("Gather", {entries, b.wide(q)}, AttrList{}.set("axis", 0));
}

}  // namespace tenon::tflite::quantized
