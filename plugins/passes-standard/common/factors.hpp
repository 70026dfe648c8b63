// SPDX-License-Identifier: Apache-2.0
// factors.hpp - a product as a coefficient and its factors, whatever the order and the grouping in which it was written.
#pragma once
#include <cmath>
#include <vector>

#include "common/constants.hpp"
#include <tenon/rewriter.hpp>
#include "common/shapes.hpp"

namespace tenon::passes {

struct Product {
  double coefficient = 1;
  std::vector<tenon_value> factors;
  std::vector<tenon_node> nodes;  ///< Mul, Div, Neg and Pow nodes that it was read from
};

/// A scalar constant that does not change the shape of what it is combined with.
inline std::optional<double> plain_scalar(const Rewriter& r, tenon_value v, tenon_value result) {
  const auto s = scalar(r.g, v);
  if (!s || !std::isfinite(*s) || r.g.info(v).rank() > std::max(r.g.info(result).rank(), 0)) return std::nullopt;
  return s;
}

inline void multiply(const Rewriter& r, tenon_value v, Product* p, bool root, int depth);

/// Reads node n, whose first output is v, into p; false when it is no product.
inline bool multiply_node(const Rewriter& r, tenon_node n, tenon_value v, Product* p, int depth) {
  const tenon_value a = r.g.input(n, 0), b = r.g.input(n, 1);
  if (r.is(n, "Mul")) {
    p->nodes.push_back(n);
    for (tenon_value x : {a, b}) {
      if (const auto c = plain_scalar(r, x, v)) p->coefficient *= *c;
      else multiply(r, x, p, false, depth);
    }
    return true;
  }
  if (r.is(n, "Div")) {
    const auto c = plain_scalar(r, b, v);
    if (!c || *c == 0) return false;
    p->nodes.push_back(n);
    p->coefficient /= *c;
    multiply(r, a, p, false, depth);
    return true;
  }
  if (r.is(n, "Neg")) {
    p->nodes.push_back(n);
    p->coefficient = -p->coefficient;
    multiply(r, a, p, false, depth);
    return true;
  }
  if (r.is(n, "Pow")) {
    const auto c = plain_scalar(r, b, v);
    if (c != 2.0 && c != 3.0) return false;
    p->nodes.push_back(n);
    p->factors.insert(p->factors.end(), static_cast<size_t>(*c), a);
    return true;
  }
  return false;
}

/// Multiplies p by v. What others use too stays a factor of its own, unless it is the root of the product.
inline void multiply(const Rewriter& r, tenon_value v, Product* p, bool root, int depth) {
  const ValueInfo i = r.g.info(v);
  const tenon_node n = i.producer();
  const bool open = n && depth < 8 && i.output_index() == 0 && (root || i.n_uses() == 1) && r.here(n);
  if (!open || !multiply_node(r, n, v, p, depth + 1)) p->factors.push_back(v);
}

/// v as a product. Even when others use v.
inline Product product(const Rewriter& r, tenon_value v) {
  Product p;
  multiply(r, v, &p, true, 0);
  return p;
}

/// v = a + constant.
struct Sum {
  tenon_value term = 0;
  double constant = 0;
  tenon_node node = 0;
};
inline std::optional<Sum> sum_with_constant(const Rewriter& r, tenon_value v) {
  if (const tenon_node n = r.made_by(v, "Add"))
    for (uint64_t k : {0u, 1u})
      if (const auto c = plain_scalar(r, r.g.input(n, k), v)) return Sum{r.g.input(n, 1 - k), *c, n};
  if (const tenon_node n = r.made_by(v, "Sub"))
    if (const auto c = plain_scalar(r, r.g.input(n, 1), v)) return Sum{r.g.input(n, 0), -*c, n};
  return std::nullopt;
}

/// v = k * x for this x; the nodes in between are added to `nodes`.
inline std::optional<double> multiple_of(const Rewriter& r, tenon_value v, tenon_value x, std::vector<tenon_node>* nodes) {
  if (v == x) return 1.0;
  const Product p = product(r, v);
  if (p.factors.size() != 1 || p.factors[0] != x) return std::nullopt;
  nodes->insert(nodes->end(), p.nodes.begin(), p.nodes.end());
  return p.coefficient;
}

}  // namespace tenon::passes
