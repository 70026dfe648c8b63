// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <algorithm>
#include <iterator>

namespace tenon::caffe {
namespace {

template <size_t N>
bool one_of(std::string_view s, const std::string_view (&all)[N]) {
  return std::find(std::begin(all), std::end(all), s) != std::end(all);
}

}  // namespace

bool is_source(std::string_view type) {
  constexpr std::string_view all[] = {"Input", "Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "AnnotatedData", "VideoData"};
  return one_of(type, all);
}

bool is_evaluation(std::string_view type) {
  constexpr std::string_view all[] = {"Accuracy", "ContrastiveLoss", "EuclideanLoss", "HingeLoss", "MultinomialLogisticLoss", "HDF5Output", "Silence",
                                      "DetectionEvaluate", "MultiBoxLoss", "SmoothL1Loss", "SmoothL1LossOHEM", "SoftmaxWithLossOHEM", "BoxAnnotatorOHEM"};
  return one_of(type, all) || is_prediction_with_loss(type);
}

bool is_prediction_with_loss(std::string_view type) {
  constexpr std::string_view all[] = {"SoftmaxWithLoss", "InfogainLoss", "SigmoidCrossEntropyLoss"};
  return one_of(type, all);
}

}  // namespace tenon::caffe
