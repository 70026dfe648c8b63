// SPDX-License-Identifier: Apache-2.0
// rewrite_control.hpp - limits a call of a pass to its first rewrites and keeps what they were.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "session.hpp"

namespace tenon::core {

class Model;

/// One rewrite, as its root stood before it was made.
struct Rewrite {
  std::string node, op, rule;        ///< op with its domain; rule may be empty
  std::vector<std::string> origins;  ///< nodes of the user's file
};

struct RewriteWatch {
  uint64_t limit = UINT64_MAX;
  uint64_t made = 0;
  bool asked = false;                ///< otherwise the pass makes its changes as a whole
  Rewrite last;                      ///< the one made last
  Rewrite tried;                     ///< the one tried last
  std::function<void(const Rewrite&)> on_try;  ///< may be empty
};

/// While it lives, the rewrites of the call with this context are counted.
class RewriteControl {
 public:
  RewriteControl(const tenon_ctx* c, RewriteWatch* w);
  ~RewriteControl();
  RewriteControl(const RewriteControl&) = delete;
  RewriteControl& operator=(const RewriteControl&) = delete;
  /// Null when nobody counts the call's rewrites.
  static RewriteWatch* of(const tenon_ctx* c);

 private:
  const tenon_ctx* ctx_;
};

/// False when the limit is reached.
bool may_rewrite(RewriteWatch* w, const Model& m, tenon_node root, std::string_view rule);

}  // namespace tenon::core
