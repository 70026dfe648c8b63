// SPDX-License-Identifier: Apache-2.0
// matching.hpp - which value of one model stands for which value of another.
#pragma once
#include <string>
#include <vector>

#include "../ir/model.hpp"

namespace tenon::core {

struct Match {
  tenon_value a = 0, b = 0;
  std::string name;        ///< what it was found by: a node of the file, or a value
  bool output = false;     ///< an output of both graphs
};

/// Values of the main graphs in the order of a. By origin: a node with several ones stands for the one that comes last in the other model,
/// where several nodes have the same the last of them. Else by the value's name, unless the origins contradict it. Outputs of the graphs
/// that are found neither way are matched by name, or by position where both have as many.
std::vector<Match> match_values(const Model& a, const Model& b);

}  // namespace tenon::core
