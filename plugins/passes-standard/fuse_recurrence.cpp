// SPDX-License-Identifier: Apache-2.0
// fuse-recurrence: a Scan whose body is the formula of an LSTM cell becomes an LSTM, with the products of all inputs that stood before it:
//   gates = x W + h R + b, split to four; c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c)
// Cells with peepholes, projections or clipped states are left as they are.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>
#include <array>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

using Matrix = std::vector<double>;

/// v = x * matrix + bias, from MatMul or Gemm, and Add of a constant; the matrix is [inner, columns].
struct Affine {
  tenon_value x = 0;
  Matrix matrix, bias;
  int64_t inner = 0, columns = 0;
  std::vector<tenon_node> nodes;
};

class Reader {
 public:
  explicit Reader(const Graph& g) : g_(g) {}

  bool is(tenon_node n, std::string_view op) const {
    if (!n) return false;
    const auto name = Graph::op_name(g_.op(n));
    return name.domain == "tenon" && name.name == op;
  }
  /// The node of that operator that makes v as its first output.
  tenon_node maker(tenon_value v, std::string_view op) const {
    const tenon_node n = v ? g_.producer(v) : 0;
    return is(n, op) && g_.output(n) == v ? n : 0;
  }
  /// The input of the operator that makes v.
  tenon_value under(tenon_value v, std::string_view op) const {
    const tenon_node n = maker(v, op);
    return n ? g_.input(n, 0) : 0;
  }

  std::optional<Affine> affine(tenon_value v) const {
    if (const tenon_node add = maker(v, "Add"))
      for (uint64_t k : {0u, 1u}) {
        auto a = product(g_.input(add, k));
        const auto b = floats(g_, g_.input(add, 1 - k));
        if (!a || !b || static_cast<int64_t>(b->size()) != a->columns || g_.info(g_.input(add, 1 - k)).dim(-1) != a->columns) continue;
        for (size_t c = 0; c < b->size(); ++c) a->bias[c] += (*b)[c];
        a->nodes.push_back(add);
        return a;
      }
    return product(v);
  }

 private:
  std::optional<Affine> product(tenon_value v) const {
    tenon_node n = maker(v, "Gemm");
    const bool gemm = n != 0;
    if (!gemm) n = maker(v, "MatMul");
    if (!n) return std::nullopt;
    const Attrs at = g_.attrs(n);
    const ValueInfo m = g_.info(g_.input(n, 1));
    auto data = floats(g_, g_.input(n, 1));
    if (!data || m.rank() != 2 || at.i("transA") || at.f("alpha", 1) != 1 || at.f("beta", 1) != 1 || at.has("activation")) return std::nullopt;
    const bool transposed = at.i("transB") != 0;
    Affine a{g_.input(n, 0), {}, {}, m.dim(transposed ? 1 : 0), m.dim(transposed ? 0 : 1), {n}};
    a.matrix.resize(data->size());
    for (int64_t i = 0; i < a.inner; ++i)
      for (int64_t c = 0; c < a.columns; ++c) a.matrix[static_cast<size_t>(i * a.columns + c)] = (*data)[static_cast<size_t>(transposed ? c * a.inner + i : i * a.columns + c)];
    a.bias.assign(static_cast<size_t>(a.columns), 0.0);
    if (!gemm || !g_.input(n, 2)) return a;
    const auto b = floats(g_, g_.input(n, 2));
    if (!b || static_cast<int64_t>(b->size()) != a.columns || g_.info(g_.input(n, 2)).dim(-1) != a.columns) return std::nullopt;
    a.bias = *b;
    return a;
  }
  const Graph& g_;
};

/// One step: which state is which, what is added to the slice, and the place of each gate in the Split.
struct Cell {
  uint64_t hidden_state = 0;
  Affine recurrent;
  std::array<uint32_t, 4> gate{};  ///< of i, o, f, g
  int64_t size = 0;
};

class CellReader {
 public:
  CellReader(const Graph& g, const Graph& body) : g_(g), read_(g), in_(body.graph_inputs()), out_(body.graph_outputs()) {
    // A graph gives each output once, so copies of one are Identity.
    for (tenon_value& v : out_)
      while (const tenon_value x = read_.under(v, "Identity")) v = x;
  }

