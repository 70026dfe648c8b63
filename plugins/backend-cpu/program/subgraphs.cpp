// SPDX-License-Identifier: Apache-2.0
#include "subgraphs.hpp"

#include <algorithm>
#include <tenon/graph.hpp>

#include "program.hpp"

namespace tenon::cpu {
namespace {

/// Every nested graph among a node's attributes, in order.
std::vector<tenon_graph*> graphs_of(const Attrs& attrs) {
  std::vector<tenon_graph*> r;
  for (const auto& a : attrs.all()) {
    if (a.type == TENON_AT_GRAPH) r.push_back(a.v.graph);
    if (a.type == TENON_AT_GRAPHS) r.insert(r.end(), a.v.graphs, a.v.graphs + a.count);
  }
  return r;
}

std::vector<tenon_value> captures_of(tenon_ctx* c, tenon_graph* g) {
  const tenon_value* v{};
  uint64_t n{};
  ok(api().ir->captures(c, g, &v, &n));
  return {v, v + n};
}

}  // namespace

Subgraphs::Subgraphs(tenon_graph* owner, tenon_node holder, int threads) : owner_(owner), holder_(holder), threads_(threads) {}
Subgraphs::~Subgraphs() = default;

std::vector<tenon_value> Subgraphs::captured(tenon_ctx* c) const {
  std::vector<tenon_value> r;
  for (auto g : graphs_of(Graph(c, owner_).attrs(holder_)))
    for (auto v : captures_of(c, g))
      if (std::find(r.begin(), r.end(), v) == r.end()) r.push_back(v);
  return r;
}

std::vector<const Program*> Subgraphs::programs(tenon_ctx* c) const {
  std::vector<const Program*> r;
  for (auto g : graphs_of(Graph(c, owner_).attrs(holder_)))
    if (auto it = bodies_.find(g); it != bodies_.end()) r.push_back(it->second.program.get());
  return r;
}

void Subgraphs::begin(const Run& r) { now_ = r; }

std::unique_ptr<Program> Subgraphs::extract(tenon_ctx* c, tenon_graph* g, const std::vector<tenon_value>& captured) const {
  const auto here = graphs_of(Graph(c, owner_).attrs(holder_));
  const auto index = static_cast<size_t>(std::find(here.begin(), here.end(), g) - here.begin());
  if (index == here.size()) throw Error(TENON_E_INTERNAL, "a nested graph was called that its node does not hold");
  tenon_graph* raw{};
  ok(api().exec->clone(c, owner_, &raw));
  OwnedGraph copy(raw);
  Graph main(c, raw);
  tenon_graph* nested = graphs_of(main.attrs(holder_)).at(index);
  const std::vector<tenon_node> outer = main.nodes();
  const auto skip = static_cast<uint32_t>(main.graph_inputs().size());

  std::vector<tenon_value> body_inputs = Graph(c, nested).graph_inputs().vec();
  std::vector<tenon_value> in;
  auto add_input = [&](tenon_value like) {
    ValueInfo i = main.info(like);
    Dims dims = i.dims().vec();
    return main.add_input(std::string(i.name()), i.type(), i.rank(), dims.data());
  };
  for (auto v : body_inputs) in.push_back(add_input(v));
  for (auto v : captured) {
    const tenon_value input = add_input(v);
    main.replace_uses(v, input);
  }
  std::vector<tenon_value> outs(Graph(c, nested).graph_outputs().size());
  ok(api().ir->inline_graph(c, raw, nested, holder_, in.data(), in.size(), outs.data(), outs.size()));
  main.set_outputs(outs);
  for (size_t i = outer.size(); i-- > 0;) main.erase(outer[i]);
  return std::make_unique<Program>(c, std::move(copy), threads_, skip);
}

Subgraphs::Body& Subgraphs::body(tenon_ctx* c, tenon_graph* g) {
  auto it = bodies_.find(g);
  if (it != bodies_.end()) return it->second;
  Body b;
  b.captured = captures_of(c, g);
  b.program = extract(c, g, b.captured);
  return bodies_.emplace(g, std::move(b)).first->second;
}

tenon_error* TENON_CALL Subgraphs::call(void* user, tenon_ctx* c, tenon_graph* g, const tenon_tensor* const* in, uint32_t n_in,
                                        const tenon_tensor* const** out, uint32_t* n_out) TENON_NX {
  auto* self = static_cast<Subgraphs*>(user);
  return guard(c, [&] {
    Body& b = self->body(c, g);
    b.args.assign(in, in + n_in);
    for (auto v : b.captured) {
      auto it = self->outer_.find(v);
      if (it == self->outer_.end()) throw Error(TENON_E_INTERNAL, "a nested graph uses an outer value that the plan does not hold");
      b.args.push_back(self->now_.current[it->second]);
    }
    const auto& results = b.program->run(c, b.args.data(), static_cast<uint32_t>(b.args.size()));
    *out = results.data();
    *n_out = static_cast<uint32_t>(results.size());
  });
}

}  // namespace tenon::cpu
