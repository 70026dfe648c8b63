// SPDX-License-Identifier: Apache-2.0
// fuse-recurrence: a Scan whose body is one step of an LSTM, a GRU or an RNN becomes that operator, with the products of all inputs, whether
// they stand in the body or before the Scan. Cells with peepholes, projections or clipped states are left as they are.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>
#include <tenon/walk.hpp>

#include "common/shapes.hpp"
#include "recurrence/cell.hpp"

namespace tenon::passes {
namespace {

/// Where the Scan's slices lie, and whether it runs backwards.
struct Course {
  int64_t axis = 0;
  bool backwards = false;
};
std::optional<Course> course(const Attrs& a, size_t outputs) {
  auto entry = [&](const char* name, size_t k) {
    const auto v = a.ints(name);
    return k < v.size() ? v[k] : 0;
  };
  Course c{entry("scan_input_axes", 0), entry("scan_input_directions", 0) != 0};
  if (c.axis != 0 && c.axis != 1) return std::nullopt;
  for (size_t k = 0; k < outputs; ++k)
    if (entry("scan_output_axes", k) != c.axis || (entry("scan_output_directions", k) != 0) != c.backwards) return std::nullopt;
  return c;
}

/// A Scan with its cell, and the product in front of it where the steps' inputs are projected there.
class Fuser {
 public:
  Fuser(Rewriter& r, tenon_node scan, const Cell& cell, const std::optional<Affine>& before, Course course)
      : r_(r), scan_(scan), c_(cell), before_(before), course_(course), x_(before ? before->x : r.g.inputs(scan)[cell_states()]) {}

  void fuse() {
    const Ids in = r_.g.inputs(scan_), out = r_.g.outputs(scan_);
    const AttrList attrs = attributes();
    Graph::New d;
    d.op = Graph::op(c_.op);
    d.in = inputs(in);
    d.attrs = &attrs;
    if (before_) d.origins = before_->nodes;
    d.origins.push_back(scan_);
    d.before = scan_;
    d.name = std::string(r_.g.name(scan_));
    d.out_names.resize(1 + cell_states());
    const tenon_node fused = r_.g.add(d);
    set_types(fused, in);
    std::vector<tenon_value> results(out.size(), 0);
    for (size_t k = 0; k < out.size(); ++k)
      if (out[k]) results[k] = k >= cell_states() ? sequence(r_.g.output(fused, 0), out[k]) : squeezed(r_.g.output(fused, k == c_.hidden_state ? 1 : 2), 0, out[k]);
    replace(out, results);
  }

 private:
  static Dims swapped(Dims d) {
    std::swap(d[0], d[1]);
    return d;
  }
  tenon_value transposed(tenon_value v) {
    const tenon_value t = r_.emit(scan_, "Transpose", {v}, AttrList{}.set("perm", std::vector<int64_t>{1, 0, 2}));
    r_.g.set_type(t, dt::f32, swapped(r_.g.info(v).dims()));
    return t;
  }
  tenon_value steps_first(tenon_value x) { return course_.axis == 0 ? x : transposed(x); }
  size_t cell_states() const { return c_.op == "LSTM" ? 2 : 1; }
  AttrList attributes() const {
    AttrList a;
    a.add("hidden_size", c_.size).add("direction", course_.backwards ? "reverse" : "forward");
    if (c_.linear_before_reset) a.add("linear_before_reset", int64_t{1});
    if (!c_.activation.empty() && c_.activation != "Tanh") a.add("activations", std::vector<std::string>{c_.activation});
    return a;
  }
  std::vector<tenon_value> inputs(const Ids& in) {
    std::vector<tenon_value> all = {steps_first(x_), weights(false), weights(true), biases(), 0, state(in[c_.hidden_state])};
    if (cell_states() == 2) all.push_back(state(in[1 - c_.hidden_state]));
    return all;
  }
  Weight input_of(const Gate& gate) const { return before_ ? before_->weight.part(gate.slice, c_.size) : gate.input; }
  /// Rows of the gates: [1, gates * size, inner].
  tenon_value weights(bool recurrent) {
    std::vector<float> w;
    int64_t inner = 0;
    for (const Gate& gate : c_.gates) {
      const Weight m = recurrent ? gate.recurrent : input_of(gate);
      inner = m.inner;
      for (int64_t j = 0; j < c_.size; ++j)
        for (int64_t i = 0; i < inner; ++i) w.push_back(static_cast<float>(gate.negated ? -m.at(i, j) : m.at(i, j)));
    }
    const Dims d{1, static_cast<int64_t>(c_.gates.size()) * c_.size, inner};
    return r_.g.add_constant<float>("", d, w.data());
  }
  /// Those of the input, then the recurrent ones, which only a product that is reset has.
  tenon_value biases() {
    std::vector<float> b, recurrent;
    for (const Gate& gate : c_.gates)
      for (int64_t j = 0; j < c_.size; ++j) {
        const auto at = static_cast<size_t>(j);
        const double sum = gate.bias[at] + (before_ ? before_->bias[static_cast<size_t>(gate.slice + j)] : 0.0);
        b.push_back(static_cast<float>(gate.negated ? -sum : sum));
        recurrent.push_back(gate.state_bias.empty() ? 0.0f : static_cast<float>(gate.state_bias[at]));
      }
    b.insert(b.end(), recurrent.begin(), recurrent.end());
    const Dims d{1, static_cast<int64_t>(b.size())};
    return r_.g.add_constant<float>("", d, b.data());
  }
  tenon_value state(tenon_value v) {
    Dims d = r_.g.info(v).dims();
    d.insert(d.begin(), 1);
    const tenon_value wide = r_.emit(scan_, "Unsqueeze", {v, r_.g.add_ints("", {0})});
    r_.g.set_type(wide, dt::f32, d);
    return wide;
  }
  void set_types(tenon_node fused, const Ids& in) {
    const ValueInfo x = r_.g.info(x_);
    const int64_t batch = r_.g.info(in[0]).dim(0), steps = x.dim(static_cast<int32_t>(course_.axis));
    r_.g.set_type(r_.g.output(fused, 0), dt::f32, Dims{steps, 1, batch, c_.size});
    for (uint64_t k = 1; k <= cell_states(); ++k) r_.g.set_type(r_.g.output(fused, k), dt::f32, Dims{1, batch, c_.size});
  }
  /// Without the axis of the one direction.
  tenon_value squeezed(tenon_value v, int64_t axis, tenon_value like) {
    const tenon_value y = r_.emit(scan_, "Squeeze", {v, r_.g.add_ints("", {axis})});
    r_.g.copy_type(y, like);
    return y;
  }
  tenon_value sequence(tenon_value v, tenon_value like) {
    const tenon_value y = squeezed(v, 1, like);
    if (course_.axis == 0) return y;
    r_.g.set_type(y, dt::f32, swapped(r_.g.info(like).dims()));
    return transposed(y);
  }
  void replace(const Ids& out, const std::vector<tenon_value>& results) {
    std::vector<std::pair<tenon_value, std::string>> names;
    for (size_t k = 0; k < out.size(); ++k)
      if (out[k] && r_.g.info(out[k]).is_output()) names.emplace_back(results[k], r_.g.info(out[k]).name());
    r_.g.replace(scan_, results);
    for (const auto& [v, name] : names) ok(api().ir->set_name(r_.g.ctx(), r_.g.raw(), 0, v, str(name)));
  }

