// SPDX-License-Identifier: Apache-2.0
// made_inputs.hpp - inputs made from a graph's types and shapes alone. Same manner, same tensors, on every machine.
#pragma once
#include "inputs.hpp"

namespace tenon::core {

/// How integers are made: they are often indices, so a graph may only run on some of them.
enum class IntegerManner { small, bits, zeros, ones, edges };

struct InputManner {
  uint64_t seed = 0;
  IntegerManner integers = IntegerManner::small;
  bool edges = false;          ///< floats: NaN, infinities, the largest, the smallest, zeros of both signs; integers as said
  bool present = false;        ///< optionals have contents
  int64_t leading = 1;         ///< first dimension where it is a symbol or unknown
  int64_t other = 8;           ///< any other such dimension
  int32_t rank = 1;            ///< where it is not known
  int64_t items = 2;           ///< of sequences and maps
  DimValues dims;              ///< symbols whose values are given
  std::vector<int64_t> sizes;  ///< of the open sizes, in the order of open_sizes; those beyond it are as said above
};
/// In the order of the graph's inputs. E_UNSUPPORTED, naming the input, when its type is not known.
Result<std::vector<Tensor>> made_inputs(const Model& m, const InputManner& manner);

/// How many sizes of the graph's inputs are open: each symbol that is not in `dims`, and each dimension that nothing is known of, in the
/// order in which they appear.
size_t open_sizes(const Model& m, const DimValues& dims);

/// Does an input of the graph have a size that is not a number?
bool has_open_sizes(const Model& m);

}  // namespace tenon::core
