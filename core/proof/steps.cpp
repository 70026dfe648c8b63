// SPDX-License-Identifier: Apache-2.0
#include "steps.hpp"

#include <fmt/format.h>

#include <sstream>

#include "../exec/infer.hpp"
#include "../ir/verifier.hpp"
#include "../ir/walk.hpp"
#include "child.hpp"

namespace tenon::core {
namespace {

using OnStep = std::function<Status(const Step&, bool changed)>;

/// Calls `begin` before and `done` after each run of a pass on m.
class StepWalk {
 public:
  StepWalk(Session& s, Model& m, std::function<Status(const Step&)> begin, OnStep done) : s_(s), m_(m), begin_(std::move(begin)), done_(std::move(done)) {}
  Status plan(const Plan& plan) {
    size_t first = 0;
    for (size_t k = 0; k < plan.stages.size(); ++k)
      if (plan.stages[k]->kind() == "import") first = k + 1;
    for (size_t k = first; k < plan.stages.size(); ++k) {
      if (const auto* p = dynamic_cast<const PassStage*>(plan.stages[k].get())) TENON_TRY(pass(*p, 0, ""));
      if (const auto* r = dynamic_cast<const RepeatStage*>(plan.stages[k].get())) TENON_TRY(repeat(*r));
    }
    return {};
  }

 private:
  Status repeat(const RepeatStage& r) {
    changed_ = true;
    for (int64_t round = 1; changed_ && round <= r.at_most(); ++round) {
      changed_ = false;
      for (const auto& p : r.list()) TENON_TRY(pass(*p, round, r.where));
    }
    return {};
  }
  Status pass(const PassStage& p, int64_t round, const std::string& group) {
    Step step{&p, round, ++number_, group};
    TENON_TRY(begin_(step));
    const uint64_t epoch = m_.epoch;
    if (Status s = run_once(s_, m_, p.spec(), nullptr); !s) return fail(at_stage(std::move(s.error()), s_.registry, "pass", p.name()));
    const bool changed = m_.epoch != epoch;
    changed_ = changed_ || changed;
    return done_(step, changed);
  }
  Session& s_;
  Model& m_;
  std::function<Status(const Step&)> begin_;
  OnStep done_;
  size_t number_ = 0;
  bool changed_ = false;
};

/// What a child that ran the passes said about one of them.
struct Account {
  size_t begun = 0;
  std::vector<uint64_t> prints;  ///< by number of the step, from 1
};
Account read_account(const std::string& text) {
  Account a;
  a.prints.push_back(0);
  std::istringstream in(text);
  std::string word;
  uint64_t x = 0;
  while (in >> word >> x) {
    if (word == "begin") a.begun = x;
    else a.prints.push_back(x);
  }
  return a;
}

ChildEnd rehearse(Session& s, const Plan& plan, Model& m, double seconds) {
  return in_child(
      [&](const Emit& emit) {
        StepWalk walk(
            s, m,
            [&](const Step& step) -> Status {
              emit(fmt::format("begin {}\n", step.number));
              return {};
            },
            [&](const Step&, bool) -> Status {
              emit(fmt::format("end {}\n", fingerprint(m)));
              return {};
            });
        return walk.plan(plan);
      },
      seconds);
}

uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15ull;
  return h ^ (h >> 29);
}
uint64_t mix(uint64_t h, const uint8_t* p, uint64_t n) {
  for (uint64_t k = 0; k < n; ++k) h = mix(h, p[k]);
  return h;
}

uint64_t mix_value(const Model& m, uint64_t h, Slot v) {
  if (!v) return mix(h, 0);
  h = mix(h, m.values.dtype[v].code * 256u + m.values.dtype[v].bits);
  for (int32_t k = 0; k < m.values.rank[v]; ++k) h = mix(h, static_cast<uint64_t>(std::max<int64_t>(m.dims(v)[k], -1)));
  if (!(m.values.flags[v] & TENON_VF_CONSTANT)) return h;
  const auto [data, bytes] = m.constant_bytes(m.value_id(v));
  constexpr uint64_t kEnd = 256;
  h = mix(h, data, std::min(bytes, kEnd));
  return bytes > kEnd ? mix(h, data + bytes - kEnd, kEnd) : h;
}

}  // namespace

