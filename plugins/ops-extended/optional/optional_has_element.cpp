// SPDX-License-Identifier: Apache-2.0
// OptionalHasElement: is there something in the optional?
#include "optional/optional.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) { node.set_out(0, dt::boolean, Dims{}); }

void run(const Node& node) { *node.out(0).mutable_data<bool>() = is_present(node.in(0)); }

}  // namespace

TENON_OPERATOR("tenon", "OptionalHasElement", 1, 0, "(input?: any) -> (output: bool)", infer, run);
}  // namespace tenon::ops
