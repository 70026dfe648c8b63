// SPDX-License-Identifier: Apache-2.0
// attention.cpp - Attention and RotaryEmbedding, which ONNX has since opset 23; before, and where it lacks something, as their formulas.
#include <cmath>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

/// What the parts of the formula share.
class Formula {
  Emit& e_;
  bool flat_;
  tenon_dtype type_;
  int64_t heads_, kv_heads_;
  Value q_ = 0, k_ = 0, v_ = 0;
  Value past_ = 0;  ///< length of the caches, one element

  Value number(double v) const { return e_.number(type_, v); }
  Value dim(Value v, int64_t axis) const { return e_.slice(e_.shape(v), axis, axis + 1, 0); }
  /// [batch, heads, steps, size]
  Value by_head(Value v, int64_t heads) const { return flat_ ? e_.transpose(e_.reshape(v, {0, 0, heads, -1}), {0, 2, 1, 3}) : v; }
  Value joined(Value past, Value now) const { return past ? e_.concat({past, now}, 2) : now; }

  /// Each head of keys or values for the query heads that share it.
  Value shared(Value v) const {
    if (heads_ == kv_heads_) return v;
    if (heads_ < 0 || kv_heads_ <= 0) throw unsupported("attention with an unknown number of heads").with("hint", "give the shapes of the model's inputs with \"shapes\"");
    const Value all = e_.op("Expand", {e_.unsqueeze(v, {2}), e_.ints({1, 1, heads_ / kv_heads_, 1, 1})});
    const Value shape = e_.shape(v);
    return e_.op("Reshape", {all, e_.concat({e_.slice(shape, 0, 1, 0), e_.ints({heads_}), e_.slice(shape, 2, 4, 0)}, 0)});
  }
  Value scale() const {
    if (e_.has("scale")) return number(e_.f("scale"));
    const ValueInfo q = e_.info(e_.in(0));
    int64_t size = q.dim(-1);
    if (size > 0 && flat_) size /= heads_;
    if (size > 0) return number(1 / std::sqrt(static_cast<double>(size)));
    return e_.op("Reciprocal", {e_.op("Sqrt", {e_.op("Cast", {dim(q_, 3)}, AttrList{}.set("to", data_type(type_)))})});
  }
  Value iota(Value count) const { return e_.op("Range", {e_.whole(dt::i64, 0), e_.reshape(count, {}), e_.whole(dt::i64, 1)}); }

