// SPDX-License-Identifier: Apache-2.0
// model.hpp - the IR: one model's nodes, values and graphs in columns, named by ids. Slot 0 is "none" in every column.
#pragma once
#include <tenon/abi.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attr_set.hpp"
#include "buffer.hpp"
#include "op_table.hpp"
#include "symbols.hpp"

namespace tenon::core {

class Model;
class Variables;

using Slot = uint32_t;
inline Slot slot(uint64_t id) { return static_cast<Slot>(id); }

/// Scale and zero point of a value, one entry or one for each slice along `axis`.
struct Quantization {
  int32_t axis = -1;
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
};

/// Where a node came from in the user's file.
struct Origin {
  std::string name;      ///< node name there (or a made-up one: operator and number)
  std::string operator_name;  ///< domain and name, "a::B"
};

struct ViewStorage;
/// Contents of small integer values as dimensions, as far as inference knows them.
using ShapeValues = std::unordered_map<tenon_value, std::vector<int64_t>>;
/// State of a model as its counters of edits tell it.
struct Epochs {
  uint64_t structure = 0, types = 0;
  bool operator==(const Epochs& o) const { return structure == o.structure && types == o.types; }
};

}  // namespace tenon::core

/// A graph or nested graph of a model. Graph 0 is the main graph.
struct tenon_graph {
  tenon::core::Model* model = nullptr;
  uint32_t index = 0;
  uint32_t parent = 0;       ///< graph index; the main graph is its own parent, and that of a shared graph
  std::set<tenon_node> holders;  ///< nodes whose attribute this graph is
  std::string name;
  std::vector<tenon_value> inputs, outputs;
  std::vector<std::string> output_names;
  tenon::core::Slot first = 0, last = 0;  ///< order of nodes: a linked list through Nodes::prev and next
  uint64_t n_nodes = 0;
  bool alive = true;
  std::shared_ptr<tenon::core::ViewStorage> view;
  /// Several nodes hold it, so it may read no value of another graph but constants.
  bool shared() const { return holders.size() > 1; }
};

namespace tenon::core {

/// Node columns, indexed by slot.
struct Nodes {
  std::vector<uint32_t> generation;  ///< odd while alive
  std::vector<tenon_op> op;
  std::vector<std::string> name;
  std::vector<uint32_t> graph;
  std::vector<Slot> prev, next;
  std::vector<uint32_t> in_begin, in_count;    ///< into operands
  std::vector<uint32_t> out_begin, out_count;  ///< into results
  std::vector<std::shared_ptr<const AttrSet>> attrs;
  std::vector<std::shared_ptr<const std::vector<uint32_t>>> origins;  ///< into Model::origins, sorted
  std::vector<uint8_t> stale;  ///< Stale flags
};

/// What is not known of a node since the last edit.
enum Stale : uint8_t {
  kUninferred = 1,  ///< it, or something that its types follow from, has changed since types were inferred
  kUnchecked = 2,   ///< it has changed since it was held against its operator's signature
};

/// Value columns, indexed by slot.
struct Values {
  std::vector<uint32_t> generation;  ///< odd while alive
  std::vector<std::string> name;
  std::vector<uint32_t> graph;
  std::vector<tenon_dtype> dtype;
  std::vector<int32_t> rank;
  std::vector<uint64_t> dim_off;  ///< into Model::dim_pool
  std::vector<Slot> producer;     ///< 0 = input or constant
  std::vector<uint32_t> output_index;
  std::vector<uint8_t> flags;      ///< TENON_VF_CONSTANT, INPUT, OUTPUT
  std::vector<uint32_t> first_use, last_use;  ///< into operands; 0 = none
  std::vector<uint32_t> n_uses;    ///< operands
  std::vector<uint32_t> extra_uses;  ///< times it is a graph output or a tensor attribute
  std::vector<uint32_t> constant;  ///< into Model::constants; 0 = none
  std::vector<std::shared_ptr<const Quantization>> quantization;
};

/// One input of a node: an element of the value's list of uses.
struct Operand {
  Slot value = 0, node = 0;
  uint32_t prev = 0, next = 0;
};
struct Constant {
  BufferRef buffer;
  uint64_t offset = 0, bytes = 0;
};

/// Columns as tenon_view shows them, owned.
struct ViewStorage {
  tenon_view v{};
  uint64_t type_epoch = 0;
  std::vector<tenon_node> node;
  std::vector<tenon_op> op;
  std::vector<uint64_t> in_off, out_off, use_off, dim_off;
  std::vector<uint32_t> in_val, out_val, use_node, producer;
  std::vector<tenon_value> value;
  std::vector<tenon_dtype> dtype;
  std::vector<int32_t> rank;
  std::vector<int64_t> dim;
  std::vector<uint8_t> vflags, nflags;
};

/// A type with its shape; dims may be symbols or unknown.
struct ValueType {
  tenon_dtype dtype{};
  int32_t rank = TENON_RANK_UNKNOWN;
  std::vector<int64_t> dims;
};

/// A model: all its graphs share the id spaces, so an inner graph names an outer value directly.
/// Edits check ids: a stale one is TENON_E_STALE. Not thread-safe; const members are safe together.
class Model {
 public:
  Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  /// A copy with the same ids that shares buffers and attributes. Costs a copy of the columns.
  std::unique_ptr<Model> clone() const;
  /// From now on the first change makes a copy of what was before it.
  void remember();
  /// That copy, null when nothing has changed; no further one is made.
  std::unique_ptr<Model> recall();
  Epochs epochs() const { return {epoch, type_epoch}; }

