// SPDX-License-Identifier: Apache-2.0
// replace-einsum: an Einsum of two operands is a product of matrices. Each label is of the batch (in both operands and the result), summed
// (in both, not in the result) or free (in one operand and the result); the operands are brought to [batch, free, summed] and
// [batch, summed, free]. An Einsum of one operand without repeated labels is a Transpose and a ReduceSum.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

bool distinct(std::string s) {
  std::sort(s.begin(), s.end());
  return std::adjacent_find(s.begin(), s.end()) == s.end();
}
bool has(const std::string& s, char c) { return s.find(c) != std::string::npos; }

/// Letters only, each once in an operand, and an explicit result; nothing else is a product of matrices.
std::optional<Equation> parse(const std::string& text) {
  Equation e;
  std::string part;
  const size_t arrow = text.find("->");
  if (arrow == std::string::npos) return std::nullopt;
  auto end_operand = [&] {
    e.operands.push_back(part);
    part.clear();
  };
  for (size_t k = 0; k < text.size(); ++k) {
    const char c = text[k];
    if (c == ' ') continue;
    if (k == arrow) end_operand(), ++k;
    else if (c == ',' && k < arrow) end_operand();
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) part += c;
    else return std::nullopt;
  }
  e.result = part;
  for (const auto& o : e.operands)
    if (!distinct(o)) return std::nullopt;
  if (!distinct(e.result)) return std::nullopt;
  for (char c : e.result)
    if (std::none_of(e.operands.begin(), e.operands.end(), [c](const std::string& o) { return has(o, c); })) return std::nullopt;
  return e;
}

/// A value and the labels of its axes.
struct Labelled {
  tenon_value value = 0;
  std::string labels;
};

class Maker {
 public:
  Maker(Rewriter& r, tenon_node root) : r_(r), root_(root) {}

  int64_t dim(const Labelled& x, char c) const { return r_.g.info(x.value).dim(static_cast<int32_t>(x.labels.find(c))); }
  Labelled transposed(const Labelled& x, const std::string& to) {
    if (x.labels == to) return x;
    std::vector<int64_t> perm;
    Dims d;
    for (char c : to) {
      perm.push_back(static_cast<int64_t>(x.labels.find(c)));
      d.push_back(dim(x, c));
    }
    return {emit("Transpose", {x.value}, AttrList{}.set("perm", perm), d), to};
  }
  /// Without the labels that the test names.
  template <class F> Labelled summed(const Labelled& x, F&& gone) {
    std::vector<int64_t> axes;
    Dims d;
    Labelled y;
    for (size_t k = 0; k < x.labels.size(); ++k) {
      if (gone(x.labels[k])) axes.push_back(static_cast<int64_t>(k));
      else d.push_back(dim(x, x.labels[k])), y.labels += x.labels[k];
    }
    if (axes.empty()) return x;
    y.value = emit("ReduceSum", {x.value, r_.g.add_ints("", axes)}, AttrList{}.set("keepdims", 0), d);
    return y;
  }
  tenon_value emit(std::string_view op, std::vector<tenon_value> in, const AttrList& attrs, const Dims& d) {
    const tenon_value v = r_.emit(root_, op, std::move(in), attrs);
    r_.g.set_type(v, r_.g.info(r_.g.output(root_)).type(), d);
    return v;
  }
  tenon_value reshaped(tenon_value v, const Dims& d) {
    if (r_.g.info(v).dims() == d) return v;
    Dims target = d;
    for (int64_t& x : target)
      if (x < 0) x = -1;
    return emit("Reshape", {v, r_.g.add_ints("", target)}, {}, d);
  }
  /// Product of the dimensions of these labels.
  int64_t size(const Labelled& x, const std::string& labels) const {
    int64_t s = 1;
    for (char c : labels) s = api().ir->dim_op(r_.g.raw(), TENON_DIM_MUL, s, dim(x, c));
    return s;
  }
  Dims dims(const Labelled& x, const std::string& labels) const {
    Dims d;
    for (char c : labels) d.push_back(dim(x, c));
    return d;
  }

 private:
  Rewriter& r_;
  tenon_node root_;
};

size_t symbols(const Dims& d) {
  return static_cast<size_t>(std::count_if(d.begin(), d.end(), [](int64_t x) { return x < 0; }));
}
bool no_zero(const Dims& d) { return std::find(d.begin(), d.end(), 0) == d.end(); }

