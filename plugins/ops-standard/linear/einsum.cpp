// SPDX-License-Identifier: Apache-2.0
// Einsum: sum of products of the operands' elements over the labels that the output lacks. Ellipses broadcast.
#include "common/broadcast.hpp"
#include "common/infer.hpp"
#include "common/work.hpp"

#include <cctype>
#include <map>

namespace tenon::ops {
namespace {

/// Labels of one operand or of the output; dimensions of an ellipsis are numbered from the last: -1, -2, ...
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> in;
  Labels out;
};

std::vector<std::string> split_terms(const std::string& s) {
  std::vector<std::string> r = {""};
  for (char c : s) {
    if (c == ',') r.emplace_back();
    else r.back() += c;
  }
  return r;
}

/// `free` dimensions stand for the ellipsis.
Labels parse_term(const std::string& term, int64_t free) {
  Labels r;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      for (int64_t k = free; k > 0; --k) r.push_back(static_cast<int>(-k));
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i]))) {
      r.push_back(term[i]);
    } else {
      fail("the equation of Einsum is malformed", "letters, ',' , '->' and '...'", term);
    }
  }
  return r;
}

Equation parse_equation(const Node& node) {
  std::string text;
  for (char c : node.s("equation"))
    if (c != ' ') text += c;
  const size_t arrow = text.find("->");
  const auto terms = split_terms(text.substr(0, arrow));
  if (terms.size() != node.n_in()) fail("the equation has another number of operands than there are inputs", std::to_string(terms.size()), std::to_string(node.n_in()));
  Equation e;
  int64_t widest = 0;
  std::map<int, int> uses;
  for (uint32_t k = 0; k < node.n_in(); ++k) {
    const bool open = terms[k].find("...") != std::string::npos;
    const int64_t named = static_cast<int64_t>(parse_term(terms[k], 0).size()), free = node.in(k).rank() - named;
    if (free < 0 || (free > 0 && !open)) fail("an operand has a wrong rank", std::to_string(named) + (open ? " or more" : ""), std::to_string(node.in(k).rank()));
    e.in.push_back(parse_term(terms[k], free));
    widest = std::max(widest, free);
    for (int l : e.in.back()) ++uses[l];
  }
  if (arrow != std::string::npos) {
    e.out = parse_term(text.substr(arrow + 2), widest);
    for (int l : e.out)
      if (!uses.count(l)) fail("the output has a label that no operand has", "labels of the operands", text);
  } else {
    for (int64_t k = widest; k > 0; --k) e.out.push_back(static_cast<int>(-k));
    for (const auto& [label, count] : uses)
      if (label > 0 && count == 1) e.out.push_back(label);
  }
  return e;
}

std::map<int, int64_t> label_sizes(const Node& node, const Equation& e) {
  std::map<int, int64_t> size;
  for (uint32_t k = 0; k < node.n_in(); ++k)
    for (size_t i = 0; i < e.in[k].size(); ++i) {
      const int64_t d = node.in(k).dim(static_cast<int32_t>(i));
      auto [it, fresh] = size.emplace(e.in[k][i], d);
      if (fresh || d == it->second) continue;
      if (d >= 0 && it->second >= 0 && d != 1 && it->second != 1) fail("operands of Einsum do not fit", std::to_string(it->second), std::to_string(d));
      it->second = broadcast_dim(node, it->second, d);
    }
  return size;
}

void infer(const Node& node) {
  if (node.n_in() == 0) throw invalid("Einsum needs at least one operand");
  for (uint32_t k = 0; k < node.n_in(); ++k)
    if (!node.in(k).has_rank()) return node.set_out_unranked(0, node.in(0).type());
  const Equation e = parse_equation(node);
  const auto size = label_sizes(node, e);
  Dims d;
  for (int l : e.out) d.push_back(size.at(l));
  node.set_out(0, node.in(0).type(), d);
}

/// Strides of an operand along `labels`; a repeated label walks the diagonal.
Dims strides_along(const Labels& labels, const Labels& own, Span<int64_t> dims) {
  const Dims step = strides_of(dims);
  Dims r(labels.size(), 0);
  for (size_t l = 0; l < labels.size(); ++l)
    for (size_t i = 0; i < own.size(); ++i)
      if (own[i] == labels[l] && dims[i] != 1) r[l] += step[i];
  return r;
}

void run(const Node& node) {
  const Equation e = parse_equation(node);
  const auto size = label_sizes(node, e);
  Labels summed;
  for (const auto& [label, n] : size)
    if (std::find(e.out.begin(), e.out.end(), label) == e.out.end()) summed.push_back(label);
  Dims out_extent, sum_extent;
  for (int l : e.out) out_extent.push_back(size.at(l));
  for (int l : summed) sum_extent.push_back(size.at(l));
  const size_t n = node.n_in();
  std::vector<Dims> out_step, sum_step;
  for (uint32_t k = 0; k < n; ++k) {
    out_step.push_back(strides_along(e.out, e.in[k], node.in(k).dims()));
    sum_step.push_back(strides_along(summed, e.in[k], node.in(k).dims()));
  }
  const int64_t count = node.out(0).count(), terms = count_of(sum_extent.data(), static_cast<int32_t>(sum_extent.size()));
  visit_work(node.in(0).type(), [&]<class W>(Tag<W>) {
    std::vector<Operand<W>> x;
    for (uint32_t k = 0; k < n; ++k) x.emplace_back(node.in(k));
    // Offsets of every summed term, shared by all output elements.
    std::vector<int64_t> offset(static_cast<size_t>(terms) * n);
    Dims at(sum_extent.size(), 0);
    for (int64_t t = 0; t < terms; ++t) {
      for (size_t k = 0; k < n; ++k)
        for (size_t d = 0; d < at.size(); ++d) offset[static_cast<size_t>(t) * n + k] += at[d] * sum_step[k][d];
      for (size_t d = at.size(); d-- > 0 && ++at[d] == sum_extent[d];) at[d] = 0;
    }
    void* to = node.out(0).mutable_data<void>();
    // Base offsets of each output element, so that the inner loop only adds.
    std::vector<int64_t> base(static_cast<size_t>(count) * n);
    for (int64_t o = 0; o < count; ++o)
      for (size_t k = 0; k < n; ++k) {
        int64_t rest = o;
        for (size_t d = out_extent.size(); d-- > 0; rest /= out_extent[d])
          base[static_cast<size_t>(o) * n + k] += rest % out_extent[d] * out_step[k][d];
      }
    node.parallel_for(count, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, terms)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const int64_t* from = base.data() + o * static_cast<int64_t>(n);
        sum_t<W> sum = 0;
        for (int64_t t = 0; t < terms; ++t) {
          const int64_t* add = offset.data() + t * static_cast<int64_t>(n);
          sum_t<W> product = 1;
          for (size_t k = 0; k < n; ++k) product *= x[k][from[k] + add[k]];
          sum += product;
        }
        store_sums<W>(to, node.out(0).type(), o, &sum, 1);
      }
    });
  });
}

}  // namespace

TENON_OPERATOR("tenon", "Einsum", 1, 0, "(operands*: T(num)) -> (Y: T) {equation: string}", infer, run);
}  // namespace tenon::ops
