// SPDX-License-Identifier: Apache-2.0
// rule.hpp - equalities that the search may use. A file rules/NAME.cpp defines `void register_NAME(RuleTable&)`.
#pragma once
#include <functional>
#include <string_view>

#include "egraph.hpp"

namespace tenon::saturate {

/// What a rule sees and says. New expressions are there at once; equalities take effect after the round.
class Matcher {
 public:
  Matcher(EGraph& graph, std::vector<std::pair<ClassId, ClassId>>& equal) : e(graph), equal_(equal) {}
  EGraph& e;
  void equal(ClassId a, ClassId b) { equal_.emplace_back(a, b); }
  /// Origins of a new expression: those of all that it comes from.
  std::vector<tenon_node> origins(std::initializer_list<NodeId> from) const;
  std::vector<tenon_node> origins(const std::vector<NodeId>& from) const;

 private:
  std::vector<std::pair<ClassId, ClassId>>& equal_;
};

struct Rule {
  const char* name;
  bool exact;  ///< same bits; else same up to rounding
  std::vector<std::string_view> operators;
  /// Called for each expression of these operators (output 0).
  void (*apply)(Matcher&, NodeId);
};

class RuleTable {
  std::vector<Rule> rules_;

 public:
  void add(Rule r) { rules_.push_back(std::move(r)); }
  const std::vector<Rule>& all() const { return rules_; }
};
const RuleTable& rule_table();

// ---- shapes ----
/// Dimensions of two broadcast values; nothing where that is not sure.
std::optional<Dims> broadcast(const Dims& a, const Dims& b);
/// Type of the product of two matrices, each of rank 2 or more; nothing where it is not sure.
std::optional<Type> product_type(const Type& a, const Type& b);

inline bool is_float_type(const Type& t) { return is_float(t.dtype); }
/// Operators that work on each element alone, exactly so in any layout.
bool elementwise_unary(std::string_view name);
bool elementwise_binary(std::string_view name);
inline constexpr std::string_view kUnary[] = {"Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Log", "Neg", "Reciprocal", "Relu", "Sigmoid", "Sin", "Sqrt", "Tanh"};
inline constexpr std::string_view kBinary[] = {"Add", "Div", "Maximum", "Minimum", "Mul", "Sub"};

}  // namespace tenon::saturate
