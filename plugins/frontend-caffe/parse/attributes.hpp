// SPDX-License-Identifier: Apache-2.0
// attributes.hpp - a layer's parameters as attributes: "convolution_param.weight_filler.type", "input_param.shape.0.dim".
#pragma once
#include <deque>

#include "net.hpp"

namespace tenon::caffe {

/// Owns what its attributes refer to; valid until cleared.
class Attributes {
  std::vector<tenon_attr> list_;
  std::deque<std::string> text_;
  std::deque<std::vector<int64_t>> ints_;
  std::deque<std::vector<double>> floats_;
  std::deque<std::vector<tenon_str>> strs_;
  std::deque<std::vector<tenon_value>> values_;
  tenon_attr& make(const std::string& name, uint32_t type, uint64_t count);
  void add(const std::string& name, const Field& f);
  void add(const std::string& prefix, const Message& m);

 public:
  /// Everything but what the graph itself says (name, connections, blobs) and what training alone uses.
  void add_layer(const LayerProto& l);
  /// Constants, as attribute "blobs".
  void add_blobs(std::vector<tenon_value> blobs);
  const std::vector<tenon_attr>& list() const { return list_; }
};

}  // namespace tenon::caffe
