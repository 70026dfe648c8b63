// SPDX-License-Identifier: Apache-2.0
// recurrent.cpp - LSTM and RNN as Caffe unrolls them: where the input `cont` is 0 a sequence begins, and the state before it does not count.
// Without exposed states the last state is kept for the next run. Blobs: weights and bias of the input, weights of the static input if
// there is one, weights of the state, and for RNN weights and bias of the output.
#include "common.hpp"

namespace tenon::caffe {
namespace {

/// Builds the body of a scan.
class Body {
  Graph g_;
  tenon_node origin_;

 public:
  Body(const Layer& l, tenon_node origin) : g_(l.graph().ctx(), l.graph().add_subgraph(l.name())), origin_(origin) {}
  tenon_graph* raw() const { return g_.raw(); }
  tenon_value input(const char* name) { return g_.add_input(name, dt::f32, TENON_RANK_UNKNOWN, nullptr); }
  Values emit_n(std::string_view op, const Values& in, const AttrList& attrs, size_t n) {
    Graph::New d;
    d.op = Graph::op(op);
    d.in = in;
    d.attrs = &attrs;
    d.out_names.resize(n);
    d.origins = {origin_};
    return g_.outputs(g_.add(d)).vec();
  }
  tenon_value emit(std::string_view op, const Values& in, const AttrList& attrs = {}) { return emit_n(op, in, attrs, 1)[0]; }
  void outputs(const Values& v) { g_.set_outputs(v); }
};

struct Cell {
  tenon_value c, h;
};

/// One step from gates [i, f, o, g]; `cont` takes the old cell out where a sequence begins.
template <class Emit, class Split>
Cell lstm_unit(const Emit& emit, const Split& split, tenon_value gates, tenon_value c, tenon_value cont) {
  Values p = split(gates);
  tenon_value kept = emit("Mul", {emit("Mul", {emit("Sigmoid", {p[1]}), cont}), c});
  tenon_value now = emit("Add", {kept, emit("Mul", {emit("Sigmoid", {p[0]}), emit("Tanh", {p[3]})})});
  return {now, emit("Mul", {emit("Sigmoid", {p[2]}), emit("Tanh", {now})})};
}

struct Recurrence {
  const Layer& l;
  tenon_node node;
  int64_t hidden, rank;
  uint64_t states;  ///< h, and for LSTM c
  bool exposed, with_static;
  uint64_t next_blob = 0;

