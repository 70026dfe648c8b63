// SPDX-License-Identifier: Apache-2.0
// pattern.hpp - what a piece of graph looks like, as a small value. A pattern is matched backwards from a node, its root, with full
// backtracking over the orders of commutative inputs and over alternatives.
//
//   using namespace tenon::pattern;
//   const Pattern x = any();                                            // whatever value; used twice it is twice the same one
//   const Pattern softplus = op("Log", {op("Add", {op("Exp", {x}).once(), number(1)}).commutative()});
//   rules.push_back(rule("softplus", softplus, [=](Rewriter& r, const Match& m) {   // guard: what a pattern cannot say
//     return r.g.info(m[x]).type() == dt::f32;
//   }, [=](Rewriter&, const Match& m) { return Rewriter::Replacement{"Softplus", {m[x]}}; }, Measure::nodes()));
//
// The same Pattern object in two places means the same value in both, and is the handle to what it matched; a name does the same for
// patterns that are made in different places. Inputs that a pattern does not mention must be absent, unless it has `rest`; op("Conv")
// without a list takes any inputs. Nodes that are not in the graph of the root (but around it) count as values without a producer.
#pragma once
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "rewriter.hpp"
#include "scalar.hpp"

TENON_NAMESPACE_BEGIN

namespace pattern {

struct Part;
class Match;
using ValueTest = std::function<bool(const Graph&, tenon_value)>;
using NodeTest = std::function<bool(const Graph&, tenon_node)>;

/// A handle: copies are the same pattern.
class Pattern {
  std::shared_ptr<Part> part_;

 public:
  explicit Pattern(std::shared_ptr<Part> p) : part_(std::move(p)) {}
  const Part* part() const { return part_.get(); }

  // of a value
  Pattern& where(ValueTest test);
  Pattern& type(tenon_dtype t) {
    return where([t](const Graph& g, tenon_value v) { return g.info(v).type() == t; });
  }
  Pattern& rank(int32_t n) {
    return where([n](const Graph& g, tenon_value v) { return g.info(v).rank() == n; });
  }
  /// Dimensions, -1 for any.
  Pattern& dims(Dims d) {
    return where([d = std::move(d)](const Graph& g, tenon_value v) {
      const ValueInfo i = g.info(v);
      if (i.rank() != static_cast<int32_t>(d.size())) return false;
      for (size_t k = 0; k < d.size(); ++k)
        if (d[k] >= 0 && d[k] != i.dims()[k]) return false;
      return true;
    });
  }
  Pattern& constant() {
    return where([](const Graph& g, tenon_value v) { return g.info(v).constant(); });
  }
  /// The value has one use: inside the match.
  Pattern& once() {
    return where([](const Graph& g, tenon_value v) { return g.info(v).n_uses() == 1; });
  }

