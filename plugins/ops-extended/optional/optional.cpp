// SPDX-License-Identifier: Apache-2.0
// Optional: the input as an optional, or an empty one, whose item's type is attribute `type`, e.g. "seq(f32)".
#include "optional/optional.hpp"

namespace tenon::ops {
namespace {

/// Takes `word(` and the closing parenthesis off the text.
bool unwrap(std::string_view& text, std::string_view word) {
  if (text.size() < word.size() + 2 || text.substr(0, word.size()) != word || text[word.size()] != '(' || text.back() != ')') return false;
  text = text.substr(word.size() + 1, text.size() - word.size() - 2);
  return true;
}

tenon_dtype empty_type(const Node& node) {
  const std::string name = node.s("type");
  std::string_view text = name;
  if (text.empty()) throw invalid("an empty optional has no type").with("expected", "attribute 'type', or an input");
  unwrap(text, "optional");
  const uint32_t sequence = unwrap(text, "seq") ? TENON_DTF_SEQUENCE : 0;
  tenon_dtype t = dtype_from_name(text);
  t.flags |= sequence | TENON_DTF_OPTIONAL;
  return t;
}

void infer(const Node& node) {
  if (!node.has_in(0)) return node.set_out_unranked(0, empty_type(node));
  set_out_as(node, 0, 0, optional_of(node.in(0).type()));
}

void run(const Node& node) {
  if (node.has_in(0)) return alias_as(node, 0, node.in(0).raw(), optional_of(node.in(0).type()));
  tenon_tensor none{};
  none.rank = TENON_RANK_UNKNOWN;
  alias_as(node, 0, &none, empty_type(node));
}

}  // namespace

TENON_OPERATOR("tenon", "Optional", 1, 0, "(input?: any) -> (output: any) {type?: string}", infer, run);
}  // namespace tenon::ops
