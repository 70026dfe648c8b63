// SPDX-License-Identifier: Apache-2.0
// linear.hpp - values that are sums of products with constant matrices and of constant vectors.
#pragma once
#include <tenon/graph.hpp>

#include <optional>
#include <vector>

namespace tenon::passes {

/// A constant f32 matrix [inner, columns], or some rows and columns of one. The bytes are those of the graph's constant.
struct Weight {
  Span<uint8_t> bytes;
  int64_t first = 0, inner = 0, columns = 0, row_stride = 0, column_stride = 0;

  explicit operator bool() const { return inner > 0; }
  double at(int64_t row, int64_t column) const;
  Weight rows(int64_t begin, int64_t count) const;
  Weight part(int64_t begin, int64_t count) const;  ///< columns
};

/// x * weight + bias; x of any rank. `nodes` compute it.
struct Affine {
  tenon_value x = 0;
  Weight weight;
  std::vector<double> bias;
  std::vector<tenon_node> nodes;
};

class LinearReader {
 public:
  explicit LinearReader(const Graph& g) : g_(g) {}

  /// The node of that operator of ours that makes v as its first output.
  tenon_node maker(tenon_value v, std::string_view op) const;
  /// The input of the operator that makes v.
  tenon_value under(tenon_value v, std::string_view op) const;
  /// A constant vector that repeats for every row: `columns` numbers.
  std::optional<std::vector<double>> bias(tenon_value v, int64_t columns) const;
  /// MatMul or Gemm with a constant matrix.
  std::optional<Affine> product(tenon_value v) const;
  /// The same, and Adds of constants behind it.
  std::optional<Affine> affine(tenon_value v) const;
  /// Where `v` lies along the last axis of the value that a Split or Slice of constant bounds takes it from.
  struct Piece {
    tenon_value of = 0;
    int64_t begin = 0, count = 0;
  };
  std::optional<Piece> piece(tenon_value v) const;

 private:
  std::optional<Piece> sliced(tenon_node n) const;
  const Graph& g_;
};

}  // namespace tenon::passes
