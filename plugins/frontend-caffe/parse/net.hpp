// SPDX-License-Identifier: Apache-2.0
// net.hpp - a network in the newest form of the format, whatever form the file has.
#pragma once
#include "message.hpp"

namespace tenon::caffe {

/// A layer: a message of type LayerParameter.
struct LayerProto {
  Message m;
  std::string name() const { return m.text("name"); }
  std::string type() const { return m.text("type"); }
  std::vector<std::string> bottoms() const { return m.texts("bottom"); }
  std::vector<std::string> tops() const { return m.texts("top"); }
};

struct Net {
  std::string name;
  std::vector<LayerProto> layers;  ///< in order; `input` fields have become Input layers at the front
};

/// The parts of the network that belong to a state: phase, level and stages.
struct State {
  std::string phase = "TEST";
  int64_t level = 0;
  std::vector<std::string> stages;
};

/// Brings layers of the forms of 2013 (`layers { layer {} }`) and 2014 (`layers {}`) to the newest one, as Caffe's own upgrade does:
/// padding layers are folded into the convolution or pooling behind them, enum types become names.
Net upgrade(const File& file, Message net);

/// Layers whose include and exclude rules do not fit the state are taken out.
void filter(const File& file, Net& net, const State& state);

}  // namespace tenon::caffe
