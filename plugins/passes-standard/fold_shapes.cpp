// SPDX-License-Identifier: Apache-2.0
// fold-shapes: arithmetic on shapes. Integers computed from dimensions that are numbers become constants, even where the whole shape is
// not known; a computed target of Reshape, Expand or ConstantOfShape becomes a constant where inference knows the result.
#include <tenon/plugin.hpp>

#include <algorithm>
#include <unordered_map>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

constexpr size_t kMostElements = 256;  ///< longer vectors are data, not shapes

/// One element of an integer value: a number, a dimension that is no number (a symbol), or nothing known.
struct Element {
  enum Kind : uint8_t { unknown, number, symbol } kind = unknown;
  int64_t value = 0;
};
using Contents = std::vector<Element>;

Element of_dim(int64_t d) {
  if (d == TENON_DIM_UNKNOWN) return {};
  return {d >= 0 ? Element::number : Element::symbol, d};
}

class ShapeFolder {
 public:
  explicit ShapeFolder(Rewriter& r) : r_(r), g_(r.g), count_(r.ctx) {}

  uint64_t run() {
    for (tenon_node n : all_nodes(g_)) {
      const auto name = Graph::op_name(g_.op(n));
      if (name.domain == "tenon") evaluate(n, name.name);
    }
    uint64_t folded = 0;
    for (const auto& [value, contents] : found_) folded += make_constant(value, contents);
    for (tenon_value v : replaced_) r_.drop_node(g_.producer(v));
    return folded;
  }

 private:
  const Contents* contents(tenon_value v) {
    if (!v) return nullptr;
    auto it = known_.find(v);
    if (it != known_.end()) return &it->second;
    const ValueInfo i = g_.info(v);
    if (!i.constant() || i.rank() > 1 || i.count() > static_cast<int64_t>(kMostElements)) return nullptr;
    const auto c = ints(g_, v);
    if (!c) return nullptr;
    Contents made;
    for (int64_t x : *c) made.push_back({Element::number, x});
    return &known_.emplace(v, std::move(made)).first->second;
  }
  std::optional<std::vector<int64_t>> numbers(tenon_value v) {
    const Contents* c = contents(v);
    if (!c) return std::nullopt;
    std::vector<int64_t> r;
    for (const Element& e : *c) {
      if (e.kind != Element::number) return std::nullopt;
      r.push_back(e.value);
    }
    return r;
  }
  void know(tenon_value v, Contents c) {
    const ValueInfo i = g_.info(v);
    if (!(i.type() == dt::i64 || i.type() == dt::i32) || i.rank() < 0 || i.rank() > 1 || c.size() > kMostElements) return;
    if (i.is_static() && i.count() != static_cast<int64_t>(c.size())) return;
    if (!i.is_static() && i.rank() != 1) return;
    const bool all = std::all_of(c.begin(), c.end(), [](const Element& e) { return e.kind == Element::number; });
    if (all) found_.emplace_back(v, c);
    known_.emplace(v, std::move(c));
  }

