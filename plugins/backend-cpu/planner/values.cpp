// SPDX-License-Identifier: Apache-2.0
// Slots of values: reading in a layout, writing, sharing memory.
#include <algorithm>

#include "../kernels/convert.hpp"
#include "regions.hpp"

namespace tenon::cpu {
namespace {

struct PadStep {
  SlotId from, to;
  uint64_t bytes, all;
  void run(const Run& r) const {
    std::memcpy(r.ptr[to], r.ptr[from], bytes);
    std::memset(r.at<char>(to) + bytes, 0, all - bytes);
  }
};

/// Whether strides of logical dims are those of channels_last memory; what the stride of a dimension of one is does not matter.
bool is_channels_last(const Dims& dims, const Dims& strides) {
  if (dims.size() < 3 || dims.size() > 5) return false;
  const Dims wanted = channels_last_strides(dims);
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != 1 && strides[i] != wanted[i]) return false;
  return true;
}

/// Dims or strides in the order of channels_last memory.
Dims last_channels(Dims d) {
  std::rotate(d.begin() + 1, d.begin() + 2, d.end());
  return d;
}
Strided last_channels(Strided s) {
  s.strides = last_channels(std::move(s.strides));
  return s;
}

}  // namespace

SlotId Builder::new_slot(uint64_t bytes, int32_t last_use) {
  Slot s;
  s.bytes = std::max<uint64_t>(bytes, 1);
  s.last_use = last_use;
  slots_.push_back(s);
  return static_cast<SlotId>(slots_.size() - 1);
}

SlotId Builder::constant_slot(const void* data, uint64_t bytes) {
  alignas(64) static const char empty[64] = {};
  SlotId s = new_slot(bytes, kForever);
  slots_[s].kind = Slot::constant;
  slots_[s].fixed = data ? data : empty;
  return s;
}

Builder::Place Builder::place(SlotId s) const {
  Place p{s, 0};
  while (slots_[p.root].parent != kNoSlot) {
    p.offset += slots_[p.root].offset;
    p.root = slots_[p.root].parent;
  }
  return p;
}

void Builder::touch(SlotId s, int32_t last_use) {
  Slot& root = slots_[place(s).root];
  root.last_use = std::max(root.last_use, last_use);
}

void Builder::set_slot(ValueId v, Layout l, SlotId s, bool is_home) {
  PlanValue& x = values_[v];
  x.slot[static_cast<int>(l)] = s;
  if (slots_[s].label == kNoValue) slots_[s].label = v;
  if (is_home) x.home = l;
  for (int k = 0; k < kLayouts; ++k)
    if (x.slot[k] == kNoSlot && x.known && x.dims.size() >= 2 && same_bytes(x.dims, l, static_cast<Layout>(k))) x.slot[k] = s;
  touch(s, x.last_use);
}

SlotId Builder::read(ValueId v, Layout l) {
  PlanValue& x = values_[v];
  SlotId& have = x.slot[static_cast<int>(l)];
  if (have != kNoSlot) return have;
  if (x.constant) {
    SlotId plain = constant_slot(x.data, x.bytes());
    if (l == Layout::plain) {
      set_slot(v, l, plain, true);
      return plain;
    }
    auto bytes = packed(v, "layout " + std::to_string(static_cast<int>(l)), [&] { return convert_constant(x.dims, x.type, x.data, l); });
    set_slot(v, l, constant_slot(bytes.get(), 0), false);
    return x.slot[static_cast<int>(l)];
  }
  if (x.has_view && x.slot[static_cast<int>(x.home)] == kNoSlot) {
    const bool last = l == Layout::channels_last;
    const SlotId s = new_slot(x.bytes(), x.last_use);
    copy_strided(last ? last_channels(x.view) : x.view, last ? last_channels(x.dims) : x.dims, x.type, s);
    set_slot(v, last ? l : Layout::plain, s, true);
    if (values_[v].slot[static_cast<int>(l)] != kNoSlot) return values_[v].slot[static_cast<int>(l)];
  }
  SlotId from = x.slot[static_cast<int>(x.home)];
  if (from == kNoSlot) throw Error(TENON_E_INTERNAL, "a value is read before it is written");
  SlotId to = new_slot(bytes_of(x.type, static_cast<uint64_t>(physical_count(x.dims, l))), x.last_use);
  add_conversion(*this, x.dims, x.type, x.home, from, l, to);
  set_slot(v, l, to, false);
  return to;
}

Strided Builder::strided(ValueId v) {
  const PlanValue& x = values_[v];
  if (x.slot[0] != kNoSlot || x.constant) return {read(v), 0, dense_strides(x.dims)};
  if (x.has_view) return x.view;
  // A value that the builder itself added is not in the plan.
  const Layout l = x.home == Layout::plain || v >= layouts_->view.size() ? Layout::plain : x.home == Layout::channels_last ? x.home : layouts_->view[v];
  return {read(v, l), 0, l == Layout::plain ? dense_strides(x.dims) : channels_last_strides(x.dims)};
}

SlotId Builder::write(ValueId v, Layout l) {
  const PlanValue& x = values_[v];
  const uint64_t bytes = l == Layout::plain ? x.bytes() : bytes_of(x.type, static_cast<uint64_t>(physical_count(x.dims, l)));
  SlotId s = new_slot(bytes, x.last_use);
  set_slot(v, l, s, true);
  return s;
}

void Builder::write_into(ValueId v, Layout l, SlotId s) { set_slot(v, l, s, true); }

