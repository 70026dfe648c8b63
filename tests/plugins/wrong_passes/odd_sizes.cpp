// SPDX-License-Identifier: Apache-2.0
// wrong/odd-sizes: max pooling that rounds up its output becomes one that rounds down: the same for even sizes only.
#include <tenon/rewriter.hpp>

namespace {
using namespace tenon;

bool rule(Rewriter& r, tenon_node n) {
  if (!r.g.attrs(n).i("ceil_mode", 0)) return false;
  r.g.set_attrs(n, AttrList{}.set("ceil_mode", int64_t{0}));
  return true;
}
uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"MaxPool"}, rule, "floor"}}).run(); }

}  // namespace

TENON_PASS("wrong/odd-sizes", R"("class":"exact","summary":"rounds sizes down","options":{"type":"object","properties":{},"additionalProperties":false})", run);
