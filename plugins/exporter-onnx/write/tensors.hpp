// SPDX-License-Identifier: Apache-2.0
// tensors.hpp - constants as TensorProto, inside the model or in a file beside it.
#pragma once
#include <optional>

#include "../settings.hpp"
#include "message.hpp"

namespace tenon::to_onnx {

class Tensors {
  const Graph& g_;
  const Sink& main_;
  bool external_;
  std::optional<Sink> file_;
  std::string location_;
  uint64_t at_ = 0;

  void strings(Message& m, Span<uint8_t> bytes, uint64_t count) const;
  void elsewhere(Message& m, Span<uint8_t> bytes);

 public:
  Tensors(const Graph& g, const Sink& main, bool external) : g_(g), main_(main), external_(external) {}
  /// `may_leave`: large data goes to the file beside the model when that is used.
  Message proto(tenon_value constant, std::string_view name, bool may_leave);
};

}  // namespace tenon::to_onnx
