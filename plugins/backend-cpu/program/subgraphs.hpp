// SPDX-License-Identifier: Apache-2.0
// subgraphs.hpp - the nested graphs of one node (If, Loop, ...), each compiled as a program of its own whose inputs are the
// graph's inputs and after them the outer values that it uses.
#pragma once
#include <map>
#include <memory>

#include "../planner/builder.hpp"

namespace tenon::cpu {

class Program;

class Subgraphs {
 public:
  Subgraphs(tenon_graph* owner, tenon_node holder, int threads);
  ~Subgraphs();
  /// Outer values that any of the graphs uses.
  std::vector<tenon_value> captured(tenon_ctx* c) const;
  void bind(tenon_value captured, ValueId v) { outer_[captured] = v; }
  /// The programs that were called so far, in the order of the node's graphs.
  std::vector<const Program*> programs(tenon_ctx* c) const;
  /// Before the node runs.
  void begin(const Run& r);
  /// tenon_exec_callbacks.call_graph: the outputs stay valid until the next call of the same graph.
  static tenon_error* TENON_CALL call(void* user, tenon_ctx* c, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in,
                                      const tenon_tensor* const** out, uint32_t* n_out) TENON_NX;

 private:
  struct Body {
    std::unique_ptr<Program> program;
    std::vector<tenon_value> captured;
    std::vector<const tenon_tensor*> args;
  };
  Body& body(tenon_ctx* c, tenon_graph* g);
  std::unique_ptr<Program> extract(tenon_ctx* c, tenon_graph* g, const std::vector<tenon_value>& captured) const;

  tenon_graph* owner_;
  tenon_node holder_;
  int threads_;
  std::map<tenon_value, ValueId> outer_;
  std::map<tenon_graph*, Body> bodies_;
  Run now_{};
};

}  // namespace tenon::cpu
