// SPDX-License-Identifier: Apache-2.0
// Attention: softmax(softcap(scale Q K^T) + mask) V for each head, with grouped heads, caches, causal and sliding-window masks.
// Everything between inputs and outputs is computed in double, so softmax_precision asks for nothing more.
#include "common/broadcast.hpp"
#include "common/infer.hpp"
#include "common/work.hpp"

namespace tenon::ops {
namespace {

enum Input : uint32_t { kQ, kK, kV, kMask, kPastKey, kPastValue, kValid };
enum Output : uint32_t { kY, kPresentKey, kPresentValue, kScores };

/// Q, K or V as [batch, heads, steps, size], whatever its layout.
struct HeadsView {
  int64_t batch, heads, steps, size, by_batch, by_head, by_step;
};

HeadsView heads_view(const Node& node, uint32_t k, const char* heads_attr) {
  const Tensor t = node.in(k);
  if (t.rank() == 4) return {t.dim(0), t.dim(1), t.dim(2), t.dim(3), t.dim(1) * t.dim(2) * t.dim(3), t.dim(2) * t.dim(3), t.dim(3)};
  const int64_t heads = node.i(heads_attr), hidden = t.dim(2);
  if (hidden % heads != 0) fail("the hidden size is no multiple of the heads", "a multiple of " + std::to_string(heads), std::to_string(hidden));
  return {t.dim(0), heads, t.dim(1), hidden / heads, t.dim(1) * hidden, hidden / heads, hidden};
}

void infer(const Node& node) {
  const Tensor q = node.in(kQ), k = node.in(kK), v = node.in(kV);
  if (node.has_in(kPastKey) != node.has_in(kPastValue)) throw invalid("past_key and past_value belong together");
  if (node.has_in(kValid) && node.has_in(kPastKey)) throw invalid("nonpad_kv_seqlen and past_key exclude each other");
  for (const char* name : {"left_window_size", "right_window_size"})
    if (node.i(name, -1) < -1) fail(std::string(name) + " is too small", "-1 or more", std::to_string(node.i(name, -1)));
  if (!q.has_rank() || !k.has_rank() || !v.has_rank()) {
    for (uint32_t o = 0; o < 4; ++o) node.set_out_unranked(o, o == kPresentValue ? v.type() : q.type());
    return;
  }
  if (q.rank() != 3 && q.rank() != 4) fail("Q has a wrong rank", "rank 3 or 4", "shape " + shape_text(q));
  expect_rank(k, q.rank(), "K");
  expect_rank(v, q.rank(), "V");
  const bool flat = q.rank() == 3;
  const int64_t heads = flat ? node.i("q_num_heads") : q.dim(1), kv_heads = flat ? node.i("kv_num_heads") : k.dim(1);
  if (flat && (heads < 1 || kv_heads < 1)) throw invalid("3-D inputs need q_num_heads and kv_num_heads");
  if (heads >= 0 && kv_heads > 0 && heads % kv_heads != 0)
    fail("heads of the query are no multiple of those of the key", "a multiple of " + std::to_string(kv_heads), std::to_string(heads));
  const int32_t steps = flat ? 1 : 2;
  auto size = [&](const Tensor& t, int64_t n) { return flat ? (n > 0 ? dim_floordiv(node, t.dim(2), n) : kUnknown) : t.dim(3); };
  same_dim(size(q, heads), size(k, kv_heads), "head sizes of query and key");
  same_dim(k.dim(steps), v.dim(steps), "lengths of key and value");
  const int64_t batch = same_dim(q.dim(0), k.dim(0), "batches of query and key"), value_size = size(v, kv_heads);
  const Tensor past = node.in(kPastKey);
  const int64_t before = !past ? 0 : past.has_rank() ? past.dim(2) : kUnknown;
  const int64_t total = dim_add(node, k.dim(steps), before);
  if (flat) node.set_out(kY, q.type(), Dims{batch, q.dim(1), dim_mul(node, heads, value_size)});
  else node.set_out(kY, q.type(), Dims{batch, heads, q.dim(2), value_size});
  node.set_out(kPresentKey, k.type(), Dims{batch, kv_heads, total, size(k, kv_heads)});
  node.set_out(kPresentValue, v.type(), Dims{batch, kv_heads, total, value_size});
  node.set_out(kScores, q.type(), Dims{batch, heads, q.dim(steps), total});
}

/// Past and new keys (or values) as one dense [batch, heads, steps, size].
template <class W>
struct Cache {
  std::vector<W> data;
  HeadsView now;
  int64_t past, total;
  Cache(const Node& node, uint32_t k, uint32_t k_past) : now(heads_view(node, k, "kv_num_heads")), past(0) {
    const Operand<W> x(node.in(k)), old(node.in(k_past));
    if (old) past = node.in(k_past).dim(2);
    total = past + now.steps;
    data.resize(static_cast<size_t>(now.batch * now.heads * total * now.size));
    for (int64_t b = 0; b < now.batch; ++b)
      for (int64_t h = 0; h < now.heads; ++h) {
        W* to = data.data() + (b * now.heads + h) * total * now.size;
        if (old) std::copy_n(old.data() + (b * now.heads + h) * past * now.size, past * now.size, to);
        for (int64_t t = 0; t < now.steps; ++t)
          std::copy_n(x.data() + b * now.by_batch + h * now.by_head + t * now.by_step, now.size, to + (past + t) * now.size);
      }
  }
  const W* row(int64_t b, int64_t h, int64_t t) const { return data.data() + ((b * now.heads + h) * total + t) * now.size; }
};

/// What is added to each score; -inf where a key is out of sight.
class Bias {
  Operand<double> mask_;
  std::vector<uint8_t> allowed_;
  Dims step_;
  int64_t mask_length_ = 0, left_, right_;
  bool causal_;
  std::vector<int64_t> valid_;
  int64_t past_, queries_;

