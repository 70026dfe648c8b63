// SPDX-License-Identifier: Apache-2.0
// signature.hpp - the functions that a model offers: which subgraph, and what its inputs and outputs are called.
#pragma once
#include <map>

#include "types.hpp"

namespace tenon::tflite {

struct Entry {
  uint32_t subgraph = 0;
  std::map<int64_t, std::string> input_names, output_names;  ///< by tensor; empty: the tensors' own names
};

/// The subgraph to import. `wanted` empty: the first subgraph under its tensors' names. A name that is not there throws and lists what is.
Entry choose_entry(const Ctx& ctx, const File& file, const std::string& wanted);

/// Each signature with its inputs and outputs, as metadata.
void describe_signatures(const File& file, Graph& g);

/// Subgraph `index`; throws when it is not there.
const fb::SubGraph& subgraph(const File& file, int64_t index, const void* at);

}  // namespace tenon::tflite
