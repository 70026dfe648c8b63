// SPDX-License-Identifier: Apache-2.0
// attrs.hpp - reading and making attributes.
#pragma once
#include <deque>

#include "base.hpp"

TENON_NAMESPACE_BEGIN

/// Borrowed attributes of a node, read by name. A present attribute of another kind throws TENON_E_INVALID.
class Attrs {
  Span<tenon_attr> a_;
  const tenon_attr* typed(std::string_view name, uint32_t type) const {
    const tenon_attr* a = find(name);
    if (a && a->type != type) throw invalid("attribute '" + std::string(name) + "' has another kind than expected");
    return a;
  }

 public:
  Attrs() = default;
  explicit Attrs(Span<tenon_attr> a) : a_(a) {}
  Span<tenon_attr> all() const { return a_; }
  const tenon_attr* find(std::string_view name) const {
    for (const auto& a : a_)
      if (view(a.name) == name) return &a;
    return nullptr;
  }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  int64_t i(std::string_view name, int64_t otherwise = 0) const {
    const tenon_attr* a = typed(name, TENON_AT_INT);
    return a ? a->v.i : otherwise;
  }
  double f(std::string_view name, double otherwise = 0) const {
    const tenon_attr* a = find(name);
    if (a && a->type == TENON_AT_INT) return static_cast<double>(a->v.i);
    a = typed(name, TENON_AT_FLOAT);
    return a ? a->v.f : otherwise;
  }
  std::string s(std::string_view name, std::string_view otherwise = {}) const {
    const tenon_attr* a = typed(name, TENON_AT_STR);
    return std::string(a ? view(a->v.strs[0]) : otherwise);
  }
  std::vector<int64_t> ints(std::string_view name, std::vector<int64_t> otherwise = {}) const {
    const tenon_attr* a = find(name);
    if (a && a->count == 0) return {};
    a = typed(name, TENON_AT_INTS);
    return a ? std::vector<int64_t>(a->v.ints, a->v.ints + a->count) : std::move(otherwise);
  }
  std::vector<double> floats(std::string_view name, std::vector<double> otherwise = {}) const {
    const tenon_attr* a = find(name);
    if (a && a->count == 0) return {};
    a = typed(name, TENON_AT_FLOATS);
    return a ? std::vector<double>(a->v.floats, a->v.floats + a->count) : std::move(otherwise);
  }
  std::vector<std::string> strings(std::string_view name) const {
    const tenon_attr* a = find(name);
    if (a && a->count == 0) return {};
    a = typed(name, TENON_AT_STRS);
    std::vector<std::string> r;
    for (uint64_t k = 0; a && k < a->count; ++k) r.emplace_back(view(a->v.strs[k]));
    return r;
  }
  tenon_graph* graph(std::string_view name) const {
    const tenon_attr* a = typed(name, TENON_AT_GRAPH);
    return a ? a->v.graph : nullptr;
  }
  /// Value id of a tensor attribute, 0 when absent.
  tenon_value tensor_id(std::string_view name) const {
    const tenon_attr* a = typed(name, TENON_AT_TENSOR);
    return a ? a->v.tensor : 0;
  }
};

/// Attributes to give to a new node: AttrList{}.set("axis", 1).set("pads", {0, 0}). Owns what it is given.
class AttrList {
  std::vector<tenon_attr> a_;
  std::deque<std::string> text_;
  std::deque<std::vector<int64_t>> ints_;
  std::deque<std::vector<double>> floats_;
  std::deque<std::vector<tenon_str>> strs_;
  tenon_attr& make(std::string_view name, uint32_t type, uint64_t count) {
    text_.emplace_back(name);
    tenon_attr a{};
    a.name = str(text_.back());
    a.type = type;
    a.count = count;
    a_.push_back(a);
    return a_.back();
  }

 public:
  AttrList() = default;
  AttrList(AttrList&&) = default;
  AttrList& operator=(AttrList&&) = default;
  AttrList(const AttrList&) = delete;
  AttrList& operator=(const AttrList&) = delete;
  AttrList&& set(std::string_view name, int64_t v) && { return std::move(add(name, v)); }
  AttrList&& set(std::string_view name, int v) && { return std::move(add(name, static_cast<int64_t>(v))); }
  AttrList&& set(std::string_view name, double v) && { return std::move(add(name, v)); }
  AttrList&& set(std::string_view name, const char* v) && { return std::move(add(name, std::string_view(v))); }
  AttrList&& set(std::string_view name, std::string_view v) && { return std::move(add(name, v)); }
  AttrList&& set(std::string_view name, std::vector<int64_t> v) && { return std::move(add(name, std::move(v))); }
  AttrList&& set(std::string_view name, std::vector<double> v) && { return std::move(add(name, std::move(v))); }
  AttrList&& set(std::string_view name, std::vector<std::string> v) && { return std::move(add(name, v)); }
  AttrList&& set(std::string_view name, tenon_graph* v) && { return std::move(add(name, v)); }

  AttrList& add(std::string_view name, int64_t v) { make(name, TENON_AT_INT, 1).v.i = v; return *this; }
  AttrList& add(std::string_view name, int v) { return add(name, static_cast<int64_t>(v)); }
  AttrList& add(std::string_view name, double v) { make(name, TENON_AT_FLOAT, 1).v.f = v; return *this; }
  AttrList& add(std::string_view name, const char* v) { return add(name, std::string_view(v)); }
  AttrList& add(std::string_view name, std::string_view v) {
    text_.emplace_back(v);
    strs_.push_back({str(text_.back())});
    make(name, TENON_AT_STR, 1).v.strs = strs_.back().data();
    return *this;
  }
  AttrList& add(std::string_view name, std::vector<int64_t> v) {
    ints_.push_back(std::move(v));
    make(name, TENON_AT_INTS, ints_.back().size()).v.ints = ints_.back().data();
    return *this;
  }
  AttrList& add(std::string_view name, std::vector<double> v) {
    floats_.push_back(std::move(v));
    make(name, TENON_AT_FLOATS, floats_.back().size()).v.floats = floats_.back().data();
    return *this;
  }
  AttrList& add(std::string_view name, const std::vector<std::string>& v) {
    std::vector<tenon_str> r;
    for (const auto& x : v) {
      text_.push_back(x);
      r.push_back(str(text_.back()));
    }
    strs_.push_back(std::move(r));
    make(name, TENON_AT_STRS, v.size()).v.strs = strs_.back().data();
    return *this;
  }
  AttrList& add(std::string_view name, tenon_graph* v) { make(name, TENON_AT_GRAPH, 1).v.graph = v; return *this; }
  AttrList& add_tensor(std::string_view name, tenon_value v) { make(name, TENON_AT_TENSOR, 1).v.tensor = v; return *this; }
  /// Copies a borrowed attribute, under its own or a new name; arrays stay borrowed.
  AttrList& copy(const tenon_attr& a, std::string_view new_name = {}) {
    tenon_attr b = a;
    text_.emplace_back(new_name.empty() ? view(a.name) : new_name);
    b.name = str(text_.back());
    a_.push_back(b);
    return *this;
  }
  AttrList& remove(std::string_view name) { make(name, 0, 0); return *this; }
  const tenon_attr* data() const { return a_.data(); }
  uint64_t size() const { return a_.size(); }
};

TENON_NAMESPACE_END
