// SPDX-License-Identifier: Apache-2.0
// RegexFullMatch: does the whole string match the pattern? Syntax and meaning are RE2's, as ONNX says.
#include <re2/re2.h>

#include "text/text.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (x.has_rank()) node.set_out(0, dt::boolean, x.dims());
  else node.set_out_unranked(0, dt::boolean);
}

void run(const Node& node) {
  const std::string text = node.s("pattern");
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const re2::RE2 pattern(text, quiet);
  if (!pattern.ok()) throw invalid("the pattern is no regular expression: " + pattern.error()).with("found", text).with("expected", "RE2's syntax");
  const Tensor x = node.in(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string_view s = text_at(x, i);
    node.out(0).mutable_data<bool>()[i] = re2::RE2::FullMatch(re2::StringPiece(s.data(), s.size()), pattern);
  }
}

}  // namespace

TENON_OPERATOR("tenon", "RegexFullMatch", 1, 0, "(X: string) -> (Y: bool) {pattern: string}", infer, run);
}  // namespace tenon::ops
