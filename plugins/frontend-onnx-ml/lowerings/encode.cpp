// SPDX-License-Identifier: Apache-2.0
// encode.cpp - tables from keys to values, and one-hot encoding.
#include "common/lowering.hpp"

namespace tenon::contrib {
namespace {

constexpr const char* kUnused = "_Unused";

tenon_value positions(Lower& l, size_t n) {
  std::vector<int64_t> r;
  for (size_t i = 0; i < n; ++i) r.push_back(static_cast<int64_t>(i));
  return l.ints(r);
}

/// Strings to integers or back, by two lists of one length.
void both_ways(Lower& l, const std::vector<std::string>& words, tenon_value numbers) {
  tenon_value x = need(l, 0);
  if (type_of(l, x) == dt::string) return l.to("HashTable", {x, strings(l, words), numbers, l.scalar<int64_t>(l.i("default_int64", -1))});
  l.to("HashTable", {cast(l, x, dt::i64), numbers, strings(l, words), strings(l, {l.s("default_string", kUnused)}, true)});
}

void lower_category_mapper(Lower& l) {
  known(l, {"cats_int64s", "cats_strings", "default_int64", "default_string"});
  arity(l, 1, 1);
  const auto words = l.Attrs::strings("cats_strings");
  const auto numbers = attr_ints(l, "cats_int64s");
  if (words.size() != numbers.size())
    throw invalid("attributes 'cats_strings' and 'cats_int64s' have different lengths").with("found", std::to_string(words.size()) + " and " + std::to_string(numbers.size()));
  both_ways(l, words, l.ints(numbers));
}
TENON_LOWERING("ai.onnx.ml", "CategoryMapper", 1, lower_category_mapper);

void lower_label_encoder_1(Lower& l) {
  known(l, {"classes_strings", "default_int64", "default_string"});
  arity(l, 1, 1);
  const auto words = l.Attrs::strings("classes_strings");
  both_ways(l, words, positions(l, words.size()));
}
TENON_LOWERING("ai.onnx.ml", "LabelEncoder", 1, lower_label_encoder_1);

/// The one of the list attributes PREFIX_int64s, _floats, _strings, _tensor that is there, as a constant of rank 1.
tenon_value listed(Lower& l, const std::string& prefix) {
  Values r;
  if (l.has(prefix + "_int64s")) r.push_back(l.ints(attr_ints(l, prefix + "_int64s")));
  if (l.has(prefix + "_floats")) r.push_back(floats(l, l.Attrs::floats(prefix + "_floats")));
  if (l.has(prefix + "_strings")) r.push_back(strings(l, l.Attrs::strings(prefix + "_strings")));
  if (l.has(prefix + "_tensor")) r.push_back(reshape(l, l.tensor_id(prefix + "_tensor"), {-1}));
  if (r.size() != 1)
    throw invalid("exactly one attribute must hold the " + prefix).with("expected", prefix + "_int64s, " + prefix + "_floats, " + prefix + "_strings or " + prefix + "_tensor").with("found", std::to_string(r.size()));
  return r[0];
}
tenon_value default_of(Lower& l, tenon_dtype t) {
  if (l.has("default_tensor")) return reshape(l, l.tensor_id("default_tensor"), {});
  if (t == dt::string) return strings(l, {l.s("default_string", kUnused)}, true);
  if (t == dt::i64) return l.scalar<int64_t>(l.i("default_int64", -1));
  return cast(l, is_float(t) ? l.scalar<float>(static_cast<float>(l.f("default_float", -0.0))) : l.scalar<int64_t>(l.i("default_int64", -1)), t);
}

void lower_label_encoder(Lower& l) {
  known(l, {"default_float", "default_int64", "default_string", "default_tensor", "keys_floats", "keys_int64s", "keys_strings", "keys_tensor", "values_floats",
            "values_int64s", "values_strings", "values_tensor"});
  arity(l, 1, 1);
  const tenon_value keys = listed(l, "keys"), values = listed(l, "values");
  const tenon_dtype type = l.has("values_tensor") ? l.info(l.tensor_id("values_tensor")).type() : type_of(l, values);
  l.to("HashTable", {need(l, 0), keys, values, default_of(l, type)});
}
TENON_LOWERING("ai.onnx.ml", "LabelEncoder", 2, lower_label_encoder);

void lower_one_hot(Lower& l) {
  known(l, {"cats_int64s", "cats_strings", "zeros"});
  arity(l, 1, 1);
  AttrList a;
  for (const char* name : {"cats_int64s", "cats_strings"})
    if (const tenon_attr* list = l.find(name); list && list->count) a.copy(*list);
  copy_attrs(l, a, {"zeros"});
  l.to("OneHotEncoder", {need(l, 0)}, a);
}
TENON_LOWERING("ai.onnx.ml", "OneHotEncoder", 1, lower_one_hot);

}  // namespace
}  // namespace tenon::contrib
