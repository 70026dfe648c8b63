// SPDX-License-Identifier: Apache-2.0
// sequence.cpp - sequences and optionals.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_construct(Lower& l) { same(l, "SequenceConstruct", {}, 1, UINT64_MAX); }
TENON_LOWERING("onnx", "SequenceConstruct", 11, lower_construct);

void lower_empty(Lower& l) {
  known(l, {"dtype"});
  arity(l, 0, 0);
  l.to("SequenceConstruct", {}, AttrList{}.set("dtype", dtype_text(l.i("dtype", 1))));
}
TENON_LOWERING("onnx", "SequenceEmpty", 11, lower_empty);

void lower_at(Lower& l) { same(l, "SequenceAt", {}, 2, 2); }
TENON_LOWERING("onnx", "SequenceAt", 11, lower_at);
void lower_insert(Lower& l) { same(l, "SequenceInsert", {}, 2, 3); }
TENON_LOWERING("onnx", "SequenceInsert", 11, lower_insert);
void lower_erase(Lower& l) { same(l, "SequenceErase", {}, 1, 2); }
TENON_LOWERING("onnx", "SequenceErase", 11, lower_erase);
void lower_length(Lower& l) { same(l, "SequenceLength", {}, 1, 1); }
TENON_LOWERING("onnx", "SequenceLength", 11, lower_length);
void lower_split(Lower& l) { same(l, "SplitToSequence", {"axis", "keepdims"}, 1, 2); }
TENON_LOWERING("onnx", "SplitToSequence", 11, lower_split);
void lower_concat(Lower& l) { same(l, "ConcatFromSequence", {"axis", "new_axis"}, 1, 1); }
TENON_LOWERING("onnx", "ConcatFromSequence", 11, lower_concat);

void lower_map(Lower& l) {
  known(l, {"body"});
  arity(l, 1, UINT64_MAX, UINT64_MAX);
  if (!static_cast<const Attrs&>(l).graph("body")) throw invalid("attribute 'body' must be a graph");
  Values in;
  for (uint64_t k = 0; k < l.n_in(); ++k) in.push_back(need(l, k));
  std::vector<bool> wanted;
  for (uint64_t k = 0; k < l.n_out(); ++k) wanted.push_back(l.has_out(k));
  AttrList a = copied(l, {"body"});
  l.done(l.emit_n("SequenceMap", in, a, l.n_out(), wanted));
}
TENON_LOWERING("onnx", "SequenceMap", 17, lower_map);

void lower_optional(Lower& l) { same(l, "Optional", {"type"}, 0, 1); }
TENON_LOWERING("onnx", "Optional", 15, lower_optional);

// Since opset 18 the input may be no optional at all; then the answer is known.
bool plain(Lower& l) {
  if (!l.has_in(0)) return false;
  tenon_dtype t = l.info(l.in(0)).type();
  return t != dt::none && !(t.flags & TENON_DTF_OPTIONAL);
}
void lower_get(Lower& l) { same(l, plain(l) ? "Identity" : "OptionalGetElement", {}, 1, 1); }
TENON_LOWERING("onnx", "OptionalGetElement", 15, lower_get);

void lower_has(Lower& l) {
  known(l, {});
  arity(l, 0, 1);
  if (!plain(l) && l.has_in(0)) return l.to("OptionalHasElement", {l.in(0)});
  l.to("Identity", {l.scalar<bool>(plain(l))});
}
TENON_LOWERING("onnx", "OptionalHasElement", 15, lower_has);

}  // namespace
}  // namespace tenon::onnx
