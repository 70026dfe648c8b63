// SPDX-License-Identifier: Apache-2.0
#include "attributes.hpp"

#include <flatbuffers/reflection_generated.h>

#include <algorithm>
#include <map>

#include "text.hpp"
#include "tflite_bfbs_generated.h"
#include "element.hpp"

namespace tenon::tflite {
namespace {

using reflection::BaseType;

const reflection::Schema& schema() {
  static const reflection::Schema* s = reflection::GetSchema(fb::ModelBinarySchema::data());
  return *s;
}

/// Fields of member `type` of a union, in the order of their ids; NULL when the schema has no such member.
const std::vector<const reflection::Field*>* fields_of(const char* union_name, int64_t type) {
  static std::map<std::pair<std::string, int64_t>, std::vector<const reflection::Field*>> known;
  const auto* e = schema().enums()->LookupByKey(union_name);
  const auto* v = e ? e->values()->LookupByKey(type) : nullptr;
  if (!v || !v->union_type() || v->union_type()->index() < 0) return nullptr;
  auto [at, fresh] = known.try_emplace({union_name, type});
  if (!fresh) return &at->second;
  for (const auto* f : *schema().objects()->Get(static_cast<uint32_t>(v->union_type()->index()))->fields())
    if (!f->deprecated()) at->second.push_back(f);
  std::sort(at->second.begin(), at->second.end(), [](auto* a, auto* b) { return a->id() < b->id(); });
  return &at->second;
}

bool is_integer(BaseType t) { return t >= BaseType::UType && t <= BaseType::ULong; }

int64_t integer(const flatbuffers::Table& t, const reflection::Field& f) {
  uint16_t at = f.offset();
  auto d = f.default_integer();
  switch (f.type()->base_type()) {
    case BaseType::Bool: return t.GetField<uint8_t>(at, static_cast<uint8_t>(d)) != 0;
    case BaseType::Byte: return t.GetField<int8_t>(at, static_cast<int8_t>(d));
    case BaseType::UType:
    case BaseType::UByte: return t.GetField<uint8_t>(at, static_cast<uint8_t>(d));
    case BaseType::Short: return t.GetField<int16_t>(at, static_cast<int16_t>(d));
    case BaseType::UShort: return t.GetField<uint16_t>(at, static_cast<uint16_t>(d));
    case BaseType::Int: return t.GetField<int32_t>(at, static_cast<int32_t>(d));
    case BaseType::UInt: return t.GetField<uint32_t>(at, static_cast<uint32_t>(d));
    case BaseType::ULong: return static_cast<int64_t>(t.GetField<uint64_t>(at, static_cast<uint64_t>(d)));
    default: return t.GetField<int64_t>(at, d);
  }
}

template <class T, class To>
std::vector<To> elements(const flatbuffers::Table& t, uint16_t at) {
  const auto* v = t.GetPointer<const flatbuffers::Vector<T>*>(at);
  std::vector<To> r(v ? v->size() : 0);
  for (uint32_t i = 0; i < r.size(); ++i) r[i] = static_cast<To>(element(*v, i));
  return r;
}

std::vector<int64_t> integers(const flatbuffers::Table& t, const reflection::Field& f) {
  switch (f.type()->element()) {
    case BaseType::Bool:
    case BaseType::UByte: return elements<uint8_t, int64_t>(t, f.offset());
    case BaseType::Byte: return elements<int8_t, int64_t>(t, f.offset());
    case BaseType::Int: return elements<int32_t, int64_t>(t, f.offset());
    case BaseType::UInt: return elements<uint32_t, int64_t>(t, f.offset());
    case BaseType::Long: return elements<int64_t, int64_t>(t, f.offset());
    default: throw Error(TENON_E_INTERNAL, "the schema has a vector of an unexpected type in field " + f.name()->str());
  }
}

std::string enum_text(const reflection::Field& f, int64_t value) {
  const auto* v = schema().enums()->Get(static_cast<uint32_t>(f.type()->index()))->values()->LookupByKey(value);
  return v ? v->name()->str() : std::to_string(value);
}

// "then_subgraph_index" -> "then_subgraph", "branch_subgraph_indices" -> "branch_subgraphs"; "subgraph" is one by itself.
std::string graph_attribute(const std::string& field) {
  for (std::string_view end : {"_index", "_indices"}) {
    std::string full = "subgraph" + std::string(end);
    if (field.size() >= full.size() && field.compare(field.size() - full.size(), full.size(), full) == 0)
      return field.substr(0, field.size() - end.size()) + (end == "_indices" ? "s" : "");
  }
  return field == "subgraph" ? field : "";
}

void add_vector(const flatbuffers::Table& t, const reflection::Field& f, Attributes& a, const NestedGraph& nested) {
  std::string name = f.name()->str(), graph = graph_attribute(name);
  if (f.type()->element() == BaseType::Float) {
    a.list().add(name, elements<float, double>(t, f.offset()));
  } else if (f.type()->element() == BaseType::UByte) {
    const auto* v = t.GetPointer<const flatbuffers::Vector<uint8_t>*>(f.offset());
    a.raw(name, v ? v->data() : nullptr, v ? v->size() : 0);
  } else if (graph.empty()) {
    a.list().add(name, integers(t, f));
  } else {
    std::vector<tenon_graph*> g;
    for (int64_t k : integers(t, f)) g.push_back(nested(k));
    a.graphs(graph, std::move(g));
  }
}

void add_integer(const flatbuffers::Table& t, const reflection::Field& f, Attributes& a, const NestedGraph& nested) {
  std::string name = f.name()->str(), graph = graph_attribute(name);
  int64_t v = integer(t, f);
  if (!graph.empty()) {
    if (v >= 0) a.list().add(graph, nested(v));
  } else if (f.type()->index() >= 0) {
    a.list().add(name, enum_text(f, v));
  } else {
    a.list().add(name, v);
  }
}

void add_field(const flatbuffers::Table& t, const reflection::Field& f, Attributes& a, const NestedGraph& nested) {
  BaseType type = f.type()->base_type();
  if (is_integer(type)) return add_integer(t, f, a, nested);
  if (type == BaseType::Float) {
    a.list().add(f.name()->str(), static_cast<double>(t.GetField<float>(f.offset(), static_cast<float>(f.default_real()))));
  } else if (type == BaseType::String) {
    const auto* s = t.GetPointer<const flatbuffers::String*>(f.offset());
    a.list().add(f.name()->str(), std::string_view(text(s)));
  } else if (type == BaseType::Vector) {
    add_vector(t, f, a, nested);
  } else {
    throw Error(TENON_E_INTERNAL, "the schema has an unexpected type in field " + f.name()->str());
  }
}

void add_table(const char* union_name, int64_t type, const void* table, Attributes& a, const NestedGraph& nested) {
  if (type == 0) return;
  const auto* fields = fields_of(union_name, type);
  if (!fields) {
    a.list().add("unknown_options", type);
    return;
  }
  if (!table) return;
  for (const auto* f : *fields) add_field(*static_cast<const flatbuffers::Table*>(table), *f, a, nested);
}

}  // namespace

void Attributes::raw(std::string_view name, const uint8_t* data, uint64_t size) {
  tenon_attr x{};
  x.type = TENON_AT_RAW;
  x.count = size;
  x.v.raw = data;
  list_.copy(x, name);
}

void Attributes::graphs(std::string_view name, std::vector<tenon_graph*> g) {
  graphs_.push_back(std::move(g));
  tenon_attr x{};
  x.type = TENON_AT_GRAPHS;
  x.count = graphs_.back().size();
  x.v.graphs = graphs_.back().data();
  list_.copy(x, name);
}

void add_options(const fb::Operator& op, Attributes& a, const NestedGraph& nested) {
  add_table("tenon.tflite.fb.BuiltinOptions", static_cast<int64_t>(op.builtin_options_type()), op.builtin_options(), a, nested);
  add_table("tenon.tflite.fb.BuiltinOptions2", static_cast<int64_t>(op.builtin_options2_type()), op.builtin_options2(), a, nested);
}

}  // namespace tenon::tflite
