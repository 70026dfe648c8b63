// SPDX-License-Identifier: Apache-2.0
// densify.cpp - expands a sparse tensor. Its levels are the dimensions in traversal order, then the dimensions inside blocks; each
// level is dense, or lists its indices in compressed rows (Chou et al., "Format Abstraction for Sparse Tensor Algebra Compilers").
#include <cstring>

#include "constants.hpp"

namespace tenon::tflite {
namespace {

struct Level {
  uint64_t dimension = 0, size = 0;  ///< of the tensor; number of indices
  uint64_t stride = 0;               ///< elements of the dense tensor between two indices
  const fb::DimensionMetadata* rows = nullptr;  ///< NULL: dense
};

// Element i of one of the three kinds of index vectors.
template <class Get32, class Get16, class Get8>
uint64_t element(fb::SparseIndexVector kind, Get32 v32, Get16 v16, Get8 v8, uint64_t i, uint64_t* size) {
  const auto* a = kind == fb::SparseIndexVector::Int32Vector && v32() ? v32()->values() : nullptr;
  const auto* b = kind == fb::SparseIndexVector::Uint16Vector && v16() ? v16()->values() : nullptr;
  const auto* c = kind == fb::SparseIndexVector::Uint8Vector && v8() ? v8()->values() : nullptr;
  *size = a ? a->size() : b ? b->size() : c ? c->size() : 0;
  if (i >= *size) return 0;
  if (a) return static_cast<uint64_t>(static_cast<int64_t>(a->Get(static_cast<uint32_t>(i))));
  return b ? b->Get(static_cast<uint32_t>(i)) : c->Get(static_cast<uint32_t>(i));
}

class Expander {
  const File& file_;
  const fb::Tensor& t_;
  const uint8_t* values_;
  uint64_t count_, width_, used_ = 0;
  uint8_t* dense_;
  std::vector<Level> levels_;

  Error bad(const std::string& text) const { return file_.bad(&t_, "sparse tensor '" + tensor_name(t_) + "': " + text); }

  uint64_t segment(const Level& l, uint64_t i) const {
    uint64_t n = 0, v = element(l.rows->array_segments_type(), [&] { return l.rows->array_segments_as_Int32Vector(); },
                                [&] { return l.rows->array_segments_as_Uint16Vector(); }, [&] { return l.rows->array_segments_as_Uint8Vector(); }, i, &n);
    if (i >= n) throw bad("a row reaches past its segments");
    return v;
  }
  uint64_t index(const Level& l, uint64_t i) const {
    uint64_t n = 0, v = element(l.rows->array_indices_type(), [&] { return l.rows->array_indices_as_Int32Vector(); },
                                [&] { return l.rows->array_indices_as_Uint16Vector(); }, [&] { return l.rows->array_indices_as_Uint8Vector(); }, i, &n);
    if (i >= n || v >= l.size) throw bad("an index is out of range");
    return v;
  }

  // `place` is the dense element reached so far, `row` the position within the level above.
  void expand(size_t depth, uint64_t row, uint64_t place) {
    if (depth == levels_.size()) {
      if (used_ == count_) throw bad("it has fewer values than places for them").with("found", std::to_string(count_));
      std::memcpy(dense_ + place * width_, values_ + used_++ * width_, width_);
      return;
    }
    const Level& l = levels_[depth];
    if (!l.rows) {
      for (uint64_t i = 0; i < l.size; ++i) expand(depth + 1, row * l.size + i, place + i * l.stride);
      return;
    }
    uint64_t begin = segment(l, row), end = segment(l, row + 1);
    if (end > UINT32_MAX || begin > end || end - begin > l.size) throw bad("its segments are not in order");
    for (uint64_t i = begin; i < end; ++i) expand(depth + 1, i, place + index(l, i) * l.stride);
  }

  // Sizes of blocks, in the order of the block map.
  std::vector<uint64_t> block_sizes(const Dims& dims) const {
    const auto& s = *t_.sparsity();
    std::vector<uint64_t> sizes(s.block_map() ? s.block_map()->size() : 0, 0);
    for (uint32_t k = 0; k < s.traversal_order()->size(); ++k) {
      int64_t d = s.traversal_order()->Get(k);
      if (d < 0 || static_cast<uint64_t>(d) >= dims.size() + sizes.size()) throw bad("its traversal order is no permutation");
      if (static_cast<uint64_t>(d) < dims.size()) continue;
      if (s.dim_metadata()->Get(k)->format() != fb::DimensionType::DENSE || s.dim_metadata()->Get(k)->dense_size() <= 0) throw bad("a dimension inside blocks is not dense");
      sizes[static_cast<uint64_t>(d) - dims.size()] = static_cast<uint64_t>(s.dim_metadata()->Get(k)->dense_size());
    }
    return sizes;
  }

  void plan(const Dims& dims) {
    const auto& s = *t_.sparsity();
    uint64_t n = dims.size() + (s.block_map() ? s.block_map()->size() : 0);
    if (n > 16 || !s.traversal_order() || s.traversal_order()->size() != n || !s.dim_metadata() || s.dim_metadata()->size() != n) throw bad("its traversal order does not fit its shape");
    std::vector<uint64_t> blocks = block_sizes(dims), size(n), stride(n), seen(n, 0);
    uint64_t inner = 1;
    for (size_t d = dims.size(); d-- > 0; inner *= static_cast<uint64_t>(dims[d])) size[d] = static_cast<uint64_t>(dims[d]), stride[d] = inner;
    for (size_t b = 0; b < blocks.size(); ++b) {
      int64_t d = s.block_map()->Get(static_cast<uint32_t>(b));
      if (d < 0 || static_cast<size_t>(d) >= dims.size() || !blocks[b] || size[static_cast<size_t>(d)] % blocks[b] || seen[static_cast<size_t>(d)]++) throw bad("its blocks do not fit its shape");
      size[dims.size() + b] = blocks[b];
      stride[dims.size() + b] = stride[static_cast<size_t>(d)];
      size[static_cast<size_t>(d)] /= blocks[b];
      stride[static_cast<size_t>(d)] *= blocks[b];
    }
    std::fill(seen.begin(), seen.end(), 0);
    for (uint32_t k = 0; k < n; ++k) {
      auto d = static_cast<uint64_t>(s.traversal_order()->Get(k));
      if (seen[d]++) throw bad("its traversal order is no permutation");
      const auto* m = s.dim_metadata()->Get(k);
      bool rows = m->format() == fb::DimensionType::SPARSE_CSR;
      if (!rows && static_cast<uint64_t>(std::max(m->dense_size(), 0)) != size[d]) throw bad("a dense dimension does not fit its shape");
      levels_.push_back({d, size[d], stride[d], rows ? m : nullptr});
    }
  }

 public:
  Expander(const File& file, const fb::Tensor& t, const uint8_t* values, uint64_t count, uint64_t width, uint8_t* dense)
      : file_(file), t_(t), values_(values), count_(count), width_(width), dense_(dense) {}
  void run(const Dims& dims) {
    plan(dims);
    expand(0, 0, 0);
    if (used_ != count_) throw bad("it has more values than places for them").with("expected", std::to_string(used_)).with("found", std::to_string(count_));
  }
};

}  // namespace

void densify(const File& file, const fb::Tensor& t, const Dims& dims, const uint8_t* values, uint64_t count, uint64_t width, uint8_t* dense) {
  Expander(file, t, values, count, width, dense).run(dims);
}

}  // namespace tenon::tflite
