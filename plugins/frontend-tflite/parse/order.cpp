// SPDX-License-Identifier: Apache-2.0
#include "order.hpp"

#include <queue>
#include <unordered_map>

namespace tenon::tflite {

std::vector<uint32_t> run_order(const File& file, const fb::SubGraph& g) {
  std::vector<uint32_t> order;
  if (!g.operators()) return order;
  const auto& ops = *g.operators();
  std::unordered_map<int32_t, uint32_t> producer;
  for (uint32_t k = 0; k < ops.size(); ++k)
    if (ops.Get(k)->outputs())
      for (int32_t t : *ops.Get(k)->outputs())
        if (t >= 0) producer.emplace(t, k);
  std::vector<uint32_t> waits(ops.size(), 0);
  std::vector<std::vector<uint32_t>> readers(ops.size());
  for (uint32_t k = 0; k < ops.size(); ++k) {
    if (!ops.Get(k)->inputs()) continue;
    for (int32_t t : *ops.Get(k)->inputs()) {
      auto at = producer.find(t);
      if (at == producer.end()) continue;
      readers[at->second].push_back(k);
      ++waits[k];
    }
  }
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t k = 0; k < ops.size(); ++k)
    if (!waits[k]) ready.push(k);
  while (!ready.empty()) {
    uint32_t k = ready.top();
    ready.pop();
    order.push_back(k);
    for (uint32_t r : readers[k])
      if (--waits[r] == 0) ready.push(r);
  }
  if (order.size() == ops.size()) return order;
  uint32_t stuck = 0;
  while (!waits[stuck]) ++stuck;
  throw file.bad(ops.Get(stuck), "operators of a subgraph need one another's outputs").with("found", "operator " + std::to_string(stuck) + " is among them");
}

}  // namespace tenon::tflite
