// SPDX-License-Identifier: Apache-2.0
// regions.hpp - decides before any node is built which layout each is to work in. Nodes that can work in several layouts and share a
// value are one region, and a region has one layout: changes of layout are left to its borders.
#pragma once
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "builder.hpp"

namespace tenon::cpu {

inline constexpr double kCannot = std::numeric_limits<double>::infinity();

/// What a node takes in each layout, and which of its values are in that layout then.
struct LayoutCosts {
  std::array<double, kLayouts> seconds{kCannot, kCannot, kCannot, kCannot};
  std::vector<ValueId> values;
  bool leads = false;            ///< layouts matter to the node itself; regions without such a node follow the data that comes
  ValueId plain_too = kNoValue;  ///< one of the values that may as well be plain when the layout is a blocked one
  double from_plain = kCannot;   ///< seconds then
  double& operator[](Layout l) { return seconds[static_cast<size_t>(l)]; }
  double operator[](Layout l) const { return seconds[static_cast<size_t>(l)]; }
};

/// Seconds that a conversion of this many elements takes: memory moves at some 8 GB/s there and back, and a step more has to start,
/// with cold caches.
inline double move_seconds(int64_t elements) { return 3e-6 + static_cast<double>(elements) * 8 / 8e9; }

/// Costs of a node that does little more than to read and write these images, in any layout; with surplus channels where there are
/// any. Nothing when one of them is no image.
std::optional<LayoutCosts> streaming_costs(const Builder& b, std::vector<ValueId> images);

struct LayoutPlan {
  std::vector<std::optional<Layout>> node;  ///< of its region; nothing for nodes outside of any, and in regions that nobody leads
  std::vector<Layout> view;                 ///< by value: plain or channels_last, in which views of a blocked value cost the least
};
LayoutPlan choose_layouts(const Builder& b, const std::vector<PlanNode>& nodes, size_t n_values, const std::vector<uint32_t>& outputs);

}  // namespace tenon::cpu
