// SPDX-License-Identifier: Apache-2.0
// DictVectorizer: the values of a map in the order of `keys`, as [1, C]; zero or "" for a key that it does not have.
#include <unordered_map>

#include "common/raw.hpp"
#include "ml/map.hpp"

namespace tenon::ops {
namespace {

void infer(const Node& node) {
  expect_map(node.in(0));
  const Tensor keys = node.tensor("keys");
  if (!keys || keys.rank() != 1) throw invalid("attribute 'keys' must be a list");
  if (is_map(node.in(0).type()) && keys.type() != key_type(node.in(0).type()))
    fail("the keys are of another type than the map's", dtype_name(key_type(node.in(0).type())), dtype_name(keys.type()));
  node.set_out(0, element(node.in(0).type()), Dims{1, keys.dim(0)});
}

/// Position of each of `keys` in the map, or -1.
template <class K, class At>
std::vector<int64_t> positions(const Tensor& keys, const Tensor& own, At&& at) {
  std::unordered_map<K, int64_t> table;
  for (int64_t i = 0; i < own.count(); ++i) table.emplace(at(own, i), i);
  std::vector<int64_t> r;
  for (int64_t i = 0; i < keys.count(); ++i) {
    const auto it = table.find(at(keys, i));
    r.push_back(it == table.end() ? -1 : it->second);
  }
  return r;
}

void run(const Node& node) {
  const Tensor keys = node.tensor("keys");
  const MapItems map(node.in(0));
  const auto from = keys.type() == dt::string ? positions<std::string_view>(keys, map.keys, [](const Tensor& t, int64_t i) { return view(t.data<tenon_str>()[i]); })
                                              : positions<int64_t>(keys, map.keys, [](const Tensor& t, int64_t i) { return t.data<int64_t>()[i]; });
  const RawOutput out(node, 0);
  visit_unit(map.values.type(), [&](auto unit) {
    using U = decltype(unit);
    for (size_t i = 0; i < from.size(); ++i) out.data<U>()[i] = from[i] < 0 ? U{} : map.values.data<U>()[from[i]];
  });
  out.commit();
}

}  // namespace

TENON_OPERATOR("tenon", "DictVectorizer", 1, 0, "(X: any) -> (Y: any) {keys: tensor}", infer, run);
}  // namespace tenon::ops