  void evaluate(tenon_node n, std::string_view op) {
    const tenon_value out = g_.output(n);
    if (!out) return;
    if (op == "Shape") return shape(n, out);
    if (op == "Gather") return gather(n, out);
    if (op == "Slice") return slice(n, out);
    if (op == "Concat") return concat(n, out);
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return binary(n, out, op);
    if (op == "ReduceProd") return product(n, out);
    static const std::string_view copies[] = {"Identity", "Unsqueeze", "Squeeze", "Reshape"};
    const bool is_cast = op == "Cast" && (g_.info(g_.input(n, 0)).type() == dt::i64 || g_.info(g_.input(n, 0)).type() == dt::i32);
    if (!is_cast && std::find(std::begin(copies), std::end(copies), op) == std::end(copies)) return;
    if (const Contents* c = contents(g_.input(n, 0))) know(out, Contents(*c));
  }
  void shape(tenon_node n, tenon_value out) {
    const ValueInfo x = g_.info(g_.input(n, 0));
    if (x.rank() < 0) return;
    const Attrs a = g_.attrs(n);
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(axis_of(at, x.rank()), 0, x.rank()); };
    Contents c;
    for (int64_t k = clamp(a.i("start", 0)); k < clamp(a.i("end", x.rank())); ++k) c.push_back(of_dim(x.dim(static_cast<int32_t>(k))));
    know(out, std::move(c));
  }
  void gather(tenon_node n, tenon_value out) {
    const tenon_value data = g_.input(n, 0);
    const Contents* c = contents(data);
    const auto at = numbers(g_.input(n, 1));
    if (!c || !at || g_.info(data).rank() != 1) return;
    Contents r;
    for (int64_t k : *at) {
      k = axis_of(k, static_cast<int64_t>(c->size()));
      if (k < 0 || k >= static_cast<int64_t>(c->size())) return;
      r.push_back((*c)[static_cast<size_t>(k)]);
    }
    know(out, std::move(r));
  }
  void slice(tenon_node n, tenon_value out) {
    const Contents* c = contents(g_.input(n, 0));
    const auto start = numbers(g_.input(n, 1)), end = numbers(g_.input(n, 2));
    const auto step = g_.input(n, 4) ? numbers(g_.input(n, 4)) : std::vector<int64_t>{1};
    if (!c || !start || !end || !step || start->size() != 1 || end->size() != 1 || step->size() != 1 || step->front() < 1) return;
    if (g_.info(g_.input(n, 0)).rank() != 1) return;
    const auto size = static_cast<int64_t>(c->size());
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? std::max<int64_t>(at, -size) + size : at, 0, size); };
    Contents r;
    for (int64_t k = clamp(start->front()); k < clamp(end->front()); k += std::min(step->front(), size + 1)) r.push_back((*c)[static_cast<size_t>(k)]);
    know(out, std::move(r));
  }
  void concat(tenon_node n, tenon_value out) {
    Contents r;
    for (tenon_value v : g_.inputs(n)) {
      const Contents* c = contents(v);
      if (!c || g_.info(v).rank() != 1) return;
      r.insert(r.end(), c->begin(), c->end());
    }
    know(out, std::move(r));
  }
  void binary(tenon_node n, tenon_value out, std::string_view op) {
    const Contents *a = contents(g_.input(n, 0)), *b = contents(g_.input(n, 1));
    if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1)) return;
    Contents r;
    for (size_t k = 0; k < (a->size() == 1 ? b->size() : a->size()); ++k) r.push_back(apply(op, (*a)[a->size() == 1 ? 0 : k], (*b)[b->size() == 1 ? 0 : k]));
    know(out, std::move(r));
  }
  Element apply(std::string_view op, Element a, Element b) const {
    if (a.kind == Element::unknown || b.kind == Element::unknown) return {};
    if (a.kind == Element::number && b.kind == Element::number) return of_numbers(op, a.value, b.value);
    // As dimensions negative numbers have no meaning, so they are left to the run.
    if ((a.kind == Element::number && a.value < 0) || (b.kind == Element::number && b.value < 0)) return {};
    if (op == "Div" && (b.kind != Element::number || b.value == 0)) return {};
    const int32_t code = op == "Add" ? TENON_DIM_ADD : op == "Sub" ? TENON_DIM_SUB : op == "Mul" ? TENON_DIM_MUL : TENON_DIM_FLOORDIV;
    // A difference of dimensions may be negative at run time, which no dimension is.
    if (code == TENON_DIM_SUB) return {};
    return of_dim(api().ir->dim_op(g_.raw(), code, a.value, b.value));
  }
  static Element of_numbers(std::string_view op, int64_t a, int64_t b) {
    int64_t r = 0;
    bool bad = false;
    if (op == "Add") bad = __builtin_add_overflow(a, b, &r);
    if (op == "Sub") bad = __builtin_sub_overflow(a, b, &r);
    if (op == "Mul") bad = __builtin_mul_overflow(a, b, &r);
    if (op == "Div") bad = b == 0 || a < 0 || b < 0, r = bad ? 0 : a / b;
    return bad ? Element{} : Element{Element::number, r};
  }
  void product(tenon_node n, tenon_value out) {
    const Contents* c = contents(g_.input(n, 0));
    if (!c || c->empty() || g_.info(out).rank() < 0) return;
    if (g_.input(n, 1) && numbers(g_.input(n, 1)) != std::vector<int64_t>{0}) return;
    Element e{Element::number, 1};
    for (const Element& x : *c) e = apply("Mul", e, x);
    know(out, {e});
  }

  bool make_constant(tenon_value v, const Contents& c) {
    const ValueInfo i = g_.info(v);
    if (i.constant() || !i.n_uses() || (i.is_output() && i.n_uses() == 1)) return false;
    if (!count_.may_rewrite(g_.raw(), i.producer(), "contents")) return false;
    std::vector<int64_t> data;
    for (const Element& e : c) data.push_back(e.value);
    Dims d;
    if (i.rank() == 1) d.push_back(static_cast<int64_t>(data.size()));
    tenon_value constant = 0;
    if (i.type() == dt::i64) constant = g_.add_constant<int64_t>(i.name(), d, data.data());
    else constant = g_.add_constant<int32_t>(i.name(), d, std::vector<int32_t>(data.begin(), data.end()).data());
    g_.replace_uses(v, constant);
    replaced_.push_back(v);
    count_.rewritten();
    return true;
  }

  Rewriter& r_;
  Graph& g_;
  RewriteCount count_;
  std::unordered_map<tenon_value, Contents> known_;
  std::vector<std::pair<tenon_value, Contents>> found_;  ///< in topological order
  std::vector<tenon_value> replaced_;
};