  tenon_graph& main() { return graphs.front(); }
  const tenon_graph& main() const { return graphs.front(); }

  // ids
  tenon_node node_id(Slot s) const { return s ? (static_cast<uint64_t>(nodes.generation[s]) << 32 | s) : 0; }
  tenon_value value_id(Slot s) const { return s ? (static_cast<uint64_t>(values.generation[s]) << 32 | s) : 0; }
  bool alive_node(tenon_node n) const { return slot(n) && slot(n) < nodes.generation.size() && nodes.generation[slot(n)] == n >> 32 && (n >> 32 & 1); }
  bool alive_value(tenon_value v) const { return slot(v) && slot(v) < values.generation.size() && values.generation[slot(v)] == v >> 32 && (v >> 32 & 1); }
  Status check_node(tenon_node n) const;
  Status check_value(tenon_value v) const;

  // reading
  std::string_view value_name(tenon_value v) const { return values.name[slot(v)]; }
  ValueType type(tenon_value v) const;
  const int64_t* dims(Slot v) const { return dim_pool.data() + values.dim_off[v]; }
  /// Inputs and outputs as ids, 0 = absent; into a caller's vector.
  void inputs(tenon_node n, std::vector<tenon_value>* out) const;
  void outputs(tenon_node n, std::vector<tenon_value>* out) const;
  const AttrSet* attrs(tenon_node n) const { return nodes.attrs[slot(n)].get(); }
  /// Bytes of a constant; {nullptr, 0} when it is none.
  std::pair<const uint8_t*, uint64_t> constant_bytes(tenon_value v) const;
  /// Nodes of a graph in topological order (stable: the list's order wherever that is one). E_INVALID for a cycle, naming nodes on it.
  Result<std::vector<tenon_node>> topological(const tenon_graph& g) const;
  Result<const tenon_view*> view(tenon_graph& g);
  /// Values of enclosing graphs used in g or deeper, without constants, in order of first use.
  std::vector<tenon_value> captures(const tenon_graph& g) const;
  /// g and all graphs nested in it (through live nodes' attributes), outermost first, each once.
  std::vector<const tenon_graph*> nested(const tenon_graph& g) const;
  /// Number of live nodes, nested graphs included; live constants and their bytes.
  uint64_t n_nodes() const;
  std::vector<std::string> origin_names(tenon_node n) const;