  Recurrence(const Layer& layer, tenon_node n, uint64_t number_of_states) : l(layer), node(n), states(number_of_states) {
    hidden = l.at_least("num_output", 1, 0);
    exposed = l.flag("expose_hidden", false);
    l.ignore({"debug_info"});
    uint64_t extra = exposed ? states : 0;
    l.arity(2 + extra, 3 + extra, 1 + extra);
    if (l.tops() != 1 + extra) throw invalid("wrong number of tops").with("expected", std::to_string(1 + extra)).with("found", std::to_string(l.tops()));
    with_static = l.bottoms() == 3 + extra;
    rank = l.rank(l.in(0));
    if (rank < 3) throw invalid("the input of a recurrent layer needs time, batch and features").with("found", text(l.info(l.in(0)).dims()));
  }
  tenon_value static_in() const { return l.in(2); }
  tenon_value state_in(uint64_t k) const { return l.in((with_static ? 3 : 2) + k); }
  tenon_value weights(int64_t rows, int64_t columns) { return l.blob(next_blob++, {rows, columns}, "weight_filler"); }
  tenon_value bias(int64_t n) { return l.blob(next_blob++, {n}, "bias_filler"); }
  static int64_t features(const Layer& l, tenon_value v, int64_t from, int64_t rank) {
    int64_t n = 1;
    for (int64_t k = from; k < rank; ++k) n = l.dim(v, k) < 0 || n < 0 ? -1 : n * l.dim(v, k);
    return n;
  }
  /// W x + b for all steps at once: [T, N, rows].
  tenon_value transform_input(int64_t rows) {
    tenon_value x = l.in(0), w = weights(rows, features(l, x, 2, rank)), b = bias(rows);
    tenon_value flat = l.emit("Reshape", {x, l.ints({-1, l.dim(w, 1)})});
    tenon_value y = l.emit("Gemm", {flat, w, b}, AttrList{}.set("transB", 1));
    y = reshape(l, y, Shape(l).of(x, 0).of(x, 1).number(rows));
    if (!with_static) return y;
    tenon_value s = static_in(), ws = weights(rows, features(l, s, 1, l.rank(s)));
    tenon_value ys = l.emit("Gemm", {l.emit("Reshape", {s, l.ints({-1, l.dim(ws, 1)})}), ws}, AttrList{}.set("transB", 1));
    return l.emit("Add", {y, l.unsqueeze(ys, {0})});
  }
  /// [T, N] as [T, N, 1]
  tenon_value cont() const {
    tenon_value c = l.in(1);
    if (l.rank(c) != 2) throw invalid("cont needs a dimension for time and one for the batch").with("found", text(l.info(c).dims()));
    return l.unsqueeze(c, {2});
  }
  std::string variable(uint64_t k) const { return l.name() + (k ? "/c" : "/h"); }
  /// States before the first step, [N, hidden].
  Values first_states() const {
    Values r;
    tenon_value zeros = exposed ? 0 : l.emit("Expand", {l.scalar(0), Shape(l).of(l.in(0), 1).number(hidden).get()});
    for (uint64_t k = 0; k < states; ++k)
      r.push_back(exposed ? reshape(l, state_in(k), Shape(l).of(state_in(k), 1).number(hidden)) : l.emit("ReadVariable", {zeros}, AttrList{}.set("variable", variable(k))));
    return r;
  }
  /// A node without outputs, which Lower::emit does not make.
  void assign(tenon_value value, tenon_value after, const std::string& name) const {
    AttrList a;
    a.add("variable", name);
    tenon_value in[] = {value, after};
    std::string own = l.name();
    tenon_node_desc d{};
    d.struct_size = sizeof d;
    d.op = Graph::op("AssignVariable");
    d.name = str(own);
    d.in = in;
    d.n_in = 2;
    d.attr = a.data();
    d.n_attr = a.size();
    d.origin = &node;
    d.n_origin = 1;
    d.before = node;
    const tenon_node_desc* list = &d;
    tenon_node made{};
    ok(api().ir->add_nodes(l.graph().ctx(), l.graph().raw(), 1, &list, &made, nullptr));
  }
  void keep(const Values& first, const Values& last) const {
    for (uint64_t k = 0; !exposed && k < states; ++k) assign(last[k], first[k], variable(k));
  }
  void finish(tenon_value top, const Values& last) const {
    Values r{top};
    for (uint64_t k = 0; exposed && k < states; ++k) r.push_back(l.unsqueeze(last[k], {0}));
    l.done(r);
  }
};

AttrList scan_attributes(tenon_graph* body) {
  AttrList a;
  a.add("body", body).add("num_scan_inputs", 2);
  return a;
}

void lower_lstm(Lower& lower) {
  Layer l(lower, "recurrent_param");
  Recurrence r(l, lower.node(), 2);
  tenon_value gates = r.transform_input(4 * r.hidden), w = l.transpose(r.weights(4 * r.hidden, r.hidden), {1, 0});
  Body b(l, lower.node());
  tenon_value h = b.input("h"), c = b.input("c"), x = b.input("x"), cont = b.input("cont");
  auto emit = [&](std::string_view op, const Values& in) { return b.emit(op, in); };
  auto split = [&](tenon_value v) { return b.emit_n("Split", {v}, AttrList{}.set("axis", 1).set("num_outputs", 4), 4); };
  tenon_value all = b.emit("Add", {x, b.emit("MatMul", {b.emit("Mul", {h, cont}), w})});
  Cell now = lstm_unit(emit, split, all, c, cont);
  b.outputs({now.h, now.c, b.emit("Identity", {now.h})});
  Values first = r.first_states();
  Values y = l.emit_n("Scan", {first[0], first[1], gates, r.cont()}, scan_attributes(b.raw()), 3);
  r.keep(first, {y[0], y[1]});
  r.finish(y[2], {y[0], y[1]});
}
TENON_LOWERING("caffe", "LSTM", 1, lower_lstm);

void lower_rnn(Lower& lower) {
  Layer l(lower, "recurrent_param");
  Recurrence r(l, lower.node(), 1);
  tenon_value x_all = r.transform_input(r.hidden), w = l.transpose(r.weights(r.hidden, r.hidden), {1, 0});
  tenon_value wo = r.weights(r.hidden, r.hidden), bo = r.bias(r.hidden);
  Body b(l, lower.node());
  tenon_value h = b.input("h"), x = b.input("x"), cont = b.input("cont");
  tenon_value now = b.emit("Tanh", {b.emit("Add", {x, b.emit("MatMul", {b.emit("Mul", {h, cont}), w})})});
  b.outputs({now, b.emit("Identity", {now})});
  Values first = r.first_states();
  Values y = l.emit_n("Scan", {first[0], x_all, r.cont()}, scan_attributes(b.raw()), 2);
  r.keep(first, {y[0]});
  tenon_value flat = l.emit("Reshape", {y[1], l.ints({-1, r.hidden})});
  tenon_value o = l.emit("Tanh", {l.emit("Gemm", {flat, wo, bo}, AttrList{}.set("transB", 1))});
  r.finish(reshape(l, o, Shape(l).of(l.in(0), 0).of(l.in(0), 1).number(r.hidden)), {y[0]});
}
TENON_LOWERING("caffe", "RNN", 1, lower_rnn);

// Bottoms: c of the step before [1, N, D], gates [1, N, 4 D], cont [1, N]. Tops: c, h.
void lower_lstm_unit(Lower& lower) {
  Layer l(lower);
  l.arity(3, 3, 2);
  auto emit = [&](std::string_view op, const Values& in) { return l.emit(op, in); };
  auto split = [&](tenon_value v) { return l.emit_n("Split", {v}, AttrList{}.set("axis", 2).set("num_outputs", 4), 4); };
  Cell now = lstm_unit(emit, split, l.in(1), l.in(0), l.unsqueeze(l.in(2), {2}));
  Values r{now.c, now.h};
  r.resize(l.tops());
  l.done(r);
}
TENON_LOWERING("caffe", "LSTMUnit", 1, lower_lstm_unit);

}  // namespace
}  // namespace tenon::caffe
