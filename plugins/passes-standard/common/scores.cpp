// SPDX-License-Identifier: Apache-2.0
#include "common/scores.hpp"

#include <algorithm>
#include <limits>

#include "common/constants.hpp"
#include "common/factors.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// What Where puts in place of a score counts as hidden from here on: no score of a model that works comes near.
constexpr double kHidden = -1e4;
/// Adding something to this leaves it what it is.
constexpr double kLowest = -1e30;

/// Nodes with one user are read through; a masked score must have the shape of the score itself.
class ScoreReader {
  Rewriter& r_;
  const ValueInfo shape_;

 public:
  ScoreReader(Rewriter& r, tenon_value scores) : r_(r), shape_(r.g.info(scores)) {}

  bool read(tenon_value v, Scores* s) {
    const ValueInfo i = r_.g.info(v);
    const tenon_node n = i.producer();
    if (!n || !r_.here(n) || i.n_uses() != 1 || i.output_index() != 0 || !same_type(i, shape_)) return false;
    s->nodes.push_back(n);
    if (r_.is(n, "MatMul")) {
      s->product = n;
      return true;
    }
    if (r_.is(n, "Add")) return sum(n, s);
    if (r_.is(n, "Where")) return choice(n, s);
    return scaled(n, v, s);
  }

 private:
  bool untouched(const Scores& s) const { return s.scale == 1 && s.cap == 0; }

  bool sum(tenon_node n, Scores* s) {
    if (!untouched(*s) || (s->choice && s->choice->fill > kLowest)) return false;
    if (s->choice && !s->added.empty()) return false;
    for (uint64_t k : {0u, 1u}) {
      Scores attempt = *s;
      attempt.added.push_back(r_.g.input(n, 1 - k));
      if (!fits(r_.g.input(n, 1 - k)) || !read(r_.g.input(n, k), &attempt)) continue;
      *s = std::move(attempt);
      return true;
    }
    return false;
  }
  bool choice(tenon_node n, Scores* s) {
    if (!untouched(*s) || s->choice) return false;
    for (uint64_t k : {1u, 2u}) {
      const auto fill = scalar(r_.g, r_.g.input(n, 3 - k));
      if (!fill || !(*fill <= kHidden) || (!s->added.empty() && *fill > kLowest) || !fits(r_.g.input(n, 0))) continue;
      Scores attempt = *s;
      attempt.choice = Choice{r_.g.input(n, 0), k == 2, *fill};
      // What is added before the choice would show where everything is hidden.
      if (!read(r_.g.input(n, k), &attempt) || attempt.added.size() != s->added.size()) continue;
      *s = std::move(attempt);
      return true;
    }
    return false;
  }
  bool scaled(tenon_node n, tenon_value v, Scores* s) {
    if (r_.is(n, "Tanh")) {
      if (s->cap != 0 || !(s->scale > 0)) return false;
      s->cap = s->scale;
      s->scale = 1;
      return read(r_.g.input(n, 0), s) && (s->scale *= s->cap, true);
    }
    const Product p = product(r_, v);
    if (p.factors.size() != 1 || p.factors[0] == v || !std::isfinite(p.coefficient)) return false;
    s->nodes.insert(s->nodes.end(), p.nodes.begin(), p.nodes.end());
    s->scale *= p.coefficient;
    return read(p.factors[0], s);
  }
  /// A mask that the scores take on without growing, and whose last axis is that of the keys.
  bool fits(tenon_value m) const {
    const ValueInfo i = r_.g.info(m);
    if (!known(i) || i.rank() < 1 || i.rank() > 4 || i.dim(-1) != shape_.dim(-1)) return false;
    for (int32_t k = 1; k <= i.rank(); ++k)
      if (i.dim(-k) != 1 && i.dim(-k) != shape_.dim(-k)) return false;
    return true;
  }
};

