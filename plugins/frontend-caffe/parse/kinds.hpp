// SPDX-License-Identifier: Apache-2.0
// kinds.hpp - layers that are no computation of the deployed network: sources of data, and what measures or writes results.
#pragma once
#include <string_view>

namespace tenon::caffe {

/// Its tops are inputs of the graph.
bool is_source(std::string_view type);
/// Losses, metrics and writers: dropped, with a mention, unless something reads their results.
bool is_evaluation(std::string_view type);
/// Computes predictions on its way to a loss; the label is dropped and the predictions stay: SoftmaxWithLoss is a Softmax.
bool is_prediction_with_loss(std::string_view type);

}  // namespace tenon::caffe
