// SPDX-License-Identifier: Apache-2.0
// TfIdfVectorizer: counts n-grams of a pool, with up to max_skip_count items left out between neighbours, in each row of [C] or [B, C].
// Mode TF gives counts, IDF weights of those that occur, TFIDF their products.
#include <map>

#include "text/text.hpp"

namespace tenon::ops {
namespace {

using Gram = std::vector<int64_t>;

/// Items as numbers: strings get their position in a dictionary of the pool, unknown ones -1.
struct Items {
  std::map<std::string, int64_t, std::less<>> words;
  std::vector<int64_t> pool;
  explicit Items(const Node& node) {
    if (!node.has("pool_strings")) {
      pool = node.ints("pool_int64s");
      return;
    }
    for (const auto& w : node.strings("pool_strings")) pool.push_back(words.emplace(w, static_cast<int64_t>(words.size())).first->second);
  }
  std::vector<int64_t> read(const Tensor& x) const {
    if (x.type() != dt::string) return x.ints();
    std::vector<int64_t> r;
    for (int64_t i = 0; i < x.count(); ++i) {
      const auto at = words.find(text_at(x, i));
      r.push_back(at == words.end() ? -1 : at->second);
    }
    return r;
  }
};

int64_t length_limit(const Node& node, const char* name) {
  const int64_t n = node.i(name);
  if (n < 1) fail(std::string(name) + " is too small", "at least 1", std::to_string(n));
  return n;
}

int64_t output_size(const Node& node) {
  int64_t size = 0;
  for (int64_t i : node.ints("ngram_indexes")) {
    if (i < 0 || i > INT32_MAX) fail("an element of ngram_indexes is out of range", "0 or more", std::to_string(i));
    size = std::max(size, i + 1);
  }
  return size;
}

/// Column of each n-gram of the pool whose length is asked for.
std::map<Gram, int64_t> columns_of(const Node& node, const std::vector<int64_t>& pool) {
  const auto starts = node.ints("ngram_counts"), indexes = node.ints("ngram_indexes");
  const int64_t least = length_limit(node, "min_gram_length"), most = length_limit(node, "max_gram_length"), total = static_cast<int64_t>(pool.size());
  std::map<Gram, int64_t> r;
  size_t id = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    const int64_t n = static_cast<int64_t>(k) + 1, begin = starts[k], end = k + 1 < starts.size() ? starts[k + 1] : total;
    if (begin < 0 || begin > end || end > total || (end - begin) % n)
      fail("ngram_counts does not fit the pool", "rising starts of whole n-grams in " + std::to_string(total) + " items", ints_text(starts));
    for (int64_t at = begin; at < end; at += n, ++id) {
      if (id >= indexes.size()) fail("ngram_indexes is too short", "one element for each n-gram of the pool", std::to_string(indexes.size()));
      if (n >= least && n <= most) r[Gram(pool.begin() + at, pool.begin() + at + n)] = indexes[id];
    }
  }
  return r;
}

struct Counter {
  const std::map<Gram, int64_t>& columns;
  int64_t least, most, skips;

  void count(const int64_t* row, int64_t n, float* out) const {
    for (int64_t step = 1; step <= skips + 1; ++step)
      // A single item has no neighbour, so it counts for the first step only.
      for (int64_t size = step == 1 ? least : std::max<int64_t>(least, 2); size <= std::min(most, n); ++size) grams(row, n, step, size, out);
  }
  void grams(const int64_t* row, int64_t n, int64_t step, int64_t size, float* out) const {
    Gram g(static_cast<size_t>(size));
    for (int64_t start = 0; start + (size - 1) * step < n; ++start) {
      for (int64_t i = 0; i < size; ++i) g[static_cast<size_t>(i)] = row[start + i * step];
      if (const auto at = columns.find(g); at != columns.end()) out[at->second] += 1;
    }
  }
};

void weigh(const std::string& mode, const std::vector<double>& weights, float* row, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float w = weights.empty() ? 1.0f : static_cast<float>(weights[static_cast<size_t>(i)]);
    if (mode == "IDF") row[i] = row[i] > 0 ? w : 0;
    if (mode == "TFIDF") row[i] *= w;
  }
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) return node.set_out_unranked(0, dt::f32);
  if (x.rank() > 2) fail("the input has a wrong rank", "[C] or [B, C]", shape_text(x));
  Dims dims{output_size(node)};
  if (x.rank() == 2) dims.insert(dims.begin(), x.dim(0));
  node.set_out(0, dt::f32, dims);
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const std::string mode = node.s("mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") fail("unknown mode", "TF, IDF or TFIDF", mode);
  const auto weights = node.floats("weights");
  const int64_t size = output_size(node), rows = x.rank() == 2 ? x.dim(0) : 1, n = rows ? x.count() / rows : 0, skips = node.i("max_skip_count");
  if (!weights.empty() && static_cast<int64_t>(weights.size()) < size) fail("there are fewer weights than columns", std::to_string(size), std::to_string(weights.size()));
  if (skips < 0) fail("max_skip_count is too small", "0 or more", std::to_string(skips));
  const Items items(node);
  const auto columns = columns_of(node, items.pool);
  const Counter counter{columns, node.i("min_gram_length"), node.i("max_gram_length"), std::min(skips, n)};
  const auto values = items.read(x);
  float* y = node.out(0).mutable_data<float>();
  std::fill_n(y, rows * size, 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    counter.count(values.data() + r * n, n, y + r * size);
    weigh(mode, weights, y + r * size, size);
  }
}

}  // namespace

TENON_OPERATOR("tenon", "TfIdfVectorizer", 1, 0,
               "(X: i32|i64|string) -> (Y: f32) {mode: string, min_gram_length: int, max_gram_length: int, max_skip_count: int, ngram_counts: ints, "
               "ngram_indexes: ints, pool_int64s?: ints, pool_strings?: strings, weights?: floats}",
               infer, run);
}  // namespace tenon::ops
