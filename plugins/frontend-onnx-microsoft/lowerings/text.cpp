// SPDX-License-Identifier: Apache-2.0
#include "common/lowering.hpp"

namespace tenon::contrib {
namespace {

void lower_tokenizer(Lower& l) {
  known(l, {"mark", "mincharnum", "pad_value", "separators", "tokenexp"});
  arity(l, 1, 1);
  l.to("Tokenizer", {need(l, 0)}, copied(l, {"mark", "mincharnum", "pad_value", "separators", "tokenexp"}));
}
TENON_LOWERING("com.microsoft", "Tokenizer", 1, lower_tokenizer);

}  // namespace
}  // namespace tenon::contrib
