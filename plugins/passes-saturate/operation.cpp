// SPDX-License-Identifier: Apache-2.0
#include "operation.hpp"

#include <algorithm>

namespace tenon::saturate {
namespace {

template <class T> void append(std::string* key, const T& v) { key->append(reinterpret_cast<const char*>(&v), sizeof v); }

Attribute& entry(std::vector<Attribute>& all, std::string_view name) {
  const auto at = std::lower_bound(all.begin(), all.end(), name, [](const Attribute& a, std::string_view n) { return a.name < n; });
  if (at != all.end() && at->name == name) return *at = Attribute{}, at->name = name, *at;
  Attribute a;
  a.name = name;
  return *all.insert(at, std::move(a));
}

bool read(const tenon_attr& a, Attribute* out) {
  out->name = tenon::view(a.name);
  out->type = a.type;
  switch (a.type) {
    case TENON_AT_INT: out->i = a.v.i; return true;
    case TENON_AT_FLOAT: out->f = a.v.f; return true;
    case TENON_AT_STR: out->s = tenon::view(a.v.strs[0]); return true;
    case TENON_AT_INTS: out->ints.assign(a.v.ints, a.v.ints + a.count); return true;
    case TENON_AT_FLOATS: out->floats.assign(a.v.floats, a.v.floats + a.count); return true;
    default: return false;
  }
}

}  // namespace

bool Type::is_static() const {
  return rank >= 0 && std::all_of(dims.begin(), dims.end(), [](int64_t d) { return d >= 0; });
}
int64_t Type::count() const { return is_static() ? count_of(dims.data(), rank) : 0; }

Operation& Operation::set(std::string_view attr, int64_t v) {
  Attribute& a = entry(attrs, attr);
  a.type = TENON_AT_INT;
  a.i = v;
  return *this;
}
Operation& Operation::set(std::string_view attr, std::vector<int64_t> v) {
  Attribute& a = entry(attrs, attr);
  a.type = TENON_AT_INTS;
  a.ints = std::move(v);
  return *this;
}
const Attribute* Operation::find(std::string_view attr) const {
  for (const auto& a : attrs)
    if (a.name == attr) return &a;
  return nullptr;
}
int64_t Operation::i(std::string_view attr, int64_t otherwise) const {
  const Attribute* a = find(attr);
  return a && a->type == TENON_AT_INT ? a->i : otherwise;
}
std::vector<int64_t> Operation::ints(std::string_view attr) const {
  const Attribute* a = find(attr);
  return a ? a->ints : std::vector<int64_t>();
}
std::string Operation::s(std::string_view attr) const {
  const Attribute* a = find(attr);
  return a ? a->s : std::string();
}

std::string Operation::key() const {
  std::string k = name;
  k.push_back('\0');
  append(&k, n_outputs);
  for (const auto& a : attrs) {
    k += a.name;
    k.push_back('\0');
    append(&k, a.type);
    append(&k, a.i);
    append(&k, a.f);
    append(&k, a.s.size());
    k += a.s;
    append(&k, a.ints.size());
    for (int64_t x : a.ints) append(&k, x);
    append(&k, a.floats.size());
    for (double x : a.floats) append(&k, x);
  }
  return k;
}

AttrList Operation::list() const {
  AttrList r;
  for (const auto& a : attrs) switch (a.type) {
      case TENON_AT_INT: r.add(a.name, a.i); break;
      case TENON_AT_FLOAT: r.add(a.name, a.f); break;
      case TENON_AT_STR: r.add(a.name, std::string_view(a.s)); break;
      case TENON_AT_INTS: r.add(a.name, a.ints); break;
      default: r.add(a.name, a.floats); break;
    }
  return r;
}

std::optional<Operation> operation_of(const Graph& g, tenon_node n) {
  const auto name = Graph::op_name(g.op(n));
  const tenon_operator* o = api().registry->find_operator(g.op(n));
  if (name.domain != "tenon" || name.version != 1 || !o || (o->flags & (TENON_OF_SIDE_EFFECTS | TENON_OF_NONDETERMINISTIC))) return std::nullopt;
  Operation r{std::string(name.name), static_cast<uint32_t>(g.outputs(n).size())};
  const Attrs attrs = g.attrs(n);
  for (const tenon_attr& a : attrs.all()) {
    Attribute x;
    if (!read(a, &x)) return std::nullopt;
    r.attrs.push_back(std::move(x));
  }
  std::sort(r.attrs.begin(), r.attrs.end(), [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  return r;
}

Type type_of(const ValueInfo& i) {
  Type t;
  t.dtype = i.type();
  t.rank = i.rank();
  t.dims = Dims(i.dims().begin(), i.dims().end());
  return t;
}

}  // namespace tenon::saturate
