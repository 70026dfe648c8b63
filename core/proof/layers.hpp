// SPDX-License-Identifier: Apache-2.0
// layers.hpp - runs a graph node by node on reference kernels, what is asked for first, and frees what nobody needs any more.
#pragma once
#include <unordered_map>

#include "../exec/interpreter.hpp"

namespace tenon::core {

class Layers {
 public:
  /// `inputs` and the model outlive it. Values in `wanted` stay until they are let go.
  static Result<std::unique_ptr<Layers>> make(Session& s, Model& m, const std::vector<const tenon_tensor*>& inputs, const std::vector<tenon_value>& wanted);
  /// Computes what the value needs, and it. Constants and inputs are no values of nodes: E_NOT_FOUND.
  Result<const tenon_tensor*> value(tenon_value v);
  void let_go(tenon_value v);
  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  struct State {
    bool done = false;
    uint64_t holds = 0;                ///< reads to come, wanted outputs, and steps that share its storage
    uint64_t bytes = 0;
    std::vector<size_t> shares;        ///< steps whose storage it may share
  };
  Model* model_ = nullptr;
  std::unique_ptr<Interpreter> run_;
  std::unordered_map<Slot, size_t> maker_;  ///< value -> step
  std::vector<std::vector<Slot>> reads_;    ///< by step
  std::vector<State> state_;
  uint64_t live_bytes_ = 0, peak_bytes_ = 0;

  Status run_with_needs(size_t step);
  Status run_step(size_t step);
  void note_storage(size_t step);
  void release_hold(size_t step);
};

}  // namespace tenon::core
