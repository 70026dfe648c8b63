// SPDX-License-Identifier: Apache-2.0
// operation.hpp - operators with their attributes and types of values, apart from any graph.
#pragma once
#include <tenon/graph.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tenon::saturate {

struct Type {
  tenon_dtype dtype{};
  int32_t rank = TENON_RANK_UNKNOWN;
  Dims dims;
  Type() = default;
  Type(tenon_dtype t, Dims d) : dtype(t), rank(static_cast<int32_t>(d.size())), dims(std::move(d)) {}
  bool operator==(const Type& o) const { return dtype == o.dtype && rank == o.rank && dims == o.dims; }
  bool is_static() const;
  /// Elements; 0 when that is not known.
  int64_t count() const;
  uint64_t bytes() const { return bytes_of(dtype, static_cast<uint64_t>(count())); }
};

/// Attribute of a kind that an operation may have here: no graphs, no tensors.
struct Attribute {
  std::string name;
  uint32_t type = 0;  ///< TENON_AT_*
  int64_t i = 0;
  double f = 0;
  std::string s;
  std::vector<int64_t> ints;
  std::vector<double> floats;
};

/// An IR operator with attributes. Two are the same when their keys are.
struct Operation {
  std::string name;
  std::vector<Attribute> attrs;  ///< sorted by name
  uint32_t n_outputs = 1;

  Operation() = default;
  explicit Operation(std::string op, uint32_t outputs = 1) : name(std::move(op)), n_outputs(outputs) {}
  Operation& set(std::string_view name, int64_t v);
  Operation& set(std::string_view name, std::vector<int64_t> v);
  const Attribute* find(std::string_view name) const;
  int64_t i(std::string_view name, int64_t otherwise) const;
  std::vector<int64_t> ints(std::string_view name) const;
  std::string s(std::string_view name) const;
  std::string key() const;
  AttrList list() const;
};

/// The operation of a node; nothing when it is opaque: of another domain, with effects, random, or with graphs or tensors inside.
std::optional<Operation> operation_of(const Graph& g, tenon_node n);
Type type_of(const ValueInfo& i);

}  // namespace tenon::saturate
