// SPDX-License-Identifier: Apache-2.0
#include "../ir/model.hpp"
#include "host_tables.hpp"
#include "rewrite_control.hpp"

namespace tenon::core {
namespace {

int32_t TENON_CALL counted(tenon_ctx* c) noexcept { return RewriteControl::of(c) ? 1 : 0; }
int32_t TENON_CALL ask(tenon_ctx* c, tenon_graph* g, tenon_node root, tenon_str rule) noexcept {
  RewriteWatch* w = RewriteControl::of(c);
  return !w || may_rewrite(w, *g->model, root, view(rule)) ? 1 : 0;
}
void TENON_CALL rewritten(tenon_ctx* c) noexcept {
  RewriteWatch* w = RewriteControl::of(c);
  if (!w) return;
  ++w->made;
  w->last = w->tried;
}

}  // namespace

const tenon_rewriting_api& rewriting_table() {
  static const tenon_rewriting_api t{sizeof(tenon_rewriting_api), 0, counted, ask, rewritten};
  return t;
}

}  // namespace tenon::core
