// SPDX-License-Identifier: Apache-2.0
// scores.hpp - attention scores as exporters spell them: scale, soft cap and masks between the product Q K^T and the Softmax.
#pragma once
#include <tenon/rewriter.hpp>

#include <optional>
#include <vector>

namespace tenon::passes {

/// A score stays where `condition` holds (or not, with `inverse`); else it becomes `fill`.
struct Choice {
  tenon_value condition = 0;
  bool inverse = false;
  double fill = 0;
};

/// Scores as they are spelled, from the Softmax back to the product.
struct Scores {
  tenon_node product = 0;
  double scale = 1, cap = 0;
  std::vector<tenon_value> added;
  std::optional<Choice> choice;
  std::vector<tenon_node> nodes;
};

/// Reads `scores`, the input of a Softmax of rank 4; false when they are spelled in another way. Nodes with one user are read through; a
/// mask must not widen the scores.
bool read_scores(Rewriter& r, tenon_value scores, Scores* s);

struct Mask {
  bool causal = false;
  tenon_value value = 0;
};

/// The masks of s as those of Attention, made before `root`. A triangle becomes a causal mask unless keys are cached.
std::optional<Mask> mask_of(Rewriter& r, tenon_node root, const Scores& s, const ValueInfo& scores, bool cached);

}  // namespace tenon::passes
