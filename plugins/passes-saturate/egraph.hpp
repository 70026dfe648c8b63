// SPDX-License-Identifier: Apache-2.0
// egraph.hpp - many graphs in one: classes of expressions that are known to be equal (Nelson and Oppen's congruence closure; rebuilding
// after a batch of merges as in Willsey et al., "egg: Fast and Extensible Equality Saturation", POPL 2021).
//
// An expression is one output of an operation on classes. Outputs of the same operation on the same classes share its work.
#pragma once
#include <cstdint>
#include <unordered_map>

#include "operation.hpp"

namespace tenon::saturate {

using ClassId = uint32_t;
using NodeId = uint32_t;
using WorkId = uint32_t;
inline constexpr uint32_t kNoId = UINT32_MAX;

/// Contents of a constant: a value of the graph, or elements that a rule made.
struct Constant {
  tenon_value value = 0;
  std::vector<uint8_t> data;
};

/// An operation on classes; children kNoId are absent. A leaf has no operation: it stands for a value of the graph or a constant.
struct Work {
  uint32_t operation = kNoId;
  std::vector<ClassId> children;
  std::vector<tenon_node> origins;  ///< nodes of the graph that it comes from
  tenon_node given = 0;             ///< the node of the graph that it is
};

struct Expression {
  WorkId work;
  uint32_t output;
  ClassId cls;       ///< where it was added; find() gives the class of now
  bool live = true;  ///< false: congruent to another one
};

struct Class {
  Type type;
  std::vector<NodeId> members;
  std::vector<NodeId> parents;
  bool constant = false;           ///< depends on constants alone
  std::optional<Constant> literal;  ///< its contents, where they are at hand
};

class EGraph {
 public:
  explicit EGraph(const Graph& g) : g_(g) {}

  // building
  ClassId add_value(tenon_value v);
  ClassId add_constant(Type type, std::vector<uint8_t> data);
  ClassId add_ints(const std::vector<int64_t>& v);
  /// All outputs at once, one type for each.
  std::vector<ClassId> add(const Operation& op, std::vector<ClassId> children, const std::vector<Type>& types, const std::vector<tenon_node>& origins, tenon_node given = 0);
  ClassId add(const Operation& op, std::vector<ClassId> children, const Type& type, const std::vector<tenon_node>& origins) {
    return add(op, std::move(children), std::vector<Type>{type}, origins)[0];
  }
  /// False, and nothing done, when their types are not the same.
  bool merge(ClassId a, ClassId b);
  /// Merges what has become congruent.
  void rebuild();

  // reading
  ClassId find(ClassId c) const;
  const Class& cls(ClassId c) const { return classes_[find(c)]; }
  const Type& type(ClassId c) const { return cls(c).type; }
  size_t n_expressions() const { return expressions_.size(); }
  size_t n_classes() const { return classes_.size(); }
  size_t n_works() const { return works_.size(); }
  const Expression& expression(NodeId n) const { return expressions_[n]; }
  const Work& work(WorkId w) const { return works_[w]; }
  const Work& work_of(NodeId n) const { return works_[expressions_[n].work]; }
  bool is_leaf(NodeId n) const { return work_of(n).operation == kNoId; }
  const Operation& operation(WorkId w) const { return operations_[works_[w].operation]; }
  const Operation& operation_of_expression(NodeId n) const { return operation(expressions_[n].work); }
  ClassId child(NodeId n, size_t k) const { return k < work_of(n).children.size() && work_of(n).children[k] != kNoId ? find(work_of(n).children[k]) : kNoId; }
  /// Value that a leaf stands for; 0 for constants that rules made.
  tenon_value leaf_value(NodeId n) const;
  /// Elements of a constant of i32 or i64 whose contents are at hand.
  std::optional<std::vector<int64_t>> ints(ClassId c) const;
  /// The element of an f32 constant of one element.
  std::optional<float> scalar(ClassId c) const;
  /// Expressions of output `output` of works that are `name` in the class.
  template <class F>
  void each(ClassId c, std::string_view name, F&& f) const {
    const auto members = cls(c).members;
    for (NodeId n : members)
      if (expressions_[n].live && !is_leaf(n) && operation_of_expression(n).name == name) f(n);
  }
  const Graph& graph() const { return g_; }

 private:
  const Graph& g_;
  std::vector<Operation> operations_;
  std::unordered_map<std::string, uint32_t> operation_of_key_;
  std::vector<Work> works_;
  std::vector<Expression> expressions_;
  std::vector<Class> classes_;
  mutable std::vector<ClassId> parent_;
  std::unordered_map<std::string, std::vector<NodeId>> of_key_;  ///< work -> expressions by output
  std::unordered_map<std::string, ClassId> leaves_;
  std::vector<ClassId> dirty_;

  ClassId new_class(const Type& type);
  ClassId add_leaf(const std::string& key, const Type& type, std::optional<Constant> literal, bool constant);
  uint32_t intern(const Operation& op);
  std::string key_of(const Work& w) const;
  std::pair<const uint8_t*, uint64_t> bytes(ClassId c) const;
  void note_constant(ClassId c);
  std::vector<tenon_value> leaf_values_;  ///< by work
};

}  // namespace tenon::saturate
