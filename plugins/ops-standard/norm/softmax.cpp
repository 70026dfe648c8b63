// SPDX-License-Identifier: Apache-2.0
// Softmax along one axis.
#include "norm/softmax_rows.hpp"

TENON_OPERATOR("tenon", "Softmax", 1, 0, "(X: T(float)) -> (Y: T) {axis?: int}", tenon::ops::infer_softmax, tenon::ops::run_softmax<false>);
