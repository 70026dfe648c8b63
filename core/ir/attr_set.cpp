// SPDX-License-Identifier: Apache-2.0
#include "attr_set.hpp"

#include <cstring>
#include <string_view>

namespace tenon::core {
namespace {

/// Copies arrays into blocks that the set owns.
class Store {
  std::vector<std::unique_ptr<char[]>>& blocks_;

 public:
  explicit Store(std::vector<std::unique_ptr<char[]>>& b) : blocks_(b) {}
  const char* bytes(const void* p, uint64_t n) {
    blocks_.push_back(std::make_unique<char[]>(n ? n : 1));
    if (n) std::memcpy(blocks_.back().get(), p, n);
    return blocks_.back().get();
  }
  template <class T> const T* array(const T* p, uint64_t n) {
    return reinterpret_cast<const T*>(bytes(p, n * sizeof(T)));  // new char[] is aligned for any scalar
  }
  tenon_str text(tenon_str s) { return {bytes(s.data, s.len), s.len}; }
  const tenon_str* texts(const tenon_str* p, uint64_t n) {
    std::vector<tenon_str> copy(n);
    for (uint64_t i = 0; i < n; ++i) copy[i] = text(p[i]);
    return array(copy.data(), n);
  }
};

}  // namespace

std::shared_ptr<const AttrSet> AttrSet::make(const tenon_attr* a, uint64_t n) {
  auto set = std::make_shared<AttrSet>();
  Store store(set->store_);
  for (uint64_t i = 0; i < n; ++i) {
    if (a[i].type == 0) continue;
    tenon_attr x = a[i];
    x.reserved = 0;
    x.name = store.text(x.name);
    switch (x.type) {
      case TENON_AT_STR:
      case TENON_AT_STRS: x.v.strs = store.texts(x.v.strs, x.count); break;
      case TENON_AT_INTS: x.v.ints = store.array(x.v.ints, x.count); break;
      case TENON_AT_FLOATS: x.v.floats = store.array(x.v.floats, x.count); break;
      case TENON_AT_TENSORS: x.v.tensors = store.array(x.v.tensors, x.count); break;
      case TENON_AT_GRAPHS: x.v.graphs = store.array(x.v.graphs, x.count); break;
      case TENON_AT_RAW: x.v.raw = store.bytes(x.v.raw, x.count); break;
      default: break;
    }
    set->graphs_ |= x.type == TENON_AT_GRAPH || x.type == TENON_AT_GRAPHS;
    set->a_.push_back(x);
  }
  return set;
}

std::shared_ptr<const AttrSet> AttrSet::merged(const AttrSet* base, const tenon_attr* a, uint64_t n) {
  std::vector<tenon_attr> all;
  if (base) all = base->a_;
  auto name = [](const tenon_attr& x) { return std::string_view(x.name.data, x.name.len); };
  for (uint64_t i = 0; i < n; ++i) {
    bool found = false;
    for (auto& x : all)
      if (name(x) == name(a[i])) {
        x = a[i];
        found = true;
      }
    if (!found) all.push_back(a[i]);
  }
  return make(all.data(), all.size());
}

}  // namespace tenon::core
