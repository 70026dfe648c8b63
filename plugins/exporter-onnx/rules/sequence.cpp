// SPDX-License-Identifier: Apache-2.0
// sequence.cpp - sequences and optionals.
#include "../write/types.hpp"
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void construct(Emit& e) {
  if (e.n_in() > 0) return e.same("SequenceConstruct");
  tenon_dtype t = e.type(e.out());
  t.flags &= 0xffu;
  e.to("SequenceEmpty", {}, AttrList{}.set("dtype", data_type(t)));
}
ONNX_RULE("SequenceConstruct", construct);
void at(Emit& e) { e.to("SequenceAt", {e.in(0), e.scalar(e.in(1))}); }
ONNX_RULE("SequenceAt", at);
void insert(Emit& e) { e.to("SequenceInsert", {e.in(0), e.in(1), e.in(2) ? e.scalar(e.in(2)) : 0}); }
ONNX_RULE("SequenceInsert", insert);
void erase(Emit& e) { e.to("SequenceErase", {e.in(0), e.in(1) ? e.scalar(e.in(1)) : 0}); }
ONNX_RULE("SequenceErase", erase);
void length(Emit& e) { e.same("SequenceLength"); }
ONNX_RULE("SequenceLength", length);
void split(Emit& e) { e.same("SplitToSequence", {"axis", "keepdims"}); }
ONNX_RULE("SplitToSequence", split);
void concat(Emit& e) { e.same("ConcatFromSequence", {"axis", "new_axis"}); }
ONNX_RULE("ConcatFromSequence", concat);
void map(Emit& e) {
  e.need_opset(17);
  e.same("SequenceMap", {"body"});
}
ONNX_RULE("SequenceMap", map);

std::string bytes_of(const Message& m) {
  std::string s;
  m.write([&](const void* p, uint64_t n) { s.append(static_cast<const char*>(p), n); });
  return s;
}

// An optional without a value names its type.
void optional(Emit& e) {
  e.need_opset(15);
  if (e.in(0)) return e.same("Optional");
  tenon_dtype t = e.type(e.out());
  t.flags &= ~TENON_DTF_OPTIONAL;
  const std::string bytes = bytes_of(type_proto(e.graph(), t, TENON_RANK_UNKNOWN, {}));
  tenon_attr raw{};
  raw.type = TENON_AT_RAW;
  raw.count = bytes.size();
  raw.v.raw = bytes.data();
  AttrList a;
  a.copy(raw, kTypeAttribute);
  e.to("Optional", {}, a);
}
ONNX_RULE("Optional", optional);
void get_element(Emit& e) {
  e.need_opset(15);
  e.same("OptionalGetElement");
}
ONNX_RULE("OptionalGetElement", get_element);
void has_element(Emit& e) {
  e.need_opset(e.in(0) ? 15 : 18);
  e.same("OptionalHasElement");
}
ONNX_RULE("OptionalHasElement", has_element);

}  // namespace
}  // namespace tenon::to_onnx
