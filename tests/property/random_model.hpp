// SPDX-License-Identifier: Apache-2.0
// random_model.hpp - small models made of what passes look for and of anything else: the same seed gives the same model.
#pragma once
#include <memory>

#include "core/ir/model.hpp"
#include "core/plugin/session.hpp"

namespace tenon::test {

/// A verified model with types, one to three inputs (some symbolic, some without elements), one to four outputs, dead nodes, shared
/// subexpressions, nested graphs and constants with special values. Every node has an origin.
std::unique_ptr<core::Model> random_model(core::Session& s, uint64_t seed);

}  // namespace tenon::test
