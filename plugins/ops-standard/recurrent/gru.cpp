// SPDX-License-Identifier: Apache-2.0
// GRU, gates in the order z, r, h:
//   z = f(Xz + H Rz^T + Rbz), r = f(Xr + H Rr^T + Rbr)
//   h = g(Xh + (r . H) Rh^T + Rbh), or with linear_before_reset g(Xh + r . (H Rh^T + Rbh))
//   H = (1 - z) . h + z . H
#include "recurrent/recurrence.hpp"

namespace tenon::ops {
namespace {

template <class W>
struct GruCell {
  const Direction<W>& d;
  bool linear_before_reset;
  PackedLeft<W> update_reset, candidate;
  std::vector<W> product, reset_state;
  int64_t hidden;

  explicit GruCell(const Direction<W>& dir)
      : d(dir), linear_before_reset(dir.node.i("linear_before_reset") != 0), update_reset(dir.pack_gates(0, 2)), candidate(dir.pack_gates(2, 1)),
        product(static_cast<size_t>(dir.s.batch * dir.width())), reset_state(dir.h.size()), hidden(dir.s.hidden) {}

  /// The reset gate needs this step's input, so it is applied lazily for each row in update().
  void prepare() {
    d.multiply(update_reset, 0, d.h, product);
    if (linear_before_reset) d.multiply(candidate, 2, d.h, product);
  }
  double reset(const W* x, const W* r, int64_t j) const {
    return d.activation[0](d.clipped(static_cast<double>(x[hidden + j]) + r[hidden + j]));
  }
  void update(int64_t b, const W* x, W* h, W*) {
    W* r = product.data() + b * d.width();
    if (!linear_before_reset) multiply_row(x, r, h);
    for (int64_t j = 0; j < hidden; ++j) {
      const double z = d.activation[0](d.clipped(static_cast<double>(x[j]) + r[j]));
      const double part = linear_before_reset ? reset(x, r, j) * r[2 * hidden + j] : r[2 * hidden + j];
      const double next = d.activation[1](d.clipped(x[2 * hidden + j] + part));
      h[j] = static_cast<W>((1 - z) * next + z * h[j]);
    }
  }
  /// Candidate products of one row: (r . H) Rh^T + Rbh.
  void multiply_row(const W* x, W* r, const W* h) {
    for (int64_t j = 0; j < hidden; ++j) reset_state[static_cast<size_t>(j)] = static_cast<W>(reset(x, r, j) * h[j]);
    const W* weights = d.recurrent + 2 * hidden * hidden;
    for (int64_t i = 0; i < hidden; ++i) {
      double sum = d.bias[static_cast<size_t>(2 * hidden + i)];
      for (int64_t k = 0; k < hidden; ++k) sum += static_cast<double>(weights[i * hidden + k]) * reset_state[static_cast<size_t>(k)];
      r[2 * hidden + i] = static_cast<W>(sum);
    }
  }
};

void infer(const Node& node) { infer_recurrent(node, 3, 1); }
void run(const Node& node) { run_recurrent<GruCell>(node, 3, {"Sigmoid", "Tanh"}); }

}  // namespace

TENON_OPERATOR("tenon", "GRU", 1, 0,
               "(X: T(float), W: T, R: T, B?: T, sequence_lens?: i32, initial_h?: T) -> (Y?: T, Y_h?: T) {hidden_size?: int, "
               "direction?: string, activations?: strings, activation_alpha?: floats, activation_beta?: floats, clip?: float, "
               "linear_before_reset?: int, layout?: int}",
               infer, run);
}  // namespace tenon::ops
