// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::tflite {

void known(const Lower& l, std::initializer_list<std::string_view> names) {
  for (const auto& a : l.all()) {
    std::string_view name = view(a.name);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw unsupported("option '" + std::string(name) + "' of the operator is not known").with("found", std::string(name));
  }
}

void arity(const Lower& l, uint64_t least_in, uint64_t most_in, uint64_t most_out) {
  uint64_t in = l.n_in(), out = l.n_out();
  if (in < least_in || in > most_in)
    throw invalid("wrong number of inputs")
        .with("expected", least_in == most_in ? std::to_string(least_in) : std::to_string(least_in) + " to " + std::to_string(most_in))
        .with("found", std::to_string(in));
  if (out < 1 || out > most_out) throw invalid("wrong number of outputs").with("expected", "1 to " + std::to_string(most_out)).with("found", std::to_string(out));
}

tenon_value need(const Lower& l, uint64_t k) {
  if (!l.has_in(k)) throw invalid("input " + std::to_string(k) + " is missing");
  return l.in(k);
}

tenon_value need_float(const Lower& l, uint64_t k) {
  tenon_dtype t = type_of(l, need(l, k));
  if (!is_float(t)) throw unsupported("the operator takes floating-point numbers").with("found", dtype_name(t));
  return l.in(k);
}

tenon_value need_bool(const Lower& l, uint64_t k) {
  tenon_dtype t = type_of(l, need(l, k));
  if (t != dt::boolean) throw invalid("the operator takes booleans").with("found", dtype_name(t));
  return l.in(k);
}

Values inputs(const Lower& l) {
  Values r;
  for (uint64_t k = 0; k < l.n_in(); ++k) r.push_back(l.in(k));
  while (!r.empty() && !r.back()) r.pop_back();
  return r;
}

bool used(const Lower& l, uint64_t k) {
  if (!l.has_out(k)) return false;
  ValueInfo i = l.info(l.out(k));
  return i.n_uses() > 0 || i.is_output();
}

