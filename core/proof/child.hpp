// SPDX-License-Identifier: Apache-2.0
// child.hpp - work in a process of its own, so that a crash or an endless loop in it is an error here.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "../pipeline/input_sets.hpp"

namespace tenon::core {

/// What a child handed over before it ended, and how it ended. E_CRASH when it was killed, or took longer than it may.
struct ChildEnd {
  std::string out;
  Status status;
};
using Emit = std::function<void(std::string_view)>;
/// Forks; the child works on a copy of everything here. What it emits arrives also when it crashes afterwards.
ChildEnd in_child(const std::function<Status(const Emit&)>& work, double seconds);

/// Runs graphs in children.
GraphRunner isolated_runner(double seconds);

/// Tensors as bytes, and back; E_INTERNAL when they are cut off.
std::string tensor_bytes(const Outputs& all);
Result<Outputs> tensors_from(std::string_view bytes);

}  // namespace tenon::core
