// SPDX-License-Identifier: Apache-2.0
// cost.hpp - what it costs to run an operation: arithmetic and memory traffic, weighed by how well a target's kernels suit it.
#pragma once
#include <map>

#include "egraph.hpp"

namespace tenon::saturate {

class CostModel {
 public:
  CostModel(tenon_ctx* c, std::string target) : c_(c), target_(std::move(target)) {}
  /// Nanoseconds, roughly, of one thread; 0 for what is computed from constants alone, once.
  double work(const EGraph& e, WorkId w, const std::vector<ClassId>& outputs);

 private:
  tenon_ctx* c_;
  std::string target_;
  std::map<std::string, double> factors_;
  double factor(const EGraph& e, WorkId w, const std::vector<ClassId>& outputs);
};

}  // namespace tenon::saturate
