// SPDX-License-Identifier: Apache-2.0
// What the report shows of a program: the plan that ran last, its kernels and its memory.
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "subgraphs.hpp"

namespace tenon::cpu {
namespace {

using Json = nlohmann::json;

Json nodes_of(const Plan& p, bool profile) {
  Json nodes = Json::array();
  for (const auto& i : p.infos) {
    Json n{{"name", i.name}, {"operator", i.op}, {"kernel", i.kernel}, {"origins", i.origins}};
    if (profile && p.runs) n["ms"] = i.ms / static_cast<double>(p.runs);
    nodes.push_back(std::move(n));
  }
  return nodes;
}

/// Steps are counted as in "nodes".
Json arena_of(const Plan& p) {
  Json arena = Json::array();
  for (const auto& b : p.buffers)
    arena.push_back({{"value", b.value}, {"scratch", b.scratch}, {"from", b.from}, {"to", b.to}, {"offset", b.offset}, {"bytes", b.bytes}});
  return arena;
}

Json nested_of(const Plan& p, tenon_ctx* c) {
  Json nested = Json::array();
  for (const auto& [node, graphs] : p.nested)
    for (const Program* program : graphs->programs(c)) {
      Json j = program->description(c);
      j["node"] = node;
      nested.push_back(std::move(j));
    }
  return nested;
}

}  // namespace

Json Program::description(tenon_ctx* c) const {
  const Plan* p = last_ ? last_ : plans_.empty() ? nullptr : plans_.back().get();
  Json j{{"threads", threads_}, {"plans", plans_.size()}};
  j["arena_bytes"] = p ? p->arena_bytes : 0;
  j["arena_lower_bound"] = p ? p->arena_lower_bound : 0;
  j["nodes"] = p ? nodes_of(*p, profile_) : Json::array();
  j["arena"] = p ? arena_of(*p) : Json::array();
  if (p && !p->nested.empty()) j["nested"] = nested_of(*p, c);
  return j;
}

const std::string& Program::describe(tenon_ctx* c) {
  text_ = description(c).dump(-1, ' ', false, Json::error_handler_t::replace);
  return text_;
}

}  // namespace tenon::cpu
