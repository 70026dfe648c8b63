// SPDX-License-Identifier: Apache-2.0
// Walks the nodes, gives each to a kernel, then lays out memory and binds addresses.
#include <algorithm>

#include "../kernels/convert.hpp"
#include "../kernels/kernel.hpp"
#include "../kernels/vendor.hpp"
#include "fuse.hpp"
#include "order.hpp"
#include "regions.hpp"

namespace tenon::cpu {
namespace {

/// Copies a value that lives in the caller's memory.
struct CopyStep {
  SlotId from, to;
  uint64_t bytes;
  void run(const Run& r) const { std::memcpy(r.ptr[to], r.ptr[from], bytes); }
};

}  // namespace

std::unique_ptr<Plan> Builder::build() {
  load_uses();
  fuse_integer_nodes(*this, nodes_);
  load_uses();
  fuse_byte_nodes(*this, nodes_);
  load_uses();
  fuse_qdq_nodes(*this, nodes_, *plan_);
  load_uses();
  simplify_nodes(*this, nodes_, *plan_);
  load_uses();
  fuse_nodes(*this, nodes_, values_, *plan_);
  load_uses();
  order_nodes(nodes_, values_);
  load_uses();
  layouts_ = std::make_unique<LayoutPlan>(choose_layouts(*this, nodes_, values_.size(), plan_->output_values));
  for (uint32_t k = options_.skip; k < plan_->input_values.size(); ++k) {
    const ValueId v = plan_->input_values[k];
    if (!values_[v].known) continue;
    SlotId s = new_slot(values_[v].bytes(), kForever);
    slots_[s].kind = Slot::input;
    slots_[s].index = k;
    set_slot(v, Layout::plain, s, true);
  }
  for (position_ = 0; position_ < static_cast<int32_t>(nodes_.size()); ++position_)
    if (const PlanNode& n = nodes_[static_cast<size_t>(position_)]; !n.gone) build_node(n);
  finish_outputs();
  assign_memory();
  bind();
  return std::move(plan_);
}

Builder::~Builder() = default;

std::optional<Layout> Builder::planned() const { return layouts_->node[static_cast<size_t>(position_)]; }

const PlanNode* Builder::sole_reader(ValueId v) const {
  const PlanValue& x = values_[v];
  return x.n_uses == 1 && x.last_use >= 0 && x.last_use < static_cast<int32_t>(nodes_.size()) ? &nodes_[static_cast<size_t>(x.last_use)] : nullptr;
}

void Builder::build_node(const PlanNode& n) {
  bool known = true, empty = !n.out.empty(), empty_input = false;
  for (auto v : n.in) {
    known = known && (v == kNoValue || values_[v].known);
    empty_input = empty_input || (v != kNoValue && values_[v].known && values_[v].count() == 0);
  }
  for (auto v : n.out) {
    known = known && (v == kNoValue || values_[v].known);
    empty = empty && (v == kNoValue || (values_[v].known && values_[v].count() == 0));
  }
  if (empty && known && !(n.flags & (TENON_NF_SIDE_EFFECTS | TENON_NF_SUBGRAPHS))) {
    for (auto v : n.out)
      if (v != kNoValue) write(v);
    return;
  }
  const Kernel* own = nullptr;
  int32_t own_cost = INT32_MAX;
  std::vector<std::pair<int32_t, const Kernel*>> candidates;
  if (known && !empty_input && !n.op.empty())
    for (const auto& k : kernel_table().all())
      if (n.op == k.op)
        if (int32_t cost = k.match(*this, n); cost >= 0) candidates.emplace_back(cost, &k);
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (!candidates.empty()) std::tie(own_cost, own) = candidates.front();
  if (const tenon_kernel* vendor = n.merged.size() == 1 ? vendor_kernel(*this, n, own_cost) : nullptr) {
    by_host(n, vendor);
    return;
  }
  for (const auto& [cost, kernel] : candidates)
    if (kernel->build(*this, n)) return;
  if (n.merged.size() != 1) throw Error(TENON_E_INTERNAL, "no kernel takes a fused node").with("node", n.name);
  by_host(n, nullptr);
}

void Builder::finish_outputs() {
  for (auto v : plan_->output_values) {
    PlanValue& x = values_[v];
    if (!x.known) continue;
    const SlotId s = read(v);
    const Place p = place(s);
    if (slots_[p.root].kind != Slot::input) continue;
    x.slot[0] = new_slot(x.bytes(), kForever);
    step("cpu/copy", CopyStep{s, x.slot[0], x.bytes()}, {s}, {x.slot[0]});
  }
}

void Builder::bind() {
  for (auto& m : memories_) {
    const Slot& root = slots_[place(m.slot).root];
    if (root.kind == Slot::input)
      plan_->input_memories.push_back(m);
    else
      m.memory.set_data_handle(plan_->ptr[m.slot]);
  }
  plan_->tensors.resize(values_.size());
  plan_->current.assign(values_.size(), nullptr);
  for (ValueId v = 0; v < values_.size(); ++v) {
    PlanValue& x = values_[v];
    tenon_tensor& t = plan_->tensors[v];
    t.struct_size = sizeof t;
    t.type = x.type;
    t.rank = TENON_RANK_UNKNOWN;
    if (!x.known && !x.constant) continue;
    plan_->dims.push_back(std::make_unique<Dims>(x.dims));
    t.rank = static_cast<int32_t>(x.dims.size());
    t.dim = plan_->dims.back()->data();
    t.bytes = x.known ? x.bytes() : 0;
    if (x.slot[0] != kNoSlot) {
      t.data = plan_->ptr[x.slot[0]];
      if (slots_[place(x.slot[0]).root].kind == Slot::input && x.input < 0) plan_->input_tensors.emplace_back(v, x.slot[0]);
    }
    if (!t.data && x.constant)
      t.data = const_cast<void*>(x.data);
    if (x.constant && x.type.code == TENON_DT_STRING) t.bytes = static_cast<uint64_t>(product(x.dims)) * sizeof(tenon_str);
    plan_->current[v] = &t;
  }
  plan_->outputs.resize(plan_->output_values.size());
}

}  // namespace tenon::cpu
