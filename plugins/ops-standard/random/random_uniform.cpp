// SPDX-License-Identifier: Apache-2.0
// RandomUniform: numbers in [low, high), evenly spread, of the shape that input 0 holds.
#include "common/dispatch.hpp"
#include "random/generator.hpp"

namespace tenon::ops {
namespace {

void run(const Node& node) {
  Generator random(node);
  const double low = node.f("low", 0), high = node.f("high", 1);
  const tenon_dtype type = dtype_from_name(node.s("dtype", "f32"));
  const Dims d = node.in(0).ints();
  const int64_t count = count_of(d.data(), static_cast<int32_t>(d.size()));
  visit<FloatTypes>(type, [&]<class T>(Tag<T>) {
    T* y = node.out(0).has_data() ? node.out(0).mutable_data<T>() : node.alloc_out<T>(0, type, d);
    for (int64_t i = 0; i < count; ++i) y[i] = convert<T>(low + (high - low) * random.uniform());
  });
}

}  // namespace

TENON_OPERATOR("tenon", "RandomUniform", 1, TENON_OF_NONDETERMINISTIC,
               "(shape: i64) -> (Y: any) {low?: float, high?: float, seed?: float, dtype?: string}", infer_random, run);
}  // namespace tenon::ops
