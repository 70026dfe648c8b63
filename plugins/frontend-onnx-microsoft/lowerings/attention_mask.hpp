// SPDX-License-Identifier: Apache-2.0
// attention_mask.hpp - what is added to the scores, from the forms of masks that com.microsoft's attentions have.
#pragma once
#include "emit.hpp"

namespace tenon::contrib {

struct MaskInputs {
  tenon_value mask = 0;   ///< integers: [batch, keys], [batch, queries, keys], or ends [batch], or ends and starts [2 * batch]
  tenon_value bias = 0;   ///< added to the scores: [batch or 1, heads or 1, queries, keys]
  tenon_value total = 0;  ///< number of keys with those of the past, as a list of one; needed for ends
};

/// The two as one tensor that broadcasts to [batch, heads, queries, keys]; masked positions get attribute mask_filter_value. 0 without both.
tenon_value attention_bias(Lower& l, const MaskInputs& in, tenon_dtype type);

/// 0, 1, ..., n - 1 for a list of one i64.
tenon_value positions(Lower& l, tenon_value n);

}  // namespace tenon::contrib
