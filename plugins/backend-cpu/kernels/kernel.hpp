// SPDX-License-Identifier: Apache-2.0
// kernel.hpp - how a kernel offers itself to the planner. A file kernels/ops/<name>.cpp defines `void register_<name>(KernelTable&)`;
// the build calls them all in the order of the file names.
#pragma once
#include <string_view>
#include <vector>

#include "../planner/builder.hpp"
#include "../planner/regions.hpp"

namespace tenon::cpu {

struct Kernel {
  const char* id;  ///< "cpu/layer-norm"
  const char* op;  ///< IR operator
  /// Cost < 0: cannot. 100 is usual; the smallest is taken. May look at values and layouts, but not change anything.
  int32_t (*match)(const Builder&, const PlanNode&);
  /// Adds the steps of the node. Not called unless match() said that it can. False: it cannot after all, and nothing was added.
  bool (*build)(Builder&, const PlanNode&);
  /// Of kernels that work in several layouts: what each costs, nothing when the kernel cannot take the node. Asked before any node is
  /// built, so homes of values are not known yet. build() finds the layout that was chosen in Builder::planned().
  std::optional<LayoutCosts> (*layouts)(const Builder&, const PlanNode&) = nullptr;
};

class KernelTable {
  std::vector<Kernel> kernels_;

 public:
  void add(const Kernel& k) { kernels_.push_back(k); }
  const std::vector<Kernel>& all() const { return kernels_; }
};

/// Every kernel of this plugin.
const KernelTable& kernel_table();

}  // namespace tenon::cpu
