// SPDX-License-Identifier: Apache-2.0
// interpreter.hpp - runs a graph node by node on the operators' reference kernels: the oracle that verification compares with.
#pragma once
#include <unordered_map>

#include "node_exec.hpp"
#include "program.hpp"

namespace tenon::core {

class Interpreter : public Program {
 public:
  static Result<std::unique_ptr<Interpreter>> make(Session& s, Model& m, tenon_graph& g, Interpreter* outer);
  Result<std::vector<const tenon_tensor*>> run(const std::vector<const tenon_tensor*>& in) override;
  Json describe() override;

  // By hand, node by node, in any order in which inputs come first.
  size_t n_steps() const { return steps_.size(); }
  tenon_node node(size_t step) const { return steps_[step].node; }
  /// The tensors stay the caller's.
  Status begin(const std::vector<const tenon_tensor*>& in);
  Status step(size_t k);
  /// Null when it was not made yet, or released.
  const tenon_tensor* value(Slot v) const;
  /// Frees what a step made; nobody reads it any more.
  void release(size_t step);

 private:
  struct Step {
    tenon_node node;
    std::unique_ptr<tenon_exec> exec;
    std::vector<Slot> in, out;
  };
  Session* session_ = nullptr;
  Model* model_ = nullptr;
  tenon_graph* graph_ = nullptr;
  Interpreter* outer_ = nullptr;
  std::vector<Step> steps_;
  std::unordered_map<Slot, const tenon_tensor*> env_;
  std::unordered_map<Slot, std::unique_ptr<ConstantTensor>> constants_;
  std::unordered_map<tenon_graph*, std::unique_ptr<Interpreter>> nested_;

  Result<const tenon_tensor*> find(Slot v);
  static tenon_error* TENON_CALL call_nested(void* user, tenon_ctx* c, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept;
  std::vector<const tenon_tensor*> nested_out_;
  std::vector<const tenon_tensor*> args_, outs_;  ///< of the step at work
};

}  // namespace tenon::core
