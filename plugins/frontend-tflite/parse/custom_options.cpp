// SPDX-License-Identifier: Apache-2.0
// custom_options.cpp - custom operators have bytes of their own making, most often a flexbuffer map.
#include <flatbuffers/flexbuffers.h>

#include "attributes.hpp"
#include "text.hpp"

namespace tenon::tflite {
namespace {

void add_vector(const std::string& name, const flexbuffers::Vector& v, Attributes& a) {
  std::vector<int64_t> ints;
  std::vector<double> floats;
  for (size_t i = 0; i < v.size(); ++i) {
    auto e = v[i];
    if (e.IsIntOrUint() || e.IsBool()) ints.push_back(e.AsInt64());
    if (e.IsNumeric()) floats.push_back(e.AsDouble());
  }
  if (ints.size() == v.size()) a.list().add(name, std::move(ints));
  else if (floats.size() == v.size()) a.list().add(name, std::move(floats));
}

template <class V>
std::vector<int64_t> typed(const V& v) {
  std::vector<int64_t> r;
  for (size_t i = 0; i < v.size(); ++i) r.push_back(v[i].AsInt64());
  return r;
}

void add_entry(const std::string& name, flexbuffers::Reference v, Attributes& a) {
  if (v.IsBool()) a.list().add(name, int64_t{v.AsBool()});
  else if (v.IsIntOrUint()) a.list().add(name, v.AsInt64());
  else if (v.IsFloat()) a.list().add(name, v.AsDouble());
  else if (v.IsString()) a.list().add(name, std::string_view(utf8({v.AsString().c_str(), v.AsString().length()})));
  else if (v.IsKey()) a.list().add(name, std::string_view(utf8(v.AsKey())));
  else if (v.IsUntypedVector()) add_vector(name, v.AsVector(), a);
  else if (v.IsTypedVector() && (v.GetType() == flexbuffers::FBT_VECTOR_INT || v.GetType() == flexbuffers::FBT_VECTOR_UINT || v.GetType() == flexbuffers::FBT_VECTOR_BOOL))
    a.list().add(name, typed(v.AsTypedVector()));
  else if (v.IsTypedVector() && v.GetType() == flexbuffers::FBT_VECTOR_FLOAT) {
    std::vector<double> r;
    for (size_t i = 0; i < v.AsTypedVector().size(); ++i) r.push_back(v.AsTypedVector()[i].AsDouble());
    a.list().add(name, std::move(r));
  }
}

}  // namespace

void add_custom_options(const uint8_t* data, uint64_t size, Attributes& a) {
  a.raw("custom_options", data, size);
  constexpr uint64_t kLargest = 1 << 20;  // larger ones are no options
  std::vector<uint8_t> seen;
  if (size < 3 || size > kLargest || !flexbuffers::VerifyBuffer(data, size, &seen)) return;
  auto root = flexbuffers::GetRoot(data, size);
  if (!root.IsMap()) return;
  auto map = root.AsMap();
  auto keys = map.Keys();
  for (size_t i = 0; i < keys.size(); ++i) {
    std::string name = utf8(keys[i].AsKey());
    if (name != "custom_options") add_entry(name, map.Values()[i], a);
  }
}

}  // namespace tenon::tflite