  // of a node
  Pattern& node_where(NodeTest test);
  Pattern& attr(std::string name, int64_t value, int64_t otherwise) {
    return node_where([=](const Graph& g, tenon_node n) { return g.attrs(n).i(name, otherwise) == value; });
  }
  Pattern& attr(std::string name, const char* value, const char* otherwise) {
    return node_where([=, v = std::string(value), o = std::string(otherwise)](const Graph& g, tenon_node n) { return g.attrs(n).s(name, o) == v; });
  }
  Pattern& attr(std::string name, std::vector<int64_t> value) {
    return node_where([name = std::move(name), value = std::move(value)](const Graph& g, tenon_node n) { return g.attrs(n).ints(name) == value; });
  }
  Pattern& no_attr(std::string name) {
    return node_where([=](const Graph& g, tenon_node n) { return !g.attrs(n).has(name); });
  }
  /// The listed inputs in any order.
  Pattern& commutative();
  /// Any number of further inputs, each like this pattern on its own; Match::list gives them.
  Pattern& rest(const Pattern& each);
  /// Output k of the node instead of the first one.
  Pattern& output(uint32_t k);
};

/// One place of a pattern.
struct Part {
  enum Kind : uint8_t { value, number, absent, op, either } kind = value;
  std::string name;
  std::vector<std::string> operators;
  std::vector<Pattern> in;  ///< inputs, or alternatives
  std::vector<Pattern> each_further;
  bool any_inputs = false, commutative = false;
  uint32_t output = 0;
  std::optional<double> number_value;
  double tolerance = 0;
  std::vector<ValueTest> value_tests;
  std::vector<NodeTest> node_tests;
  bool same(const Part& o) const { return this == &o || (!name.empty() && name == o.name); }
};

inline Pattern& Pattern::where(ValueTest test) { return part_->value_tests.push_back(std::move(test)), *this; }
inline Pattern& Pattern::node_where(NodeTest test) { return part_->node_tests.push_back(std::move(test)), *this; }
inline Pattern& Pattern::commutative() { return part_->commutative = true, *this; }
inline Pattern& Pattern::rest(const Pattern& each) { return part_->each_further = {each}, *this; }
inline Pattern& Pattern::output(uint32_t k) { return part_->output = k, *this; }

inline Pattern make(Part::Kind kind, std::string name = {}) {
  auto p = std::make_shared<Part>();
  p->kind = kind;
  p->name = std::move(name);
  return Pattern(std::move(p));
}
inline Part& part_of(const Pattern& p) { return const_cast<Part&>(*p.part()); }

/// Any value that is there.
inline Pattern any(std::string name = {}) { return make(Part::value, std::move(name)); }
/// An optional input that is absent.
inline Pattern absent() { return make(Part::absent); }
/// A constant of one element that does not widen what it is combined with.
inline Pattern number(std::string name = {}) { return make(Part::number, std::move(name)); }
/// The same, and close to x: exporters round the same number in several ways.
inline Pattern number(double x, double tolerance = 2e-5) {
  Pattern p = make(Part::number);
  part_of(p).number_value = x;
  part_of(p).tolerance = tolerance;
  return p;
}
/// One of several forms, tried in this order.
inline Pattern either(std::vector<Pattern> forms) {
  Pattern p = make(Part::either);
  part_of(p).in = std::move(forms);
  return p;
}
/// An output of a node of one of these operators: "Add", "acme::Tile", "onnx::Gelu@20". Without a version: whatever version.
inline Pattern op(std::vector<std::string> operators, std::vector<Pattern> inputs) {
  Pattern p = make(Part::op);
  part_of(p).operators = std::move(operators);
  part_of(p).in = std::move(inputs);
  return p;
}
inline Pattern op(const char* name, std::vector<Pattern> inputs) { return op(std::vector<std::string>{name}, std::move(inputs)); }
inline Pattern op(std::vector<std::string> operators) {
  Pattern p = op(std::move(operators), {});
  part_of(p).any_inputs = true;
  return p;
}
inline Pattern op(const char* name) { return op(std::vector<std::string>{name}); }
/// a + b, a * b in any order; further short forms for formulas.
inline Pattern sum(Pattern a, Pattern b) { return op("Add", {std::move(a), std::move(b)}).commutative(); }
inline Pattern product(Pattern a, Pattern b) { return op("Mul", {std::move(a), std::move(b)}).commutative(); }
/// x times a number close to k, or divided by one close to 1 / k.
inline Pattern times(const Pattern& x, double k) { return either({product(x, number(k)), op("Div", {x, number(1 / k)})}); }
/// t * t, also as a power.
inline Pattern squared(const Pattern& t) { return either({op("Mul", {t, t}), op("Pow", {t, number(2, 0)})}); }

/// What a pattern matched.
class Match {
  friend class Matcher;
  std::vector<std::pair<const Part*, tenon_value>> bound_;
  std::vector<std::pair<const Part*, std::vector<tenon_value>>> lists_;
  std::vector<tenon_node> nodes_;
  const Graph* g_ = nullptr;
  const tenon_value* find(const Part& p) const {
    for (const auto& b : bound_)
      if (b.first->same(p)) return &b.second;
    return nullptr;
  }

