// SPDX-License-Identifier: Apache-2.0
// When each buffer is alive, where it lies in the arena, and with that the address of every slot.
#include <algorithm>

#include "builder.hpp"

namespace tenon::cpu {

/// Slots with memory of their own that a step uses; fills in when they are alive.
std::vector<SlotId> Builder::arena_slots() {
  auto at = [&](SlotId s, size_t step) {
    Slot& root = slots_[place(s).root];
    root.first_step = std::min(root.first_step, static_cast<int32_t>(step));
    root.last_step = std::max(root.last_step, static_cast<int32_t>(step));
  };
  for (size_t i = 0; i < uses_.size(); ++i) {
    for (auto s : uses_[i].reads) at(s, i);
    for (auto s : uses_[i].writes) at(s, i);
  }
  for (auto v : plan_->output_values)
    if (values_[v].known) at(values_[v].slot[0], uses_.size());
  for (SlotId s = 0; s < slots_.size(); ++s)
    if (slots_[s].pinned) at(s, uses_.size());

  std::vector<SlotId> owner;
  for (SlotId s = 0; s < slots_.size(); ++s)
    if (const Slot& x = slots_[s]; x.kind == Slot::arena && x.parent == kNoSlot && x.last_step >= 0) owner.push_back(s);
  return owner;
}

void Builder::assign_memory() {
  const std::vector<SlotId> owner = arena_slots();
  std::vector<Interval> intervals;
  for (auto s : owner) intervals.push_back({slots_[s].first_step, slots_[s].last_step, slots_[s].bytes});
  const ArenaPlan arena = plan_arena(intervals);
  // Vector kernels may read, never write, up to one vector past a buffer's end.
  plan_->arena = AlignedBytes(arena.height + 64);
  std::memset(plan_->arena.get(), 0, arena.height + 64);
  plan_->arena_bytes = arena.height;
  plan_->arena_lower_bound = arena.lower_bound;
  note_buffers(owner, arena);
  assign_addresses(owner, arena);
}

void Builder::note_buffers(const std::vector<SlotId>& owner, const ArenaPlan& arena) {
  Graph g(c_, graph());
  for (size_t k = 0; k < owner.size(); ++k) {
    const Slot& x = slots_[owner[k]];
    ArenaBuffer b{"", x.label == kNoValue, x.first_step, x.last_step, arena.offset[k], x.bytes};
    if (!b.scratch && values_[x.label].id) b.value = g.info(values_[x.label].id).name();
    if (b.value.empty() && static_cast<size_t>(b.from) < plan_->infos.size()) b.value = plan_->infos[static_cast<size_t>(b.from)].name;
    plan_->buffers.push_back(std::move(b));
  }
}

void Builder::assign_addresses(const std::vector<SlotId>& owner, const ArenaPlan& arena) {
  std::vector<void*> base(slots_.size(), plan_->arena.get());
  for (size_t k = 0; k < owner.size(); ++k) base[owner[k]] = static_cast<char*>(plan_->arena.get()) + arena.offset[k];
  plan_->ptr.assign(slots_.size(), nullptr);
  for (SlotId s = 0; s < slots_.size(); ++s) {
    const Place p = place(s);
    const Slot& root = slots_[p.root];
    if (root.kind == Slot::constant)
      plan_->ptr[s] = const_cast<char*>(static_cast<const char*>(root.fixed)) + p.offset;
    else if (root.kind == Slot::arena)
      plan_->ptr[s] = static_cast<char*>(base[p.root]) + p.offset;
    else
      plan_->input_slots.push_back({s, root.index, p.offset});
  }
}

}  // namespace tenon::cpu
