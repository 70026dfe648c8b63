// SPDX-License-Identifier: Apache-2.0
#include "egraph.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::saturate {
namespace {

template <class T> void append(std::string* key, const T& v) { key->append(reinterpret_cast<const char*>(&v), sizeof v); }

}  // namespace

ClassId EGraph::find(ClassId c) const {
  while (parent_[c] != c) c = parent_[c] = parent_[parent_[c]];
  return c;
}

ClassId EGraph::new_class(const Type& type) {
  const auto c = static_cast<ClassId>(classes_.size());
  classes_.emplace_back().type = type;
  parent_.push_back(c);
  return c;
}

ClassId EGraph::add_leaf(const std::string& key, const Type& type, std::optional<Constant> literal, bool constant) {
  const auto [it, fresh] = leaves_.try_emplace(key, 0);
  if (!fresh) return find(it->second);
  const ClassId c = it->second = new_class(type);
  const tenon_value v = literal ? literal->value : 0;
  classes_[c].constant = constant;
  classes_[c].literal = std::move(literal);
  works_.emplace_back();
  leaf_values_.resize(works_.size());
  leaf_values_.back() = v;
  expressions_.push_back({static_cast<WorkId>(works_.size() - 1), 0, c});
  classes_[c].members.push_back(static_cast<NodeId>(expressions_.size() - 1));
  return c;
}

ClassId EGraph::add_value(tenon_value v) {
  std::string key = "v";
  append(&key, v);
  const ValueInfo i = g_.info(v);
  std::optional<Constant> literal;
  if (i.constant()) literal = Constant{v, {}};
  const size_t before = works_.size();
  const ClassId c = add_leaf(key, type_of(i), std::move(literal), i.constant());
  if (works_.size() > before) leaf_values_.back() = v;
  return c;
}

ClassId EGraph::add_constant(Type type, std::vector<uint8_t> data) {
  std::string key = "c";
  append(&key, type.dtype);
  append(&key, type.rank);
  for (int64_t d : type.dims) append(&key, d);
  key.append(data.begin(), data.end());
  return add_leaf(key, type, Constant{0, std::move(data)}, true);
}

ClassId EGraph::add_ints(const std::vector<int64_t>& v) {
  std::vector<uint8_t> data(v.size() * sizeof(int64_t));
  if (!v.empty()) std::memcpy(data.data(), v.data(), data.size());
  return add_constant(Type(dt::i64, {static_cast<int64_t>(v.size())}), std::move(data));
}

uint32_t EGraph::intern(const Operation& op) {
  const auto [it, fresh] = operation_of_key_.try_emplace(op.key(), static_cast<uint32_t>(operations_.size()));
  if (fresh) operations_.push_back(op);
  return it->second;
}

std::string EGraph::key_of(const Work& w) const {
  std::string k;
  append(&k, w.operation);
  for (ClassId c : w.children) append(&k, c == kNoId ? c : find(c));
  return k;
}

std::vector<ClassId> EGraph::add(const Operation& op, std::vector<ClassId> children, const std::vector<Type>& types, const std::vector<tenon_node>& origins, tenon_node given) {
  Work w;
  w.operation = intern(op);
  for (ClassId& c : children)
    if (c != kNoId) c = find(c);
  w.children = std::move(children);
  const auto [it, fresh] = of_key_.try_emplace(key_of(w));
  if (fresh) {
    w.origins = origins;
    w.given = given;
    const auto id = static_cast<WorkId>(works_.size());
    bool constant = !w.children.empty();
    for (ClassId c : w.children) constant &= c == kNoId || classes_[c].constant;
    works_.push_back(std::move(w));
    leaf_values_.push_back(0);
    for (uint32_t k = 0; k < types.size(); ++k) {
      const ClassId c = new_class(types[k]);
      const auto n = static_cast<NodeId>(expressions_.size());
      expressions_.push_back({id, k, c});
      classes_[c].members.push_back(n);
      classes_[c].constant = constant;
      it->second.push_back(n);
      for (ClassId x : works_[id].children)
        if (x != kNoId) classes_[x].parents.push_back(n);
    }
  } else if (tenon_node& known = works_[expressions_[it->second[0]].work].given; !known) {
    known = given;
  }
  std::vector<ClassId> r;
  for (NodeId n : it->second) r.push_back(find(expressions_[n].cls));
  return r;
}