 public:
  /// The value that a pattern matched; 0 when it is absent or in an alternative that was not taken.
  tenon_value operator[](const Pattern& p) const {
    const tenon_value* v = find(*p.part());
    return v ? *v : 0;
  }
  tenon_value operator[](std::string_view name) const {
    for (const auto& b : bound_)
      if (b.first->name == name) return b.second;
    return 0;
  }
  bool has(const Pattern& p) const { return (*this)[p] != 0; }
  /// The node that makes what p matched.
  tenon_node node(const Pattern& p) const { return g_->producer((*this)[p]); }
  /// The number that p matched.
  std::optional<double> value_of(const Pattern& p) const { return scalar(*g_, (*this)[p]); }
  /// What `rest` of p matched.
  std::vector<tenon_value> list(const Pattern& p) const {
    for (const auto& l : lists_)
      if (l.first == p.part()) return l.second;
    return {};
  }
  tenon_node root() const { return nodes_.front(); }
  /// Every other node, each once.
  std::vector<tenon_node> absorbed() const {
    std::vector<tenon_node> r;
    for (tenon_node n : nodes_)
      if (n != root() && std::find(r.begin(), r.end(), n) == r.end()) r.push_back(n);
    return r;
  }
};

/// Matches one pattern; goals that are still open are a list on the stack, so that an alternative can be given up wherever it fails.
class Matcher {
  struct Goal {
    const Part* part;
    tenon_value value;
    tenon_node reader;  ///< whose input the value is
    const Goal* next;
  };
  const Graph& g_;
  tenon_graph* here_;
  Match m_;

 public:
  Matcher(const Graph& g, tenon_graph* here) : g_(g), here_(here) { m_.g_ = &g; }
  std::optional<Match> match(const Pattern& p, tenon_value v) {
    const Goal goal{p.part(), v, 0, nullptr};
    if (!solve(&goal)) return std::nullopt;
    return std::move(m_);
  }