 public:
  Bias(const Node& node, int64_t past, int64_t queries)
      : left_(node.i("left_window_size", -1)), right_(node.i("right_window_size", -1)), causal_(node.i("is_causal") != 0),
        past_(past), queries_(queries) {
    if (node.has_in(kValid)) valid_ = node.in(kValid).ints();
    const Tensor m = node.in(kMask);
    if (!m) return;
    if (m.type() == dt::boolean) allowed_.assign(m.data<uint8_t>(), m.data<uint8_t>() + m.count());
    else mask_ = Operand<double>(m);
    if (m.rank() < 1 || m.rank() > 4) fail("the mask has a wrong rank", "rank 1 to 4", "shape " + shape_text(m));
    mask_length_ = m.dim(-1);
    step_ = strides_of(m.dims());
    for (int32_t i = 0; i < m.rank() - 1; ++i)
      if (m.dim(i) == 1) step_[static_cast<size_t>(i)] = 0;
    step_.insert(step_.begin(), 4 - step_.size(), 0);
  }
  double operator()(int64_t b, int64_t h, int64_t i, int64_t j) const {
    const double out = -std::numeric_limits<double>::infinity();
    const int64_t offset = valid_.empty() ? past_ : valid_[static_cast<size_t>(b)] - queries_, at = i + offset;
    if (!valid_.empty() && j >= valid_[static_cast<size_t>(b)]) return out;
    if ((causal_ && j > at) || (left_ >= 0 && j < at - left_) || (right_ >= 0 && j > at + right_)) return out;
    if (step_.empty()) return 0;
    return j < mask_length_ ? masked(b * step_[0] + h * step_[1] + i * step_[2] + j) : out;
  }

