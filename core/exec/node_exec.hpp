// SPDX-License-Identifier: Apache-2.0
// node_exec.hpp - one node prepared for running: its kernel, what the kernel is given, and the outputs that it owns.
#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "../data/tensor.hpp"
#include "../ir/model.hpp"
#include "../plugin/session.hpp"
#include "constant_tensor.hpp"
#include "variables.hpp"

namespace tenon::core {

/// One output that the executor owns: dense storage that is kept from run to run, strings or a sequence.
struct OwnedOutput {
  tenon_tensor t{};
  std::vector<int64_t> dims;
  BufferRef buffer;
  std::vector<std::string> strings;
  std::vector<tenon_str> strs;
  Tensor sequence;
  std::unique_ptr<TensorView> view;
  /// Dense storage of this shape; the former one is used again when it is large enough and nobody else holds it.
  Status allocate(tenon_dtype type, int32_t rank, const int64_t* d);
};

}  // namespace tenon::core

/// See tenon_exec_api. The model stays alive and unchanged meanwhile.
struct tenon_exec {
  tenon::core::Session* session = nullptr;
  const tenon::core::Model* model = nullptr;
  tenon_node node = 0;
  const tenon_operator* definition = nullptr;
  const tenon_kernel* kernel = nullptr;
  tenon_exec_callbacks callbacks{};
  std::shared_ptr<tenon::core::Variables> variables;
  std::shared_ptr<const tenon::core::AttrSet> attrs;
  tenon_ctx ctx;

  /// Outputs that the caller gives memory for have data; others come from this object.
  tenon::core::Status run(const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor** out, uint32_t n_out);
  ~tenon_exec();

  // Working state of a run, kept so that the next run with the same shapes allocates nothing.
  tenon_node_info info{};
  std::vector<tenon_tensor> out_store;
  std::vector<tenon_tensor*> out;
  std::vector<std::vector<int64_t>> out_dims;
  std::vector<tenon::core::OwnedOutput> owned;
  std::vector<const tenon_tensor*> alias;  ///< output replaced by another tensor
  std::vector<uint8_t> inferred;
  std::vector<tenon::core::ValueType> declared;  ///< outputs' types in the model
  std::vector<int64_t> lent;
  std::vector<std::pair<tenon_value, std::unique_ptr<tenon::core::ConstantTensor>>> attr_tensors;
  std::deque<tenon::core::Tensor> kept;  ///< results of nested graphs, for the length of a run
  std::deque<tenon::core::TensorView> kept_views;
  std::deque<std::vector<const tenon_tensor*>> kept_lists;
  void* state = nullptr;
  bool prepared = false;
  std::vector<int64_t> prepared_for;  ///< shapes of the inputs
  tenon::core::BufferRef scratch;
  uint64_t scratch_bytes = 0;

 private:
  tenon::core::Status infer_outputs();
  tenon::core::Status prepare();
};

namespace tenon::core {

/// kernel NULL: the operator's reference kernel. E_UNSUPPORTED when there is none.
Result<std::unique_ptr<tenon_exec>> make_exec(Session& s, const Model& m, tenon_node n, const tenon_kernel* kernel, const tenon_exec_callbacks* callbacks);

}  // namespace tenon::core
