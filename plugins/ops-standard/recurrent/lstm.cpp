// SPDX-License-Identifier: Apache-2.0
// LSTM, gates in the order i, o, f, c; peepholes P in the order i, o, f:
//   i = f(Xi + H Ri^T + Pi . C), f = f(Xf + H Rf^T + Pf . C) or 1 - i with input_forget, c = g(Xc + H Rc^T)
//   C = f . C + i . c, o = f(Xo + H Ro^T + Po . C), H = o . h(C)
#include "recurrent/recurrence.hpp"

namespace tenon::ops {
namespace {

template <class W>
struct LstmCell {
  const Direction<W>& d;
  bool coupled;
  PackedLeft<W> packed;
  std::vector<W> product;

  explicit LstmCell(const Direction<W>& dir)
      : d(dir), coupled(dir.node.i("input_forget") != 0), packed(dir.pack_gates(0, 4)), product(static_cast<size_t>(dir.s.batch * dir.width())) {}
  void prepare() { d.multiply(packed, 0, d.h, product); }
  void update(int64_t b, const W* x, W* h, W* c) const {
    const W* r = product.data() + b * d.width();
    const int64_t n = d.s.hidden;
    auto gate = [&](int64_t g, int64_t j) { return static_cast<double>(x[g * n + j]) + r[g * n + j]; };
    auto peep = [&](int64_t g, int64_t j, double cell) { return d.peepholes ? d.peepholes[g * n + j] * cell : 0.0; };
    const GateActivation &f = d.activation[0], &g = d.activation[1], &output = d.activation[2];
    for (int64_t j = 0; j < n; ++j) {
      const double in = f(d.clipped(gate(0, j) + peep(0, j, c[j])));
      const double forget = coupled ? 1 - in : f(d.clipped(gate(2, j) + peep(2, j, c[j])));
      const double cell = forget * c[j] + in * g(d.clipped(gate(3, j)));
      const double out = f(d.clipped(gate(1, j) + peep(1, j, cell)));
      c[j] = static_cast<W>(cell);
      h[j] = static_cast<W>(out * output(cell));
    }
  }
};

void infer(const Node& node) { infer_recurrent(node, 4, 2); }
void run(const Node& node) { run_recurrent<LstmCell>(node, 4, {"Sigmoid", "Tanh", "Tanh"}); }

}  // namespace

TENON_OPERATOR("tenon", "LSTM", 1, 0,
               "(X: T(float), W: T, R: T, B?: T, sequence_lens?: i32, initial_h?: T, initial_c?: T, P?: T) -> (Y?: T, Y_h?: T, Y_c?: T) "
               "{hidden_size?: int, direction?: string, activations?: strings, activation_alpha?: floats, activation_beta?: floats, "
               "clip?: float, input_forget?: int, layout?: int}",
               infer, run);
}  // namespace tenon::ops
