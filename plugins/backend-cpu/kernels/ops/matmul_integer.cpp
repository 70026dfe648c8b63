// SPDX-License-Identifier: Apache-2.0
// MatMul of i32 by a constant matrix of small integers, as 8-bit quantized models have it. Products of numbers up to 255 and sums of
// 256 of them are exact in f32, so oneDNN's f32 product serves, 256 rows of the constant at a time.
#include <cstdlib>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../onednn/primitive.hpp"

namespace tenon::cpu {
namespace {

constexpr int64_t kChunk = 256;
constexpr int32_t kMost = 255;

struct ToFloat {
  SlotId x, y;
  int64_t count;
  std::shared_ptr<bool> small;  ///< whether the products are exact
  void run(const Run& r) const {
    const int32_t* from = r.at<int32_t>(x);
    float* to = r.at<float>(y);
    uint32_t most = 0;
    for (int64_t i = 0; i < count; ++i) {
      most = std::max(most, from[i] < 0 ? 0u - static_cast<uint32_t>(from[i]) : static_cast<uint32_t>(from[i]));
      to[i] = static_cast<float>(from[i]);
    }
    *small = most <= static_cast<uint32_t>(kMost);
  }
};

struct Sum {
  SlotId a, b, parts, y;
  int64_t rows, k, columns, chunks;
  std::shared_ptr<bool> small;
  void run(const Run& r) const {
    int32_t* to = r.at<int32_t>(y);
    if (!*small) return exact(r, to);
    const float* from = r.at<float>(parts);
    const int64_t n = rows * columns;
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<int32_t>(from[i]);
    for (int64_t c = 1; c < chunks; ++c)
      for (int64_t i = 0; i < n; ++i) to[i] += static_cast<int32_t>(from[c * n + i]);
  }
  /// Larger numbers than a quantized model has: integer arithmetic, wrapping as the reference does.
  void exact(const Run& r, int32_t* to) const {
    const int32_t *p = r.at<int32_t>(a), *q = r.at<int32_t>(b);
    std::vector<uint32_t> sums(static_cast<size_t>(columns));
    for (int64_t i = 0; i < rows; ++i) {
      std::fill(sums.begin(), sums.end(), 0u);
      for (int64_t j = 0; j < k; ++j)
        for (int64_t c = 0; c < columns; ++c) sums[static_cast<size_t>(c)] += static_cast<uint32_t>(p[i * k + j]) * static_cast<uint32_t>(q[j * columns + c]);
      for (int64_t c = 0; c < columns; ++c) to[i * columns + c] = static_cast<int32_t>(sums[static_cast<size_t>(c)]);
    }
  }
};

int32_t match(const Builder& b, const PlanNode& n) {
  if (!n.posts.empty()) return -1;
  const PlanValue &x = b.value(n.input(0)), &w = b.value(n.input(1));
  if (x.type != dt::i32 || w.type != dt::i32 || !w.constant || w.dims.size() != 2 || x.dims.size() < 2) return -1;
  const auto* p = static_cast<const char*>(w.data);
  for (int64_t i = 0; i < w.count(); ++i) {
    int32_t v;
    std::memcpy(&v, p + i * 4, sizeof v);
    if (v < -kMost || v > kMost) return -1;
  }
  return 100;
}

bool build(Builder& b, const PlanNode& n) {
  const Dims x = b.value(n.input(0)).dims, w = b.value(n.input(1)).dims;
  const int64_t k = w[0], columns = w[1], rows = product(x) / k, chunks = (k + kChunk - 1) / kChunk;
  const int threads = b.threads_for(2.0 * static_cast<double>(rows * k * columns));
  ThreadScope scope(threads);
  auto small = std::make_shared<bool>(true);
  const SlotId a = b.read(n.input(0)), wide = b.read(n.input(1));
  const SlotId floats = b.scratch(static_cast<uint64_t>(rows * k) * 4), parts = b.scratch(static_cast<uint64_t>(rows * columns * chunks) * 4);
  auto weights = b.packed(n.input(1), "floats", [&] {
    auto bytes = std::make_shared<AlignedBytes>(static_cast<uint64_t>(k * columns) * 4);
    for (int64_t i = 0; i < k * columns; ++i) {
      int32_t v;
      std::memcpy(&v, static_cast<const char*>(b.value(n.input(1)).data) + i * 4, sizeof v);
      static_cast<float*>(bytes->get())[i] = static_cast<float>(v);
    }
    return std::shared_ptr<void>(bytes, bytes->get());
  });
  std::vector<dnn::Primitive> products;
  for (int64_t c = 0; c < chunks; ++c) {
    const int64_t depth = std::min(kChunk, k - c * kChunk);
    auto p = dnn::matmul(dnn::desc({rows, depth}, Dims{k, 1}), dnn::any({depth, columns}), nullptr, dnn::desc({rows, columns}, Layout::plain), {});
    if (!p) return false;
    products.push_back(std::move(*p));
  }
  b.step("cpu/to-float", ToFloat{a, floats, rows * k, small}, {a}, {floats});
  for (int64_t c = 0; c < chunks; ++c) {
    const dnn::Primitive& p = products[static_cast<size_t>(c)];
    const dnn::Desc from = dnn::desc({std::min(kChunk, k - c * kChunk), columns}, Layout::plain);
    auto packed = b.packed(n.input(1), "chunk " + std::to_string(c) + dnn::key(p.weights), [&] { return dnn::pack(from, static_cast<float*>(weights.get()) + c * kChunk * columns, p.weights); });
    dnn::StepMaker(b, p, threads)
        .read(DNNL_ARG_SRC, p.src, c ? b.part(floats, static_cast<uint64_t>(c * kChunk) * 4) : floats)
        .fixed(DNNL_ARG_WEIGHTS, p.weights, packed)
        .write(DNNL_ARG_DST, p.dst, c ? b.part(parts, static_cast<uint64_t>(c * rows * columns) * 4) : parts)
        .done();
  }
  const SlotId y = b.write(n.output());
  b.step("cpu/matmul-integer", Sum{a, wide, parts, y, rows, k, columns, chunks, small}, {a, wide, parts}, {y});
  return true;
}

}  // namespace

void register_matmul_integer(KernelTable& t) { t.add({"cpu/matmul-integer", "MatMul", match, build}); }

}  // namespace tenon::cpu
