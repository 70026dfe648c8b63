// SPDX-License-Identifier: Apache-2.0
#include "complex.hpp"

#include <tenon/walk.hpp>

#include <algorithm>

namespace tenon::to_onnx {
namespace {

bool is_complex(const Graph& g, tenon_value v) { return v && g.info(v).type().code == TENON_DT_COMPLEX; }

/// A value that complex numbers pass through without being an input, an output or a constant.
bool inner(const Graph& g, tenon_value v) {
  const ValueInfo i = g.info(v);
  return i.producer() && !i.is_output();
}

bool understood(const Graph& g, tenon_node n) {
  const tenon_value x = g.input(n, 0), y = g.output(n);
  if (g.op(n) == Graph::op("BitCast")) {
    const tenon_dtype a = g.info(x).type(), b = g.info(y).type();
    return a.code == TENON_DT_COMPLEX ? inner(g, x) && b.bits * 2 == a.bits : inner(g, y) && a.bits * 2 == b.bits;
  }
  std::vector<int64_t> shape;
  return g.op(n) == Graph::op("Reshape") && inner(g, x) && inner(g, y) && g.constant_ints(g.input(n, 1), &shape);
}

void reshape_pairs(Graph& g, tenon_node n) {
  std::vector<int64_t> shape;
  g.constant_ints(g.input(n, 1), &shape);
  shape.push_back(2);
  g.set_inputs(n, {g.input(n, 0), g.add_ints("", shape)});
  const tenon_value y = g.output(n);
  ValueInfo i = g.info(y);
  tenon_dtype t = i.type();
  t.code = TENON_DT_FLOAT;
  t.bits /= 2;
  if (i.rank() < 0) return ok(api().ir->set_type(g.ctx(), g.raw(), y, t, TENON_RANK_UNKNOWN, nullptr));
  Dims d = i.dims().vec();
  d.push_back(2);
  g.set_type(y, t, d);
}

}  // namespace

void complex_to_pairs(Graph& g) {
  std::vector<tenon_node> touching;
  for (tenon_node n : all_nodes(g)) {
    bool any = false;
    for (tenon_value v : g.inputs(n)) any = any || is_complex(g, v);
    for (tenon_value v : g.outputs(n)) any = any || is_complex(g, v);
    if (any) touching.push_back(n);
  }
  if (!std::all_of(touching.begin(), touching.end(), [&](tenon_node n) { return understood(g, n); })) return;
  for (tenon_node n : touching) {
    Graph here(g.ctx(), g.graph_of(n));
    if (g.op(n) == Graph::op("Reshape")) reshape_pairs(here, n);
    else if (!g.info(g.output(n)).is_output()) here.replace(n, {g.input(n, 0)});
    else {
      const AttrList none = std::move(AttrList().remove("to"));
      here.set_attrs(n, none);
      here.set_op(n, Graph::op("Identity"));
    }
  }
}

}  // namespace tenon::to_onnx
