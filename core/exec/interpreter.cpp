// SPDX-License-Identifier: Apache-2.0
#include "interpreter.hpp"

#include "../plugin/host_tables.hpp"
#include "locate.hpp"

namespace tenon::core {

Result<std::unique_ptr<Interpreter>> Interpreter::make(Session& s, Model& m, tenon_graph& g, Interpreter* outer) {
  auto p = std::make_unique<Interpreter>();
  p->session_ = &s;
  p->model_ = &m;
  p->graph_ = &g;
  p->outer_ = outer;
  auto order = m.topological(g);
  if (!order) return fail(std::move(order.error()));
  tenon_exec_callbacks callbacks{};
  callbacks.struct_size = sizeof callbacks;
  callbacks.user = p.get();
  callbacks.call_graph = call_nested;
  for (tenon_node n : *order) {
    auto e = make_exec(s, m, n, nullptr, &callbacks);
    if (!e) return fail(std::move(e.error()));
    Step step{n, std::move(*e), {}, {}};
    std::vector<tenon_value> ids;
    m.inputs(n, &ids);
    for (tenon_value v : ids) step.in.push_back(slot(v));
    m.outputs(n, &ids);
    for (tenon_value v : ids) step.out.push_back(slot(v));
    p->steps_.push_back(std::move(step));
  }
  return p;
}

Result<const tenon_tensor*> Interpreter::find(Slot v) {
  if (model_->values.flags[v] & TENON_VF_CONSTANT) {
    auto& c = constants_[v];
    if (!c) {
      auto made = ConstantTensor::make(*model_, model_->value_id(v));
      if (!made) return fail(std::move(made.error()));
      c = std::move(*made);
    }
    return c->tensor();
  }
  if (auto it = env_.find(v); it != env_.end()) return it->second;
  if (outer_) return outer_->find(v);
  return fail(Error(TENON_E_INTERNAL, "a value is read before it was made").with("value", model_->values.name[v]));
}

tenon_error* Interpreter::call_nested(void* user, tenon_ctx*, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) noexcept {
  return protect([&]() -> Status {
    auto& me = *static_cast<Interpreter*>(user);
    auto& inner = me.nested_[g];
    if (!inner) {
      auto made = make(*me.session_, *me.model_, *g, &me);
      if (!made) return fail(std::move(made.error()));
      inner = std::move(*made);
    }
    auto r = inner->run(std::vector<const tenon_tensor*>(in, in + n_in));
    if (!r) return fail(std::move(r.error()));
    inner->nested_out_ = std::move(*r);
    *out = inner->nested_out_.data();
    *n_out = static_cast<uint32_t>(inner->nested_out_.size());
    return {};
  });
}

Status Interpreter::begin(const std::vector<const tenon_tensor*>& in) {
  if (in.size() != graph_->inputs.size())
    return fail(Error(TENON_E_INVALID, "the graph is run with another number of inputs than it has").with("expected", std::to_string(graph_->inputs.size())).with("found", std::to_string(in.size())));
  env_.clear();
  for (size_t k = 0; k < in.size(); ++k) env_[slot(graph_->inputs[k])] = in[k];
  return {};
}

Status Interpreter::step(size_t k) {
  Step& step = steps_[k];
  args_.clear();
  for (Slot v : step.in) {
    if (!v) {
      args_.push_back(nullptr);
      continue;
    }
    auto t = find(v);
    if (!t) return fail(located(std::move(t.error()), *model_, step.node));
    args_.push_back(*t);
  }
  outs_.assign(step.out.size(), nullptr);
  if (session_->cancelled) return fail(TENON_E_CANCELLED, "cancelled");
  TENON_TRY(step.exec->run(args_.data(), static_cast<uint32_t>(args_.size()), outs_.data(), static_cast<uint32_t>(outs_.size())));
  for (size_t j = 0; j < outs_.size(); ++j)
    if (step.out[j]) env_[step.out[j]] = outs_[j];
  return {};
}

const tenon_tensor* Interpreter::value(Slot v) const {
  auto it = env_.find(v);
  return it == env_.end() ? nullptr : it->second;
}

void Interpreter::release(size_t k) {
  for (Slot v : steps_[k].out) env_.erase(v);
  steps_[k].exec.reset();
}

Result<std::vector<const tenon_tensor*>> Interpreter::run(const std::vector<const tenon_tensor*>& in) {
  TENON_TRY(begin(in));
  for (size_t k = 0; k < steps_.size(); ++k) TENON_TRY(step(k));
  std::vector<const tenon_tensor*> results;
  for (tenon_value v : graph_->outputs) {
    auto t = find(slot(v));
    if (!t) return fail(std::move(t.error()));
    results.push_back(*t);
  }
  return results;
}

Json Interpreter::describe() {
  Json nodes = Json::array();
  for (const auto& s : steps_) {
    OpName op = op_name(model_->nodes.op[slot(s.node)]);
    nodes.push_back({{"name", model_->nodes.name[slot(s.node)]}, {"operator", std::string(op.domain) + "::" + std::string(op.name)}, {"kernel", "reference"}, {"origins", model_->origin_names(s.node)}});
  }
  return {{"backend", "reference"}, {"nodes", std::move(nodes)}};
}

}  // namespace tenon::core