std::string Step::text() const { return round ? fmt::format("{} in round {} of the group at {}", spec().id, round, group) : spec().id; }

uint64_t fingerprint(const Model& m) {
  std::unordered_map<Slot, uint64_t> place;  // of values, in the order of their making
  uint64_t h = 1, made = 0;
  for (const auto* g : m.nested(m.main())) {
    auto order = m.topological(*g);
    if (!order) return 0;
    for (tenon_value v : g->inputs) place[slot(v)] = ++made;
    std::vector<tenon_value> ids;
    for (tenon_node n : *order) {
      h = mix(h, m.nodes.op[slot(n)]);
      m.inputs(n, &ids);
      for (tenon_value v : ids) h = mix(mix_value(m, h, slot(v)), place[slot(v)]);
      m.outputs(n, &ids);
      for (tenon_value v : ids) h = mix_value(m, h, slot(v)), place[slot(v)] = ++made;
      if (const AttrSet* a = m.attrs(n))
        for (uint64_t k = 0; k < a->size(); ++k) {
          const tenon_attr& x = a->data()[k];
          h = mix(h, reinterpret_cast<const uint8_t*>(x.name.data), x.name.len);
          if (x.type == TENON_AT_INT) h = mix(h, static_cast<uint64_t>(x.v.i));
          if (x.type == TENON_AT_FLOAT) h = mix(h, reinterpret_cast<const uint8_t*>(&x.v.f), sizeof x.v.f);
          if (x.type == TENON_AT_INTS) h = mix(h, reinterpret_cast<const uint8_t*>(x.v.ints), 8 * x.count);
        }
    }
    for (tenon_value v : g->outputs) h = mix(h, place[slot(v)]);
  }
  return h;
}

Status run_once(Session& s, Model& m, const PassSpec& p, RewriteWatch* watch) {
  auto pass = s.registry.pass(p.id);
  if (!pass) return fail(std::move(pass.error()));
  if (!TENON_DESC_HAS(*pass, run)) return fail(TENON_E_ABI, "pass \"" + p.id + "\" has no run function");
  tenon_ctx ctx = make_ctx(s, *pass, p.id, p.options);
  std::optional<RewriteControl> control;
  if (watch) control.emplace(&ctx, watch);
  tenon_pass_result result{};
  result.struct_size = sizeof result;
  const uint64_t epoch = m.epoch;
  TENON_TRY(take((*pass)->run(&ctx, &m.main(), &result)));
  if (m.epoch == epoch) return {};
  TENON_TRY(infer_changes(s, m));
  return verify_changes(s, m);
}

Result<Steps> run_steps(Session& s, const Plan& plan, std::unique_ptr<Model> model, double seconds) {
  const ChildEnd trial = rehearse(s, plan, *model, seconds);
  const Account account = read_account(trial.out);
  if (!trial.status && trial.status.error().code == TENON_E_CANCELLED) return fail(trial.status.error());
  Steps r;
  r.states.push_back({model->clone(), {}});
  const Error stop(TENON_E_CANCELLED, "stop");
  auto begin = [&](const Step& step) -> Status {
    if (s.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
    if (trial.status || step.number < account.begun) return {};
    r.failing = step;
    return fail(stop);
  };
  auto done = [&](const Step& step, bool changed) -> Status {
    if (changed) r.states.push_back({model->clone(), step});
    if (step.number >= account.prints.size() || account.prints[step.number] == fingerprint(*model)) return {};
    r.failing = step;
    r.error = at_stage(Error(TENON_E_INTERNAL, "the pass is not deterministic: two runs on the same graph gave different graphs"), s.registry, "pass", step.spec().id);
    if (changed) r.states.pop_back();
    return fail(stop);
  };
  StepWalk walk(s, *model, begin, done);
  Status walked = walk.plan(plan);
  if (s.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
  if (walked || r.error) return r;
  if (r.failing) r.error = at_stage(trial.status.error(), s.registry, "pass", r.failing->spec().id);
  if (!r.failing) return fail(std::move(walked.error()));
  return r;
}

}  // namespace tenon::core
