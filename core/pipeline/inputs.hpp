// SPDX-License-Identifier: Apache-2.0
// inputs.hpp - tensors for the inputs of a graph: from a file, or made up.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "../data/npz.hpp"
#include "../ir/model.hpp"

namespace tenon::core {

using DimValues = std::map<std::string, int64_t, std::less<>>;

/// "f32[N, 3, ?]" of a value.
std::string value_type_text(const Model& m, tenon_value v);

/// In the order of the graph's inputs, from the entries in:NAME or NAME; the array of a .npy is the only input of the graph. Items of a
/// sequence are NAME/0, NAME/1, ..., keys and values of a map NAME/keys and NAME/values; NAME/count may say how many items there are, and
/// does where there are none. An optional without entry is absent. All that is missing or does not fit is one error.
Result<std::vector<Tensor>> inputs_from_file(const Npz& file, const Model& m);

/// Same seed, same tensors. Floats are nearly normal with some zeros of both signs and some tiny ones; integers are small. A name
/// without a value is 1 as first dimension and 8 elsewhere. Optionals are absent, sequences and maps have two items.
Result<std::vector<Tensor>> made_inputs(const Model& m, uint64_t seed, DimValues dims);

/// Reads an entry `prefix:name`, else `name`; for a single array that array.
bool has_entry(const Npz& file, const std::string& prefix, const std::string& name, bool only_one);
Result<Tensor> read_entry(const Npz& file, const std::string& prefix, const std::string& name);
/// An optional of this type without contents.
inline Tensor absent_value(tenon_dtype type) {
  Tensor t;
  t.type = type;
  t.present = false;
  return t;
}
/// The number in the entry NAME/count, or -1 where there is none.
Result<int64_t> read_count(const Npz& file, const std::string& prefix, const std::string& name);
/// An entry NAME/present that is false stands for an optional without contents.
Result<bool> says_absent(const Npz& file, const std::string& prefix, const std::string& name);

}  // namespace tenon::core