  Rewriter& r_;
  tenon_node scan_;
  const Cell& c_;
  const std::optional<Affine>& before_;
  Course course_;
  tenon_value x_;  ///< inputs of all steps, not projected
};

bool has_side_effects(const Graph& g) {
  for (tenon_node n : all_nodes(g)) {
    const tenon_operator* o = api().registry->find_operator(g.op(n));
    if (!o || o->flags & TENON_OF_SIDE_EFFECTS) return true;
  }
  return false;
}

/// Inner graphs give each output once, so copies of one are Identity.
std::vector<tenon_value> outputs_of(const Graph& body) {
  const LinearReader read(body);
  std::vector<tenon_value> out = body.graph_outputs();
  for (tenon_value& v : out)
    while (const tenon_value x = read.under(v, "Identity")) v = x;
  return out;
}

std::optional<Cell> cell_of(const Graph& body, size_t n_states) {
  const Ids in = body.graph_inputs();
  const auto out = outputs_of(body);
  if (in.size() != n_states + 1 || out.size() < n_states || has_side_effects(body)) return std::nullopt;
  const auto states = static_cast<std::ptrdiff_t>(n_states);
  auto c = read_cell(body, {in.begin(), in.begin() + states}, {out.begin(), out.begin() + states}, in[n_states]);
  for (size_t k = n_states; c && k < out.size(); ++k)
    if (out[k] != out[c->hidden_state]) return std::nullopt;
  return c;
}

/// All gates take the step's input from the product before the Scan, or all from products of their own.
bool fits(const Cell& c, const std::optional<Affine>& before) {
  for (const Gate& gate : c.gates) {
    if (before ? gate.slice < 0 || gate.slice + c.size > before->weight.columns : gate.slice >= 0) return false;
    if (gate.input.inner != c.gates[0].input.inner) return false;
  }
  return true;
}

bool fuse(Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  const Ids in = r.g.inputs(n), out = r.g.outputs(n);
  if (a.i("num_scan_inputs") != 1 || !a.graph("body") || in.size() < 2 || in.size() > 3 || out.size() < in.size() - 1) return false;
  const size_t n_states = in.size() - 1;
  for (size_t k = 0; k < in.size(); ++k)
    if (r.g.info(in[k]).type() != dt::f32 || r.g.info(in[k]).rank() != (k < n_states ? 2 : 3)) return false;
  const auto way = course(a, out.size() - n_states);
  if (!way) return false;
  // A state of one row would be repeated for every row of the input.
  const int64_t batch = r.g.info(in.back()).dim(way->axis == 0 ? 1 : 0);
  for (size_t k = 0; k < n_states; ++k)
    if (batch == TENON_DIM_UNKNOWN || r.g.info(in[k]).dim(0) != batch) return false;
  const auto cell = cell_of(Graph(r.g.ctx(), a.graph("body")), n_states);
  if (!cell) return false;
  const auto before = cell->gates[0].slice >= 0 ? LinearReader(r.g).affine(in.back()) : std::nullopt;
  if (!fits(*cell, before)) return false;
  const tenon_value x = before ? before->x : in.back();
  if (r.g.info(x).rank() != 3 || r.g.info(x).type() != dt::f32 || r.g.is_constant(x)) return false;
  const std::vector<tenon_node> nodes = before ? before->nodes : std::vector<tenon_node>();
  for (tenon_node m : nodes)
    if (!r.here(m)) return false;
  Fuser(r, n, *cell, before, *way).fuse();
  for (tenon_node m : nodes) r.drop_node(m);
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Scan"}, fuse, "recurrence"}}).run(); }

}  // namespace

TENON_PASS("fuse-recurrence",
           R"("class":"reassociating","summary":"recognize an LSTM, a GRU or an RNN in a Scan over its cell","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
