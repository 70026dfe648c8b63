// SPDX-License-Identifier: Apache-2.0
#include "blobs.hpp"

#include <unordered_set>

#include "blob.hpp"

namespace tenon::caffe {
namespace {

bool has_blobs(const LayerProto& l) {
  const auto* b = l.m.messages("blobs");
  return b && !b->empty();
}

}  // namespace

Blobs::Blobs(const Ctx& ctx, tenon_graph* g, const File& file, const Weights* weights) : ctx_(ctx), graph_(ctx.raw(), g), file_(file), weights_(weights) {
  if (!weights) return;
  for (const auto& l : weights->net.layers)
    if (has_blobs(l)) by_name_[l.name()] = &l;
}

const LayerProto* Blobs::stored(const LayerProto& l) const {
  auto at = by_name_.find(l.name());
  if (at != by_name_.end()) return at->second;
  return has_blobs(l) ? &l : nullptr;
}

// Two layers of the network may have the same name and so the same blobs.
Blobs::List Blobs::own(const LayerProto& l) {
  const LayerProto* from = stored(l);
  if (!from) return {};
  if (auto at = done_.find(from); at != done_.end()) return at->second;
  List r;
  const File& file = from == &l ? file_ : weights_->file;
  for (const auto& m : *from->m.messages("blobs")) {
    Blob b = read_blob(ctx_, file, m, l.name());
    r.push_back(graph_.add_constant(l.name() + "." + std::to_string(r.size()), dt::f32, b.dims, b.buffer, b.offset));
  }
  return done_[from] = r;
}

Blobs::List Blobs::of(const LayerProto& l) {
  List r = own(l);
  const auto* params = l.m.messages("param");
  for (size_t k = 0; params && k < params->size(); ++k) {
    std::string name = (*params)[k].text("name");
    if (name.empty()) continue;
    auto at = shared_.find(name);
    if (at == shared_.end()) {
      if (k < r.size()) shared_[name] = r[k];
      continue;
    }
    if (k > r.size()) throw invalid("blob " + std::to_string(k) + " of a layer is shared, but those before it are missing").with("node", l.name());
    if (k == r.size()) r.push_back(at->second);
    else r[k] = at->second;
  }
  return r;
}

void Blobs::report(const Net& net) const {
  std::unordered_set<std::string> names;
  for (const auto& l : net.layers) names.insert(l.name());
  std::string list;
  size_t n = 0;
  for (const auto& [name, l] : by_name_)
    if (!names.count(name) && n++ < 8) list += (list.empty() ? "" : ", ") + name;
  if (n) ctx_.log(2, std::to_string(n) + " layers of the weights are not in the network: " + list);
}

}  // namespace tenon::caffe
