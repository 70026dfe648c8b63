// SPDX-License-Identifier: Apache-2.0
// builder.hpp - makes a Plan: what kernels use to read and write values and to add steps.
#pragma once
#include <array>
#include <limits>
#include <optional>
#include <memory>
#include <string>
#include <tenon/node.hpp>
#include <type_traits>
#include <vector>

#include "../memory/arena.hpp"
#include "plan.hpp"

namespace tenon::cpu {

using ValueId = uint32_t;
inline constexpr ValueId kNoValue = UINT32_MAX;
inline constexpr int32_t kForever = std::numeric_limits<int32_t>::max();

/// A value as strided elements of a slot.
struct Strided {
  SlotId slot = kNoSlot;
  int64_t offset = 0;  ///< elements
  Dims strides;        ///< elements, one for each dimension of the value
};

struct PlanValue {
  tenon_value id{};
  tenon_dtype type{};
  bool known = false;           ///< a dense tensor of known shape
  Dims dims;
  bool constant = false;
  bool shareable = false;       ///< a constant of the base graph: what is packed from it serves all plans
  const void* data = nullptr;   ///< of a constant
  int32_t input = -1;           ///< index among the graph's inputs
  int32_t last_use = -1;        ///< position of its last reader; kForever for outputs
  uint32_t n_uses = 0;
  std::array<SlotId, kLayouts> slot{kNoSlot, kNoSlot, kNoSlot, kNoSlot};
  Layout home = Layout::plain;  ///< where its producer put it
  bool has_view = false;
  Strided view;                 ///< when has_view
  int64_t count() const { return product(dims); }
  uint64_t bytes() const { return bytes_of(type, static_cast<uint64_t>(count())); }
};

/// An elementwise operator that a dense kernel applies to its result before storing it.
struct Post {
  std::string op;
  Attrs attrs;
  ValueId operand = kNoValue;  ///< of a binary operator
  bool reversed = false;       ///< the operand is on the left
};

struct PlanNode {
  tenon_node id{};
  tenon_op code{};
  std::string op;     ///< name in the IR's own domain; empty for foreign ones
  std::string name;
  Attrs attrs;
  uint8_t flags = 0;  ///< TENON_NF_*
  std::vector<ValueId> in, out;  ///< kNoValue = absent
  std::vector<Post> posts;
  std::vector<tenon_node> merged;  ///< nodes that this one also stands for
  bool gone = false;
  ValueId input(size_t k) const { return k < in.size() ? in[k] : kNoValue; }
  bool has_in(size_t k) const { return input(k) != kNoValue; }
  ValueId output(size_t k = 0) const { return k < out.size() ? out[k] : kNoValue; }
};

/// Constants in the form that a kernel wants, kept as long as the program and shared by its plans.
class PackCache {
  struct Entry {
    tenon_value id;
    std::string form;
    std::shared_ptr<void> data;
  };
  std::vector<Entry> entries_;

 public:
  std::shared_ptr<void> find(tenon_value id, const std::string& form) const;
  void put(tenon_value id, std::string form, std::shared_ptr<void> data) { entries_.push_back({id, std::move(form), std::move(data)}); }
};

struct BuilderOptions {
  int threads = 1;
  uint32_t skip = 0;            ///< leading inputs that run() is not given
  PackCache* packs = nullptr;
  const std::vector<tenon_value>* shared = nullptr;  ///< constants of the base graph, sorted
};

struct LayoutPlan;

class Builder {
 public:
  Builder(tenon_ctx* c, OwnedGraph graph, const BuilderOptions& options);
  ~Builder();

  /// All nodes in order, each by the kernel that suits it best; then memory.
  std::unique_ptr<Plan> build();

  tenon_ctx* ctx() const { return c_; }
  tenon_graph* graph() const { return plan_->graph.g; }
  int threads() const { return options_.threads; }
  /// Threads that suit this much work, in operations of which a dense kernel does some 100 each nanosecond: one thread for what takes
  /// under ten microseconds, because waking a second one may take as long.
  int threads_for(double work) const { return work < 1e6 ? 1 : options_.threads; }

