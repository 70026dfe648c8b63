// SPDX-License-Identifier: Apache-2.0
// CastMap: the values of a map with integer keys as [1, n]. DENSE: in the order of the keys. SPARSE: n is max_map, each value stands at the
// position of its key, zero or "" elsewhere.
#include <numeric>

#include "common/raw.hpp"
#include "ml/map.hpp"

namespace tenon::ops {
namespace {

bool is_sparse(const Node& node) {
  const std::string form = node.s("map_form", "DENSE");
  if (form != "DENSE" && form != "SPARSE") fail("unknown map_form", "DENSE or SPARSE", form);
  return form == "SPARSE";
}

int64_t sparse_width(const Node& node) {
  const int64_t n = node.i("max_map", 1);
  if (n < 1 || n > INT32_MAX) fail("max_map is out of range", "1 to 2^31 - 1", std::to_string(n));
  return n;
}

void infer(const Node& node) {
  expect_map(node.in(0));
  if (is_map(node.in(0).type()) && key_type(node.in(0).type()) != dt::i64) fail("the map has keys of a wrong type", "i64", dtype_name(key_type(node.in(0).type())));
  node.set_out(0, element(node.in(0).type()), Dims{1, is_sparse(node) ? sparse_width(node) : node.fresh_symbol()});
}

std::vector<int64_t> in_order(const Tensor& keys) {
  std::vector<int64_t> r(static_cast<size_t>(keys.count()));
  std::iota(r.begin(), r.end(), 0);
  std::sort(r.begin(), r.end(), [&](int64_t a, int64_t b) { return keys.data<int64_t>()[a] < keys.data<int64_t>()[b]; });
  return r;
}
/// Element of the map for each position of the output, or -1.
std::vector<int64_t> layout(const Node& node, const Tensor& keys) {
  if (!is_sparse(node)) return in_order(keys);
  const int64_t n = sparse_width(node);
  std::vector<int64_t> r(static_cast<size_t>(n), -1);
  for (int64_t i = 0; i < keys.count(); ++i) {
    const int64_t key = keys.data<int64_t>()[i];
    if (key < 0 || key >= n) fail("a key is outside the output", "0 to " + std::to_string(n - 1), std::to_string(key));
    r[static_cast<size_t>(key)] = i;
  }
  return r;
}

void run(const Node& node) {
  const MapItems map(node.in(0));
  const auto from = layout(node, map.keys);
  const tenon_dtype type = map.values.type();
  void* to = node.alloc_out<char>(0, type, Dims{1, static_cast<int64_t>(from.size())});
  visit_unit(type, [&](auto unit) {
    using U = decltype(unit);
    for (size_t i = 0; i < from.size(); ++i) {
      const U v = from[i] < 0 ? U{} : map.values.data<U>()[from[i]];
      if constexpr (std::is_same_v<U, Unit16>) node.string_out(0, i, view(std::bit_cast<tenon_str>(v)));
      else static_cast<U*>(to)[i] = v;
    }
  });
}

}  // namespace

TENON_OPERATOR("tenon", "CastMap", 1, 0, "(X: any) -> (Y: any) {map_form?: string, max_map?: int}", infer, run);
}  // namespace tenon::ops
