// SPDX-License-Identifier: Apache-2.0
// LSHProjection: locality-sensitive hash of the items along the first axis of the input. Each element of `hash` [n, bits] is the seed of
// one bit: the sign of the (weighted) sum of FarmHash fingerprints of seed and item. Dense: a bit each; sparse: each row's bits as
// a number, plus row * 2^bits. As LiteRT's kernel.
#include <farmhash.h>

#include "common/infer.hpp"

namespace tenon::ops {
namespace {

bool is_sparse(const Node& node) {
  const std::string type = node.s("type");
  if (type != "sparse" && type != "dense") fail("unknown type of projection", "sparse or dense", type);
  return type == "sparse";
}

void infer(const Node& node) {
  const Tensor hash = node.in(0), input = node.in(1), weight = node.in(2);
  expect_rank(hash, 2, "hash");
  expect_rank_at_least(input, 1, "the input");
  if (hash.has_rank() && hash.dim(1) > 32) fail("hash has too many bits", "at most 32", std::to_string(hash.dim(1)));
  if (weight && weight.has_rank() && input.has_rank()) same_dim(weight.dim(0), input.dim(0), "numbers of items and of weights");
  const bool sparse = is_sparse(node);
  node.set_out(0, dt::i32, Dims{!hash.has_rank() ? kUnknown : sparse ? hash.dim(0) : dim_product(node, hash.dims())});
}

bool sign_bit(const Tensor& input, const float* weight, float seed) {
  const int64_t items = input.dim(0);
  const uint64_t bytes = items ? input.bytes() / static_cast<uint64_t>(items) : 0;
  std::string key(sizeof seed + bytes, '\0');
  std::memcpy(key.data(), &seed, sizeof seed);
  double score = 0;
  for (int64_t i = 0; i < items; ++i) {
    if (bytes) std::memcpy(key.data() + sizeof seed, input.data<char>() + static_cast<uint64_t>(i) * bytes, bytes);
    const auto value = static_cast<double>(static_cast<int64_t>(util::Fingerprint64(key.data(), key.size())));
    score += weight ? weight[i] * value : value;
  }
  return score > 0;
}

void run(const Node& node) {
  const Tensor hash = node.in(0), input = node.in(1);
  if (input.type() == dt::string) throw unsupported("a projection of strings").with("found", dtype_name(input.type()));
  const float* weight = node.has_in(2) ? node.in(2).data<float>() : nullptr;
  const bool sparse = is_sparse(node);
  int32_t* y = node.out(0).mutable_data<int32_t>();
  const int64_t bits = hash.dim(1);
  for (int64_t i = 0; i < hash.dim(0); ++i) {
    uint32_t signature = 0;
    for (int64_t j = 0; j < bits; ++j) {
      const bool bit = sign_bit(input, weight, hash.data<float>()[i * bits + j]);
      signature = signature << 1 | bit;
      if (!sparse) *y++ = bit;
    }
    if (sparse) *y++ = static_cast<int32_t>(signature + static_cast<uint32_t>(static_cast<uint64_t>(i) << bits));
  }
}

}  // namespace

TENON_OPERATOR("tenon", "LSHProjection", 1, 0, "(hash: f32, input: any, weight?: f32) -> (output: i32) {type: string}", infer, run);
}  // namespace tenon::ops
