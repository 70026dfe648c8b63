// SPDX-License-Identifier: Apache-2.0
// text.cpp - strings, and operators that only a plugin defines: the IR has them under the same names.
#include "common.hpp"

namespace tenon::onnx {
namespace {

void lower_string_concat(Lower& l) { same(l, "StringConcat", {}, 2, 2); }
TENON_LOWERING("onnx", "StringConcat", 20, lower_string_concat);
void lower_string_normalizer(Lower& l) { same(l, "StringNormalizer", {"case_change_action", "is_case_sensitive", "locale", "stopwords"}, 1, 1); }
TENON_LOWERING("onnx", "StringNormalizer", 10, lower_string_normalizer);
void lower_regex(Lower& l) { same(l, "RegexFullMatch", {"pattern"}, 1, 1); }
TENON_LOWERING("onnx", "RegexFullMatch", 20, lower_regex);
void lower_tf_idf(Lower& l) {
  same(l, "TfIdfVectorizer", {"max_gram_length", "max_skip_count", "min_gram_length", "mode", "ngram_counts", "ngram_indexes", "pool_int64s", "pool_strings", "weights"}, 1, 1);
}
TENON_LOWERING("onnx", "TfIdfVectorizer", 9, lower_tf_idf);
void lower_det(Lower& l) { same(l, "Det", {}, 1, 1); }
TENON_LOWERING("onnx", "Det", 11, lower_det);
void lower_image_decoder(Lower& l) { same(l, "ImageDecoder", {"pixel_format"}, 1, 1); }
TENON_LOWERING("onnx", "ImageDecoder", 20, lower_image_decoder);

void lower_string_split(Lower& l) {
  known(l, {"delimiter", "maxsplit"});
  arity(l, 1, 1, 2);
  AttrList a = copied(l, {"delimiter", "maxsplit"});
  l.done(l.emit_n("StringSplit", {need(l, 0)}, a, 2));
}
TENON_LOWERING("onnx", "StringSplit", 20, lower_string_split);

}  // namespace
}  // namespace tenon::onnx
