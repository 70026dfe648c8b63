// SPDX-License-Identifier: Apache-2.0
#include "layers.hpp"

#include "subgraph.hpp"

namespace tenon::core {

Result<std::unique_ptr<Layers>> Layers::make(Session& s, Model& m, const std::vector<const tenon_tensor*>& inputs, const std::vector<tenon_value>& wanted) {
  auto r = std::make_unique<Layers>();
  r->model_ = &m;
  auto run = Interpreter::make(s, m, m.main(), nullptr);
  if (!run) return fail(std::move(run.error()));
  r->run_ = std::move(*run);
  TENON_TRY(r->run_->begin(inputs));
  const size_t n = r->run_->n_steps();
  r->state_.resize(n);
  r->reads_.resize(n);
  std::vector<tenon_value> ids;
  for (size_t k = 0; k < n; ++k) {
    m.outputs(r->run_->node(k), &ids);
    for (tenon_value v : ids)
      if (v) r->maker_[slot(v)] = k;
    for (tenon_value v : reads(m, r->run_->node(k))) {
      auto maker = r->maker_.find(slot(v));
      if (maker == r->maker_.end()) continue;
      r->reads_[k].push_back(slot(v));
      ++r->state_[maker->second].holds;
    }
  }
  for (tenon_value v : wanted)
    if (auto maker = r->maker_.find(slot(v)); maker != r->maker_.end()) ++r->state_[maker->second].holds;
  return r;
}

Result<const tenon_tensor*> Layers::value(tenon_value v) {
  auto maker = maker_.find(slot(v));
  if (maker == maker_.end()) return fail(TENON_E_NOT_FOUND, "no node makes the value");
  if (!state_[maker->second].done) TENON_TRY(run_with_needs(maker->second));
  const tenon_tensor* t = run_->value(slot(v));
  if (!t) return fail(TENON_E_INTERNAL, "a value was freed before it was asked for");
  return t;
}

void Layers::let_go(tenon_value v) {
  if (auto maker = maker_.find(slot(v)); maker != maker_.end()) release_hold(maker->second);
}

Status Layers::run_with_needs(size_t step) {
  std::vector<size_t> open = {step};
  while (!open.empty()) {
    const size_t k = open.back();
    bool ready = true;
    for (Slot v : reads_[k]) {
      const size_t maker = maker_.at(v);
      if (state_[maker].done) continue;
      open.push_back(maker);
      ready = false;
    }
    if (!ready) continue;
    open.pop_back();
    if (!state_[k].done) TENON_TRY(run_step(k));
  }
  return {};
}

Status Layers::run_step(size_t step) {
  TENON_TRY(run_->step(step));
  State& s = state_[step];
  s.done = true;
  note_storage(step);
  live_bytes_ += s.bytes;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  for (Slot v : reads_[step]) release_hold(maker_.at(v));
  ++s.holds;  // so that a step which nobody reads is released like the others
  release_hold(step);
  return {};
}

/// An output that points into an input, or holds items, keeps the steps that made the inputs.
void Layers::note_storage(size_t step) {
  std::vector<tenon_value> outputs;
  model_->outputs(run_->node(step), &outputs);
  for (tenon_value o : outputs) {
    const tenon_tensor* t = o ? run_->value(slot(o)) : nullptr;
    if (!t) continue;
    const bool container = (t->type.flags & ~0xffu) != 0;
    bool own = true;
    for (Slot v : reads_[step]) {
      const tenon_tensor* in = run_->value(v);
      const auto* begin = in ? static_cast<const char*>(in->data) : nullptr;
      const auto* at = static_cast<const char*>(t->data);
      const bool inside = begin && at && at >= begin && at <= begin + in->bytes;
      if (!container && !inside) continue;
      own = own && !inside;
      state_[step].shares.push_back(maker_.at(v));
      ++state_[maker_.at(v)].holds;
    }
    if (own) state_[step].bytes += t->bytes;
  }
}

void Layers::release_hold(size_t step) {
  std::vector<size_t> open = {step};
  while (!open.empty()) {
    const size_t k = open.back();
    open.pop_back();
    if (--state_[k].holds || !state_[k].done) continue;
    run_->release(k);
    live_bytes_ -= state_[k].bytes;
    open.insert(open.end(), state_[k].shares.begin(), state_[k].shares.end());
  }
}

}  // namespace tenon::core
