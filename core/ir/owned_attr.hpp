// SPDX-License-Identifier: Apache-2.0
// owned_attr.hpp - an attribute with its storage, while a reader puts a node together.
#pragma once
#include "model.hpp"

namespace tenon::core {

struct OwnedAttr {
  std::string name;
  uint32_t type = 0;  ///< TENON_AT_*
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::vector<std::string> strings;
  std::vector<tenon_value> tensors;
  std::vector<tenon_graph*> graphs;
  std::vector<uint8_t> raw;
  std::vector<tenon_str> views;

  /// Points into this object; scalars have one element in their array.
  tenon_attr view() {
    tenon_attr a{};
    a.name = {name.data(), name.size()};
    a.type = type;
    a.count = 1;
    views.clear();
    for (const auto& s : strings) views.push_back({s.data(), s.size()});
    switch (type) {
      case TENON_AT_INT: a.v.i = ints[0]; break;
      case TENON_AT_FLOAT: a.v.f = floats[0]; break;
      case TENON_AT_STR: a.v.strs = views.data(); break;
      case TENON_AT_INTS: a.v.ints = ints.data(), a.count = ints.size(); break;
      case TENON_AT_FLOATS: a.v.floats = floats.data(), a.count = floats.size(); break;
      case TENON_AT_STRS: a.v.strs = views.data(), a.count = views.size(); break;
      case TENON_AT_TENSOR: a.v.tensor = tensors[0]; break;
      case TENON_AT_TENSORS: a.v.tensors = tensors.data(), a.count = tensors.size(); break;
      case TENON_AT_GRAPH: a.v.graph = graphs[0]; break;
      case TENON_AT_GRAPHS: a.v.graphs = graphs.data(), a.count = graphs.size(); break;
      case TENON_AT_RAW: a.v.raw = raw.data(), a.count = raw.size(); break;
      default: break;
    }
    return a;
  }
};

}  // namespace tenon::core
