// SPDX-License-Identifier: Apache-2.0
#include "emit.hpp"

#include <algorithm>

namespace tenon::to_onnx {
namespace {

template <class T>
std::string bytes_of_numbers(const std::vector<double>& v, const std::vector<int64_t>* whole) {
  std::vector<T> r;
  if (whole) for (int64_t x : *whole) r.push_back(static_cast<T>(x));
  else for (double x : v) r.push_back(static_cast<T>(x));
  return {reinterpret_cast<const char*>(r.data()), r.size() * sizeof(T)};
}

/// Empty for types that C++ lacks.
std::optional<std::string> encoded(tenon_dtype t, const std::vector<double>& v, const std::vector<int64_t>* whole) {
  if (t == dt::f32) return bytes_of_numbers<float>(v, whole);
  if (t == dt::f64) return bytes_of_numbers<double>(v, whole);
  if (t == dt::i64) return bytes_of_numbers<int64_t>(v, whole);
  if (t == dt::i32) return bytes_of_numbers<int32_t>(v, whole);
  if (t == dt::i16) return bytes_of_numbers<int16_t>(v, whole);
  if (t == dt::i8) return bytes_of_numbers<int8_t>(v, whole);
  if (t == dt::u64) return bytes_of_numbers<uint64_t>(v, whole);
  if (t == dt::u32) return bytes_of_numbers<uint32_t>(v, whole);
  if (t == dt::u16) return bytes_of_numbers<uint16_t>(v, whole);
  if (t == dt::u8) return bytes_of_numbers<uint8_t>(v, whole);
  if (t == dt::boolean) return bytes_of_numbers<uint8_t>(v, whole);
  return std::nullopt;
}

template <class T>
std::vector<double> decoded(Span<uint8_t> bytes) {
  std::vector<double> r(bytes.size() / sizeof(T));
  for (size_t i = 0; i < r.size(); ++i) {
    T x;
    std::memcpy(&x, bytes.data() + i * sizeof(T), sizeof(T));
    r[i] = static_cast<double>(x);
  }
  return r;
}

}  // namespace

Values Emit::inputs() const {
  Values v = g_.inputs(n_).vec();
  while (!v.empty() && !v.back()) v.pop_back();
  return v;
}

int32_t Emit::known_rank(Value v, const char* what) const {
  const int32_t r = rank(v);
  if (r < 0) throw unsupported(std::string("the rank of ") + what + " is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return r;
}

int64_t Emit::axis(Value v, int64_t axis) const { return axis < 0 ? axis + known_rank(v, "an input whose axis counts from the end") : axis; }

std::optional<std::vector<int64_t>> Emit::constant_ints(Value v) const {
  std::vector<int64_t> r;
  if (!v || !g_.constant_ints(v, &r)) return std::nullopt;
  return r;
}

std::vector<int64_t> Emit::need_ints(Value v, const char* what) const {
  auto r = constant_ints(v);
  if (!r) throw unsupported(std::string(what) + " is computed at run time, which this operator of ONNX cannot say").with("hint", "a newer opset may");
  return *r;
}

std::optional<std::vector<double>> Emit::constant_numbers(Value v) const {
  if (!v || !g_.is_constant(v)) return std::nullopt;
  const tenon_dtype t = type(v);
  const auto bytes = g_.constant_bytes(v);
  if (t == dt::f32) return decoded<float>(bytes);
  if (t == dt::f64) return decoded<double>(bytes);
  if (t == dt::i64) return decoded<int64_t>(bytes);
  if (t == dt::i32) return decoded<int32_t>(bytes);
  if (t == dt::i16) return decoded<int16_t>(bytes);
  if (t == dt::u16) return decoded<uint16_t>(bytes);
  if (t == dt::i8) return decoded<int8_t>(bytes);
  if (t == dt::u8) return decoded<uint8_t>(bytes);
  return std::nullopt;
}

Value Emit::constant(tenon_dtype t, const Dims& dims, const void* data, uint64_t bytes) {
  std::string key = dtype_name(t);
  for (int64_t d : dims) key += ',' + std::to_string(d);
  key += ':' + std::string(static_cast<const char*>(data), bytes);
  Value& v = constants_[key];
  if (v) return v;
  Buffer b = Buffer::alloc(g_.ctx(), bytes);
  if (bytes) std::memcpy(b.writable(), data, bytes);
  return v = g_.add_constant("", t, dims, b);
}

Value Emit::numbers(tenon_dtype t, const Dims& dims, const std::vector<double>& v, const std::vector<int64_t>* whole) {
  if (const auto bytes = encoded(t, v, whole)) return constant(t, dims, bytes->data(), bytes->size());
  return cast(numbers(dt::f32, dims, v, whole), t);
}

Value Emit::typed(Value v, tenon_dtype t) {
  ok(api().ir->set_type(g_.ctx(), g_.raw(), v, t, TENON_RANK_UNKNOWN, nullptr));
  return v;
}

Value Emit::cast(Value v, tenon_dtype to) { return type(v) == to ? v : typed(op("Cast", {v}, AttrList{}.set("to", data_type(to))), to); }

Values Emit::make(std::string_view domain, std::string_view name, const Values& in, const AttrList& attrs, size_t n, const std::vector<bool>& wanted, int32_t version) {
  Graph::New d;
  d.op = Graph::op(domain, name, domain == "onnx" ? static_cast<int32_t>(opset()) : version);
  d.in = in;
  // Of the two first inputs of a Loop the schema wants to see that they are absent.
  while (name != "Loop" && !d.in.empty() && !d.in.back()) d.in.pop_back();
  d.attrs = &attrs;
  d.out_names.resize(n);
  d.no_outputs = n == 0;
  d.origins = {n_};
  d.before = n_;
  d.name = name_;
  for (size_t k = 0; k < wanted.size(); ++k) d.out_absent.push_back(wanted[k] ? 0 : 1);
  return g_.outputs(g_.add(d)).vec();
}

Value Emit::reduce(std::string_view name, Value v, const std::vector<int64_t>& axes, bool keep) {
  AttrList a;
  a.add("keepdims", keep ? 1 : 0);
  if (opset() >= 18 || name == "ReduceSum") return op(name, {v, ints(axes)}, a);
  a.add("axes", axes);
  return op(name, {v}, a);
}

Value Emit::scalar(Value v) {
  const ValueInfo i = info(v);
  if (i.rank() == 0) return v;
  if (!i.constant()) return typed(reshape(v, {}), i.type());
  uint64_t offset = 0;
  const Buffer b = g_.constant_buffer(v, &offset);
  return g_.add_constant(i.name(), i.type(), Span<int64_t>(), b, offset);
}

Value Emit::one_element(Value v) {
  const ValueInfo i = info(v);
  if (i.rank() == 1) return v;
  if (!i.constant()) return typed(reshape(v, {1}), i.type());
  uint64_t offset = 0;
  const Buffer b = g_.constant_buffer(v, &offset);
  const Dims one{1};
  return g_.add_constant(i.name(), i.type(), one, b, offset);
}

Value Emit::widened(Value v, const std::vector<tenon_dtype>& takes) {
  const tenon_dtype t = type(v);
  auto taken = [&](tenon_dtype x) { return std::any_of(takes.begin(), takes.end(), [&](tenon_dtype y) { return x == y; }); };
  if (taken(t)) return v;
  for (tenon_dtype wide : {dt::i32, dt::i64, dt::f32, dt::f64}) {
    const bool holds = is_float(t) ? is_float(wide) && wide.bits > t.bits : is_int(wide) && (wide.bits > t.bits || (t.code == TENON_DT_INT && wide.bits == t.bits));
    if (holds && taken(wide)) return cast(v, wide);
  }
  throw unsupported("the ONNX operator does not take this element type").with("found", dtype_name(t));
}

void Emit::done(const Values& with) {
  const Ids outs = g_.outputs(n_);
  for (size_t k = 0; k < outs.size() && k < with.size(); ++k) {
    if (!outs[k] || !with[k]) continue;
    const ValueInfo old = g_.info(outs[k]), fresh = g_.info(with[k]);
    if (fresh.producer() && fresh.type() == dt::none) g_.copy_type(with[k], outs[k]);
  }
  std::vector<std::string> names;
  for (Value o : outs) names.emplace_back(o ? g_.info(o).name() : std::string_view());
  g_.replace(n_, with);
  for (size_t k = 0; k < with.size() && k < names.size(); ++k) {
    if (!with[k] || names[k].empty()) continue;
    const ValueInfo i = g_.info(with[k]);
    if (i.producer() && Graph::op_name(g_.op(i.producer())).domain != "tenon") ok(api().ir->set_name(g_.ctx(), g_.raw(), 0, with[k], str(names[k])));
  }
}

AttrList Emit::copied(std::initializer_list<std::string_view> names) const {
  AttrList a;
  for (auto n : names)
    if (const tenon_attr* x = find(n)) a.copy(*x);
  return a;
}

void Emit::same(std::string_view name, std::initializer_list<std::string_view> attrs) {
  std::vector<bool> want;
  for (uint64_t k = 0; k < n_out(); ++k) want.push_back(out(k) != 0);
  done(op_n(name, inputs(), copied(attrs), n_out(), want));
}

void Emit::need_opset(int64_t least) const {
  if (opset() < least)
    throw unsupported("ONNX has this operator since opset " + std::to_string(least)).with("hint", "choose option \"opset\": " + std::to_string(least) + " or above");
}

}  // namespace tenon::to_onnx
