// SPDX-License-Identifier: Apache-2.0
// attributes.hpp - an AttributeProto as a tenon_attr. Nested graphs are the caller's.
#pragma once
#include "tensor.hpp"

namespace tenon::onnx {

/// Attributes of one node under construction; owns what they point to until clear().
class Attributes {
  tenon_ctx* ctx_;
  tenon_graph* g_;
  const File& file_;
  Ast& ast_;
  Tensors& tensors_;
  std::vector<tenon_attr> list_;
  std::deque<std::vector<int64_t>> ints_;
  std::deque<std::vector<double>> floats_;
  std::deque<std::vector<tenon_str>> strings_;
  std::deque<std::vector<tenon_value>> values_;
  std::deque<std::vector<tenon_graph*>> graphs_;
  std::deque<std::string> texts_;

  tenon_value constant(const Payload& p);
  void put_strings(tenon_attr a, std::vector<tenon_str> s, bool list);
  void put_values(tenon_attr a, std::vector<tenon_value> v, bool list);

 public:
  Attributes(tenon_ctx* ctx, tenon_graph* g, const File& file, Ast& ast, Tensors& tensors) : ctx_(ctx), g_(g), file_(file), ast_(ast), tensors_(tensors) {}
  void clear();
  /// `graphs`: the built graphs of a graph attribute, in order.
  void add(const AttributeAst& a, std::vector<tenon_graph*> graphs);
  const std::vector<tenon_attr>& list() const { return list_; }
};

}  // namespace tenon::onnx