/// condition[.., i, j] holds exactly where j <= i.
bool is_triangle(Rewriter& r, tenon_value condition, int64_t steps) {
  const ValueInfo i = r.g.info(condition);
  if (i.rank() < 2 || steps == TENON_DIM_UNKNOWN || i.dim(-1) != steps || i.dim(-2) != steps || i.type() != dt::boolean) return false;
  if (i.constant()) {
    const auto bytes = r.g.constant_bytes(condition);
    for (uint64_t k = 0; k < bytes.size(); ++k)
      if ((bytes[k] != 0) != (k % static_cast<uint64_t>(steps) <= k / static_cast<uint64_t>(steps) % static_cast<uint64_t>(steps))) return false;
    return true;
  }
  const tenon_node trilu = r.made_by(condition, "Trilu");
  if (!trilu || r.g.attrs(trilu).i("upper", 1) != 0) return false;
  const tenon_value k = r.g.input(trilu, 1), ones = r.g.input(trilu, 0);
  if (k && scalar(r.g, k) != 0.0) return false;
  const tenon_node expand = r.made_by(ones, "Expand");
  const tenon_value one = expand ? r.g.input(expand, 0) : ones;
  const ValueInfo o = r.g.info(one);
  if (!o.constant() || o.type() != dt::boolean) return false;
  const auto bytes = r.g.constant_bytes(one);
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b != 0; });
}

/// Adds 0 where j <= i and hides the rest.
bool is_added_triangle(Rewriter& r, tenon_value mask, int64_t steps) {
  const ValueInfo i = r.g.info(mask);
  const auto m = floats(r.g, mask);
  if (!m || i.rank() < 2 || i.dim(-1) != steps || i.dim(-2) != steps) return false;
  const auto n = static_cast<size_t>(steps);
  for (size_t k = 0; k < m->size(); ++k)
    if (k % n <= k / n % n ? (*m)[k] != 0 : !((*m)[k] <= -1e9)) return false;
  return true;
}

double lowest(tenon_dtype t) { return t == dt::f32 ? -static_cast<double>(std::numeric_limits<float>::max()) : -std::numeric_limits<double>::max(); }

}  // namespace

bool read_scores(Rewriter& r, tenon_value scores, Scores* s) { return ScoreReader(r, scores).read(scores, s); }

std::optional<Mask> mask_of(Rewriter& r, tenon_node root, const Scores& s, const ValueInfo& scores, bool cached) {
  Mask m;
  const bool square = !cached && scores.dim(-1) == scores.dim(-2);
  if (s.choice && scores.type() != dt::f32 && scores.type() != dt::f64) return std::nullopt;
  std::vector<tenon_value> added;
  for (tenon_value v : s.added) {
    if (square && is_added_triangle(r, v, scores.dim(-1)) && s.added.size() == 1) m.causal = true;
    else added.push_back(v);
  }
  if (s.choice) {
    Choice c = *s.choice;
    if (const tenon_node n = r.made_by(c.condition, "LogicalNot")) c.condition = r.g.input(n, 0), c.inverse = !c.inverse;
    if (square && !c.inverse && added.empty() && is_triangle(r, c.condition, scores.dim(-1))) {
      m.causal = true;
    } else {
      // Where everything is hidden, all scores must come out equal: so what replaces them must swallow what it is added to.
      const tenon_value none = make_scalar(r.g, scores.type(), 0);
      const tenon_value hidden = make_scalar(r.g, scores.type(), std::isfinite(c.fill) ? lowest(scores.type()) : -HUGE_VAL);
      const tenon_value v = r.emit(root, "Where", {c.condition, c.inverse ? hidden : none, c.inverse ? none : hidden});
      r.g.set_type(v, scores.type(), r.g.info(c.condition).dims());
      added.push_back(v);
    }
  }
  for (tenon_value v : added) {
    if (m.value) {
      const auto dims = broadcast_dims(r.g.info(m.value), r.g.info(v));
      m.value = r.emit(root, "Add", {m.value, v});
      if (dims) r.g.set_type(m.value, scores.type(), *dims);
    } else {
      m.value = v;
    }
  }
  return m;
}

}  // namespace tenon::passes
