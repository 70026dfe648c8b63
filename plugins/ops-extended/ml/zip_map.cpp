// SPDX-License-Identifier: Apache-2.0
// ZipMap: each row of X [N, C] as a map from C keys to its elements; a sequence of N maps. Rank 1 is one row.
#include "common/tensor_pool.hpp"
#include "ml/map.hpp"
#include "ml/features.hpp"

namespace tenon::ops {
namespace {

Tensor keys_of(const Node& node) {
  const Tensor keys = node.tensor("keys");
  if (!keys || keys.rank() != 1 || (keys.type() != dt::i64 && keys.type() != dt::string)) throw invalid("attribute 'keys' must be a list of i64 or strings");
  return keys;
}
tenon_dtype sequence_type(const Node& node) {
  tenon_dtype t = map_of(keys_of(node).type(), node.in(0).type());
  t.flags |= TENON_DTF_SEQUENCE;
  return t;
}

void infer(const Node& node) {
  const int64_t rows = inferred_rows(node.in(0));
  if (node.in(0).has_rank()) same_dim(node.in(0).dim(-1), keys_of(node).dim(0), "columns and keys");
  node.set_out(0, sequence_type(node), Dims{rows});
}

void run(const Node& node) {
  const Tensor x = node.in(0), keys = keys_of(node);
  const int64_t rows = x.rank() == 2 ? x.dim(0) : 1, columns = keys.dim(0);
  const uint64_t step = bytes_of(x.type(), static_cast<uint64_t>(columns));
  TensorPool pool;
  std::vector<const tenon_tensor*> parts(static_cast<size_t>(2 * rows)), maps;
  for (int64_t r = 0; r < rows; ++r) {
    parts[static_cast<size_t>(2 * r)] = keys.raw();
    parts[static_cast<size_t>(2 * r + 1)] = pool.borrow(x.type(), Dims{columns}, x.data<char>() + static_cast<uint64_t>(r) * step);
    maps.push_back(pool.borrow(map_of(keys.type(), x.type()), Dims{2}, &parts[static_cast<size_t>(2 * r)]));
  }
  node.sequence_out(0, map_of(keys.type(), x.type()), maps);
}

}  // namespace

TENON_OPERATOR("tenon", "ZipMap", 1, 0, "(X: num) -> (Z: any) {keys: tensor}", infer, run);
}  // namespace tenon::ops