/// Labels by the part they play in a product, each in the order of the result or of the left operand.
struct Parts {
  std::string batch, left, right, sum;
};
Parts parts_of(const Equation& e) {
  Parts p;
  const std::string &a = e.operands[0], &b = e.operands[1];
  for (char c : e.result) (has(a, c) && has(b, c) ? p.batch : has(a, c) ? p.left : p.right) += c;
  for (char c : a)
    if (has(b, c) && !has(e.result, c)) p.sum += c;
  return p;
}

/// A Reshape needs numbers, but for one dimension.
bool reshapable(const Dims& d) { return symbols(d) <= 1 && no_zero(d); }

void replace_by(Rewriter& r, tenon_node n, const Labelled& y, const std::string& result) {
  if (y.labels == result) {
    r.replace(n, {"Identity", {y.value}});
    return;
  }
  std::vector<int64_t> perm;
  for (char c : result) perm.push_back(static_cast<int64_t>(y.labels.find(c)));
  r.replace(n, {"Transpose", {y.value}, AttrList{}.set("perm", perm)});
}

bool equal_sizes(const Maker& m, const Labelled& a, const Labelled& b) {
  for (char c : a.labels)
    if (has(b.labels, c) && m.dim(a, c) != m.dim(b, c)) return false;
  return true;
}

bool two(Rewriter& r, tenon_node n, const Equation& e) {
  Maker m(r, n);
  Labelled a{r.g.input(n, 0), e.operands[0]}, b{r.g.input(n, 1), e.operands[1]};
  if (!equal_sizes(m, a, b)) return false;
  Parts p = parts_of(e);
  if (p.sum.empty()) return false;
  // What comes last in the result is the columns.
  if (!p.left.empty() && (p.right.empty() || e.result.find(p.left.back()) > e.result.find(p.right.back()))) {
    std::swap(a, b);
    std::swap(p.left, p.right);
  }
  const Dims batch = m.dims(a, p.batch), rows = m.dims(a, p.left), columns = m.dims(b, p.right);
  Dims result = batch;
  result.insert(result.end(), rows.begin(), rows.end());
  result.insert(result.end(), columns.begin(), columns.end());
  const bool plain = p.left.size() == 1 && p.right.size() == 1 && p.sum.size() == 1;
  Dims left = batch, right = batch, y = batch;
  const int64_t mm = m.size(a, p.left), kk = m.size(a, p.sum), nn = m.size(b, p.right);
  left.insert(left.end(), {mm, kk});
  right.insert(right.end(), {kk, nn});
  y.insert(y.end(), {mm, nn});
  if (!plain && !(reshapable(left) && reshapable(right) && reshapable(result))) return false;
  a = m.transposed(m.summed(a, [&](char c) { return !has(p.batch + p.left + p.sum, c); }), p.batch + p.left + p.sum);
  b = m.transposed(m.summed(b, [&](char c) { return !has(p.batch + p.right + p.sum, c); }), p.batch + p.sum + p.right);
  const tenon_value product = m.emit("MatMul", {m.reshaped(a.value, left), m.reshaped(b.value, right)}, {}, y);
  replace_by(r, n, {m.reshaped(product, result), p.batch + p.left + p.right}, e.result);
  return true;
}

bool einsum(Rewriter& r, tenon_node n) {
  const auto e = parse(r.g.attrs(n).s("equation"));
  const Ids in = r.g.inputs(n);
  if (!e || e->operands.size() != in.size() || in.empty() || in.size() > 2) return false;
  for (size_t k = 0; k < in.size(); ++k) {
    const ValueInfo i = r.g.info(in[k]);
    if (!known(i) || i.rank() != static_cast<int32_t>(e->operands[k].size()) || !is_float(i.type())) return false;
  }
  if (in.size() == 2) return two(r, n, *e);
  Maker m(r, n);
  replace_by(r, n, m.summed({in[0], e->operands[0]}, [&](char c) { return !has(e->result, c); }), e->result);
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) { return Rewriter(ctx, g, {{{"Einsum"}, einsum, "einsum"}}).run(); }

}  // namespace

TENON_PASS("replace-einsum",
           R"("class":"reassociating","summary":"write an Einsum of one or two operands as Transpose, Reshape, ReduceSum and MatMul","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
