// SPDX-License-Identifier: Apache-2.0
#include "attributes.hpp"

#include <algorithm>

namespace tenon::caffe {
namespace {

bool is_structure(std::string_view name) {
  constexpr std::string_view all[] = {"name", "type", "bottom", "top", "blobs", "include", "exclude", "phase", "loss_weight", "propagate_down", "param", "transform_param", "loss_param"};
  return std::find(std::begin(all), std::end(all), name) != std::end(all);
}

}  // namespace

tenon_attr& Attributes::make(const std::string& name, uint32_t type, uint64_t count) {
  text_.push_back(name);
  tenon_attr a{};
  a.name = str(text_.back());
  a.type = type;
  a.count = count;
  list_.push_back(a);
  return list_.back();
}

void Attributes::add(const std::string& name, const Field& f) {
  bool list = f.def ? f.def->repeated : f.ints.size() + f.floats.size() + f.texts.size() > 1;
  if (!f.ints.empty()) {
    ints_.push_back(f.ints);
    auto& a = make(name, list ? TENON_AT_INTS : TENON_AT_INT, list ? f.ints.size() : 1);
    if (list) a.v.ints = ints_.back().data();
    else a.v.i = f.ints.back();
  }
  if (!f.floats.empty()) {
    floats_.push_back(f.floats);
    auto& a = make(name, list ? TENON_AT_FLOATS : TENON_AT_FLOAT, list ? f.floats.size() : 1);
    if (list) a.v.floats = floats_.back().data();
    else a.v.f = f.floats.back();
  }
  if (!f.texts.empty()) {
    std::vector<tenon_str> s;
    for (const auto& t : f.texts) {
      text_.push_back(t);
      s.push_back(str(text_.back()));
    }
    if (!list) s.erase(s.begin(), s.end() - 1);
    strs_.push_back(std::move(s));
    make(name, list ? TENON_AT_STRS : TENON_AT_STR, strs_.back().size()).v.strs = strs_.back().data();
  }
  if (!f.runs.empty()) make(name, TENON_AT_RAW, f.runs.back().n).v.raw = f.runs.back().p;
  bool many = f.def && f.def->repeated;
  for (size_t k = 0; k < f.messages.size(); ++k) add(name + (many || f.messages.size() > 1 ? "." + std::to_string(k) : "") + ".", f.messages[k]);
}

void Attributes::add(const std::string& prefix, const Message& m) {
  for (const auto& f : m.fields) add(prefix + f.name, f);
}

void Attributes::add_layer(const LayerProto& l) {
  for (const auto& f : l.m.fields)
    if (!is_structure(f.name)) add(f.name, f);
}

void Attributes::add_blobs(std::vector<tenon_value> blobs) {
  values_.push_back(std::move(blobs));
  make("blobs", TENON_AT_TENSORS, values_.back().size()).v.tensors = values_.back().data();
}

}  // namespace tenon::caffe
