// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "model.hpp"

namespace tenon::core {

/// A node of a graph that several nodes hold has the origins of all that it stands for. In the place of one of these it keeps those
/// that the place has too; where there are none, all.
void keep_origins_of(Model& m, Slot n, Slot place);

}  // namespace tenon::core