  // editing
  /// Before a column is written that has no function of its own here.
  void keep() {
    if (remembering_ && !before_) save();
  }
  /// The types of a node's outputs are to be inferred anew, and its signature is to be checked.
  void touch(Slot n) { nodes.stale[n] = kUninferred | kUnchecked; }
  void touch_users(Slot v);
  void touch_holders(const tenon_graph& g);
  Result<tenon_value> add_input(tenon_graph& g, std::string_view name, const ValueType& t);
  Result<tenon_value> add_constant(std::string_view name, const ValueType& t, BufferRef buffer, uint64_t offset);
  Result<tenon_node> add_node(tenon_graph& g, const tenon_node_desc& d);
  tenon_graph& add_subgraph(tenon_graph& parent, std::string_view name);
  Status set_inputs(tenon_node n, const tenon_value* in, uint64_t count);
  Status set_attrs(tenon_node n, const tenon_attr* a, uint64_t count);
  Status set_op(tenon_node n, tenon_op op);
  Status set_type(tenon_value v, tenon_dtype t, int32_t rank, const int64_t* dims);
  Status set_outputs(tenon_graph& g, const tenon_value* out, const tenon_str* names, uint64_t count);
  Status replace_uses(tenon_value from, tenon_value to);
  Status erase_nodes(const tenon_node* n, uint64_t count);
  Status erase_constants(const tenon_value* v, uint64_t count);
  Status add_origins(tenon_node n, const tenon_node* from, uint64_t count);
  /// Moves the nodes of `from` before `at`, or copies them when other nodes hold `from` too.
  Status inline_graph(tenon_graph& g, tenon_graph& from, tenon_node at, const tenon_value* in, uint64_t n_in, tenon_value* outs, uint64_t n_outs);

  // columns
  Nodes nodes;
  Values values;
  std::vector<Operand> operands;  ///< [0] unused
  std::vector<tenon_value> operand_ids;  ///< parallel to operands: what node_io hands out
  std::vector<tenon_value> results;
  std::vector<int64_t> dim_pool;
  std::vector<Constant> constants;  ///< [0] unused
  std::vector<Origin> origins;
  std::deque<tenon_graph> graphs;
  SymbolTable symbols;
  std::map<std::string, std::string> metadata;
  std::shared_ptr<Variables> variables;  ///< of the program made last from this model or from what it was cloned from; may be null
  std::map<tenon_op, std::string> left_because;  ///< why an import left operators as they were
  uint64_t epoch = 0;       ///< edits of the structure
  uint64_t type_epoch = 0;  ///< edits of types
  bool inferred = false;    ///< a whole inference was done: since then Nodes::stale tells what to do
  std::shared_ptr<ShapeValues> shape_values;  ///< of the last inference; may be null
  std::map<std::string, Epochs> settled;      ///< passes with their options that found nothing to do, and when
  bool importing = false;  ///< add_node without origin makes a new origin of its own name

 private:
  std::vector<Slot> free_nodes_, free_values_;
  bool remembering_ = false;
  std::unique_ptr<Model> before_;
  void save();
  void edit() {
    keep();
    ++epoch;
  }
  Slot new_value(std::string_view name, uint32_t graph, uint8_t flags);
  void write_type(Slot v, tenon_dtype t, int32_t rank, const int64_t* dims);
  bool same_type(Slot v, tenon_dtype t, int32_t rank, const int64_t* dims) const;
  void link_operands(Slot n, const tenon_value* in, uint64_t count);
  void unlink_operands(Slot n);
  void unlink_order(Slot n);
  void insert_order(tenon_graph& g, Slot n, Slot before);
  void count_attr_tensors(const AttrSet* a, int delta);
  void hold_graphs(Slot n);
  void unhold_graphs(Slot n, const AttrSet* a);
  void release_graphs(Slot n);
  void erase_graph(tenon_graph& g);
  Status copy_graph(tenon_graph& from, Slot at, const tenon_value* in, tenon_value* outs);
  void free_value(Slot v);
};

}  // namespace tenon::core