bool EGraph::merge(ClassId a, ClassId b) {
  a = find(a), b = find(b);
  if (a == b) return true;
  if (!(classes_[a].type == classes_[b].type)) return false;
  if (b < a) std::swap(a, b);
  Class &to = classes_[a], &from = classes_[b];
  parent_[b] = a;
  to.members.insert(to.members.end(), from.members.begin(), from.members.end());
  to.parents.insert(to.parents.end(), from.parents.begin(), from.parents.end());
  const bool news = to.constant != from.constant;
  to.constant |= from.constant;
  if (!to.literal) to.literal = std::move(from.literal);
  from = Class{};
  from.type = to.type;
  if (news) note_constant(a);
  dirty_.push_back(a);
  return true;
}

void EGraph::note_constant(ClassId c) {
  std::vector<ClassId> open{c};
  while (!open.empty()) {
    const auto parents = classes_[find(open.back())].parents;
    open.pop_back();
    for (NodeId n : parents) {
      const ClassId p = find(expressions_[n].cls);
      if (classes_[p].constant) continue;
      bool all = true;
      for (ClassId x : work_of(n).children) all &= x == kNoId || classes_[find(x)].constant;
      if (!all) continue;
      classes_[p].constant = true;
      open.push_back(p);
    }
  }
}

void EGraph::rebuild() {
  while (!dirty_.empty()) {
    auto open = std::move(dirty_);
    dirty_.clear();
    for (ClassId& c : open) c = find(c);
    std::sort(open.begin(), open.end());
    open.erase(std::unique(open.begin(), open.end()), open.end());
    for (ClassId c : open) {
      std::vector<NodeId> parents = std::move(classes_[find(c)].parents);
      std::sort(parents.begin(), parents.end());
      parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
      std::vector<NodeId> kept;
      for (NodeId n : parents) {
        if (!expressions_[n].live) continue;
        Work& w = works_[expressions_[n].work];
        for (ClassId& x : w.children)
          if (x != kNoId) x = find(x);
        auto& same = of_key_[key_of(w)];
        if (same.size() <= expressions_[n].output) same.resize(expressions_[n].output + 1, kNoId);
        NodeId& first = same[expressions_[n].output];
        if (first == kNoId) first = n;
        kept.push_back(first);
        if (first == n) continue;
        expressions_[n].live = false;
        if (tenon_node& known = works_[expressions_[first].work].given; !known) known = w.given;
        merge(expressions_[first].cls, expressions_[n].cls);
      }
      auto& to = classes_[find(c)].parents;
      to.insert(to.end(), kept.begin(), kept.end());
    }
  }
}

tenon_value EGraph::leaf_value(NodeId n) const { return leaf_values_[expressions_[n].work]; }

std::pair<const uint8_t*, uint64_t> EGraph::bytes(ClassId c) const {
  const auto& literal = cls(c).literal;
  if (!literal) return {nullptr, 0};
  if (!literal->value) return {literal->data.data(), literal->data.size()};
  const auto b = g_.constant_bytes(literal->value);
  return {b.data(), b.size()};
}

std::optional<std::vector<int64_t>> EGraph::ints(ClassId c) const {
  if (c == kNoId || !cls(c).literal) return std::nullopt;
  const Type& t = type(c);
  if (!(t.dtype == dt::i64 || t.dtype == dt::i32)) return std::nullopt;
  const auto [data, size] = bytes(c);
  std::vector<int64_t> r(static_cast<size_t>(t.count()));
  for (size_t k = 0; k < r.size(); ++k) {
    int32_t small = 0;
    if (t.dtype == dt::i64) std::memcpy(&r[k], data + k * 8, 8);
    else std::memcpy(&small, data + k * 4, 4), r[k] = small;
  }
  return r;
}

std::optional<float> EGraph::scalar(ClassId c) const {
  if (c == kNoId || !cls(c).literal || !(type(c).dtype == dt::f32) || type(c).count() != 1) return std::nullopt;
  float f;
  std::memcpy(&f, bytes(c).first, sizeof f);
  return f;
}

}  // namespace tenon::saturate
