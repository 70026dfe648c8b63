// SPDX-License-Identifier: Apache-2.0
// The distinct elements of the flattened input, or its distinct slices along `axis`, sorted or (sorted = 0) in order of first
// appearance; with the position of each one's first appearance, where each input element went, and how many there are.
#include <numeric>

#include "common/elementwise.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const int64_t n = node.fresh_symbol();
  if (node.has("axis") && !x.has_rank()) node.set_out_unranked(0, x.type());
  else if (!node.has("axis")) node.set_out(0, x.type(), Dims{n});
  else {
    Dims dims = x.dims().vec();
    dims[static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()))] = n;
    node.set_out(0, x.type(), dims);
  }
  node.set_out(1, dt::i64, Dims{n});
  const bool whole = !node.has("axis") && x.is_static();
  const bool along = node.has("axis") && x.has_rank();
  node.set_out(2, dt::i64, Dims{whole ? x.count() : along ? x.dim(static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank()))) : kUnknown});
  node.set_out(3, dt::i64, Dims{n});
}
/// The input as `count` items of outer * inner elements each.
struct Items {
  int64_t outer = 1, count = 1, inner = 1;
  int64_t length() const { return outer * inner; }
  int64_t at(int64_t item, int64_t i) const { return (i / inner * count + item) * inner + i % inner; }
};
Items items_of(const Node& node) {
  const Tensor x = node.in(0);
  if (!node.has("axis")) return {1, x.count(), 1};
  const auto axis = static_cast<int32_t>(normalize_axis(node.i("axis"), x.rank()));
  return {count_of(x.dims().data(), axis), x.dim(axis), count_of(x.dims().data() + axis + 1, x.rank() - axis - 1)};
}
/// Groups of equal items, in output order.
struct Groups {
  Dims first, inverse, counts;
};
template <class Compare>
Groups group(const Items& items, bool sorted, Compare&& compare) {
  Dims order(static_cast<size_t>(items.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
  Groups g;
  g.inverse.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || compare(order[i - 1], order[i]) != 0) g.first.push_back(order[i]), g.counts.push_back(0);
    ++g.counts.back();
    g.inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(g.first.size()) - 1;
  }
  if (sorted) return g;
  Dims by_first(g.first.size()), place(g.first.size());
  std::iota(by_first.begin(), by_first.end(), 0);
  std::sort(by_first.begin(), by_first.end(), [&](int64_t a, int64_t b) { return g.first[static_cast<size_t>(a)] < g.first[static_cast<size_t>(b)]; });
  Groups r;
  for (size_t i = 0; i < by_first.size(); ++i) {
    place[static_cast<size_t>(by_first[i])] = static_cast<int64_t>(i);
    r.first.push_back(g.first[static_cast<size_t>(by_first[i])]);
    r.counts.push_back(g.counts[static_cast<size_t>(by_first[i])]);
  }
  for (int64_t i : g.inverse) r.inverse.push_back(place[static_cast<size_t>(i)]);
  return r;
}
/// -1, 0 or 1; NaN comes after all numbers and equals itself, so that the order is total.
template <class C>
int order_of(const C& a, const C& b) {
  if constexpr (std::is_floating_point_v<C>)
    if (a != a || b != b) return static_cast<int>(a != a) - static_cast<int>(b != b);
  return a < b ? -1 : b < a ? 1 : 0;
}
Groups find_groups(const Node& node, const Items& items) {
  const Tensor x = node.in(0);
  const bool sorted = node.i("sorted", 1) != 0;
  auto by = [&](auto&& element) {
    return group(items, sorted, [&](int64_t a, int64_t b) {
      int r = 0;
      for (int64_t i = 0; r == 0 && i < items.length(); ++i) r = order_of(element(items.at(a, i)), element(items.at(b, i)));
      return r;
    });
  };
  if (x.type() == dt::string) return by([&](int64_t i) { return view(x.data<tenon_str>()[i]); });
  Groups g;
  visit<NumericAndBoolTypes>(x.type(), [&]<class T>(Tag<T>) { g = by([&](int64_t i) { return compute_t<T>(x.data<T>()[i]); }); });
  return g;
}
void put(const Node& node, uint32_t k, const Dims& values) {
  if (!node.has_out(k)) return;
  int64_t* to = node.alloc_out<int64_t>(k, dt::i64, Dims{static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), to);
}
void put_items(const Node& node, const Items& items, const Dims& first) {
  const Tensor x = node.in(0);
  const auto n = static_cast<int64_t>(first.size());
  Dims dims{n};
  if (node.has("axis")) {
    dims = x.dims().vec();
    dims[static_cast<size_t>(normalize_axis(node.i("axis"), x.rank()))] = n;
  }
  void* to = node.alloc_out<void>(0, x.type(), dims);
  const Items kept{items.outer, n, items.inner};
  for (int64_t k = 0; k < n; ++k)
    for (int64_t i = 0; i < items.length(); ++i) {
      const int64_t from = items.at(first[static_cast<size_t>(k)], i), at = kept.at(k, i);
      if (x.type() == dt::string) node.string_out(0, static_cast<uint64_t>(at), view(x.data<tenon_str>()[from]));
      else
        visit_unit(x.type(), [&](auto unit) {
          using U = decltype(unit);
          static_cast<U*>(to)[at] = x.data<U>()[from];
        });
    }
}
void run(const Node& node) {
  const Items items = items_of(node);
  const Groups g = find_groups(node, items);
  if (node.has_out(0)) put_items(node, items, g.first);
  put(node, 1, g.first);
  put(node, 2, g.inverse);
  put(node, 3, g.counts);
}
}  // namespace
TENON_OPERATOR("tenon", "Unique", 1, 0,
               "(X: T(num|bool|string)) -> (Y: T, indices?: i64, inverse_indices?: i64, counts?: i64) {axis?: int, sorted?: int}", infer, run);
}  // namespace tenon::ops