  // values
  const PlanValue& value(ValueId v) const { return values_[v]; }
  bool is_f32(ValueId v) const { return v != kNoValue && values_[v].known && values_[v].type == dt::f32; }
  bool is_constant(ValueId v) const { return v != kNoValue && values_[v].constant; }
  template <class T> const T* constant(ValueId v) const { return static_cast<const T*>(values_[v].data); }
  /// Elements of a constant integer tensor; nothing when it is none.
  std::optional<Dims> constant_ints(ValueId v) const;
  /// The value of an f32 constant of one element.
  std::optional<float> constant_scalar(ValueId v) const;
  /// The layout that reading v costs nothing in.
  Layout home(ValueId v) const { return values_[v].home; }
  /// Slot of v in a layout; adds a step that converts it when it is not there yet.
  SlotId read(ValueId v, Layout l = Layout::plain);
  /// v as strided elements, without any copy where that is possible.
  Strided strided(ValueId v);
  /// New slot for an output.
  SlotId write(ValueId v, Layout l = Layout::plain);
  /// Output v takes over the slot of `over` when nobody reads that any more and it is of the same size; else a new slot.
  SlotId write_over(ValueId v, Layout l, ValueId over);
  /// True when the running node is the last reader of v's memory in this layout.
  bool dies_here(ValueId v, Layout l) const;
  /// Output v takes over slot s, in which it will be stored.
  void write_into(ValueId v, Layout l, SlotId s);
  /// Output v is strided elements of a slot that is already written; nothing is copied.
  void write_view(ValueId v, Strided view);
  /// Output v becomes a dense copy of strided elements, taken in the order of `dims`, which is that of the layout.
  void copy_into(ValueId v, const Strided& from, const Dims& dims, Layout l = Layout::plain) { copy_strided(from, dims, value(v).type, write(v, l)); }
  /// The memory from a byte offset inside a slot on.
  SlotId part(SlotId s, uint64_t offset);
  /// Whether any bytes of both values may be the same.
  bool share_memory(ValueId a, ValueId b) const;
  /// f32 elements of v, zeros after them up to `count`.
  SlotId padded(ValueId v, int64_t count);
  /// A new constant; references to values do not survive it.
  ValueId add_constant(const Dims& dims, const std::vector<float>& data) { return add_constant(dims, dt::f32, data.data()); }
  ValueId add_constant(const Dims& dims, tenon_dtype type, const void* data);
  /// Memory that only the next added step uses.
  SlotId scratch(uint64_t bytes);
  /// Makes slot `part` lie at a byte offset inside slot `whole`; false when it cannot.
  bool place_inside(SlotId part, SlotId whole, uint64_t offset);

  // steps
  /// Adds a step. State has `void run(const Run&)`.
  template <class State>
  void step(std::string kernel, State state, std::vector<SlotId> reads, std::vector<SlotId> writes, int threads = 1) {
    auto* p = new State(std::move(state));
    plan_->states.emplace_back(p, [](void* q) { delete static_cast<State*>(q); });
    add_step(std::move(kernel), [](void* q, const Run& r) { static_cast<State*>(q)->run(r); }, p, std::move(reads), std::move(writes), threads);
  }
  /// A oneDNN memory object over a slot.
  dnnl::memory memory(const dnnl::memory::desc& d, SlotId s);
  void keep(std::shared_ptr<void> p) { plan_->keep.push_back(std::move(p)); }
  /// Constant v in another form, made once for all plans of the program.
  template <class Make>
  std::shared_ptr<void> packed(ValueId v, const std::string& form, Make&& make) {
    const PlanValue& x = values_[v];
    std::shared_ptr<void> p = x.shareable ? options_.packs->find(x.id, form) : nullptr;
    if (!p) {
      p = make();
      if (x.shareable) options_.packs->put(x.id, form, p);
    }
    plan_->keep.push_back(p);
    return p;
  }
  /// Runs the node through the host: a vendor's kernel, or (nullptr) the reference kernel.
  void by_host(const PlanNode& n, const tenon_kernel* kernel);
  int32_t position() const { return position_; }
  /// The only node that reads v; nullptr when there are several, or the caller reads it.
  const PlanNode* sole_reader(ValueId v) const;
  /// The layout that the running node is to work in, when it can work in several.
  std::optional<Layout> planned() const ;

 private:
  struct Slot {
    uint64_t bytes = 0;
    enum Kind : uint8_t { arena, input, constant } kind = arena;
    const void* fixed = nullptr;
    uint32_t index = 0;            ///< of the input
    SlotId parent = kNoSlot;
    uint64_t offset = 0;           ///< bytes, in the parent
    int32_t last_use = -1;         ///< position of the last node that reads a value in it (of roots)
    int32_t first_step = kForever, last_step = -1;  ///< of roots, at the end
    bool pinned = false;           ///< alive to the end
    ValueId label = kNoValue;      ///< the first value in it
  };
  struct Place {
    SlotId root;
    uint64_t offset;
  };
  struct StepUse {
    std::vector<SlotId> reads, writes;
  };

  void load_values(const tenon_view& v);
  void load_nodes(const tenon_view& v);
  void load_uses();
  void build_node(const PlanNode& n);
  void finish_outputs();
  void assign_memory();
  std::vector<SlotId> arena_slots();
  void note_buffers(const std::vector<SlotId>& owner, const ArenaPlan& arena);
  void assign_addresses(const std::vector<SlotId>& owner, const ArenaPlan& arena);
  void bind();
  SlotId new_slot(uint64_t bytes, int32_t last_use);
  SlotId constant_slot(const void* data, uint64_t bytes);
  /// The slot of a view whose elements lie together.
  SlotId dense_part(const Strided& view, const PlanValue& x);
  Place place(SlotId s) const;
  void touch(SlotId s, int32_t last_use);
  void set_slot(ValueId v, Layout l, SlotId s, bool is_home);
  void add_step(std::string kernel, void (*run)(void*, const Run&), void* state, std::vector<SlotId> reads, std::vector<SlotId> writes, int threads);
  void copy_strided(const Strided& from, const Dims& dims, tenon_dtype type, SlotId to);

  tenon_ctx* c_;
  BuilderOptions options_;
  std::unique_ptr<Plan> plan_;
  std::vector<PlanValue> values_;
  std::vector<PlanNode> nodes_;
  std::unique_ptr<LayoutPlan> layouts_;
  std::vector<Slot> slots_;
  std::vector<StepUse> uses_;
  std::vector<BoundMemory> memories_;
  int32_t position_ = 0;
  uint32_t info_ = 0;
};

}  // namespace tenon::cpu