  /// Which keys a query sees, as booleans; 0 when it sees all.
  Value sight() const {
    const bool causal = e_.i("is_causal") != 0;
    const int64_t left = e_.i("left_window_size", -1), right = e_.i("right_window_size", -1);
    const Value valid = e_.in(6);
    if (!causal && left < 0 && right < 0 && !valid) return 0;
    const Value steps = dim(q_, 2), key = iota(dim(k_, 2));
    const Value last = valid ? e_.unsqueeze(e_.cast(valid, dt::i64), {1, 2, 3}) : 0;
    const Value offset = last ? e_.op("Sub", {last, steps}) : past_ ? past_ : e_.ints({0});
    const Value at = e_.op("Add", {e_.unsqueeze(iota(steps), {1}), offset});
    Value seen = last ? e_.op("Less", {key, last}) : 0;
    auto both = [&](Value condition) { seen = seen ? e_.op("And", {seen, condition}) : condition; };
    if (causal) both(e_.op("LessOrEqual", {key, at}));
    if (left >= 0) both(e_.op("GreaterOrEqual", {key, e_.op("Sub", {at, e_.whole(dt::i64, left)})}));
    if (right >= 0) both(e_.op("LessOrEqual", {key, e_.op("Add", {at, e_.whole(dt::i64, right)})}));
    return seen;
  }
  /// The mask; a shorter one is filled up with keys out of sight.
  Value mask() const {
    const Value m = e_.in(3);
    const ValueInfo i = e_.info(m);
    const ValueInfo k = e_.info(e_.in(1));
    const bool whole = !e_.in(4) && i.dim(-1) == k.dim(flat_ ? 1 : 2) && i.dim(-1) != TENON_DIM_UNKNOWN;
    if (whole) return m;
    const Value lack = e_.op("Sub", {dim(k_, 2), e_.slice(e_.shape(m), -1, INT64_MAX, 0)});
    const std::vector<int64_t> zeros(2 * static_cast<size_t>(e_.known_rank(m, "the mask")) - 1, 0);
    const Value pads = e_.concat({e_.ints(zeros), lack}, 0);
    if (i.type() != dt::boolean) return e_.typed(e_.op("Pad", {m, pads, e_.number(i.type(), -HUGE_VAL)}), i.type());
    const Value wide = e_.op("Pad", {e_.cast(m, dt::i32), pads});
    return e_.typed(e_.op("Cast", {wide}, AttrList{}.set("to", data_type(dt::boolean))), dt::boolean);
  }
  Value biased(Value scores) const {
    const Value out = number(-HUGE_VAL), seen = sight();
    if (e_.in(3)) {
      const Value m = mask();
      scores = e_.type(m) == dt::boolean ? e_.where(m, scores, out) : e_.op("Add", {scores, e_.cast(m, type_)});
    }
    return seen ? e_.where(seen, scores, out) : scores;
  }
  /// Rows that see no key at all are 0 / 0 and become 0.
  Value weights(Value scores) const {
    const Value p = e_.op("Softmax", {scores}, AttrList{}.set("axis", -1));
    const bool sees = !e_.in(3) && !e_.in(6) && e_.i("left_window_size", -1) < 0 && e_.i("right_window_size", -1) < 0;
    return sees ? p : e_.where(e_.op("IsNaN", {p}), number(0), p);
  }

 public:
  explicit Formula(Emit& e) : e_(e), type_(e.type(e.in(0))) {
    const ValueInfo q = e.info(e.in(0)), k = e.info(e.in(1));
    flat_ = e.known_rank(e.in(0), "the query") == 3;
    heads_ = flat_ ? e.i("q_num_heads") : q.dim(1);
    kv_heads_ = flat_ ? e.i("kv_num_heads") : k.dim(1);
  }
  void run() {
    q_ = by_head(e_.in(0), heads_);
    const Value own_k = joined(e_.in(4), by_head(e_.in(1), kv_heads_)), own_v = joined(e_.in(5), by_head(e_.in(2), kv_heads_));
    if (e_.in(4)) past_ = dim(e_.in(4), 2);
    k_ = shared(own_k);
    v_ = shared(own_v);
    if (e_.type(e_.in(2)) != type_) v_ = e_.op("Cast", {v_}, AttrList{}.set("to", data_type(type_)));
    const Value product = e_.op("MatMul", {e_.op("Mul", {q_, scale()}), e_.transpose(k_, {0, 1, 3, 2})});
    const double cap = e_.f("softcap", 0);
    const Value capped = cap > 0 ? e_.op("Mul", {e_.op("Tanh", {e_.op("Div", {product, number(cap)})}), number(cap)}) : product;
    const Value scores = biased(capped), p = weights(scores);
    const Value y = e_.op("MatMul", {p, v_});
    const Value joined_heads = flat_ ? e_.reshape(e_.transpose(y, {0, 2, 1, 3}), {0, 0, -1}) : y;
    const int64_t mode = e_.i("qk_matmul_output_mode");
    Values all = {joined_heads, own_k, own_v, mode == 0 ? product : mode == 1 ? capped : mode == 2 ? scores : p};
    for (size_t k = 0; k < all.size(); ++k)
      if (k >= e_.n_out() || !e_.out(k)) all[k] = 0;
    all.resize(e_.n_out());
    e_.done(all);
  }
};

bool has_window(Emit& e) { return e.i("left_window_size", -1) >= 0 || e.i("right_window_size", -1) >= 0; }

