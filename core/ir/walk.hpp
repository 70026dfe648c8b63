// SPDX-License-Identifier: Apache-2.0
// walk.hpp - a model in an order that depends only on the graph, not on how it was made: for printing and writing.
#pragma once
#include <unordered_map>

#include "model.hpp"

namespace tenon::core {

struct Walk {
  std::vector<const tenon_graph*> shared;                       ///< graphs that several nodes hold; what one holds stands before it
  std::unordered_map<uint32_t, std::vector<tenon_node>> nodes;  ///< by graph index, inputs first; the list's order where there is a cycle
  std::vector<tenon_value> constants;                           ///< by first use, then unused ones by slot
  size_t used_constants = 0;
  std::vector<uint32_t> origins;                                ///< into Model::origins, by first use, equal ones once
  std::unordered_map<uint32_t, uint32_t> origin_number;         ///< position in `origins` of it or its equal
  Status cycle;                                                 ///< error of the first graph that has one
};
Walk walk(const Model& m);

/// Origins of a node as positions in Walk::origins, sorted.
std::vector<uint32_t> origin_numbers(const Walk& w, const Model& m, Slot n);

/// May a node of g read the value: a constant, or made in g or in a graph around it?
bool visible(const Model& m, Slot v, const tenon_graph& g);

/// Calls f(const tenon_graph&) for each nested graph of one attribute, and f(tenon_value) for each tensor.
template <class OnGraph, class OnTensor>
void for_each_reference(const tenon_attr& a, OnGraph&& graph, OnTensor&& tensor) {
  if (a.type == TENON_AT_TENSOR) tensor(a.v.tensor);
  if (a.type == TENON_AT_GRAPH) graph(*a.v.graph);
  for (uint64_t k = 0; a.type == TENON_AT_TENSORS && k < a.count; ++k) tensor(a.v.tensors[k]);
  for (uint64_t k = 0; a.type == TENON_AT_GRAPHS && k < a.count; ++k) graph(*a.v.graphs[k]);
}

/// Text of a string constant's element table: offsets (count + 1, u64, first 0) and then the text; false when malformed.
bool read_string_table(const uint8_t* data, uint64_t bytes, uint64_t count, std::vector<std::string_view>* out);
std::vector<uint8_t> write_string_table(const std::vector<std::string>& strings);

/// Bytes that a constant of a static type has, without those of strings (the offsets of their table only). False: no such size.
bool constant_size(const ValueType& t, uint64_t* elements, uint64_t* bytes);

}  // namespace tenon::core
