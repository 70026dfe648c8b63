// SPDX-License-Identifier: Apache-2.0
// program.hpp - a compiled graph: one plan for each signature of input shapes, made when first needed.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "../planner/builder.hpp"

namespace tenon::cpu {

class Program {
 public:
  /// `skip`: leading inputs of the graph that nobody reads and run() is not given.
  Program(tenon_ctx* c, OwnedGraph base, int threads, uint32_t skip = 0, bool profile = false);
  /// Makes the plan now when the graph says all shapes.
  void prepare(tenon_ctx* c);
  /// Results are valid until the next run. Allocates nothing when a plan for these shapes is there.
  const std::vector<const tenon_tensor*>& run(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in);
  /// JSON for the report.
  const std::string& describe(tenon_ctx* c);
  nlohmann::json description(tenon_ctx* c) const;

 private:
  Plan& plan_for(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in);
  bool matches(const Plan& p, const tenon_tensor* const* in, uint32_t n_in) const;
  std::unique_ptr<Plan> make_plan(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in);
  void check_inputs(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in) const;
  void make_room();

  OwnedGraph base_;
  int threads_;
  uint32_t skip_;
  bool profile_;
  /// Inputs whose contents decide the control flow are part of the signature, until they prove to change all the time.
  std::vector<uint8_t> by_contents_;
  uint64_t made_by_contents_ = 0;
  std::vector<tenon_value> constants_;  ///< of the base graph, sorted
  PackCache packs_;
  std::vector<std::unique_ptr<Plan>> plans_;
  Plan* last_ = nullptr;
  uint64_t clock_ = 0;
  std::string text_;
};

}  // namespace tenon::cpu