  std::optional<Cell> cell() {
    if (in_.size() != 3 || out_.size() < 2) return std::nullopt;
    for (uint64_t h : {0u, 1u}) {
      Cell c;
      c.hidden_state = h;
      if (!steps(h, &c)) continue;
      for (size_t k = 2; k < out_.size(); ++k)
        if (out_[k] != out_[h]) return std::nullopt;
      return c;
    }
    return std::nullopt;
  }

 private:
  /// v = f(gate), where the gate is an output of the Split.
  bool gate(tenon_value v, std::string_view f, uint32_t* at) {
    const tenon_value x = read_.under(v, f);
    const ValueInfo i = x ? g_.info(x) : ValueInfo();
    if (!x || !read_.is(i.producer(), "Split") || (split_ && split_ != i.producer())) return false;
    split_ = i.producer();
    *at = i.output_index();
    return true;
  }
  /// n = a * b with `first` true of a and `second` of b, in either order.
  template <class A, class B> bool product(tenon_value v, A&& first, B&& second) {
    const tenon_node n = read_.maker(v, "Mul");
    if (!n) return false;
    for (uint64_t k : {0u, 1u})
      if (first(g_.input(n, k)) && second(g_.input(n, 1 - k))) return true;
    return false;
  }
  bool steps(uint64_t h, Cell* c) {
    split_ = 0;
    const tenon_value cell = out_[1 - h], before = in_[1 - h];
    auto sigmoid = [&](uint32_t* at) { return [this, at](tenon_value v) { return gate(v, "Sigmoid", at); }; };
    if (!product(out_[h], sigmoid(&c->gate[1]), [&](tenon_value v) { return read_.under(v, "Tanh") == cell; })) return false;
    const tenon_node sum = read_.maker(cell, "Add");
    if (!sum) return false;
    bool found = false;
    for (uint64_t k : {0u, 1u})
      found = found || (product(g_.input(sum, k), sigmoid(&c->gate[2]), [&](tenon_value v) { return v == before; }) &&
                        product(g_.input(sum, 1 - k), sigmoid(&c->gate[0]), [&](tenon_value v) { return gate(v, "Tanh", &c->gate[3]); }));
    return found && gates(h, c);
  }
  bool gates(uint64_t h, Cell* c) {
    const Ids parts = g_.outputs(split_);
    const ValueInfo all = g_.info(g_.input(split_, 0));
    if (parts.size() != 4 || all.rank() != 2 || axis_of(g_.attrs(split_).i("axis"), 2) != 1 || all.dim(1) < 4 || all.dim(1) % 4) return false;
    c->size = all.dim(1) / 4;
    for (tenon_value p : parts)
      if (!p || g_.info(p).dim(1) != c->size) return false;
    auto sorted = c->gate;
    std::sort(sorted.begin(), sorted.end());
    if (sorted != std::array<uint32_t, 4>{0, 1, 2, 3}) return false;
    const tenon_node add = read_.maker(g_.input(split_, 0), "Add");
    if (!add) return false;
    for (uint64_t k : {0u, 1u}) {
      auto a = g_.input(add, k) == in_[2] ? read_.affine(g_.input(add, 1 - k)) : std::nullopt;
      if (!a || a->x != in_[h] || a->inner != c->size || a->columns != 4 * c->size) continue;
      c->recurrent = std::move(*a);
      return true;
    }
    return false;
  }

  const Graph& g_;
  Reader read_;
  Ids in_, out_;
  tenon_node split_ = 0;
};

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

class Fuser {
 public:
  Fuser(Rewriter& r, tenon_node scan, const Cell& cell, const Affine& input, Course course) : r_(r), scan_(scan), c_(cell), x_(input), course_(course) {}