// Without masks and caches the definitions agree.
bool fits_multi_head(Emit& e) {
  for (uint64_t k = 3; k < 7; ++k)
    if (e.in(k)) return false;
  for (uint64_t k = 1; k < e.n_out(); ++k)
    if (e.out(k)) return false;
  return e.microsoft() && e.rank(e.in(0)) == 3 && e.type(e.in(0)) == dt::f32 && e.type(e.in(2)) == dt::f32 && e.i("q_num_heads") == e.i("kv_num_heads") &&
         e.f("softcap", 0) == 0 && !has_window(e);
}

void attention(Emit& e) {
  if (fits_multi_head(e)) {
    AttrList a = e.copied({"scale"});
    a.add("num_heads", e.i("q_num_heads")).add("unidirectional", e.i("is_causal"));
    Values y = {e.ms("MultiHeadAttention", {e.in(0), e.in(1), e.in(2)}, a)};
    y.resize(e.n_out());
    return e.done(y);
  }
  const int64_t since = has_window(e) ? 25 : e.in(6) ? 24 : 23;
  if (e.opset() < since) return Formula(e).run();
  e.same("Attention", {"scale", "is_causal", "q_num_heads", "kv_num_heads", "softcap", "softmax_precision", "qk_matmul_output_mode", "left_window_size", "right_window_size"});
}
ONNX_RULE("Attention", attention);

class Rotary {
  Emit& e_;
  bool flat_;

  // the rows of the positions, with an axis for the heads
  Value cache(uint64_t k) const {
    const Value rows = e_.in(3) ? e_.gather(e_.in(k), e_.in(3), 0) : e_.in(k);
    return e_.unsqueeze(rows, {flat_ ? 2 : 1});
  }
  Value part(Value x, int64_t begin, int64_t end, int64_t step) const { return e_.op("Slice", {x, e_.ints({begin}), e_.ints({end}), e_.ints({-1}), e_.ints({step})}); }

 public:
  explicit Rotary(Emit& e) : e_(e), flat_(e.known_rank(e.in(0), "the input") == 3) {}
  void run() {
    const int64_t size = e_.i("rotary_embedding_dim"), half_known = e_.info(e_.in(1)).dim(-1);
    if (half_known < 0) throw unsupported("a rotation of an unknown number of elements");
    const int64_t half = half_known;
    const Value x = flat_ ? e_.reshape(e_.in(0), {0, 0, e_.i("num_heads"), -1}) : e_.in(0);
    const bool pairs = e_.i("interleaved") != 0;
    const Value turned = size > 0 ? e_.slice(x, 0, size, -1) : x;
    const Value p = pairs ? part(turned, 0, INT64_MAX, 2) : part(turned, 0, half, 1), q = pairs ? part(turned, 1, INT64_MAX, 2) : part(turned, half, INT64_MAX, 1);
    const Value c = cache(1), s = cache(2);
    auto mul = [&](Value a, Value b) { return e_.op("Mul", {a, b}); };
    const Value first = e_.op("Sub", {mul(c, p), mul(s, q)}), second = e_.op("Add", {mul(s, p), mul(c, q)});
    Value y = pairs ? e_.op("Reshape", {e_.concat({e_.unsqueeze(first, {-1}), e_.unsqueeze(second, {-1})}, -1), e_.shape(turned)}) : e_.concat({first, second}, -1);
    if (size > 0) y = e_.concat({y, e_.slice(x, size, INT64_MAX, -1)}, -1);
    e_.done({flat_ ? e_.op("Reshape", {y, e_.shape(e_.in(0))}) : y});
  }
};

void rotary_embedding(Emit& e) {
  if (e.microsoft() && e.in(3) && e.type(e.in(0)) == dt::f32 && (e.i("num_heads") > 0 || e.i("rotary_embedding_dim") == 0)) {
    return e.done({e.ms("RotaryEmbedding", {e.in(0), e.in(3), e.in(1), e.in(2)}, e.copied({"interleaved", "num_heads", "rotary_embedding_dim"}))});
  }
  if (e.opset() >= 23) return e.same("RotaryEmbedding", {"interleaved", "num_heads", "rotary_embedding_dim"});
  Rotary(e).run();
}
ONNX_RULE("RotaryEmbedding", rotary_embedding);

}  // namespace
}  // namespace tenon::to_onnx
