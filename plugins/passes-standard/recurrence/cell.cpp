// SPDX-License-Identifier: Apache-2.0
// The formulas, with gates a = activation(x W + h R + b):
//   LSTM: c = f . c + i . g; h = o . tanh(c); i, o, f of sigmoid and g of tanh
//   GRU:  h = (1 - z) . n + z . h, or n + z . (h - n); n = tanh(x W + (r . h) R + b), or with linear_before_reset tanh(x W + b + r . (h R + b'))
//   RNN:  h = tanh, relu or sigmoid of the sum
#include "recurrence/cell.hpp"

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

class CellReader {
 public:
  CellReader(const Graph& g, const std::vector<tenon_value>& states, const std::vector<tenon_value>& next, tenon_value x) : g_(g), read_(g), in_(states), out_(next), x_(x) {}

  std::optional<Cell> cell() {
    if (in_.size() == 2)
      for (uint64_t h : {0u, 1u})
        if (auto c = lstm(h)) return c;
    if (in_.size() != 1) return std::nullopt;
    if (auto c = gru()) return c;
    return rnn();
  }

 private:
  using Operands = std::pair<tenon_value, tenon_value>;
  /// Both orders of the operands of a node that makes v.
  std::vector<Operands> operands(tenon_value v, std::string_view op, bool commutes = true) const {
    const tenon_node n = read_.maker(v, op);
    if (!n) return {};
    const tenon_value a = g_.input(n, 0), b = g_.input(n, 1);
    return commutes ? std::vector<Operands>{{a, b}, {b, a}} : std::vector<Operands>{{a, b}};
  }

  // sums

  static bool add_part(Weight* to, const Weight& w) {
    if (*to) return false;
    *to = w;
    return true;
  }
  /// Adds one summand, which is no sum itself, to the gate.
  bool add_product(tenon_value v, Gate* gate) const {
    auto a = read_.product(v);
    if (!a || a->weight.columns != gate->columns) return false;
    for (size_t k = 0; k < a->bias.size(); ++k) gate->bias[k] += a->bias[k];
    if (const tenon_node n = read_.maker(a->x, "Concat")) return add_joined(n, a->weight, gate);
    return add_factor(a->x, a->weight, gate);
  }
  bool add_factor(tenon_value x, const Weight& w, Gate* gate) const {
    if (x == x_) return gate->slice < 0 && add_part(&gate->input, w);
    if (g_.is_constant(x) || (gate->state && gate->state != x)) return false;
    gate->state = x;
    return add_part(&gate->recurrent, w);
  }
  /// The input and the state side by side times one matrix.
  bool add_joined(tenon_node concat, const Weight& w, Gate* gate) const {
    const Ids parts = g_.inputs(concat);
    if (axis_of(g_.attrs(concat).i("axis"), 2) != 1) return false;
    int64_t row = 0;
    for (tenon_value p : parts) {
      const ValueInfo i = g_.info(p);
      if (i.rank() != 2 || i.dim(1) < 1 || row + i.dim(1) > w.inner || !add_factor(p, w.rows(row, i.dim(1)), gate)) return false;
      row += i.dim(1);
    }
    return row == w.inner;
  }
  bool add_summand(tenon_value v, Gate* gate) const {
    if (--left_ < 0) return false;
    if (g_.is_constant(v)) {
      const auto b = read_.bias(v, gate->columns);
      for (size_t k = 0; b && k < b->size(); ++k) gate->bias[k] += (*b)[k];
      return b.has_value();
    }
    if (g_.info(v).rank() != 2 || g_.info(v).dim(1) != gate->columns) return false;
    if (v == x_) {
      if (gate->slice >= 0 || gate->input) return false;
      gate->slice = 0;
      return true;
    }
    if (const tenon_node add = read_.maker(v, "Add")) return add_summand(g_.input(add, 0), gate) && add_summand(g_.input(add, 1), gate);
    if (const auto p = read_.piece(v)) return add_piece(*p, gate);
    return add_product(v, gate);
  }
  bool add_piece(const LinearReader::Piece& p, Gate* gate) const {
    auto whole = sum(p.of);
    if (!whole || p.count != gate->columns) return false;
    for (int64_t k = 0; k < p.count; ++k) gate->bias[static_cast<size_t>(k)] += whole->bias[static_cast<size_t>(p.begin + k)];
    if (whole->slice >= 0) {
      if (gate->slice >= 0 || gate->input) return false;
      gate->slice = whole->slice + p.begin;
    }
    if (whole->input && (gate->slice >= 0 || !add_part(&gate->input, whole->input.part(p.begin, p.count)))) return false;
    if (!whole->recurrent) return true;
    if (gate->state && gate->state != whole->state) return false;
    gate->state = whole->state;
    return add_part(&gate->recurrent, whole->recurrent.part(p.begin, p.count));
  }
  std::optional<Gate> sum(tenon_value v) const {
    const ValueInfo i = g_.info(v);
    if (i.rank() != 2 || i.dim(1) < 1 || i.type() != dt::f32) return std::nullopt;
    Gate gate;
    gate.columns = i.dim(1);
    gate.bias.assign(static_cast<size_t>(gate.columns), 0.0);
    if (!add_summand(v, &gate)) return std::nullopt;
    return gate;
  }
  /// v = f(sum), or a part of that.
  std::optional<Gate> activated(tenon_value v, std::string_view f) const {
    if (const tenon_value x = read_.under(v, f)) return sum(x);
    const auto p = read_.piece(v);
    const tenon_value x = p ? read_.under(p->of, f) : 0;
    if (!x || g_.info(x).rank() != 2) return std::nullopt;
    Gate gate;
    gate.columns = p->count;
    gate.bias.assign(static_cast<size_t>(p->count), 0.0);
    if (!add_piece({x, p->begin, p->count}, &gate)) return std::nullopt;
    return gate;
  }
  /// Input and hidden state both go into it.
  bool is_gate(const std::optional<Gate>& gate, tenon_value h) const {
    return gate && (gate->input || gate->slice >= 0) && gate->recurrent && gate->state == h && gate->columns == size(h) && gate->recurrent.inner == size(h);
  }
  int64_t size(tenon_value h) const { return g_.info(h).rank() == 2 ? g_.info(h).dim(1) : -1; }
  Cell made(const char* op, std::vector<Gate> gates, uint64_t hidden) const {
    Cell c;
    c.op = op;
    c.gates = std::move(gates);
    c.hidden_state = hidden;
    c.size = size(in_[hidden]);
    return c;
  }

