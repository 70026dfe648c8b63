// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <algorithm>

#include "parse/types.hpp"

namespace tenon::onnx {

void known(const Lower& l, std::initializer_list<std::string_view> names) {
  for (const auto& a : l.all()) {
    std::string_view name = view(a.name);
    if (name == "consumed_inputs" || std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::string list;
    for (auto n : names) list += (list.empty() ? "" : ", ") + std::string(n);
    throw unsupported("attribute '" + std::string(name) + "' is not known at opset " + std::to_string(l.version())).with("expected", list.empty() ? "no attributes" : list);
  }
}

void arity(const Lower& l, uint64_t least_in, uint64_t most_in, uint64_t most_out) {
  uint64_t in = l.n_in(), out = l.n_out();
  if (in < least_in || in > most_in)
    throw invalid("wrong number of inputs")
        .with("expected", least_in == most_in ? std::to_string(least_in) : std::to_string(least_in) + " to " + std::to_string(most_in))
        .with("found", std::to_string(in));
  if (out > most_out) throw invalid("wrong number of outputs").with("expected", "at most " + std::to_string(most_out)).with("found", std::to_string(out));
}

tenon_value axes_input(Lower& l, uint64_t k) {
  if (!l.has_in(k) || l.info(l.in(k)).rank() != 0) return l.in(k);
  return l.emit("Reshape", {l.in(k), l.ints({1})});
}

bool used(const Lower& l, uint64_t k) {
  if (!l.has_out(k)) return false;
  ValueInfo i = l.info(l.out(k));
  return i.n_uses() > 0 || i.is_output();
}

tenon_value need(const Lower& l, uint64_t k) {
  if (!l.has_in(k)) throw invalid("input " + std::to_string(k) + " is missing");
  return l.in(k);
}

Values inputs(const Lower& l) {
  Values r;
  for (uint64_t k = 0; k < l.n_in(); ++k) r.push_back(l.in(k));
  while (!r.empty() && !r.back()) r.pop_back();
  return r;
}

int32_t rank_of(const Lower& l, tenon_value v, const char* why) {
  int32_t r = l.info(v).rank();
  if (r < 0)
    throw unsupported(std::string("the rank of its input is not known, and ") + why + " depends on it").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return r;
}

tenon_dtype type_of(const Lower& l, tenon_value v, const char* why) {
  tenon_dtype t = l.info(v).type();
  if (t == dt::none) throw unsupported(std::string("the element type of its input is not known, and ") + why + " depends on it");
  return t;
}

int64_t axis_of(int64_t axis, int32_t rank, bool end) {
  int64_t a = axis < 0 ? axis + rank : axis;
  if (a < 0 || a > rank || (a == rank && !end))
    throw invalid("axis " + std::to_string(axis) + " is out of range").with("expected", "an axis of a tensor of rank " + std::to_string(rank));
  return a;
}

tenon_dtype dtype_number(int64_t number) {
  tenon_dtype t = element_type(number);
  if (t == dt::none) throw invalid("unknown element type " + std::to_string(number));
  return t;
}
std::string dtype_text(int64_t number) { return dtype_name(dtype_number(number)); }

std::vector<int64_t> attr_ints(const Lower& l, std::string_view name, std::vector<int64_t> otherwise) {
  return static_cast<const Attrs&>(l).ints(name, std::move(otherwise));
}

std::optional<std::vector<int64_t>> constant_ints(const Lower& l, tenon_value v) {
  std::vector<int64_t> r;
  Graph g(const_cast<Lower&>(l).graph());
  if (!v || !g.constant_ints(v, &r)) return std::nullopt;
  return r;
}

AttrList copied(const Lower& l, std::initializer_list<std::string_view> names) {
  AttrList r;
  for (auto n : names)
    if (const tenon_attr* a = l.find(n)) r.copy(*a);
  return r;
}

tenon_value scalar_like(Lower& l, tenon_value v, double x) { return l.scalar_of(type_of(l, v, "a constant in its expansion"), x); }

tenon_value iota(Lower& l, int64_t begin, int64_t end) {
  std::vector<int64_t> r;
  for (int64_t i = begin; i < end; ++i) r.push_back(i);
  return l.ints(r);
}

tenon_value cast(Lower& l, tenon_value v, tenon_dtype to) {
  if (l.info(v).type() == to) return v;
  return l.emit("Cast", {v}, AttrList{}.set("to", dtype_name(to)));
}

void same(Lower& l, std::string_view op, std::initializer_list<std::string_view> attrs, uint64_t least_in, uint64_t most_in) {
  known(l, attrs);
  arity(l, least_in, most_in);
  for (uint64_t k = 0; k < least_in; ++k) need(l, k);
  AttrList a = copied(l, attrs);
  l.to(op, inputs(l), a);
}

tenon_value shape(Lower& l, tenon_value v) { return l.emit("Shape", {v}); }

tenon_value dim(Lower& l, tenon_value v, int64_t axis) {
  AttrList a;
  a.add("start", axis);
  if (axis != -1) a.add("end", axis + 1);
  return l.emit("Shape", {v}, a);
}

namespace {

// Product of dims[begin, end), or -1 when one is no number.
int64_t product(Span<int64_t> dims, int64_t begin, int64_t end) {
  int64_t n = 1;
  for (int64_t k = begin; k < end; ++k) {
    if (dims[static_cast<uint64_t>(k)] < 0) return -1;
    n *= dims[static_cast<uint64_t>(k)];
  }
  return n;
}

// A matrix whose number of rows and columns is known, or -1; at most one of them may be -1, and then the other is not 0.
tenon_value as_matrix(Lower& l, tenon_value v, int64_t rows, int64_t columns) {
  AttrList a;
  a.add("allowzero", 1);
  return l.emit("Reshape", {v, l.ints({rows, columns})}, a);
}

}  // namespace

tenon_value flatten(Lower& l, tenon_value v, int64_t axis) {
  auto info = l.info(v);
  if (info.rank() >= 0) {
    axis = axis_of(axis, info.rank(), true);
    int64_t rows = product(info.dims(), 0, axis), columns = product(info.dims(), axis, info.rank());
    if ((rows >= 0 && columns >= 0) || rows > 0 || columns > 0) return as_matrix(l, v, rows, columns);
  }
  if (axis == 0) return l.emit("Reshape", {v, l.ints({1, -1})});
  if (axis == 1) return l.emit("Reshape", {v, l.ints({0, -1})});
  if (axis < 0) rank_of(l, v, "a negative axis");
  AttrList head, keep, first;
  head.add("start", 0).add("end", axis);
  keep.add("keepdims", 1);
  first.add("axis", 0);
  tenon_value rows = l.emit("ReduceProd", {l.emit("Shape", {v}, head)}, keep);
  return l.emit("Reshape", {v, l.emit("Concat", {rows, l.ints({-1})}, first)});
}

}  // namespace tenon::onnx