 private:
  double masked(int64_t at) const {
    if (!allowed_.empty()) return allowed_[static_cast<size_t>(at)] ? 0 : -std::numeric_limits<double>::infinity();
    return mask_ ? mask_[at] : 0;
  }
};

/// exp(x - max) / sum; all zero when every bias is -inf.
void softmax(std::vector<double>& x, bool nothing_in_sight) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (double v : x) largest = v > largest || v != v ? v : largest;
  if (nothing_in_sight || largest == -std::numeric_limits<double>::infinity()) return std::fill(x.begin(), x.end(), 0.0);
  for (double& v : x) sum += v = std::exp(v - largest);
  for (double& v : x) v /= sum;
}

template <class W>
void attend(const Node& node) {
  const HeadsView view = heads_view(node, kQ, "q_num_heads");
  const Cache<W> keys(node, kK, kPastKey), values(node, kV, kPastValue);
  const Operand<W> q(node.in(kQ));
  Result<W> y(node.out(kY)), present_key(node.out(kPresentKey)), present_value(node.out(kPresentValue)), scores(node.out(kScores));
  if (present_key) std::copy(keys.data.begin(), keys.data.end(), present_key.data());
  if (present_value) std::copy(values.data.begin(), values.data.end(), present_value.data());
  const Bias bias(node, keys.past, view.steps);
  const double scale = node.has("scale") ? node.f("scale") : 1 / std::sqrt(static_cast<double>(view.size)), cap = node.f("softcap", 0);
  const int64_t total = keys.total, group = view.heads / keys.now.heads, mode = node.i("qk_matmul_output_mode"), value_size = values.now.size;
  const bool flat = node.in(kQ).rank() == 3;
  std::vector<double> row(static_cast<size_t>(total)), shown(static_cast<size_t>(total)), sum(static_cast<size_t>(value_size));
  for (int64_t b = 0; b < view.batch; ++b)
    for (int64_t h = 0; h < view.heads; ++h)
      for (int64_t i = 0; i < view.steps; ++i) {
        const W* query = q.data() + b * view.by_batch + h * view.by_head + i * view.by_step;
        bool nothing = true;
        for (int64_t j = 0; j < total; ++j) {
          const W* key = keys.row(b, h / group, j);
          double dot = 0;
          for (int64_t d = 0; d < view.size; ++d) dot += static_cast<double>(query[d]) * key[d];
          dot *= scale;
          const size_t at = static_cast<size_t>(j);
          if (mode == 0) shown[at] = dot;
          if (cap > 0) dot = cap * std::tanh(dot / cap);
          if (mode == 1) shown[at] = dot;
          const double add = bias(b, h, i, j);
          nothing = nothing && add == -std::numeric_limits<double>::infinity();
          row[at] = dot + add;
          if (mode == 2) shown[at] = row[at];
        }
        softmax(row, nothing);
        if (mode == 3) shown = row;
        if (scores)
          for (int64_t j = 0; j < total; ++j)
            scores[((b * view.heads + h) * view.steps + i) * total + j] = static_cast<W>(shown[static_cast<size_t>(j)]);
        if (!y) continue;
        std::fill(sum.begin(), sum.end(), 0.0);
        for (int64_t j = 0; j < total; ++j) {
          const W* value = values.row(b, h / group, j);
          const double w = row[static_cast<size_t>(j)];
          if (w == 0) continue;
          for (int64_t d = 0; d < value_size; ++d) sum[static_cast<size_t>(d)] += w * value[d];
        }
        const int64_t at = (flat ? (b * view.steps + i) * view.heads + h : (b * view.heads + h) * view.steps + i) * value_size;
        for (int64_t d = 0; d < value_size; ++d) y[at + d] = static_cast<W>(sum[static_cast<size_t>(d)]);
      }
  y.commit();
  present_key.commit();
  present_value.commit();
  scores.commit();
}

void run(const Node& node) {
  const int64_t mode = node.i("qk_matmul_output_mode");
  if (mode < 0 || mode > 3) fail("qk_matmul_output_mode is not known", "0 to 3", std::to_string(mode));
  visit_real_work(node.in(kQ).type(), [&]<class W>(Tag<W>) { attend<W>(node); });
}

}  // namespace

TENON_OPERATOR("tenon", "Attention", 1, 0,
               "(Q: T(float), K: T, V: U(float), attn_mask?: bool|float, past_key?: T, past_value?: U, nonpad_kv_seqlen?: i64) -> "
               "(Y: T, present_key?: T, present_value?: U, qk_matmul_output?: T) {scale?: float, is_causal?: int, q_num_heads?: int, "
               "kv_num_heads?: int, softcap?: float, softmax_precision?: int, qk_matmul_output_mode?: int, left_window_size?: int, "
               "right_window_size?: int}",
               infer, run);
}  // namespace tenon::ops
