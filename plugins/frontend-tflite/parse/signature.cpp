// SPDX-License-Identifier: Apache-2.0
#include "signature.hpp"

#include "text.hpp"

namespace tenon::tflite {
namespace {

using Maps = flatbuffers::Vector<flatbuffers::Offset<fb::TensorMap>>;

std::string key_of(const fb::SignatureDef& s) { return text(s.signature_key()); }

std::string keys(const File& file) {
  std::string r;
  if (file.model->signature_defs())
    for (const auto* s : *file.model->signature_defs()) r += (r.empty() ? "" : ", ") + key_of(*s);
  return r;
}

std::map<int64_t, std::string> names(const Maps* m) {
  std::map<int64_t, std::string> r;
  if (m)
    for (const auto* x : *m)
      if (x->name()) r.emplace(x->tensor_index(), text(x->name()));
  return r;
}

std::string list(const fb::SubGraph& g, const Maps* m) {
  std::string r;
  if (!m) return r;
  for (const auto* x : *m) {
    std::string name = x->name() ? text(x->name()) : "?";
    bool there = g.tensors() && x->tensor_index() < g.tensors()->size();
    r += (r.empty() ? "" : ", ") + name + ": " + (there ? tensor_name(*g.tensors()->Get(x->tensor_index())) : "?");
    if (r.size() > 2000) return r + ", ...";
  }
  return r;
}

// More than one function and no choice: say which one is taken.
void warn_of_others(const Ctx& ctx, const File& file) {
  const auto* s = file.model->signature_defs();
  if (!s || s->size() < 2) return;
  std::string taken = "the first subgraph";
  for (const auto* x : *s)
    if (x->subgraph_index() == 0) taken = "'" + key_of(*x) + "'";
  ctx.warn("the model has the signatures " + keys(file) + "; " + taken + " is imported; option \"signature\" chooses another");
}

}  // namespace

const fb::SubGraph& subgraph(const File& file, int64_t index, const void* at) {
  const auto* all = file.model->subgraphs();
  if (!all || index < 0 || index >= static_cast<int64_t>(all->size()))
    throw file.bad(at, "subgraph " + std::to_string(index) + " is not in the model").with("expected", "fewer than " + std::to_string(all ? all->size() : 0));
  return *all->Get(static_cast<uint32_t>(index));
}

Entry choose_entry(const Ctx& ctx, const File& file, const std::string& wanted) {
  if (wanted.empty()) {
    warn_of_others(ctx, file);
    return {};
  }
  if (file.model->signature_defs())
    for (const auto* s : *file.model->signature_defs())
      if (key_of(*s) == wanted) return {s->subgraph_index(), names(s->inputs()), names(s->outputs())};
  std::string known = keys(file);
  throw Error(TENON_E_CONFIG, "the model has no signature '" + wanted + "'").with("file", file.path).with("expected", known.empty() ? "no signature: the model has none" : "one of " + known);
}

void describe_signatures(const File& file, Graph& g) {
  const auto* all = file.model->signature_defs();
  if (!all || all->size() == 0) return;
  g.set_metadata("signatures", keys(file));
  uint64_t shown = 0;
  for (const auto* s : *all) {
    if (++shown > 64) break;
    const auto& graph = subgraph(file, s->subgraph_index(), s);
    g.set_metadata("signature " + key_of(*s), "(" + list(graph, s->inputs()) + ") -> (" + list(graph, s->outputs()) + ")");
  }
}

}  // namespace tenon::tflite
