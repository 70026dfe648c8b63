// SPDX-License-Identifier: Apache-2.0
// LogSoftmax along one axis.
#include "norm/softmax_rows.hpp"

TENON_OPERATOR("tenon", "LogSoftmax", 1, 0, "(X: T(float)) -> (Y: T) {axis?: int}", tenon::ops::infer_softmax, tenon::ops::run_softmax<true>);
