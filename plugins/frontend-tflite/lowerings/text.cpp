// SPDX-License-Identifier: Apache-2.0
// text.cpp - strings, and hashes of anything.
#include "lowerings/common/common.hpp"

namespace tenon::tflite {
namespace {

void lower_lsh_projection(Lower& l) {
  known(l, {"type"});
  arity(l, 2, 3);
  std::string type = l.s("type", "UNKNOWN");
  if (type != "SPARSE" && type != "DENSE") throw invalid("the type of projection is unknown").with("expected", "SPARSE or DENSE").with("found", type);
  to(l, "LSHProjection", inputs(l), AttrList{}.set("type", type == "SPARSE" ? "sparse" : "dense"));
}
TFLITE_LOWERING("LSH_PROJECTION", lower_lsh_projection);

// The value of each key, 0 for keys that are not there, and where there was one.
void lower_hashtable_lookup(Lower& l) {
  known(l, {});
  arity(l, 3, 3, 2);
  finish(l, l.emit_n("HashTable", {need(l, 0), need(l, 1), need(l, 2)}, {}, l.n_out()));
}
TFLITE_LOWERING("HASHTABLE_LOOKUP", lower_hashtable_lookup);

void lower_skip_gram(Lower& l) {
  known(l, {"ngram_size", "max_skip_size", "include_all_ngrams"});
  arity(l, 1, 1);
  AttrList a;
  for (const char* name : {"ngram_size", "max_skip_size", "include_all_ngrams"}) a.add(name, l.i(name));
  to(l, "SkipGram", {need(l, 0)}, a);
}
TFLITE_LOWERING("SKIP_GRAM", lower_skip_gram);

}  // namespace
}  // namespace tenon::tflite
