// SPDX-License-Identifier: Apache-2.0
#include "rewrite_control.hpp"

#include <map>
#include <mutex>

#include "../ir/model.hpp"

namespace tenon::core {
namespace {

// A context says nothing about its watch, so contexts stay small; the count makes the common case one load.
std::atomic<uint64_t> n_controls{0};
std::mutex controls_mutex;
std::map<const tenon_ctx*, RewriteWatch*>& controls() {
  static std::map<const tenon_ctx*, RewriteWatch*> all;
  return all;
}

}  // namespace

RewriteControl::RewriteControl(const tenon_ctx* c, RewriteWatch* w) : ctx_(c) {
  std::lock_guard lock(controls_mutex);
  controls()[c] = w;
  ++n_controls;
}

RewriteControl::~RewriteControl() {
  std::lock_guard lock(controls_mutex);
  controls().erase(ctx_);
  --n_controls;
}

RewriteWatch* RewriteControl::of(const tenon_ctx* c) {
  if (n_controls == 0) return nullptr;
  std::lock_guard lock(controls_mutex);
  auto it = controls().find(c);
  return it == controls().end() ? nullptr : it->second;
}

bool may_rewrite(RewriteWatch* w, const Model& m, tenon_node root, std::string_view rule) {
  w->asked = true;
  if (w->made >= w->limit) return false;
  w->tried = {{}, {}, std::string(rule), {}};
  if (m.alive_node(root)) {
    const OpName op = op_name(m.nodes.op[slot(root)]);
    w->tried.node = m.nodes.name[slot(root)];
    w->tried.op = std::string(op.domain) + "::" + std::string(op.name);
    w->tried.origins = m.origin_names(root);
  }
  if (w->on_try) w->on_try(w->tried);
  return true;
}

}  // namespace tenon::core
