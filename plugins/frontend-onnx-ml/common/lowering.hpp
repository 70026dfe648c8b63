// SPDX-License-Identifier: Apache-2.0
// lowering.hpp - what lowerings of ONNX's other domains share: checks of a node, and short names for what they emit. What is emitted has no
// type or shape until the lowering is done, so type_of, rank_of and info are for the node's own inputs.
#pragma once
#include <tenon/tenon.hpp>

#include <algorithm>
#include <initializer_list>

namespace tenon::contrib {

using Values = std::vector<tenon_value>;
using Names = std::initializer_list<std::string_view>;

/// Every attribute of the node must be one of these: one that nobody reads would be lost in silence.
inline void known(const Lower& l, Span<std::string_view> names) {
  for (const auto& a : l.all()) {
    const std::string_view name = view(a.name);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::string list;
    for (auto n : names) list += (list.empty() ? "" : ", ") + std::string(n);
    throw unsupported("attribute '" + std::string(name) + "' is not known").with("expected", list.empty() ? "no attributes" : list).with("found", std::string(name));
  }
}
inline void known(const Lower& l, Names names) { known(l, Span<std::string_view>(names.begin(), names.size())); }
/// The node must have this many inputs (absent ones count) and at most `most_out` outputs.
inline void arity(const Lower& l, uint64_t least_in, uint64_t most_in, uint64_t most_out = 1) {
  const uint64_t in = l.n_in(), out = l.n_out();
  if (in < least_in || in > most_in)
    throw invalid("wrong number of inputs").with("expected", std::to_string(least_in) + " to " + std::to_string(most_in)).with("found", std::to_string(in));
  if (out > most_out) throw invalid("wrong number of outputs").with("expected", "at most " + std::to_string(most_out)).with("found", std::to_string(out));
}
/// Input k, which must be there.
inline tenon_value need(const Lower& l, uint64_t k) {
  if (!l.has_in(k)) throw invalid("input " + std::to_string(k) + " is missing");
  return l.in(k);
}
/// A feature that the lowering does not have: one clear error that names it.
inline void refuse(bool there, const std::string& feature, const std::string& found = {}) {
  if (!there) return;
  Error e = unsupported(feature + " is not supported");
  throw found.empty() ? e : e.with("found", found);
}
inline void refuse_input(const Lower& l, uint64_t k, const char* name) { refuse(l.has_in(k), std::string("input '") + name + "'"); }
/// Does anybody read output k?
inline bool used(const Lower& l, uint64_t k) {
  if (!l.has_out(k)) return false;
  const ValueInfo i = l.info(l.out(k));
  return i.n_uses() > 0 || i.is_output();
}
inline int32_t rank_of(const Lower& l, tenon_value v, const char* what) {
  const int32_t r = l.info(v).rank();
  if (r < 0) throw unsupported(std::string("the rank of ") + what + " is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return r;
}
inline tenon_dtype type_of(const Lower& l, tenon_value v) {
  const tenon_dtype t = l.info(v).type();
  if (t == dt::none) throw unsupported("the element type of an input is not known, and the lowering depends on it");
  return t;
}
/// List attribute of the node (Lower::ints makes a constant and hides Attrs::ints).
inline std::vector<int64_t> attr_ints(const Lower& l, std::string_view name, std::vector<int64_t> otherwise = {}) { return static_cast<const Attrs&>(l).ints(name, std::move(otherwise)); }
/// Copies the named attributes of the node that are present.
inline void copy_attrs(const Lower& l, AttrList& to, Names names) {
  for (auto n : names)
    if (const tenon_attr* a = l.find(n)) to.copy(*a);
}
inline AttrList copied(const Lower& l, Names names) {
  AttrList r;
  copy_attrs(l, r, names);
  return r;
}
/// Warning that stands in the report.
inline void warn(Lower& l, const std::string& text) { Ctx(l.graph().ctx()).warn(text + (l.name().empty() ? "" : " (node '" + std::string(l.name()) + "')")); }

// What is emitted most.
inline tenon_value cast(Lower& l, tenon_value v, tenon_dtype to) { return l.info(v).type() == to ? v : l.emit("Cast", {v}, AttrList{}.set("to", dtype_name(to))); }
inline tenon_value scalar_like(Lower& l, tenon_value v, double x) { return l.scalar_of(type_of(l, v), x); }
inline tenon_value shape(Lower& l, tenon_value v) { return l.emit("Shape", {v}); }
/// One dimension (axis >= 0) as a list of one i64.
inline tenon_value dim(Lower& l, tenon_value v, int64_t axis) { return l.emit("Shape", {v}, AttrList{}.set("start", axis).set("end", axis + 1)); }
inline tenon_value concat(Lower& l, const Values& v, int64_t axis = 0) { return l.emit("Concat", v, AttrList{}.set("axis", axis)); }
inline tenon_value reshape(Lower& l, tenon_value v, const std::vector<int64_t>& dims) { return l.emit("Reshape", {v, l.ints(dims)}); }
inline tenon_value transpose(Lower& l, tenon_value v, const std::vector<int64_t>& perm) { return l.emit("Transpose", {v}, AttrList{}.set("perm", perm)); }
inline tenon_value unsqueeze(Lower& l, tenon_value v, const std::vector<int64_t>& axes) { return l.emit("Unsqueeze", {v, l.ints(axes)}); }
inline tenon_value gather(Lower& l, tenon_value v, tenon_value at, int64_t axis = 0) { return l.emit("Gather", {v, at}, AttrList{}.set("axis", axis)); }
inline tenon_value slice(Lower& l, tenon_value v, int64_t axis, int64_t begin, int64_t end) { return l.emit("Slice", {v, l.ints({begin}), l.ints({end}), l.ints({axis})}); }
inline tenon_value reduce(Lower& l, const char* op, tenon_value v, const std::vector<int64_t>& axes, bool keep = true) {
  return l.emit(op, {v, l.ints(axes)}, AttrList{}.set("keepdims", keep ? 1 : 0));
}

inline tenon_value floats(Lower& l, const std::vector<double>& v, const Dims& dims) {
  const std::vector<float> f(v.begin(), v.end());
  if (count_of(dims.data(), static_cast<int32_t>(dims.size())) != static_cast<int64_t>(f.size()))
    throw invalid("a list of numbers has a wrong length").with("found", std::to_string(f.size()));
  return l.graph().add_constant<float>("", dims, f.data());
}
inline tenon_value floats(Lower& l, const std::vector<double>& v) { return floats(l, v, Dims{static_cast<int64_t>(v.size())}); }
/// A constant of strings of rank 1, or a scalar.
inline tenon_value strings(Lower& l, const std::vector<std::string>& v, bool scalar = false) {
  std::vector<uint64_t> offsets{0};
  std::string text;
  for (const auto& s : v) offsets.push_back((text += s).size());
  const uint64_t head = offsets.size() * sizeof offsets[0];
  Buffer b = Buffer::alloc(l.graph().ctx(), head + text.size());
  std::memcpy(b.writable(), offsets.data(), head);
  if (!text.empty()) std::memcpy(static_cast<char*>(b.writable()) + head, text.data(), text.size());
  return l.graph().add_constant("", dt::string, scalar ? Dims{} : Dims{static_cast<int64_t>(v.size())}, b);
}

/// ONNX's element type numbers.
inline tenon_dtype element_type(int64_t number) {
  static constexpr tenon_dtype by_number[] = {
      dt::none, dt::f32, dt::u8, dt::i8, dt::u16, dt::i16, dt::i32, dt::i64, dt::string, dt::boolean, dt::f16, dt::f64, dt::u32, dt::u64,
      dt::c64, dt::c128, dt::bf16, dt::f8e4m3fn, dt::f8e4m3fnuz, dt::f8e5m2, dt::f8e5m2fnuz, dt::u4, dt::i4, dt::f4e2m1, dt::f8e8m0, dt::u2, dt::i2};
  constexpr int64_t count = sizeof by_number / sizeof *by_number;
  if (number < 1 || number >= count) throw invalid("unknown element type").with("found", std::to_string(number));
  return by_number[number];
}

}  // namespace tenon::contrib
