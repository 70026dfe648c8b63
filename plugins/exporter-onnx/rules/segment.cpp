// SPDX-License-Identifier: Apache-2.0
// segment.cpp - rows reduced by segment: scattered into what the reduction of nothing gives.
#include <limits>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

double nothing(const std::string& how, tenon_dtype t) {
  if (how == "prod") return 1;
  if (how != "max" && how != "min") return 0;
  const bool low = how == "max";
  if (t == dt::f32) return low ? -static_cast<double>(std::numeric_limits<float>::max()) : static_cast<double>(std::numeric_limits<float>::max());
  if (t == dt::f64) return low ? std::numeric_limits<double>::lowest() : std::numeric_limits<double>::max();
  if (t == dt::i32) return low ? INT32_MIN : INT32_MAX;
  throw unsupported("the largest or smallest row of this type").with("found", dtype_name(t));
}

// Rows with a negative id go to a segment behind the last, which is cut off.
void segment_reduce(Emit& e) {
  const std::string how = e.s("reduction", "sum");
  const tenon_dtype t = e.type(e.in(0));
  e.need_opset(how == "max" || how == "min" ? 18 : 16);
  const Value data = e.in(0), ids = e.cast(e.in(1), dt::i64), zero = e.ints({0}), one = e.ints({1});
  const Value largest = e.in(2) ? 0 : e.reduce("ReduceMax", e.concat({ids, e.ints({-1})}, 0), {0}, true);
  const Value count = e.in(2) ? e.one_element(e.cast(e.in(2), dt::i64)) : e.op("Add", {largest, one});
  const Value to = e.unsqueeze(e.where(e.op("Less", {ids, zero}), count, ids), {1});
  const Value row = e.op("Slice", {e.shape(data), one, e.ints({INT64_MAX}), zero});
  const Value shape = e.concat({e.op("Add", {count, one}), row}, 0);
  auto scattered = [&](Value start, Value dims, Value rows, const char* reduction) {
    return e.op("ScatterND", {e.op("Expand", {start, dims}), to, rows}, AttrList{}.set("reduction", reduction));
  };
  const char* reduction = how == "max" ? "max" : how == "min" ? "min" : how == "prod" ? "mul" : "add";
  Value y = scattered(e.number(t, nothing(how, t)), shape, data, reduction);
  if (how == "mean") {
    const Value ones = e.op("Expand", {e.number(t, 1), e.shape(ids)});
    const Value n = scattered(e.number(t, 0), e.op("Add", {count, one}), ones, "add");
    const Value form = e.concat({e.shape(n), e.op("Expand", {one, e.shape(row)})}, 0);
    y = e.op("Div", {y, e.op("Reshape", {e.op("Max", {n, e.number(t, 1)}), form})});
  }
  e.to("Slice", {y, zero, count, zero});
}
ONNX_RULE("SegmentReduce", segment_reduce);

}  // namespace
}  // namespace tenon::to_onnx