int32_t rank_of(const Lower& l, tenon_value v) {
  int32_t r = l.info(v).rank();
  if (r < 0) throw unsupported("the rank of its input is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return r;
}

tenon_dtype type_of(const Lower& l, tenon_value v) {
  tenon_dtype t = l.info(v).type();
  if (t == dt::none) throw unsupported("the element type of its input is not known");
  return t;
}

namespace {

struct Quantization {
  int32_t axis = -1;
  const float* scale = nullptr;
  const int64_t* zero_point = nullptr;
  uint64_t count = 0;
};

Quantization quantization(Graph& g, tenon_value v) {
  Quantization q;
  ok(api().ir->quantization(g.raw(), v, &q.axis, &q.scale, &q.zero_point, &q.count));
  return q;
}

}  // namespace

// The new value means what the old one meant.
void carry_quantization(Graph& g, tenon_value from, tenon_value to) {
  Quantization q = quantization(g, from);
  const tenon_dtype type = g.info(to).type();
  if (q.count == 0 || quantization(g, to).count || (type != dt::none && !is_int(type))) return;
  std::vector<float> scale(q.scale, q.scale + q.count);
  std::vector<int64_t> zero(q.zero_point, q.zero_point + q.count);
  ok(api().ir->set_quantization(g.ctx(), g.raw(), to, q.axis, scale.data(), zero.data(), q.count));
}

void finish(Lower& l, const Values& with) {
  for (uint64_t k = 0; k < with.size() && k < l.n_out(); ++k)
    if (with[k] && l.has_out(k)) carry_quantization(l.graph(), l.out(k), with[k]);
  l.done(with);
}

void to(Lower& l, std::string_view op, const Values& in, const AttrList& attrs) { finish(l, {l.emit(op, in, attrs)}); }

int64_t axis_of(int64_t axis, int32_t rank, bool end) {
  int64_t a = axis < 0 ? axis + rank + (end ? 1 : 0) : axis;
  if (a < 0 || a > rank || (a == rank && !end))
    throw invalid("axis " + std::to_string(axis) + " is out of range").with("expected", "an axis of a tensor of rank " + std::to_string(rank));
  return a;
}

std::optional<std::vector<int64_t>> constant_ints(const Lower& l, tenon_value v) {
  std::vector<int64_t> r;
  if (!v || !const_cast<Lower&>(l).graph().constant_ints(v, &r)) return std::nullopt;
  return r;
}

std::vector<int64_t> need_ints(const Lower& l, uint64_t k, const char* what) {
  auto r = constant_ints(l, need(l, k));
  if (!r) throw unsupported(std::string(what) + " must be constant").with("hint", "input " + std::to_string(k) + " is computed in the model");
  return *r;
}

std::vector<int64_t> attr_ints(const Lower& l, std::string_view name) { return static_cast<const Attrs&>(l).ints(name); }
tenon_graph* attr_graph(const Lower& l, std::string_view name) {
  tenon_graph* g = static_cast<const Attrs&>(l).graph(name);
  if (!g) throw invalid("attribute '" + std::string(name) + "' is missing");
  return g;
}

tenon_value cast(Lower& l, tenon_value v, tenon_dtype to) {
  if (l.info(v).type() == to) return v;
  return l.emit("Cast", {v}, AttrList{}.set("to", dtype_name(to)));
}

tenon_value index_list(Lower& l, tenon_value v) {
  if (auto c = constant_ints(l, v)) return l.ints(*c);
  v = cast(l, v, dt::i64);
  return l.info(v).rank() == 1 ? v : reshape(l, v, {-1});
}

tenon_value index_scalar(Lower& l, tenon_value v) {
  if (auto c = constant_ints(l, v); c && c->size() == 1) return l.scalar<int64_t>((*c)[0]);
  v = cast(l, v, dt::i64);
  return l.info(v).rank() == 0 ? v : l.emit("Reshape", {v, l.ints({})});
}

tenon_value reshape(Lower& l, tenon_value v, const std::vector<int64_t>& to) { return l.emit("Reshape", {v, l.ints(to)}); }
tenon_value transpose(Lower& l, tenon_value v, const std::vector<int64_t>& perm) { return l.emit("Transpose", {v}, AttrList{}.set("perm", perm)); }
tenon_value unsqueeze(Lower& l, tenon_value v, const std::vector<int64_t>& axes) { return l.emit("Unsqueeze", {v, l.ints(axes)}); }
tenon_value squeeze(Lower& l, tenon_value v, const std::vector<int64_t>& axes) { return l.emit("Squeeze", {v, l.ints(axes)}); }
tenon_value concat(Lower& l, const Values& v, int64_t axis) { return v.size() == 1 ? v[0] : l.emit("Concat", v, AttrList{}.set("axis", axis)); }
tenon_value reduce(Lower& l, std::string_view op, tenon_value v, const std::vector<int64_t>& axes, bool keep) {
  return l.emit(op, {v, l.ints(axes)}, AttrList{}.set("keepdims", int{keep}));
}
tenon_value slice(Lower& l, tenon_value v, int64_t axis, int64_t begin, int64_t end) {
  return l.emit("Slice", {v, l.ints({begin}), l.ints({end}), l.ints({axis})});
}

tenon_value shape(Lower& l, tenon_value v) { return l.emit("Shape", {v}); }
tenon_value shape(Lower& l, tenon_value v, int64_t begin, int64_t end) { return l.emit("Shape", {v}, AttrList{}.set("start", begin).set("end", end)); }
tenon_value dim(Lower& l, tenon_value v, int64_t axis) { return axis == -1 ? l.emit("Shape", {v}, AttrList{}.set("start", axis)) : shape(l, v, axis, axis + 1); }
tenon_value element_count(Lower& l, tenon_value v) { return reduce(l, "ReduceProd", shape(l, v), {0}, true); }

tenon_value scalar_like(Lower& l, tenon_value v, double x) { return l.scalar_of(type_of(l, v), x); }

tenon_value clip(Lower& l, tenon_value v, tenon_dtype t, double low, double high) { return l.emit("Clip", {v, l.scalar_of(t, low), l.scalar_of(t, high)}); }

tenon_value activate(Lower& l, tenon_value v, tenon_dtype t) {
  std::string f = l.s("fused_activation_function", "NONE");
  if (f == "NONE") return v;
  if (f == "RELU") return l.emit("Relu", {v});
  if (f == "RELU6") return clip(l, v, t, 0, 6);
  if (f == "RELU_N1_TO_1") return clip(l, v, t, -1, 1);
  if (f == "TANH") return l.emit("Tanh", {v});
  throw unsupported("this fused activation is not known").with("found", f);
}

tenon_value one_element(Lower& l, tenon_dtype t, bool one) {
  if (t.bits < 8 || t == dt::string) throw unsupported("a constant of this type").with("found", dtype_name(t));
  Buffer b = Buffer::alloc(l.graph().ctx(), t.bits / 8u);
  auto* p = static_cast<uint8_t*>(b.writable());
  if (one && (is_int(t) || t.code == TENON_DT_BOOL)) p[0] = 1;
  else if (one && t == dt::f32) *reinterpret_cast<float*>(p) = 1;
  else if (one) throw unsupported("a constant of this type").with("found", dtype_name(t));
  Dims d{1};
  return l.graph().add_constant("", t, d, b);
}

tenon_value zeros(Lower& l, tenon_value shape, tenon_dtype t) {
  AttrList a;
  a.add_tensor("value", one_element(l, t, false));
  return l.emit("ConstantOfShape", {shape}, a);
}

bool is_quantized(Lower& l, tenon_value v) { return v && quantization(l.graph(), v).count > 0; }

tenon_value zero_of(Lower& l, tenon_value v) {
  tenon_dtype t = type_of(l, v);
  Quantization q = quantization(l.graph(), v);
  if (q.count > 1) throw unsupported("padding of a tensor with several zero points");
  int64_t zero = q.count && q.zero_point ? q.zero_point[0] : 0;
  Buffer b = Buffer::alloc(l.graph().ctx(), bytes_of(t, 1));
  if (is_int(t)) std::memcpy(b.writable(), &zero, bytes_of(t, 1));  // little-endian, as all targets are
  return l.graph().add_constant("", t, Span<int64_t>(), b);
}

tenon_dtype dtype_named(std::string_view name) {
  static const std::pair<std::string_view, tenon_dtype> all[] = {
      {"FLOAT32", dt::f32}, {"FLOAT16", dt::f16}, {"FLOAT64", dt::f64}, {"BFLOAT16", dt::bf16}, {"INT8", dt::i8}, {"INT16", dt::i16}, {"INT32", dt::i32},
      {"INT64", dt::i64}, {"UINT8", dt::u8}, {"UINT16", dt::u16}, {"UINT32", dt::u32}, {"UINT64", dt::u64}, {"BOOL", dt::boolean}, {"INT4", dt::i4},
      {"UINT4", dt::u4}, {"INT2", dt::i2}, {"STRING", dt::string}, {"COMPLEX64", dt::c64}, {"COMPLEX128", dt::c128}};
  for (const auto& [n, t] : all)
    if (n == name) return t;
  throw unsupported("element type " + std::string(name) + " is not known here");
}

void same_float(Lower& l, std::string_view op, uint64_t n) {
  for (uint64_t k = 0; k < n; ++k) need_float(l, k);
  same(l, op, n, n);
}

void same_bool(Lower& l, std::string_view op, uint64_t n) {
  for (uint64_t k = 0; k < n; ++k) need_bool(l, k);
  same(l, op, n, n);
}

void same(Lower& l, std::string_view op, uint64_t least_in, uint64_t most_in) {
  known(l, {});
  arity(l, least_in, most_in);
  for (uint64_t k = 0; k < least_in; ++k) need(l, k);
  to(l, op, inputs(l));
}

}  // namespace tenon::tflite