  void fuse() {
    const Ids in = r_.g.inputs(scan_), out = r_.g.outputs(scan_);
    AttrList attrs;
    attrs.add("hidden_size", c_.size).add("direction", course_.backwards ? "reverse" : "forward");
    Graph::New d;
    d.op = Graph::op("LSTM");
    d.in = {steps_first(x_.x), weights(x_), weights(c_.recurrent), biases(), 0, state(in[c_.hidden_state]), state(in[1 - c_.hidden_state])};
    d.attrs = &attrs;
    d.origins = x_.nodes;
    d.origins.push_back(scan_);
    d.before = scan_;
    d.name = std::string(r_.g.name(scan_));
    d.out_names.resize(3);
    const tenon_node lstm = r_.g.add(d);
    set_types(lstm, in);
    std::vector<tenon_value> results(out.size(), 0);
    for (size_t k = 0; k < out.size(); ++k)
      if (out[k]) results[k] = k >= 2 ? sequence(r_.g.output(lstm, 0), out[k]) : squeezed(r_.g.output(lstm, k == c_.hidden_state ? 1 : 2), 0, out[k]);
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
  /// Rows of the gates i, o, f, g: [1, 4 * size, inner].
  tenon_value weights(const Affine& a) {
    std::vector<float> w;
    for (uint32_t gate : c_.gate)
      for (int64_t j = 0; j < c_.size; ++j)
        for (int64_t i = 0; i < a.inner; ++i) w.push_back(static_cast<float>(a.matrix[static_cast<size_t>(i * a.columns + gate * c_.size + j)]));
    const Dims d{1, 4 * c_.size, a.inner};
    return r_.g.add_constant<float>("", d, w.data());
  }
  tenon_value biases() {
    std::vector<float> b;
    for (const Affine* a : {&x_, &c_.recurrent})
      for (uint32_t gate : c_.gate)
        for (int64_t j = 0; j < c_.size; ++j) b.push_back(static_cast<float>(a->bias[static_cast<size_t>(gate * c_.size + j)]));
    const Dims d{1, 8 * c_.size};
    return r_.g.add_constant<float>("", d, b.data());
  }
  tenon_value state(tenon_value v) {
    Dims d = r_.g.info(v).dims();
    d.insert(d.begin(), 1);
    const tenon_value wide = r_.emit(scan_, "Unsqueeze", {v, r_.g.add_ints("", {0})});
    r_.g.set_type(wide, dt::f32, d);
    return wide;
  }
  void set_types(tenon_node lstm, const Ids& in) {
    const ValueInfo x = r_.g.info(x_.x);
    const int64_t batch = r_.g.info(in[0]).dim(0), steps = x.dim(static_cast<int32_t>(course_.axis));
    r_.g.set_type(r_.g.output(lstm, 0), dt::f32, Dims{steps, 1, batch, c_.size});
    for (uint64_t k : {1u, 2u}) r_.g.set_type(r_.g.output(lstm, k), dt::f32, Dims{1, batch, c_.size});
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
  const Affine& x_;
  Course course_;
};

bool lstm(Rewriter& r, tenon_node n) {
  const Attrs a = r.g.attrs(n);
  const Ids in = r.g.inputs(n), out = r.g.outputs(n);
  if (in.size() != 3 || a.i("num_scan_inputs") != 1 || !a.graph("body")) return false;
  for (tenon_value v : in)
    if (r.g.info(v).type() != dt::f32) return false;
  if (r.g.info(in[0]).rank() != 2 || r.g.info(in[1]).rank() != 2 || r.g.info(in[2]).rank() != 3) return false;
  const auto way = course(a, out.size() - 2);
  const auto cell = CellReader(r.g, Graph(r.g.ctx(), a.graph("body"))).cell();
  if (!way || !cell) return false;
  const auto input = Reader(r.g).affine(in[2]);
  if (!input || input->columns != 4 * cell->size || r.g.info(input->x).rank() != 3 || r.g.is_constant(input->x)) return false;
  for (tenon_node m : input->nodes)
    if (!r.here(m)) return false;
  Fuser(r, n, *cell, *input, *way).fuse();
  for (tenon_node m : input->nodes) r.drop_node(m);
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Scan"}, lstm, "lstm"}}).run(); }

}  // namespace

TENON_PASS("fuse-recurrence",
           R"("class":"reassociating","summary":"recognize an LSTM in a Scan over its cell","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
