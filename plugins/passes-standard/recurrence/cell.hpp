// SPDX-License-Identifier: Apache-2.0
// cell.hpp - one step of an LSTM, a GRU or an RNN, read from the graph that computes the next states.
#pragma once
#include <array>
#include <string>

#include "recurrence/linear.hpp"

namespace tenon::passes {

/// What goes into a gate before its activation: the step's input, or columns of it, and the hidden state, each times a matrix, and a bias.
struct Gate {
  int64_t columns = 0;
  Weight input;                     ///< on the step's input
  int64_t slice = -1;               ///< or the step's input itself, from this column on
  Weight recurrent;                 ///< on `state`
  tenon_value state = 0;
  std::vector<double> bias;
  std::vector<double> state_bias;   ///< of a candidate whose product is reset: a part of the recurrent side
  bool negated = false;             ///< its activation is used as 1 - activation, and sigmoid(-x) = 1 - sigmoid(x)
};

struct Cell {
  std::string op;             ///< LSTM, GRU or RNN
  std::vector<Gate> gates;    ///< in the order of the operator: i, o, f, c; z, r, h; one
  uint64_t hidden_state = 0;  ///< which of the states it is
  int64_t size = 0;
  std::string activation;     ///< of an RNN
  bool linear_before_reset = false;
};

/// `states` before the step, `next` after it, in the same order; `x` is the step's input. All of rank 2 and f32.
std::optional<Cell> read_cell(const Graph& g, const std::vector<tenon_value>& states, const std::vector<tenon_value>& next, tenon_value x);

}  // namespace tenon::passes
