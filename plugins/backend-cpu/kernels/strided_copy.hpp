// SPDX-License-Identifier: Apache-2.0
// strided_copy.hpp - gathers strided elements of any size into dense row-major order.
#pragma once
#include <optional>

#include "../planner/plan.hpp"

namespace tenon::cpu {

/// Dimensions merged where that leaves the order the same; strides in elements, any sign.
struct StridedCopy {
  Dims dims, strides;
  int size = 4;  ///< bytes of one element
  void run(const void* from, void* to) const;
};
StridedCopy make_strided_copy(const Dims& dims, const Dims& strides, int size);

/// Strides of the same elements under other dims; nothing when they are in no regular distance.
std::optional<Dims> reshape_strides(const Dims& from, const Dims& strides, const Dims& to);

struct StridedCopyStep {
  StridedCopy copy;
  SlotId from;
  int64_t offset;  ///< elements
  SlotId to;
  void run(const Run& r) const { copy.run(r.at<char>(from) + offset * copy.size, r.ptr[to]); }
};

}  // namespace tenon::cpu
