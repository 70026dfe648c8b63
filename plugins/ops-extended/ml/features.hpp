// SPDX-License-Identifier: Apache-2.0
// features.hpp - the input of a classical model: rows of features, in double. A tensor of rank 1 is one row.
#pragma once
#include "common/dispatch.hpp"
#include "common/infer.hpp"

namespace tenon::ops {

struct Features {
  int64_t rows, columns;
  std::vector<double> data;
  explicit Features(const Tensor& x) : rows(x.rank() > 1 ? x.dim(0) : 1), columns(x.rank() ? x.dim(-1) : 1), data(static_cast<size_t>(x.count())) {
    visit<NumericAndBoolTypes>(x.type(), [&]<class T>(Tag<T>) {
      for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<double>(static_cast<compute_t<T>>(x.data<T>()[i]));
    });
  }
  const double* row(int64_t r) const { return data.data() + r * columns; }
};

/// Rows of an input of rank 1 or 2 while inferring.
inline int64_t inferred_rows(const Tensor& x) {
  if (!x.has_rank()) return kUnknown;
  if (x.rank() != 1 && x.rank() != 2) fail("the input has a wrong rank", "[features] or [rows, features]", shape_text(x));
  return x.rank() == 2 ? x.dim(0) : 1;
}

}  // namespace tenon::ops