/// The inferred result as a target: one dimension that is no number is -1; any that the input has at the same place is 0.
std::optional<Dims> target_of(const ValueInfo& x, const ValueInfo& y, bool zero_copies) {
  if (y.rank() < 0) return std::nullopt;
  Dims r;
  int inferred = 0;
  for (int32_t k = 0; k < y.rank(); ++k) {
    const int64_t d = y.dim(k);
    if (d == 0) return std::nullopt;
    const bool copied = zero_copies && d != TENON_DIM_UNKNOWN && d < 0 && k < x.rank() && x.dim(k) == d;
    if (d > 0) r.push_back(d);
    else r.push_back(copied ? 0 : -1), inferred += !copied;
  }
  if (inferred > 1) return std::nullopt;
  return r;
}

bool set_target(Rewriter& r, tenon_node n, uint64_t slot, const Dims& target) {
  std::vector<tenon_value> in = r.g.inputs(n);
  in[slot] = r.g.add_ints("", target);
  r.set_inputs(n, in);
  return true;
}
bool reshape(Rewriter& r, tenon_node n) {
  if (r.g.is_constant(r.g.input(n, 1))) return false;
  const auto target = target_of(r.g.info(r.g.input(n, 0)), r.g.info(r.g.output(n)), !r.g.attrs(n).i("allowzero"));
  return target && set_target(r, n, 1, *target);
}
bool expand(Rewriter& r, tenon_node n) {
  const ValueInfo y = r.g.info(r.g.output(n));
  return !r.g.is_constant(r.g.input(n, 1)) && y.is_static() && set_target(r, n, 1, y.dims().vec());
}
bool constant_of_shape(Rewriter& r, tenon_node n) {
  const ValueInfo y = r.g.info(r.g.output(n));
  return !r.g.is_constant(r.g.input(n, 0)) && y.is_static() && set_target(r, n, 0, y.dims().vec());
}

uint64_t run(const Ctx& ctx, Graph& g) {
  Rewriter targets(ctx, g, {{{"Reshape"}, reshape}, {{"Expand"}, expand}, {{"ConstantOfShape"}, constant_of_shape}});
  uint64_t rewrites = targets.run();
  Rewriter rest(ctx, g, {});
  rewrites += ShapeFolder(rest).run();
  return rewrites;
}

}  // namespace

TENON_PASS("fold-shapes",
           R"("class":"exact","summary":"fold integers computed from known dimensions, and computed targets of Reshape, Expand and ConstantOfShape","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
