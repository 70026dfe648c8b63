// SPDX-License-Identifier: Apache-2.0
// A node that the host runs: a vendor's kernel, or the operator's reference kernel.
#include "../program/subgraphs.hpp"
#include "../threads/pool.hpp"
#include "builder.hpp"

namespace tenon::cpu {
namespace {

void TENON_CALL run_parallel(void*, int64_t n, int64_t grain, void(TENON_CALL* body)(void*, int64_t, int64_t) TENON_NX, void* user) TENON_NX {
  parallel_for(n, grain, [&](int64_t b, int64_t e) { body(user, b, e); });
}

struct HostStep {
  tenon_exec* exec = nullptr;
  std::unique_ptr<tenon_exec_callbacks> callbacks = std::make_unique<tenon_exec_callbacks>();
  std::unique_ptr<Subgraphs> graphs;
  std::vector<ValueId> in, out;
  std::vector<tenon_tensor> made;  ///< outputs of known shape: the plan's memory; others empty
  std::vector<SlotId> slot;
  std::vector<const tenon_tensor*> args, results;
  std::vector<Dims> dims;

  HostStep() = default;
  HostStep(HostStep&& o) noexcept
      : exec(std::exchange(o.exec, nullptr)), callbacks(std::move(o.callbacks)), graphs(std::move(o.graphs)), in(std::move(o.in)), out(std::move(o.out)),
        made(std::move(o.made)), slot(std::move(o.slot)), args(std::move(o.args)), results(std::move(o.results)), dims(std::move(o.dims)) {}
  HostStep& operator=(HostStep&&) = delete;
  ~HostStep() {
    if (exec) api().exec->exec_free(exec);
  }

  void run(const Run& r) {
    if (graphs) graphs->begin(r);
    for (size_t k = 0; k < in.size(); ++k) args[k] = in[k] == kNoValue ? nullptr : r.current[in[k]];
    for (size_t k = 0; k < out.size(); ++k) {
      if (out[k] == kNoValue) {
        results[k] = nullptr;
        continue;
      }
      if (slot[k] != kNoSlot) made[k].data = r.ptr[slot[k]];
      results[k] = &made[k];
    }
    ok(api().exec->exec_run(r.c, exec, args.data(), static_cast<uint32_t>(args.size()), results.data(), static_cast<uint32_t>(results.size())));
    for (size_t k = 0; k < out.size(); ++k) {
      if (out[k] == kNoValue) continue;
      if (slot[k] == kNoSlot)
        r.current[out[k]] = results[k];
      else if (results[k] != &made[k] && results[k]->data != made[k].data)
        take(made[k], *results[k]);
    }
  }
  /// The kernel gave its own tensor where memory was ready for it.
  static void take(tenon_tensor& to, const tenon_tensor& from) {
    bool same = from.rank == to.rank && from.type == to.type;
    for (int32_t i = 0; same && i < to.rank; ++i) same = from.dim[i] == to.dim[i];
    if (!same) throw Error(TENON_E_INTERNAL, "a kernel gave an output of another shape or type than was inferred");
    if (to.bytes) std::memcpy(to.data, from.data, to.bytes);
  }
};

}  // namespace

void Builder::by_host(const PlanNode& n, const tenon_kernel* kernel) {
  HostStep s;
  std::vector<SlotId> reads, writes;
  bool floating = false;
  s.in = n.in;
  s.out = n.out;
  for (auto v : n.in)
    if (v != kNoValue && values_[v].known) reads.push_back(read(v));
  for (auto v : n.out) {
    tenon_tensor t{};
    t.struct_size = sizeof t;
    t.rank = TENON_RANK_UNKNOWN;
    s.dims.emplace_back();
    SlotId to = kNoSlot;
    if (v != kNoValue) {
      const PlanValue& x = values_[v];
      t.type = x.type;
      if (x.known) {
        to = write(v);
        writes.push_back(to);
        s.dims.back() = x.dims;
        t.rank = static_cast<int32_t>(x.dims.size());
        t.bytes = x.bytes();
      } else {
        floating = true;
      }
    }
    s.slot.push_back(to);
    s.made.push_back(t);
  }
  for (size_t k = 0; k < s.made.size(); ++k) s.made[k].dim = s.dims[k].data();
  s.args.resize(n.in.size());
  s.results.resize(n.out.size());

  *s.callbacks = {};
  s.callbacks->struct_size = sizeof(tenon_exec_callbacks);
  s.callbacks->parallel_for = run_parallel;
  if (n.flags & TENON_NF_SUBGRAPHS) {
    s.graphs = std::make_unique<Subgraphs>(graph(), n.id, options_.threads);
    for (auto captured : s.graphs->captured(c_))
      for (ValueId v = 0; v < values_.size(); ++v)
        if (values_[v].id == captured) {
          s.graphs->bind(captured, v);
          if (values_[v].known && !values_[v].constant) reads.push_back(read(v));
        }
    s.callbacks->user = s.graphs.get();
    s.callbacks->call_graph = Subgraphs::call;
    plan_->nested.emplace_back(n.name, s.graphs.get());
  }
  ok(api().exec->exec_new(c_, graph(), n.id, kernel, s.callbacks.get(), &s.exec));
  // An output that the host owns may share the storage of an input, for as long as anyone reads it.
  if (floating)
    for (auto r : reads) slots_[place(r).root].pinned = true;
  const tenon_kernel* used = kernel ? kernel : api().exec->exec_kernel(s.exec);
  step(kernel && used && used->h.id ? used->h.id : "reference", std::move(s), reads, writes, options_.threads);
}

}  // namespace tenon::cpu
