// SPDX-License-Identifier: Apache-2.0
// RNN: H = f(X W^T + H R^T + Wb + Rb).
#include "recurrent/recurrence.hpp"

namespace tenon::ops {
namespace {

template <class W>
struct RnnCell {
  const Direction<W>& d;
  PackedLeft<W> packed;
  std::vector<W> product;
  explicit RnnCell(const Direction<W>& dir) : d(dir), packed(dir.pack_gates(0, 1)), product(static_cast<size_t>(dir.s.batch * dir.width())) {}
  void prepare() { d.multiply(packed, 0, d.h, product); }
  void update(int64_t b, const W* x, W* h, W*) const {
    const W* r = product.data() + b * d.width();
    for (int64_t j = 0; j < d.s.hidden; ++j) h[j] = static_cast<W>(d.activation[0](d.clipped(static_cast<double>(x[j]) + r[j])));
  }
};

void infer(const Node& node) { infer_recurrent(node, 1, 1); }
void run(const Node& node) { run_recurrent<RnnCell>(node, 1, {"Tanh"}); }

}  // namespace

TENON_OPERATOR("tenon", "RNN", 1, 0,
               "(X: T(float), W: T, R: T, B?: T, sequence_lens?: i32, initial_h?: T) -> (Y?: T, Y_h?: T) {hidden_size?: int, "
               "direction?: string, activations?: strings, activation_alpha?: floats, activation_beta?: floats, clip?: float, layout?: int}",
               infer, run);
}  // namespace tenon::ops
