// SPDX-License-Identifier: Apache-2.0
#include "outline/order.hpp"

#include <algorithm>
#include <numeric>

namespace tenon::passes::outline {
namespace {

// Nodes between the first and the last of a region: keeps the work in proportion to what is shared.
constexpr size_t kMostSpread = 64, kSpreadAlways = 4096;

}  // namespace

Order::Order(const NodeTable& t) : t_(t), at_(t.size()), position_(t.size()), region_of_(t.size(), kNone), after_(t.size()), member_(t.size()) {
  std::iota(at_.begin(), at_.end(), 0u);
  std::iota(position_.begin(), position_.end(), 0u);
}

bool Order::gather(const std::vector<uint32_t>& region) {
  uint32_t first = kNone, last = 0;
  for (uint32_t n : region) {
    first = std::min(first, position_[n]);
    last = std::max(last, position_[n]);
  }
  const size_t spread = last - first + 1;
  if (spread > std::max(kSpreadAlways, kMostSpread * region.size())) return false;
  for (uint32_t n : region) member_[n] = 1;
  std::vector<uint32_t> early, mine, late;
  bool fine = true;
  for (uint32_t p = first; fine && p <= last;) {
    // A unit: a region that was gathered before, or one node.
    uint32_t end = p + 1;
    const uint32_t r = region_of_[at_[p]];
    while (r != kNone && end <= last && region_of_[at_[end]] == r) ++end;
    bool follows = false;
    for (uint32_t q = p; q < end; ++q)
      for (uint32_t b : t_.before[at_[q]]) follows |= member_[b] || after_[b];
    if (member_[at_[p]]) {
      for (uint32_t b : t_.before[at_[p]]) fine &= !after_[b];
      mine.push_back(at_[p]);
    } else {
      auto& side = follows ? late : early;
      for (uint32_t q = p; q < end; ++q) {
        after_[at_[q]] = follows;
        side.push_back(at_[q]);
      }
    }
    p = end;
  }
  for (uint32_t p = first; p <= last; ++p) after_[at_[p]] = 0;
  for (uint32_t n : region) member_[n] = 0;
  if (!fine) return false;
  uint32_t p = first;
  for (const auto* part : {&early, &mine, &late})
    for (uint32_t n : *part) {
      at_[p] = n;
      position_[n] = p++;
    }
  for (uint32_t n : region) region_of_[n] = n_regions_;
  ++n_regions_;
  return true;
}

}  // namespace tenon::passes::outline
