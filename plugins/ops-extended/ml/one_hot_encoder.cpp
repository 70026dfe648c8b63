// SPDX-License-Identifier: Apache-2.0
// OneHotEncoder: a new last axis with 1 at the position of the element among the categories. One that is none of them gives zeros, or
// with zeros = 0 an error. Numbers are compared as integers.
#include <unordered_map>

#include "ml/features.hpp"

namespace tenon::ops {
namespace {

template <class K, class List>
std::unordered_map<K, int64_t> positions_of(const List& categories) {
  std::unordered_map<K, int64_t> r;
  for (size_t i = 0; i < categories.size(); ++i) r.emplace(categories[i], static_cast<int64_t>(i));
  return r;
}

int64_t category_count(const Node& node) { return static_cast<int64_t>(std::max(node.ints("cats_int64s").size(), node.strings("cats_strings").size())); }

std::vector<int64_t> positions(const Node& node) {
  const Tensor x = node.in(0);
  std::vector<int64_t> r(static_cast<size_t>(x.count()), -1);
  auto look_up = [&](const auto& table, auto&& at) {
    for (size_t i = 0; i < r.size(); ++i)
      if (const auto it = table.find(at(i)); it != table.end()) r[i] = it->second;
  };
  if (x.type() == dt::string) {
    const auto words = node.strings("cats_strings");
    look_up(positions_of<std::string_view>(words), [&](size_t i) { return view(x.data<tenon_str>()[i]); });
    return r;
  }
  const auto numbers = positions_of<int64_t>(node.ints("cats_int64s"));
  visit<NumericAndBoolTypes>(x.type(), [&]<class T>(Tag<T>) { look_up(numbers, [&](size_t i) { return convert<int64_t>(x.data<T>()[i]); }); });
  return r;
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (node.has("cats_int64s") == node.has("cats_strings")) throw invalid("exactly one of cats_int64s and cats_strings must be there");
  if (x.type() != dt::none && (x.type() == dt::string) != node.has("cats_strings"))
    fail("the categories are of another kind than the input", node.has("cats_strings") ? "strings" : "numbers", dtype_name(x.type()));
  if (!x.has_rank()) return node.set_out_unranked(0, dt::f32);
  Dims dims = x.dims().vec();
  dims.push_back(category_count(node));
  node.set_out(0, dt::f32, dims);
}

void run(const Node& node) {
  const auto at = positions(node);
  const int64_t n = category_count(node);
  float* y = node.out(0).mutable_data<float>();
  std::fill_n(y, static_cast<int64_t>(at.size()) * n, 0.0f);
  for (size_t i = 0; i < at.size(); ++i) {
    if (at[i] >= 0) y[static_cast<int64_t>(i) * n + at[i]] = 1;
    else if (node.i("zeros", 1) == 0) fail("an element is none of the categories, and zeros is 0", "one of " + std::to_string(n) + " categories", "element " + std::to_string(i));
  }
}

}  // namespace

TENON_OPERATOR("tenon", "OneHotEncoder", 1, 0, "(X: num|bool|string) -> (Y: f32) {cats_int64s?: ints, cats_strings?: strings, zeros?: int}", infer, run);
}  // namespace tenon::ops
