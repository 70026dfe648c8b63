// SPDX-License-Identifier: Apache-2.0
// node_def.hpp - what the options of a Flex operator hold: a flexbuffer vector of TensorFlow's operator name and its NodeDef, a protobuf
// message (tensorflow/core/framework/node_def.proto and attr_value.proto).
#pragma once
#include <map>
#include <string>

#include "lowerings/common/common.hpp"

namespace tenon::tflite {

struct NodeDef {
  std::string op;
  std::map<std::string, int64_t> numbers;  ///< attributes that are an integer, a boolean or a type (number of DataType)
  std::map<std::string, bool> others;      ///< names of those of another kind
};

/// Throws where the options of the node are something else.
NodeDef node_def(const Lower& l);

/// Every attribute must be one of these, or one that TensorFlow keeps for itself (_name): one that nobody reads would be lost in silence.
void known(const NodeDef& d, std::initializer_list<std::string_view> names);

/// DataType of TensorFlow's types.proto, as far as numbers go.
tenon_dtype tensorflow_dtype(int64_t number);

}  // namespace tenon::tflite
