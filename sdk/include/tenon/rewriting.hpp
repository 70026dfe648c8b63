// SPDX-License-Identifier: Apache-2.0
// rewriting.hpp - the C++ face of rewriting.h, for passes that walk the graph themselves. Rewriter does all this by itself.
#pragma once
#include "base.hpp"
#include "rewriting.h"

TENON_NAMESPACE_BEGIN

/// Counts the rewrites of one call of a pass; costs one call to the host when nobody asks for the count.
///   RewriteCount count(ctx);
///   for (tenon_node n : nodes) {
///     if (!count.may_rewrite(g.raw(), n)) break;
///     if (rewrite(n)) count.rewritten();
///   }
class RewriteCount {
 public:
  explicit RewriteCount(tenon_ctx* c) : c_(c) {
    const auto* t = table();
    if (TENON_HAS(t, rewritten) && t->counted(c)) api_ = t;
  }
  explicit RewriteCount(const Ctx& ctx) : RewriteCount(ctx.raw()) {}
  /// False: leave the graph as it is from now on. root 0 = no single node.
  bool may_rewrite(tenon_graph* g, tenon_node root, std::string_view rule = {}) const { return !api_ || api_->may_rewrite(c_, g, root, str(rule)) != 0; }
  /// The rewrite asked for last was made.
  void rewritten() const {
    if (api_) api_->rewritten(c_);
  }

 private:
  static const tenon_rewriting_api* table() {
    static const auto* const t = static_cast<const tenon_rewriting_api*>(api().host->get_interface(api().host, TENON_IID_REWRITING));
    return t;
  }
  tenon_ctx* c_;
  const tenon_rewriting_api* api_ = nullptr;  ///< null: nobody counts
};

TENON_NAMESPACE_END
