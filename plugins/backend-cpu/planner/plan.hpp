// SPDX-License-Identifier: Apache-2.0
// plan.hpp - a graph for one signature of input shapes, made flat: steps over bound pointers, nothing left to decide.
#pragma once
#include <dnnl.hpp>
#include <memory>
#include <string>
#include <tenon/dtype.hpp>
#include <tenon/graph.hpp>
#include <vector>

#include "layout.hpp"

namespace tenon::cpu {

using SlotId = uint32_t;
inline constexpr SlotId kNoSlot = UINT32_MAX;

/// What a step is run with.
struct Run {
  tenon_ctx* c;
  void* const* ptr;              ///< address of each slot
  const tenon_tensor** current;  ///< of each value: the tensor that holds it, in plain layout
  template <class T> T* at(SlotId s) const { return static_cast<T*>(ptr[s]); }
};

struct StepInfo {
  std::string name, op, kernel;  ///< node name, operator, kernel id
  std::vector<std::string> origins;
  double ms = 0;        ///< total over all profiled runs
};

struct Step {
  void (*run)(void* state, const Run&);
  void* state;
  int threads;
  uint32_t info;  ///< into Plan::infos
};

/// Owns a step's state of any type.
using StateHolder = std::unique_ptr<void, void (*)(void*)>;

/// A oneDNN memory object that looks at a slot.
struct BoundMemory {
  dnnl::memory memory;
  SlotId slot;
};

struct OwnedGraph {
  tenon_graph* g{};
  OwnedGraph() = default;
  explicit OwnedGraph(tenon_graph* x) : g(x) {}
  OwnedGraph(OwnedGraph&& o) noexcept : g(std::exchange(o.g, nullptr)) {}
  OwnedGraph& operator=(OwnedGraph&& o) noexcept {
    std::swap(g, o.g);
    return *this;
  }
  ~OwnedGraph() {
    if (g) api().exec->free_graph(g);
  }
};

/// 64-byte aligned bytes.
struct AlignedBytes {
  struct Free {
    void operator()(void* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  std::unique_ptr<void, Free> p;
  uint64_t size = 0;
  AlignedBytes() = default;
  explicit AlignedBytes(uint64_t n) : p(::operator new(n ? n : 64, std::align_val_t(64))), size(n) {}
  void* get() const { return p.get(); }
};

/// A buffer in the arena and the steps that need it.
struct ArenaBuffer {
  std::string value;            ///< name of the first value in it; of the node, for memory that only a step uses
  bool scratch = false;
  int64_t from = 0, to = 0;     ///< first and last step; the number of steps stands for the caller, who reads outputs
  uint64_t offset = 0, bytes = 0;
};

class Subgraphs;

/// A slot whose address follows a graph input of the caller.
struct InputSlot {
  SlotId slot;
  uint32_t input;
  uint64_t offset;  ///< bytes
};

struct Plan {
  OwnedGraph graph;                  ///< the specialized clone; states refer to it, so it goes last
  std::vector<int64_t> signature;
  std::vector<StateHolder> states;
  std::vector<Step> steps;
  std::vector<StepInfo> infos;
  std::vector<void*> ptr;            ///< of each slot
  std::vector<InputSlot> input_slots;
  std::vector<BoundMemory> input_memories;  ///< oneDNN memories over input slots
  std::vector<std::unique_ptr<Dims>> dims;
  std::vector<tenon_tensor> tensors;        ///< of each value
  std::vector<const tenon_tensor*> current; ///< of each value
  std::vector<uint32_t> input_values, output_values;
  std::vector<std::pair<uint32_t, SlotId>> input_tensors;  ///< values that are parts of inputs, with their slots
  std::vector<const tenon_tensor*> outputs;
  std::vector<std::shared_ptr<void>> keep;  ///< packed weights and other shared things
  AlignedBytes arena;
  uint64_t arena_bytes = 0;                 ///< of the buffers; the block itself has a guard behind them
  uint64_t arena_lower_bound = 0;
  std::vector<ArenaBuffer> buffers;
  std::vector<std::pair<std::string, Subgraphs*>> nested;  ///< graphs that nodes hold, with the node's name; owned by their steps
  uint64_t last_used = 0;
  uint64_t runs = 0;
};

}  // namespace tenon::cpu