 private:
  bool solve(const Goal* goal) {
    if (!goal) return true;
    const Part& p = *goal->part;
    if (const tenon_value* known = m_.find(p)) return same(p, *known, goal->value) && solve(goal->next);
    const size_t bound = m_.bound_.size(), lists = m_.lists_.size(), nodes = m_.nodes_.size();
    m_.bound_.emplace_back(&p, goal->value);
    if (attempt(p, *goal)) return true;
    m_.bound_.resize(bound);
    m_.lists_.resize(lists);
    m_.nodes_.resize(nodes);
    return false;
  }
  bool same(const Part& p, tenon_value a, tenon_value b) const {
    if (a == b) return true;
    return p.kind == Part::number && a && b && scalar(g_, b) && *scalar(g_, a) == *scalar(g_, b);
  }
  bool tests_hold(const Part& p, tenon_value v) const {
    return std::all_of(p.value_tests.begin(), p.value_tests.end(), [&](const ValueTest& t) { return t(g_, v); });
  }
  bool attempt(const Part& p, const Goal& goal) {
    if (p.kind == Part::absent) return !goal.value && solve(goal.next);
    if (p.kind == Part::either) return one_of(p, goal);
    if (!goal.value || !tests_hold(p, goal.value)) return false;
    if (p.kind == Part::value) return solve(goal.next);
    return p.kind == Part::number ? is_number(p, goal) && solve(goal.next) : operation(p, goal);
  }
  bool one_of(const Part& p, const Goal& goal) {
    if (goal.value && !tests_hold(p, goal.value)) return false;
    for (const Pattern& form : p.in) {
      const Goal first{form.part(), goal.value, goal.reader, goal.next};
      if (solve(&first)) return true;
    }
    return false;
  }
  bool is_number(const Part& p, const Goal& goal) const {
    const auto x = scalar(g_, goal.value);
    if (!x || (goal.reader && !keeps_shape(goal))) return false;
    return !p.number_value || *x == *p.number_value || std::fabs(*x - *p.number_value) <= p.tolerance * std::fabs(*p.number_value);
  }
  /// The reader has another input of at least the rank of this one.
  bool keeps_shape(const Goal& goal) const {
    const int32_t rank = g_.info(goal.value).rank();
    if (rank == 0) return true;
    for (tenon_value v : g_.inputs(goal.reader))
      if (v && v != goal.value && g_.info(v).rank() >= rank) return true;
    return false;
  }
  bool is_operator(const Part& p, tenon_node n) const {
    const auto name = Graph::op_name(g_.op(n));
    return std::any_of(p.operators.begin(), p.operators.end(), [&](const std::string& text) {
      const OperatorName wanted = OperatorName::parse(text);
      return wanted.name == name.name && wanted.domain == name.domain && (!wanted.version || wanted.version == name.version);
    });
  }
  bool operation(const Part& p, const Goal& goal) {
    const ValueInfo i = g_.info(goal.value);
    const tenon_node n = i.producer();
    if (!n || i.graph() != here_ || i.output_index() != p.output || !is_operator(p, n)) return false;
    if (!std::all_of(p.node_tests.begin(), p.node_tests.end(), [&](const NodeTest& t) { return t(g_, n); })) return false;
    m_.nodes_.push_back(n);
    std::vector<tenon_value> in = g_.inputs(n);
    if (p.any_inputs) return solve(goal.next);
    if (in.size() < p.in.size()) in.resize(p.in.size());
    if (!further_inputs(p, in)) return false;
    std::vector<size_t> order(p.in.size());
    for (size_t k = 0; k < order.size(); ++k) order[k] = k;
    do {
      if (inputs_in_order(p, in, order, n, goal.next)) return true;
    } while (p.commutative && std::next_permutation(order.begin(), order.end()));
    return false;
  }
  bool further_inputs(const Part& p, const std::vector<tenon_value>& in) {
    std::vector<tenon_value> list;
    for (size_t k = p.in.size(); k < in.size(); ++k) {
      if (p.each_further.empty()) {
        if (in[k]) return false;
        continue;
      }
      auto found = Matcher(g_, here_).match(p.each_further.front(), in[k]);
      if (!found) return false;
      list.push_back(in[k]);
      m_.nodes_.insert(m_.nodes_.end(), found->nodes_.begin(), found->nodes_.end());
    }
    if (!p.each_further.empty()) m_.lists_.emplace_back(&p, std::move(list));
    return true;
  }
  bool inputs_in_order(const Part& p, const std::vector<tenon_value>& in, const std::vector<size_t>& order, tenon_node n, const Goal* next) {
    std::vector<Goal> goals(order.size());
    for (size_t k = order.size(); k-- > 0;) {
      goals[k] = {p.in[k].part(), in[order[k]], n, next};
      next = &goals[k];
    }
    return solve(next);
  }
};

/// p against what node n makes.
inline std::optional<Match> match(const Graph& g, const Pattern& p, tenon_node n) {
  const tenon_value v = g.output(n, p.part()->output);
  return v ? Matcher(g, g.graph_of(n)).match(p, v) : std::nullopt;
}

using Guard = std::function<bool(Rewriter&, const Match&)>;
using Build = std::function<Rewriter::Replacement(Rewriter&, const Match&)>;

/// A rule of a Rewriter: where `root` (an op) matches and `guard` agrees, one node takes its place and the origins of all that matched.
inline Rewriter::Entry rule(const char* name, const Pattern& root, Guard guard, Build build, Measure falls = Measure::nodes()) {
  std::vector<const char*> names;
  for (const std::string& o : root.part()->operators) names.push_back(o.c_str());
  return {std::move(names),
          [root, guard = std::move(guard), build = std::move(build)](Rewriter& r, tenon_node n) {
            const auto m = match(r.g, root, n);
            if (!m || (guard && !guard(r, *m))) return false;
            auto replacement = build(r, *m);
            const auto inner = m->absorbed();
            replacement.absorbed.insert(replacement.absorbed.end(), inner.begin(), inner.end());
            r.replace(n, std::move(replacement));
            return true;
          },
          name, std::move(falls)};
}

}  // namespace pattern

TENON_NAMESPACE_END
