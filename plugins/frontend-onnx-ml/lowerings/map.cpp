// SPDX-License-Identifier: Apache-2.0
// map.cpp - maps from keys to values.
#include "classifier.hpp"

namespace tenon::contrib {
namespace {

void lower_zip_map(Lower& l) {
  known(l, {"classlabels_int64s", "classlabels_strings"});
  arity(l, 1, 1);
  const Labels labels(l, "classlabels_int64s", "classlabels_strings");
  AttrList a;
  a.add_tensor("keys", labels.constant(l));
  l.to("ZipMap", {need(l, 0)}, a);
}
TENON_LOWERING("ai.onnx.ml", "ZipMap", 1, lower_zip_map);

void lower_dict_vectorizer(Lower& l) {
  known(l, {"int64_vocabulary", "string_vocabulary"});
  arity(l, 1, 1);
  const Labels vocabulary(l, "int64_vocabulary", "string_vocabulary");
  AttrList a;
  a.add_tensor("keys", vocabulary.constant(l));
  l.to("DictVectorizer", {need(l, 0)}, a);
}
TENON_LOWERING("ai.onnx.ml", "DictVectorizer", 1, lower_dict_vectorizer);

/// cast_to: TO_FLOAT, TO_INT64 or TO_STRING. Strings are read as numbers, and numbers written as text, by Cast.
tenon_dtype target(const Lower& l) {
  const std::string name = l.s("cast_to", "TO_FLOAT");
  if (name == "TO_FLOAT") return dt::f32;
  if (name == "TO_INT64") return dt::i64;
  if (name == "TO_STRING") return dt::string;
  throw invalid("unknown cast_to").with("expected", "TO_FLOAT, TO_INT64 or TO_STRING").with("found", name);
}

void lower_cast_map(Lower& l) {
  known(l, {"cast_to", "map_form", "max_map"});
  arity(l, 1, 1);
  const tenon_dtype to = target(l);
  tenon_value v = l.emit("CastMap", {need(l, 0)}, copied(l, {"map_form", "max_map"}));
  l.to("Cast", {v}, AttrList{}.set("to", dtype_name(to)));
}
TENON_LOWERING("ai.onnx.ml", "CastMap", 1, lower_cast_map);

}  // namespace
}  // namespace tenon::contrib
