// SPDX-License-Identifier: Apache-2.0
// recurrence.hpp - what LSTM, GRU and RNN share: shapes, directions, layouts, sequence lengths and the walk through time.
// A cell only says how one row of gates becomes the next state.
#pragma once
#include "common/gemm.hpp"
#include "recurrent/gate_activation.hpp"

namespace tenon::ops {

enum RecurrentInput : uint32_t { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kP };

inline int64_t direction_count(const Node& node) {
  const std::string d = node.s("direction", "forward");
  if (d == "forward" || d == "reverse") return 1;
  if (d == "bidirectional") return 2;
  throw invalid("direction is not known").with("expected", "forward, reverse or bidirectional").with("found", d);
}

inline void expect_dims(const Node& node, uint32_t k, const Dims& want, const char* what) {
  if (!node.has_in(k) || !node.in(k).has_rank()) return;
  expect_rank(node.in(k), static_cast<int32_t>(want.size()), what);
  for (size_t i = 0; i < want.size(); ++i) same_dim(want[i], node.in(k).dim(static_cast<int32_t>(i)), what);
}

inline void infer_recurrent(const Node& node, int64_t gates, uint32_t states) {
  const Tensor x = node.in(kX), w = node.in(kW), r = node.in(kR);
  expect_rank(x, 3, "the input");
  expect_rank(w, 3, "the input weights");
  expect_rank(r, 3, "the recurrent weights");
  const bool batch_first = node.i("layout") != 0;
  const int64_t directions = direction_count(node);
  int64_t hidden = node.has("hidden_size") ? node.i("hidden_size") : kUnknown;
  if (r.has_rank()) {
    hidden = same_dim(hidden, r.dim(2), "hidden_size and the recurrent weights' last dimension");
    same_dim(directions, r.dim(0), "directions and the recurrent weights' first dimension");
    if (hidden >= 0) same_dim(gates * hidden, r.dim(1), "gates times hidden_size and the recurrent weights");
  }
  if (w.has_rank()) {
    same_dim(directions, w.dim(0), "directions and the input weights' first dimension");
    if (hidden >= 0) same_dim(gates * hidden, w.dim(1), "gates times hidden_size and the input weights");
    if (x.has_rank()) same_dim(x.dim(2), w.dim(2), "size of the input and of the input weights");
  }
  const int64_t steps = x.has_rank() ? x.dim(batch_first ? 1 : 0) : kUnknown, batch = x.has_rank() ? x.dim(batch_first ? 0 : 1) : kUnknown;
  const Dims state = batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  expect_dims(node, kB, {directions, hidden >= 0 ? 2 * gates * hidden : kUnknown}, "dimensions of the bias and those that follow from the other inputs");
  expect_dims(node, kInitialH, state, "dimensions of the initial state and those that follow from the other inputs");
  expect_dims(node, kInitialC, state, "dimensions of the initial cell state and those that follow from the other inputs");
  expect_dims(node, kP, {directions, hidden >= 0 ? 3 * hidden : kUnknown}, "dimensions of the peepholes and those that follow from the other inputs");
  node.set_out(0, x.type(), batch_first ? Dims{batch, steps, directions, hidden} : Dims{steps, directions, batch, hidden});
  for (uint32_t k = 1; k <= states; ++k)
    node.set_out(k, x.type(), state);
}

struct RecurrentShape {
  bool batch_first, first_is_reverse;
  int64_t directions, steps, batch, input, hidden;
  std::vector<int64_t> lengths;
  explicit RecurrentShape(const Node& node)
      : batch_first(node.i("layout") != 0), first_is_reverse(node.s("direction") == "reverse"), directions(direction_count(node)),
        steps(node.in(kX).dim(batch_first ? 1 : 0)), batch(node.in(kX).dim(batch_first ? 0 : 1)), input(node.in(kX).dim(2)),
        hidden(node.in(kR).dim(2)), lengths(static_cast<size_t>(batch), steps) {
    if (!node.has_in(kLengths)) return;
    lengths = node.in(kLengths).ints();
    if (lengths.size() != static_cast<size_t>(batch)) fail("sequence_lens has a wrong length", std::to_string(batch), std::to_string(lengths.size()));
    for (int64_t n : lengths)
      if (n < 0 || n > steps) fail("a sequence length is out of range", "0 to " + std::to_string(steps), std::to_string(n));
  }
  bool reverse(int64_t direction) const { return direction == 1 || first_is_reverse; }
  int64_t x_row(int64_t t, int64_t b) const { return batch_first ? b * steps + t : t * batch + b; }
  int64_t state_row(int64_t d, int64_t b) const { return batch_first ? b * directions + d : d * batch + b; }
  int64_t y_row(int64_t t, int64_t d, int64_t b) const {
    return batch_first ? (b * steps + t) * directions + d : (t * directions + d) * batch + b;
  }
};

/// One direction: weights packed once, the input's part of all gates computed for all steps at once.
template <class W>
struct Direction {
  const Node& node;
  const RecurrentShape& s;
  int64_t index, gates;
  std::vector<W> from_input;      ///< [rows of x][gates * hidden], input bias included
  std::vector<W> bias;            ///< recurrent bias [gates * hidden]
  std::vector<W> h, c;            ///< states [batch][hidden]
  const W* recurrent;             ///< [gates * hidden][hidden]
  const W* peepholes = nullptr;   ///< [3 * hidden]
  const GateActivation* activation = nullptr;
  double clip = 0;