bool Builder::dies_here(ValueId v, Layout l) const {
  const PlanValue& x = values_[v];
  const SlotId s = x.slot[static_cast<int>(l)];
  if (x.constant || x.input >= 0 || s == kNoSlot) return false;
  const Slot& root = slots_[place(s).root];
  return root.kind == Slot::arena && root.last_use <= position_;
}

SlotId Builder::write_over(ValueId v, Layout l, ValueId over) {
  const PlanValue &x = values_[v], &o = values_[over];
  const bool fits = l == Layout::plain ? x.bytes() == o.bytes() : x.dims == o.dims && x.type.bits == o.type.bits;
  if (!fits || !dies_here(over, l)) return write(v, l);
  SlotId s = o.slot[static_cast<int>(l)];
  set_slot(v, l, s, true);
  return s;
}

void Builder::write_view(ValueId v, Strided view) {
  PlanValue& x = values_[v];
  touch(view.slot, x.last_use);
  if (view.strides == dense_strides(x.dims) || product(x.dims) <= 1) {
    set_slot(v, Layout::plain, dense_part(view, x), true);
    return;
  }
  if (is_channels_last(x.dims, view.strides)) {
    set_slot(v, Layout::channels_last, dense_part(view, x), true);
    return;
  }
  x.view = std::move(view);
  x.has_view = true;
  if (x.last_use == kForever) read(v);
}

SlotId Builder::dense_part(const Strided& view, const PlanValue& x) {
  if (view.offset == 0 && slots_[view.slot].bytes == x.bytes()) return view.slot;
  const SlotId s = part(view.slot, static_cast<uint64_t>(view.offset) * (x.type.bits / 8u));
  slots_[s].bytes = x.bytes();
  return s;
}

SlotId Builder::part(SlotId s, uint64_t offset) {
  const SlotId p = new_slot(0, -1);
  slots_[p].parent = s;
  slots_[p].offset = offset;
  return p;
}

SlotId Builder::padded(ValueId v, int64_t count) {
  const uint64_t bytes = values_[v].bytes(), all = static_cast<uint64_t>(count) * 4;
  if (values_[v].constant) {
    auto data = packed(v, "padded " + std::to_string(count), [&] {
      auto p = std::make_shared<AlignedBytes>(all);
      std::memset(p->get(), 0, all);
      std::memcpy(p->get(), values_[v].data, bytes);
      return std::shared_ptr<void>(p, p->get());
    });
    return constant_slot(data.get(), all);
  }
  const SlotId from = read(v), to = scratch(all);
  step("cpu/pad-channels", PadStep{from, to, bytes, all}, {from}, {to});
  return to;
}

ValueId Builder::add_constant(const Dims& dims, tenon_dtype type, const void* data) {
  PlanValue x;
  x.type = type;
  x.known = x.constant = true;
  x.dims = dims;
  auto kept = std::make_shared<AlignedBytes>(x.bytes());
  std::memcpy(kept->get(), data, x.bytes());
  x.data = kept->get();
  plan_->keep.push_back(std::move(kept));
  values_.push_back(x);
  return static_cast<ValueId>(values_.size() - 1);
}

bool Builder::share_memory(ValueId a, ValueId b) const {
  auto roots = [&](ValueId v) {
    std::vector<SlotId> r;
    for (auto s : values_[v].slot)
      if (s != kNoSlot) r.push_back(place(s).root);
    if (values_[v].has_view) r.push_back(place(values_[v].view.slot).root);
    return r;
  };
  for (auto x : roots(a))
    for (auto y : roots(b))
      if (x == y) return true;
  return false;
}

SlotId Builder::scratch(uint64_t bytes) { return new_slot(bytes, position_); }

bool Builder::place_inside(SlotId part, SlotId whole, uint64_t offset) {
  Slot& p = slots_[part];
  if (p.kind != Slot::arena || p.parent != kNoSlot || p.pinned || part == whole || offset % 64 != 0) return false;
  if (place(whole).root == part) return false;
  const int32_t last = p.last_use;
  p.parent = whole;
  p.offset = offset;
  touch(whole, last);
  return true;
}

dnnl::memory Builder::memory(const dnnl::memory::desc& d, SlotId s) {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::memory m(d, engine, nullptr);
  memories_.push_back({m, s});
  return m;
}

void Builder::add_step(std::string kernel, void (*run)(void*, const Run&), void* state, std::vector<SlotId> reads, std::vector<SlotId> writes, int threads) {
  StepInfo info;
  if (position_ < static_cast<int32_t>(nodes_.size())) {
    const PlanNode& n = nodes_[static_cast<size_t>(position_)];
    Graph g(c_, graph());
    info.name = n.name;
    for (auto id : n.merged) {
      const auto name = Graph::op_name(g.op(id));
      if (!info.op.empty()) info.op += "+";
      if (name.domain != "tenon") info.op += std::string(name.domain) + "::";
      info.op += name.name;
      const tenon_str* text{};
      uint64_t count{};
      ok(api().ir->node_origins(graph(), id, &text, &count));
      for (uint64_t k = 0; k < count; ++k)
        if (std::find(info.origins.begin(), info.origins.end(), view(text[k])) == info.origins.end()) info.origins.emplace_back(view(text[k]));
    }
  }
  info.kernel = std::move(kernel);
  plan_->infos.push_back(std::move(info));
  plan_->steps.push_back({run, state, threads, static_cast<uint32_t>(plan_->infos.size() - 1)});
  uses_.push_back({std::move(reads), std::move(writes)});
}

}  // namespace tenon::cpu
