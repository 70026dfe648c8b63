// SPDX-License-Identifier: Apache-2.0
// program.hpp - a graph made runnable: by a backend plugin, or on the operators' reference kernels.
#pragma once
#include <memory>

#include "../data/tensor.hpp"
#include "../ir/model.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

class Program {
 public:
  virtual ~Program() = default;
  /// Inputs in the order of the graph's inputs. Outputs are borrowed until the next run.
  virtual Result<std::vector<const tenon_tensor*>> run(const std::vector<const tenon_tensor*>& in) = 0;
  /// The backend's own account: threads, arena, which kernel ran which node.
  virtual Json describe() = 0;
};

/// backend "reference" is the host's own interpreter over reference kernels; any other name is a backend plugin's id.
/// The model must stay unchanged and alive while the program is.
Result<std::unique_ptr<Program>> compile(Session& s, Model& m, std::string_view backend, const Json& options);

}  // namespace tenon::core
