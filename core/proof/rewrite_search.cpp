// SPDX-License-Identifier: Apache-2.0
#include "rewrite_search.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "child.hpp"

namespace tenon::core {
namespace {

constexpr size_t kPage = 1 << 16;

Json to_json(const Rewrite& r) { return {{"node", r.node}, {"op", r.op}, {"rule", r.rule}, {"origins", r.origins}}; }
Rewrite from_json(const Json& j) { return {j["node"], j["op"], j["rule"], j["origins"]}; }
std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string node_text(const Model& m, tenon_node n) {
  const OpName op = op_name(m.nodes.op[slot(n)]);
  const std::string& name = m.nodes.name[slot(n)];
  return (name.empty() ? std::string("(no name)") : name) + ": " + std::string(op.name);
}

/// Nodes of `a` that are not in `b`; both come from the same graph, so ids say which.
std::vector<std::string> missing(const Model& a, const Model& b) {
  std::vector<std::string> r;
  for (const auto* g : a.nested(a.main()))
    for (Slot n = g->first; n; n = a.nodes.next[n])
      if (!b.alive_node(a.node_id(n))) r.push_back(node_text(a, a.node_id(n)));
  return r;
}

}  // namespace

RewriteSearch::RewriteSearch(Session& s, Model& before, const PassSpec& pass, Judge judge, double seconds)
    : session_(s), before_(before), pass_(pass), judge_(std::move(judge)), seconds_(seconds) {
  void* p = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  page_ = p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}
RewriteSearch::~RewriteSearch() {
  if (page_) munmap(page_, kPage);
}

RewriteSearch::Probe RewriteSearch::probe(uint64_t limit) {
  ++probes_;
  if (page_) page_[0] = 0;
  const ChildEnd end = in_child(
      [&](const Emit& emit) -> Status {
        auto m = before_.clone();
        RewriteWatch watch;
        watch.limit = limit;
        watch.on_try = [&](const Rewrite& r) {
          const std::string text = dump(Json{{"after", watch.made}, {"tried", to_json(r)}});
          if (page_ && text.size() < kPage) std::memcpy(page_, text.c_str(), text.size() + 1);
        };
        TENON_TRY(run_once(session_, *m, pass_, &watch));
        emit(dump(Json{{"asked", watch.asked}, {"made", watch.made}, {"last", to_json(watch.last)}}));
        return judge_ ? judge_(*m) : Status();
      },
      seconds_);
  Probe p;
  p.status = end.status;
  const Json j = Json::parse(end.out, nullptr, false);
  if (j.is_object()) {
    p.finished = true;
    p.asked = j["asked"];
    p.made = j["made"];
    p.last = from_json(j["last"]);
  }
  const Json tried = page_ && page_[0] ? Json::parse(std::string(page_), nullptr, false) : Json();
  if (!tried.is_object()) return p;
  p.asked = true;
  p.tried_after = tried["after"];
  p.tried = from_json(tried["tried"]);
  return p;
}

void RewriteSearch::name_rewrite(Culprit* c, const Probe& p) const {
  c->what = p.finished ? p.last : p.tried;
  if (p.finished) list_changes(c);
}

void RewriteSearch::list_changes(Culprit* c) const {
  const ChildEnd end = in_child(
      [&](const Emit& emit) -> Status {
        auto good = before_.clone(), bad = before_.clone();
        RewriteWatch one{c->rewrite - 1, 0, false, {}, {}, {}}, both{c->rewrite, 0, false, {}, {}, {}};
        TENON_TRY(run_once(session_, *good, pass_, &one));
        TENON_TRY(run_once(session_, *bad, pass_, &both));
        emit(dump(Json{{"removed", missing(*good, *bad)}, {"added", missing(*bad, *good)}}));
        return {};
      },
      seconds_);
  const Json j = Json::parse(end.out, nullptr, false);
  if (!j.is_object()) return;
  c->removed = j["removed"].get<std::vector<std::string>>();
  c->added = j["added"].get<std::vector<std::string>>();
}

Status RewriteSearch::find(Culprit* c) {
  auto cancelled = [&](const Probe& p) { return !p.status && p.status.error().code == TENON_E_CANCELLED; };
  const Probe whole = probe(UINT64_MAX);
  if (cancelled(whole)) return fail(whole.status.error());
  c->rewrites = whole.finished ? whole.made : 0;
  if (whole.status) {
    c->as_a_whole = "run alone on the same graph the pass does nothing wrong";
    return {};
  }
  if (!whole.asked) {
    c->as_a_whole = "the pass does not count its rewrites, so it is judged as a whole";
    return {};
  }
  const Probe none = probe(0);
  if (!none.status) {
    c->as_a_whole = "it goes wrong before the first rewrite that it counts";
    return {};
  }
  uint64_t good = 0, bad = whole.finished ? whole.made : 0;
  Probe at_bad = whole;
  for (uint64_t n = 1; !bad; n *= 2) {
    Probe p = probe(n);
    if (cancelled(p)) return fail(p.status.error());
    if (p.status && p.made < n) {
      c->as_a_whole = "the pass goes wrong after its last rewrite";
      return {};
    }
    if (p.status) good = n;
    else bad = n, at_bad = p;
  }
  if (bad == 0 || (whole.finished && whole.made == 0)) {
    c->as_a_whole = "it goes wrong without a rewrite that it counts";
    return {};
  }
  while (bad - good > 1) {
    const uint64_t middle = good + (bad - good) / 2;
    Probe p = probe(middle);
    if (cancelled(p)) return fail(p.status.error());
    if (p.status) good = middle;
    else bad = middle, at_bad = p;
  }
  c->rewrite = bad;
  name_rewrite(c, at_bad);
  return {};
}

}  // namespace tenon::core
