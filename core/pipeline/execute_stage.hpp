// SPDX-License-Identifier: Apache-2.0
// execute_stage.hpp - {"execute": backend, "inputs": file, "expect": file, ...}
#pragma once
#include "../exec/program.hpp"
#include "stage.hpp"

namespace tenon::core {

/// A program of the first backend that takes the graph.
struct Compiled {
  std::unique_ptr<Program> program;
  std::string backend;
  double ms = 0;
};
/// `options` are those of any of the backends; each gets those that its schema knows, its defaults, and `threads` (0 = not said) when it
/// has an option of that name. A backend that does not support the graph passes it on to the next.
Result<Compiled> compile_for(Session& s, Model& m, const std::vector<std::string>& backends, const Json& options, int64_t threads);
/// Ids from a string or a list.
std::vector<std::string> backend_list(const Json& j);
/// What `run` and `bench` use when nobody says: the backend with the highest "priority" in its manifest, then the first by name, else reference kernels.
std::string default_backend(const Registry& r);

class ExecuteStage : public Stage {
 public:
  ExecuteStage(const Config& config, const Json& json);
  std::string kind() const override { return "execute"; }
  std::string name() const override;
  const std::string& inputs_path() const { return inputs_; }
  const DimValues& dims() const { return dims_; }
  void check(PlanCheck& c) const override;
  void explain(const Registry& r, const std::string& indent, std::string* out) const override;
  Status run(Run& r, StageRecord* record) override;
  std::string summary(const StageRecord& record) const override;

 private:
  std::vector<std::string> backends_;
  std::string inputs_, expect_, outputs_, labels_, scores_, labels_file_;
  int64_t repeat_ = 1, threads_ = 0;
  uint64_t seed_ = 0;
  DimValues dims_;
  Tolerance tolerance_;
  Json options_;

  Result<std::vector<Tensor>> read_inputs(Run& r) const;
  Result<std::vector<Tensor>> run_all(Run& r, StageRecord* record) const;
  Status write_outputs(const Model& m, const std::vector<Tensor>& out) const;
  Status compare_outputs(Run& r, const std::vector<Tensor>& out, StageRecord* record) const;
  Status count_right(Run& r, const std::vector<Tensor>& out, StageRecord* record) const;
  Result<Tensor> read_labels() const;
};

/// Entries out:NAME in the order of the outputs; items of a sequence are NAME/0, ..., of an empty one NAME/count is 0, of an absent optional NAME/present is false. Written beside and renamed.
Status write_outputs_file(const std::string& path, const Model& m, const std::vector<Tensor>& out);
/// Copies of what a program returned.
Result<std::vector<Tensor>> copy_all(const std::vector<const tenon_tensor*>& all);
double median(std::vector<double> v);

}  // namespace tenon::core