  // formulas

  std::optional<Cell> lstm(uint64_t at) const {
    const tenon_value h = in_[at], c = in_[1 - at], next = out_[1 - at];
    if (size(c) != size(h)) return std::nullopt;
    for (const auto& [o, t] : operands(out_[at], "Mul")) {
      const auto output = activated(o, "Sigmoid");
      if (read_.under(t, "Tanh") != next || !is_gate(output, h)) continue;
      for (const auto& [kept, fresh] : operands(next, "Add"))
        for (const auto& [f, before] : operands(kept, "Mul")) {
          const auto forget = before == c ? activated(f, "Sigmoid") : std::nullopt;
          if (!is_gate(forget, h)) continue;
          for (const auto& [i, g] : operands(fresh, "Mul")) {
            const auto input = activated(i, "Sigmoid"), candidate = activated(g, "Tanh");
            if (is_gate(input, h) && is_gate(candidate, h)) return made("LSTM", {*input, *output, *forget, *candidate}, at);
          }
        }
    }
    return std::nullopt;
  }

  /// v = 1 - z
  bool is_rest(tenon_value v, tenon_value z) const {
    for (const auto& [one, x] : operands(v, "Sub", false)) {
      const auto number = floats(g_, one);
      if (x == z && number && number->size() == 1 && number->front() == 1 && all_ones(g_.info(one)) && g_.info(one).rank() <= 2) return true;
    }
    return false;
  }
  std::optional<Cell> gru() const {
    const tenon_value h = in_[0];
    for (const auto& [a, b] : operands(out_[0], "Add")) {
      // (1 - z) n + z h, of which either may be the part that is 1 - a sigmoid.
      for (const auto& [z, before] : operands(a, "Mul"))
        for (const auto& [rest, n] : operands(b, "Mul")) {
          if (before != h) continue;
          if (is_rest(rest, z))
            if (auto c = gru_of(z, n, false)) return c;
          if (is_rest(z, rest))
            if (auto c = gru_of(rest, n, true)) return c;
        }
      // n + z (h - n), h + z (n - h)
      for (const auto& [z, difference] : operands(b, "Mul"))
        for (const auto& [minuend, subtrahend] : operands(difference, "Sub", false)) {
          if (minuend == h && subtrahend == a)
            if (auto c = gru_of(z, a, false)) return c;
          if (a == h && subtrahend == h)
            if (auto c = gru_of(z, minuend, true)) return c;
        }
    }
    return std::nullopt;
  }
  /// `inverted`: z is the share of the new state.
  std::optional<Cell> gru_of(tenon_value z, tenon_value n, bool inverted) const {
    auto update = activated(z, "Sigmoid");
    const tenon_value before_tanh = read_.under(n, "Tanh");
    if (!is_gate(update, in_[0]) || !before_tanh) return std::nullopt;
    update->negated = inverted;
    if (auto c = reset_before(*update, before_tanh)) return c;
    return reset_after(*update, before_tanh);
  }
  std::optional<Cell> reset_before(const Gate& update, tenon_value before_tanh) const {
    const tenon_value h = in_[0];
    auto candidate = sum(before_tanh);
    if (!candidate || !candidate->state) return std::nullopt;
    for (const auto& [r, state] : operands(candidate->state, "Mul")) {
      const auto reset = state == h ? activated(r, "Sigmoid") : std::nullopt;
      if (is_gate(reset, h) && is_gate(candidate, candidate->state)) return made("GRU", {update, *reset, *candidate}, 0);
    }
    return std::nullopt;
  }
  /// Summands of v; sums among them are taken apart.
  void summands(tenon_value v, std::vector<tenon_value>* all) const {
    const tenon_node add = --left_ > 0 ? read_.maker(v, "Add") : 0;
    if (!add) return all->push_back(v);
    summands(g_.input(add, 0), all);
    summands(g_.input(add, 1), all);
  }
  std::optional<Cell> reset_after(const Gate& update, tenon_value before_tanh) const {
    std::vector<tenon_value> all;
    summands(before_tanh, &all);
    for (tenon_value v : all)
      for (const auto& [r, product] : operands(v, "Mul"))
        if (auto c = reset_after(update, before_tanh, all, v, r, product)) return c;
    return std::nullopt;
  }
  std::optional<Cell> reset_after(const Gate& update, tenon_value before_tanh, const std::vector<tenon_value>& all, tenon_value v, tenon_value r, tenon_value product) const {
    const tenon_value h = in_[0];
    const auto reset = activated(r, "Sigmoid"), recurrent = sum(product);
    if (!is_gate(reset, h) || !recurrent || recurrent->input || recurrent->slice >= 0 || recurrent->state != h || recurrent->columns != size(h)) return std::nullopt;
    Gate candidate;
    candidate.columns = size(h);
    candidate.bias.assign(static_cast<size_t>(candidate.columns), 0.0);
    if (g_.info(before_tanh).rank() != 2) return std::nullopt;
    for (tenon_value other : all)
      if (other != v && !add_summand(other, &candidate)) return std::nullopt;
    if (candidate.state || std::count(all.begin(), all.end(), v) != 1) return std::nullopt;
    candidate.recurrent = recurrent->recurrent;
    candidate.state = h;
    candidate.state_bias = recurrent->bias;
    if (!is_gate(candidate, h)) return std::nullopt;
    Cell c = made("GRU", {update, *reset, candidate}, 0);
    c.linear_before_reset = true;
    return c;
  }

  std::optional<Cell> rnn() const {
    for (const char* f : {"Tanh", "Relu", "Sigmoid"}) {
      const auto gate = activated(out_[0], f);
      if (!is_gate(gate, in_[0])) continue;
      Cell c = made("RNN", {*gate}, 0);
      c.activation = f;
      return c;
    }
    return std::nullopt;
  }

  const Graph& g_;
  LinearReader read_;
  const std::vector<tenon_value>&in_, &out_;
  tenon_value x_;
  mutable int left_ = 4096;  ///< summands that are looked at: no cell has more
};

}  // namespace

std::optional<Cell> read_cell(const Graph& g, const std::vector<tenon_value>& states, const std::vector<tenon_value>& next, tenon_value x) {
  if (states.size() != next.size()) return std::nullopt;
  std::vector<tenon_value> all = states;
  all.insert(all.end(), next.begin(), next.end());
  all.push_back(x);
  for (tenon_value v : all)
    if (!v || g.info(v).type() != dt::f32 || g.info(v).rank() != 2) return std::nullopt;
  return CellReader(g, states, next, x).cell();
}

}  // namespace tenon::passes
