// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <algorithm>
#include <chrono>

#include "../threads/pool.hpp"
#include "calls.hpp"
#include "specialize.hpp"

namespace tenon::cpu {
namespace {

constexpr size_t kMostPlans = 16;
constexpr uint64_t kMostArenaBytes = uint64_t{1} << 29;  // of plans that are not in use
constexpr uint64_t kMostPlansByContents = 8;
constexpr int64_t kMostContents = 4;                      // elements

/// Small integers that a graph with branches reads may well choose the branch.
bool decides_flow(const tenon_tensor& t) {
  return is_tensor(t.type) && (is_int(t.type) || t.type.code == TENON_DT_BOOL) && t.type.bits >= 8 && t.rank >= 0 && t.rank <= 1 && t.data &&
         count_of(t.dim, t.rank) <= kMostContents && t.bytes > 0;
}

template <class F>
bool each_key(const tenon_tensor& t, bool contents, F&& f) {
  if (!f(static_cast<int64_t>(t.type.code) << 32 | static_cast<int64_t>(t.type.bits) << 24 | t.type.flags)) return false;
  if (!f(t.rank)) return false;
  for (int32_t i = 0; i < t.rank; ++i)
    if (!f(t.dim[i])) return false;
  if (!contents) return true;
  for (uint64_t i = 0; i < t.bytes; ++i)
    if (!f(static_cast<const uint8_t*>(t.data)[i])) return false;
  return true;
}

bool has_branches(const tenon_view& v) {
  for (uint64_t i = 0; i < v.n_nodes; ++i)
    if (v.nflags[i] & TENON_NF_SUBGRAPHS) return true;
  return false;
}

std::string shape_text(const tenon_tensor& t) {
  std::string s = dtype_name(t.type) + "[";
  for (int32_t i = 0; i < t.rank; ++i) s += (i ? ", " : "") + std::to_string(t.dim[i]);
  return s + "]";
}

}  // namespace

Program::Program(tenon_ctx* c, OwnedGraph base, int threads, uint32_t skip, bool profile) : base_(std::move(base)), threads_(threads), skip_(skip), profile_(profile) {
  Graph g(c, base_.g);
  inline_calls(g);
  specialize(g, false);
  const tenon_view& v = *g.view().v;
  for (uint64_t i = 0; i < v.n_values; ++i)
    if (v.vflags[i] & TENON_VF_CONSTANT) constants_.push_back(v.value[i]);
  std::sort(constants_.begin(), constants_.end());
  by_contents_.assign(g.graph_inputs().size(), has_branches(v) ? 1 : 0);
}

namespace {
/// A value that is there may stand for an optional.
bool takes(tenon_dtype declared, tenon_dtype given) {
  given.flags |= declared.flags & TENON_DTF_OPTIONAL;
  return declared == given;
}
}  // namespace

void Program::check_inputs(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in) const {
  Graph g(c, base_.g);
  const auto values = g.graph_inputs();
  if (values.size() != n_in + skip_)
    throw invalid("wrong number of inputs").with("expected", std::to_string(values.size() - skip_)).with("found", std::to_string(n_in));
  for (uint32_t k = 0; k < n_in; ++k) {
    const ValueInfo i = g.info(values[k + skip_]);
    bool fits = in[k] && (i.type().code == TENON_DT_NONE || takes(i.type(), in[k]->type));
    if (fits && i.rank() >= 0 && is_tensor(i.type())) {
      fits = i.rank() == in[k]->rank;
      for (int32_t d = 0; fits && d < i.rank(); ++d) fits = i.dim(d) < 0 || i.dim(d) == in[k]->dim[d];
    }
    if (fits) continue;
    std::string expected = dtype_name(i.type()) + "[";
    for (int32_t d = 0; d < i.rank(); ++d) {
      tenon_str s{};
      if (i.dim(d) <= -2) api().ir->symbol_name(base_.g, i.dim(d), &s);
      expected += (d ? ", " : "") + (i.dim(d) >= 0 ? std::to_string(i.dim(d)) : s.len ? std::string(tenon::view(s)) : "?");
    }
    throw invalid("input '" + std::string(i.name()) + "' has another type or shape than the model declares")
        .with("expected", expected + "]")
        .with("found", in[k] ? shape_text(*in[k]) : "nothing");
  }
}

bool Program::matches(const Plan& p, const tenon_tensor* const* in, uint32_t n_in) const {
  size_t at = 0;
  const auto& s = p.signature;
  auto same = [&](int64_t key) { return at < s.size() && s[at++] == key; };
  if (!same(n_in)) return false;
  for (uint32_t k = 0; k < n_in; ++k) {
    const bool contents = at < s.size() && s[at] == 1;
    if (!same(contents ? 1 : 0)) return false;
    if (contents && !decides_flow(*in[k])) return false;
    if (!each_key(*in[k], contents, same)) return false;
  }
  return at == s.size();
}

Plan& Program::plan_for(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in) {
  auto is_input = [&] {
    for (uint32_t k = 0; k < n_in; ++k)
      if (!in[k]) return false;
    return true;
  };
  if (!is_input()) check_inputs(c, in, n_in);
  if (last_ && matches(*last_, in, n_in)) return *last_;
  for (auto& p : plans_)
    if (matches(*p, in, n_in)) return *p;
  check_inputs(c, in, n_in);
  make_room();
  plans_.push_back(make_plan(c, in, n_in));
  return *plans_.back();
}

void Program::make_room() {
  auto bytes = [&] {
    uint64_t n = 0;
    for (const auto& p : plans_) n += p->arena.size;
    return n;
  };
  while (plans_.size() >= kMostPlans || (!plans_.empty() && bytes() > kMostArenaBytes)) {
    auto oldest = std::min_element(plans_.begin(), plans_.end(), [](const auto& a, const auto& b) { return a->last_used < b->last_used; });
    if (last_ == oldest->get()) last_ = nullptr;
    plans_.erase(oldest);
  }
}

std::unique_ptr<Plan> Program::make_plan(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in) {
  tenon_graph* raw{};
  ok(api().exec->clone(c, base_.g, &raw));
  OwnedGraph copy(raw);
  Graph g(c, raw);
  const auto inputs = g.graph_inputs().vec();
  std::vector<int64_t> signature{n_in};
  bool any_contents = false;
  for (uint32_t k = 0; k < n_in; ++k) {
    const tenon_value v = inputs[k + skip_];
    const tenon_tensor& t = *in[k];
    ok(api().ir->set_type(c, raw, v, t.type, is_tensor(t.type) ? t.rank : TENON_RANK_UNKNOWN, t.dim));
    const bool contents = by_contents_[k + skip_] && decides_flow(t);
    signature.push_back(contents ? 1 : 0);
    each_key(t, contents, [&](int64_t key) {
      signature.push_back(key);
      return true;
    });
    if (!contents) continue;
    any_contents = true;
    Buffer b = Buffer::alloc(c, t.bytes);
    std::memcpy(b.writable(), t.data, t.bytes);
    g.replace_uses(v, g.add_constant("", t.type, {t.dim, static_cast<uint64_t>(t.rank)}, b));
  }
  if (any_contents && ++made_by_contents_ >= kMostPlansByContents) by_contents_.assign(by_contents_.size(), 0);
  specialize(g, true);

  ThreadScope threads(threads_);
  BuilderOptions options;
  options.threads = threads_;
  options.skip = skip_;
  options.packs = &packs_;
  options.shared = &constants_;
  auto plan = Builder(c, std::move(copy), options).build();
  plan->signature = std::move(signature);
  return plan;
}

void Program::prepare(tenon_ctx* c) {
  Graph g(c, base_.g);
  const auto inputs = g.graph_inputs().vec();
  std::vector<Dims> dims;
  std::vector<tenon_tensor> tensors;
  std::vector<const tenon_tensor*> in;
  for (size_t k = skip_; k < inputs.size(); ++k) {
    const ValueInfo i = g.info(inputs[k]);
    if (!i.is_static() || !is_tensor(i.type()) || i.type().code == TENON_DT_NONE || by_contents_[k]) return;
    dims.push_back(i.dims().vec());
    tenon_tensor t{};
    t.struct_size = sizeof t;
    t.type = i.type();
    t.rank = i.rank();
    t.bytes = bytes_of(t.type, static_cast<uint64_t>(i.count()));
    tensors.push_back(t);
  }
  for (size_t k = 0; k < tensors.size(); ++k) {
    tensors[k].dim = dims[k].data();
    in.push_back(&tensors[k]);
  }
  plan_for(c, in.data(), static_cast<uint32_t>(in.size()));
}

const std::vector<const tenon_tensor*>& Program::run(tenon_ctx* c, const tenon_tensor* const* in, uint32_t n_in) {
  Plan& p = plan_for(c, in, n_in);
  last_ = &p;
  p.last_used = ++clock_;
  ++p.runs;
  for (const auto& s : p.input_slots) p.ptr[s.slot] = static_cast<char*>(in[s.input - skip_]->data) + s.offset;
  for (auto& m : p.input_memories) m.memory.set_data_handle(p.ptr[m.slot]);
  for (uint32_t k = skip_; k < p.input_values.size(); ++k) p.current[p.input_values[k]] = in[k - skip_];
  for (const auto& [v, slot] : p.input_tensors) p.tensors[v].data = p.ptr[slot];

  const Run run{c, p.ptr.data(), p.current.data()};
  ThreadScope scope(threads_);
  for (const Step& s : p.steps) {
    ThreadScope::set(s.threads);
    if (!profile_) {
      s.run(s.state, run);
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    s.run(s.state, run);
    p.infos[s.info].ms += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }
  for (size_t k = 0; k < p.outputs.size(); ++k) {
    const tenon_tensor& own = p.tensors[p.output_values[k]];
    p.outputs[k] = own.data ? &own : p.current[p.output_values[k]];
  }
  return p.outputs;
}

}  // namespace tenon::cpu
