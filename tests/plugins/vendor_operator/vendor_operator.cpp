// SPDX-License-Identifier: Apache-2.0
// A vendor's operator: com.acme::ScaledTanh, y = scale * tanh(x). Its definition with reference kernel, the lowering of the
// node of that name in a model file, and a kernel for the CPU backend. No standard code knows it.
#include <tenon/tenon.hpp>

#include <cmath>

namespace {

using namespace tenon;

void infer(const Node& n) { n.set_out_like(0); }

void run(const Node& n) {
  const float* x = n.in(0).data<float>();
  float* y = n.out(0).mutable_data<float>();
  const auto scale = static_cast<float>(n.f("scale", 1.0));
  for (int64_t i = 0; i < n.in(0).count(); ++i) y[i] = scale * std::tanh(x[i]);
}
TENON_OPERATOR("acme", "ScaledTanh", 1, TENON_OF_IN_PLACE, "(X: f32) -> (Y: f32) {scale?: float}", infer, run);

void lower(Lower& l) {
  Graph::New d;
  AttrList attrs;
  attrs.add("scale", l.f("scale", 1.0));
  d.op = Graph::op("acme", "ScaledTanh", 1);
  d.in = {l.in(0)};
  d.attrs = &attrs;
  d.origins = {l.node()};
  d.before = l.node();
  l.done({l.graph().output(l.graph().add(d))});
}
TENON_LOWERING("com.acme", "ScaledTanh", 1, lower);

int32_t match(const Node& n) { return n.in(0).type() == dt::f32 ? 1 : -1; }

// The same in the executor's threads.
void run_cpu(const Node& n) {
  const float* x = n.in(0).data<float>();
  float* y = n.out(0).mutable_data<float>();
  const auto scale = static_cast<float>(n.f("scale", 1.0));
  n.parallel_for(n.in(0).count(), 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = scale * std::tanh(x[i]);
  });
}
TENON_KERNEL("acme/scaled-tanh", "cpu", "acme", "ScaledTanh", 1, match, run_cpu);

}  // namespace

TENON_PLUGIN(R"("id":"acme.operators","version":"1.0.0","vendor":"Acme","license":"Apache-2.0")");
