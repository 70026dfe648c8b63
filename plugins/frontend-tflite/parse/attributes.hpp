// SPDX-License-Identifier: Apache-2.0
// attributes.hpp - an operator's options as attributes, read by the binary schema: no operator is known here.
#pragma once
#include <deque>
#include <functional>

#include "file.hpp"

namespace tenon::tflite {

/// Gives the nested graph for a subgraph index.
using NestedGraph = std::function<tenon_graph*(int64_t index)>;

/// Attributes of one node; lends pointers until cleared.
class Attributes {
  AttrList list_;
  std::deque<std::vector<tenon_graph*>> graphs_;

 public:
  AttrList& list() { return list_; }
  void raw(std::string_view name, const uint8_t* data, uint64_t size);
  void graphs(std::string_view name, std::vector<tenon_graph*> g);
};

/// All fields of the options table of `op`, absent ones with their defaults. Enums are texts; field "x_subgraph_index" is graph "x_subgraph".
/// A table that the schema does not have becomes "unknown_options" with its number.
void add_options(const fb::Operator& op, Attributes& a, const NestedGraph& nested);

/// "custom_options" as raw bytes, and each entry of a flexbuffer map by its own name.
void add_custom_options(const uint8_t* data, uint64_t size, Attributes& a);

}  // namespace tenon::tflite
