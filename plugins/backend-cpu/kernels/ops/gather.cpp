// SPDX-License-Identifier: Apache-2.0
// Gather of whole slices.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

struct GatherStep {
  SlotId data, indices, y;
  bool wide;
  int64_t outer, axis, count;
  uint64_t slice;  ///< bytes
  void run(const Run& r) const {
    auto index = [&](int64_t i) { return wide ? r.at<int64_t>(indices)[i] : static_cast<int64_t>(r.at<int32_t>(indices)[i]); };
    for (int64_t i = 0; i < count; ++i)
      if (index(i) < -axis || index(i) >= axis)
        throw invalid("an index of Gather is out of range").with("expected", "-" + std::to_string(axis) + " to " + std::to_string(axis - 1)).with("found", std::to_string(index(i)));
    const char* from = r.at<char>(data);
    char* to = r.at<char>(y);
    parallel_for(outer * count, static_cast<int64_t>(65536 / (slice + 1) + 1), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const int64_t k = index(u % count);
        std::memcpy(to + static_cast<uint64_t>(u) * slice, from + static_cast<uint64_t>(u / count * axis + (k < 0 ? k + axis : k)) * slice, slice);
      }
    });
  }
};

int32_t match(const Builder& b, const PlanNode& n) {
  const auto& indices = b.value(n.input(1)).type;
  return n.posts.empty() && b.value(n.input(0)).type.bits >= 8 && (indices == dt::i64 || indices == dt::i32) ? 100 : -1;
}
bool build(Builder& b, const PlanNode& n) {
  const Dims& d = b.value(n.input(0)).dims;
  const auto axis = static_cast<size_t>(n.attrs.i("axis") < 0 ? n.attrs.i("axis") + static_cast<int64_t>(d.size()) : n.attrs.i("axis"));
  GatherStep s;
  s.data = b.read(n.input(0));
  s.indices = b.read(n.input(1));
  s.y = b.write(n.output());
  s.wide = b.value(n.input(1)).type == dt::i64;
  s.axis = d[axis];
  s.outer = 1;
  for (size_t i = 0; i < axis; ++i) s.outer *= d[i];
  s.count = b.value(n.input(1)).count();
  s.slice = static_cast<uint64_t>(product(d, axis + 1)) * (b.value(n.input(0)).type.bits / 8u);
  b.step("cpu/gather", s, {s.data, s.indices}, {s.y}, b.threads_for(static_cast<double>(b.value(n.output()).bytes()) * 5));
  return true;
}

}  // namespace

void register_gather(KernelTable& t) { t.add({"cpu/gather", "Gather", match, build}); }

}  // namespace tenon::cpu