  int64_t width() const { return gates * s.hidden; }
  double clipped(double x) const { return clip > 0 ? std::min(std::max(x, -clip), clip) : x; }

  PackedLeft<W> pack_gates(int64_t first, int64_t count) const {
    const W* r = recurrent + first * s.hidden * s.hidden;
    return PackedLeft<W>(count * s.hidden, s.hidden, [&](int64_t i, int64_t k) { return r[i * s.hidden + k]; });
  }
  /// to[b][first * hidden ...] = packed gates times state(b) plus their recurrent bias.
  void multiply(const PackedLeft<W>& packed, int64_t first, const std::vector<W>& state, std::vector<W>& to) const {
    gemm(node, packed, s.batch,
         [&](int64_t k, int64_t b0, int64_t count, W* out) {
           for (int64_t b = 0; b < count; ++b) out[b] = state[static_cast<size_t>((b0 + b) * s.hidden + k)];
         },
         [&](int64_t i, int64_t b0, int64_t count, double* sums) {
           const int64_t column = first * s.hidden + i;
           for (int64_t b = 0; b < count; ++b)
             to[static_cast<size_t>((b0 + b) * width() + column)] = static_cast<W>(sums[b] + bias[static_cast<size_t>(column)]);
         });
  }
};

template <class W>
void project_input(Direction<W>& d, const W* x, const W* weights, const W* bias) {
  const RecurrentShape& s = d.s;
  const int64_t rows = s.steps * s.batch, width = d.width();
  d.from_input.resize(static_cast<size_t>(rows * width));
  const PackedLeft<W> packed(width, s.input, [&](int64_t i, int64_t k) { return weights[i * s.input + k]; });
  gemm(d.node, packed, rows,
       [&](int64_t k, int64_t r0, int64_t count, W* to) {
         for (int64_t r = 0; r < count; ++r) to[r] = x[(r0 + r) * s.input + k];
       },
       [&](int64_t i, int64_t r0, int64_t count, double* sums) {
         for (int64_t r = 0; r < count; ++r)
           d.from_input[static_cast<size_t>((r0 + r) * width + i)] = static_cast<W>(sums[r] + (bias ? bias[i] : W(0)));
       });
}

/// Runs all directions. Cell<W>: constructed from a Direction<W>; prepare() once a step computes products with the states;
/// update(b, gates, h, c) turns the input's gates of one row into the next states in place.
template <template <class> class Cell>
void run_recurrent(const Node& node, int64_t gates, const std::vector<std::string>& default_activations) {
  const RecurrentShape s(node);
  const auto activations = read_gate_activations(node, s.directions, default_activations);
  visit_real_work(node.in(kX).type(), [&]<class W>(Tag<W>) {
    const Operand<W> x(node.in(kX)), w(node.in(kW)), r(node.in(kR)), b(node.in(kB)), h0(node.in(kInitialH)), c0(node.in(kInitialC)), p(node.in(kP));
    Result<W> y(node.out(0)), last_h(node.out(1)), last_c(node.out(2));
    for (int64_t dir = 0; dir < s.directions; ++dir) {
      const int64_t width = gates * s.hidden;
      Direction<W> d{node, s, dir, gates, {}, std::vector<W>(static_cast<size_t>(width)), {}, {}, r.data() + dir * width * s.hidden};
      if (b) std::copy_n(b.data() + (2 * dir + 1) * width, width, d.bias.data());
      if (p) d.peepholes = p.data() + dir * 3 * s.hidden;
      d.activation = activations.data() + static_cast<size_t>(dir) * default_activations.size();
      d.clip = node.f("clip", 0);
      d.h.assign(static_cast<size_t>(s.batch * s.hidden), W(0));
      d.c = d.h;
      for (int64_t i = 0; i < s.batch; ++i) {
        if (h0) std::copy_n(h0.data() + s.state_row(dir, i) * s.hidden, s.hidden, d.h.data() + i * s.hidden);
        if (c0) std::copy_n(c0.data() + s.state_row(dir, i) * s.hidden, s.hidden, d.c.data() + i * s.hidden);
      }
      project_input(d, x.data(), w.data() + dir * width * s.input, b ? b.data() + 2 * dir * width : nullptr);
      Cell<W> cell(d);
      for (int64_t t = 0; t < s.steps; ++t) {
        cell.prepare();
        for (int64_t i = 0; i < s.batch; ++i) {
          const int64_t length = s.lengths[static_cast<size_t>(i)], at = s.reverse(dir) && t < length ? length - 1 - t : t;
          W* h = d.h.data() + i * s.hidden;
          if (t < length) cell.update(i, d.from_input.data() + s.x_row(at, i) * width, h, d.c.data() + i * s.hidden);
          if (!y) continue;
          W* out = y.data() + s.y_row(at, dir, i) * s.hidden;
          if (t < length) std::copy_n(h, s.hidden, out);
          else std::fill_n(out, s.hidden, W(0));
        }
      }
      for (int64_t i = 0; i < s.batch; ++i) {
        if (last_h) std::copy_n(d.h.data() + i * s.hidden, s.hidden, last_h.data() + s.state_row(dir, i) * s.hidden);
        if (last_c) std::copy_n(d.c.data() + i * s.hidden, s.hidden, last_c.data() + s.state_row(dir, i) * s.hidden);
      }
    }
    y.commit();
    last_h.commit();
    last_c.commit();
  });
}

}  // namespace tenon::ops
