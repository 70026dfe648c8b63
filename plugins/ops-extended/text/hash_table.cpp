// SPDX-License-Identifier: Apache-2.0
// HashTable: the row of `values` that belongs to each key; `default` (one element or one row), else zeros, where there is none. `hits`
// says where there was one. Of equal keys the first counts.
#include <unordered_map>

#include "common/dispatch.hpp"
#include "common/raw.hpp"
#include "text/text.hpp"

namespace tenon::ops {
namespace {

Dims found_dims(const Node& node) {
  Dims dims = node.in(0).dims().vec();
  const Dims values = node.in(2).dims().vec();
  dims.insert(dims.end(), values.begin() + 1, values.end());
  return dims;
}

void infer(const Node& node) {
  const Tensor query = node.in(0), keys = node.in(1), values = node.in(2);
  expect_same_type(node, 0, 1);
  expect_rank(keys, 1, "keys");
  expect_rank_at_least(values, 1, "values");
  if (keys.has_rank() && values.has_rank()) same_dim(keys.dim(0), values.dim(0), "numbers of keys and values");
  if (query.has_rank()) node.set_out(1, dt::u8, query.dims());
  else node.set_out_unranked(1, dt::u8);
  if (query.has_rank() && values.has_rank()) node.set_out(0, values.type(), found_dims(node));
  else node.set_out_unranked(0, values.type());
}

/// Row of each query, -1 where there is none.
template <class K, class At>
std::vector<int64_t> look_up(const Node& node, At&& at) {
  std::unordered_map<K, int64_t> rows;
  for (int64_t i = 0; i < node.in(1).count(); ++i) rows.emplace(at(node.in(1), i), i);
  std::vector<int64_t> r;
  for (int64_t i = 0; i < node.in(0).count(); ++i) {
    const auto it = rows.find(at(node.in(0), i));
    r.push_back(it == rows.end() ? -1 : it->second);
  }
  return r;
}
/// Equal numbers have equal keys: one zero, one NaN.
template <class T>
auto number_key(T x) {
  if constexpr (std::is_integral_v<T>) return static_cast<int64_t>(x);
  else return std::bit_cast<uint64_t>(x != x ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(x) + 0.0);
}
std::vector<int64_t> rows_of(const Node& node) {
  if (node.in(0).type() == dt::string) return look_up<std::string_view>(node, text_at);
  std::vector<int64_t> r;
  visit<NumericAndBoolTypes>(node.in(0).type(), [&]<class T>(Tag<T>) {
    using C = compute_t<T>;
    r = look_up<decltype(number_key(C{}))>(node, [](const Tensor& x, int64_t i) { return number_key(static_cast<C>(x.data<T>()[i])); });
  });
  return r;
}

void run(const Node& node) {
  const auto rows = rows_of(node);
  const Tensor values = node.in(2), otherwise = node.in(3);
  const int64_t width = count_of(values.raw()->dim + 1, values.rank() - 1);
  if (values.type().bits < 8) throw unsupported("values below one byte").with("found", dtype_name(values.type()));
  if (otherwise && otherwise.count() != 1 && otherwise.count() != width)
    fail("the default is no value of the table", "1 or " + std::to_string(width) + " elements", std::to_string(otherwise.count()));
  const int64_t step = otherwise && otherwise.count() == width ? 1 : 0;
  if (node.has_out(0)) {
    const RawOutput out(node, 0);
    visit_unit(values.type(), [&](auto unit) {
      using U = decltype(unit);
      U* y = out.data<U>();
      for (size_t q = 0; q < rows.size(); ++q)
        for (int64_t i = 0; i < width; ++i)
          *y++ = rows[q] >= 0 ? values.data<U>()[rows[q] * width + i] : otherwise ? otherwise.data<U>()[i * step] : U{};
    });
    out.commit();
  }
  if (!node.has_out(1)) return;
  for (size_t q = 0; q < rows.size(); ++q) node.out(1).mutable_data<uint8_t>()[q] = rows[q] >= 0;
}

}  // namespace

TENON_OPERATOR("tenon", "HashTable", 1, 0, "(query: K(num|bool|string), keys: K, values: V(any), default?: V) -> (found: V, hits?: u8)", infer, run);
}  // namespace tenon::ops
