// SPDX-License-Identifier: Apache-2.0
// constant.cpp - layers without bottoms.
#include "common.hpp"

namespace tenon::caffe {
namespace {

void lower_parameter(Lower& lower) {
  Layer l(lower, "parameter_param");
  l.arity(0, 0);
  l.to("Identity", {l.blob(0, l.list("shape.dim"))});
}
TENON_LOWERING("caffe", "Parameter", 1, lower_parameter);

/// Entry k of a list with one entry or one for each top.
int64_t entry(const Layer& l, const char* name, size_t k) {
  Ints v = l.list(name);
  if (v.size() != 1 && k >= v.size()) throw invalid("a DummyData layer needs one shape, or one for each top");
  return v[v.size() == 1 ? 0 : k];
}

Dims dummy_dims(const Layer& l, size_t k) {
  if (l.has("num")) return {entry(l, "num", k), entry(l, "channels", k), entry(l, "height", k), entry(l, "width", k)};
  std::string own = "shape." + std::to_string(k) + ".dim";
  return l.list(l.has(own) || l.has("shape.1.dim") ? own : "shape.0.dim");
}

// Only constant fillers: the others are random.
void lower_dummy_data(Lower& lower) {
  Layer l(lower, "dummy_data_param");
  l.arity(0, 0, UINT32_MAX);
  Values tops;
  for (uint64_t k = 0; k < l.tops(); ++k) {
    std::string filler = "data_filler." + std::string(l.has("data_filler.1.type") || l.has("data_filler.1.value") ? std::to_string(k) : "0") + ".";
    std::string type = l.s(filler + "type", "constant");
    if (type != "constant") throw unsupported("a DummyData layer with a filler of type '" + type + "' gives random numbers").with("expected", "constant");
    Dims dims = dummy_dims(l, k);
    int64_t count = 1;
    for (int64_t d : dims)
      if (d < 1 || d > INT32_MAX / count) throw invalid("a DummyData layer has a wrong shape").with("found", text(dims));
      else count *= d;
    tops.push_back(l.emit("Expand", {l.scalar(l.f(filler + "value", 0)), l.ints(dims)}));
  }
  l.done(tops);
}
TENON_LOWERING("caffe", "DummyData", 1, lower_dummy_data);

}  // namespace
}  // namespace tenon::caffe
