// SPDX-License-Identifier: Apache-2.0
// text.cpp - strings, and further operators of ops-extended that ONNX has.
#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

void since(Emit& e, int64_t opset, std::string_view name, std::initializer_list<std::string_view> attrs = {}) {
  e.need_opset(opset);
  e.same(name, attrs);
}
void string_concat(Emit& e) { since(e, 20, "StringConcat"); }
ONNX_RULE("StringConcat", string_concat);
void string_normalizer(Emit& e) { e.same("StringNormalizer", {"case_change_action", "is_case_sensitive", "locale", "stopwords"}); }
ONNX_RULE("StringNormalizer", string_normalizer);
void regex_full_match(Emit& e) { since(e, 20, "RegexFullMatch", {"pattern"}); }
ONNX_RULE("RegexFullMatch", regex_full_match);
void tf_idf_vectorizer(Emit& e) {
  e.same("TfIdfVectorizer", {"max_gram_length", "max_skip_count", "min_gram_length", "mode", "ngram_counts", "ngram_indexes", "pool_int64s", "pool_strings", "weights"});
}
ONNX_RULE("TfIdfVectorizer", tf_idf_vectorizer);
void string_split(Emit& e) {
  e.need_opset(20);
  Values y = e.op_n("StringSplit", {e.in(0)}, e.copied({"delimiter", "maxsplit"}), 2);
  y.resize(e.n_out());
  e.done(y);
}
ONNX_RULE("StringSplit", string_split);
void det(Emit& e) { e.same("Det"); }
ONNX_RULE("Det", det);
void image_decoder(Emit& e) { since(e, 20, "ImageDecoder", {"pixel_format"}); }
ONNX_RULE("ImageDecoder", image_decoder);

void tokenizer(Emit& e) {
  if (!e.microsoft()) throw unsupported("ONNX has no such operator").with("hint", "option \"fused\": \"microsoft\" writes the operator of com.microsoft");
  e.done({e.ms("Tokenizer", {e.in(0)}, e.copied({"mark", "mincharnum", "pad_value", "separators", "tokenexp"}))});
}
ONNX_RULE("Tokenizer", tokenizer);

// com.microsoft has it for floats.
void inverse(Emit& e) {
  if (!e.microsoft()) throw unsupported("ONNX has no inverse of a matrix").with("hint", "option \"fused\": \"microsoft\" writes the operator of com.microsoft");
  e.done({e.ms("Inverse", {e.in(0)})});
}
ONNX_RULE("Inverse", inverse);

/// Row of the first key that a query equals, by comparing it with all.
void hash_table(Emit& e) {
  const Value query = e.in(0), keys = e.in(1), values = e.in(2), otherwise = e.in(3);
  if (e.type(query) == dt::string) e.need_opset(19);
  const int32_t width = e.known_rank(values, "the values") - 1;
  if (e.wanted(0) && !otherwise && e.type(values) == dt::string) throw unsupported("a table of strings without a default");
  const Value equal = e.op("Cast", {e.op("Equal", {e.unsqueeze(query, {-1}), keys})}, AttrList{}.set("to", data_type(dt::u8)));
  const Value found = e.op("Cast", {e.reduce("ReduceMax", equal, {-1}, false)}, AttrList{}.set("to", data_type(dt::boolean)));
  const Value row = e.op("ArgMax", {e.cast(equal, dt::i32)}, AttrList{}.set("axis", -1).set("keepdims", 0));
  Values all = {0, e.n_out() > 1 && e.out(1) ? e.op("Cast", {found}, AttrList{}.set("to", data_type(dt::u8))) : 0};
  std::vector<int64_t> last;
  for (int32_t k = 0; k < width; ++k) last.push_back(-1 - k);
  const Value hit = last.empty() ? found : e.unsqueeze(found, last);
  const Value missing = otherwise ? (e.info(otherwise).count() == 1 ? e.scalar(otherwise) : otherwise) : e.number(e.type(values), 0);
  if (e.out(0)) all[0] = e.where(hit, e.gather(values, row, 0), missing);
  all.resize(e.n_out());
  e.done(all);
}
ONNX_RULE("HashTable", hash_table);

}  // namespace
}  // namespace tenon::to_onnx
