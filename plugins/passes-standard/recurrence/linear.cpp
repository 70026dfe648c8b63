// SPDX-License-Identifier: Apache-2.0
#include "recurrence/linear.hpp"

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {

double Weight::at(int64_t row, int64_t column) const { return element_at<float>(bytes, static_cast<size_t>(first + row * row_stride + column * column_stride)); }

Weight Weight::rows(int64_t begin, int64_t count) const {
  Weight w = *this;
  w.first += begin * row_stride;
  w.inner = count;
  return w;
}

Weight Weight::part(int64_t begin, int64_t count) const {
  Weight w = *this;
  w.first += begin * column_stride;
  w.columns = count;
  return w;
}

tenon_node LinearReader::maker(tenon_value v, std::string_view op) const {
  const tenon_node n = v ? g_.producer(v) : 0;
  if (!n || g_.output(n) != v) return 0;
  const auto name = Graph::op_name(g_.op(n));
  return name.domain == "tenon" && name.name == op ? n : 0;
}

tenon_value LinearReader::under(tenon_value v, std::string_view op) const {
  const tenon_node n = maker(v, op);
  return n ? g_.input(n, 0) : 0;
}

std::optional<std::vector<double>> LinearReader::bias(tenon_value v, int64_t columns) const {
  return columns > 0 ? per_channel(g_, v, 2, 1, columns) : std::nullopt;
}

std::optional<Affine> LinearReader::product(tenon_value v) const {
  tenon_node n = maker(v, "Gemm");
  const bool gemm = n != 0;
  if (!gemm) n = maker(v, "MatMul");
  if (!n || !g_.input(n, 0) || !g_.input(n, 1)) return std::nullopt;
  const Attrs at = g_.attrs(n);
  const ValueInfo m = g_.info(g_.input(n, 1));
  if (!m.constant() || m.type() != dt::f32 || m.rank() != 2 || g_.info(g_.input(n, 0)).rank() < 2) return std::nullopt;
  if (at.i("transA") || at.f("alpha", 1) != 1 || at.f("beta", 1) != 1 || at.has("activation")) return std::nullopt;
  const bool transposed = at.i("transB") != 0;
  Affine a;
  a.x = g_.input(n, 0);
  a.weight = {g_.constant_bytes(g_.input(n, 1)), 0, m.dim(transposed ? 1 : 0), m.dim(transposed ? 0 : 1), transposed ? 1 : m.dim(1), transposed ? m.dim(1) : 1};
  if (a.weight.inner < 1 || a.weight.columns < 1) return std::nullopt;
  a.nodes = {n};
  a.bias.assign(static_cast<size_t>(a.weight.columns), 0.0);
  if (!gemm || !g_.input(n, 2)) return a;
  auto b = bias(g_.input(n, 2), a.weight.columns);
  if (!b) return std::nullopt;
  a.bias = std::move(*b);
  return a;
}

std::optional<Affine> LinearReader::affine(tenon_value v) const {
  const tenon_node add = maker(v, "Add");
  if (!add) return product(v);
  for (uint64_t k : {0u, 1u}) {
    if (!g_.is_constant(g_.input(add, 1 - k))) continue;
    auto a = affine(g_.input(add, k));
    const auto b = a ? bias(g_.input(add, 1 - k), a->weight.columns) : std::nullopt;
    if (!b) return std::nullopt;
    for (size_t c = 0; c < b->size(); ++c) a->bias[c] += (*b)[c];
    a->nodes.push_back(add);
    return a;
  }
  return std::nullopt;
}

std::optional<LinearReader::Piece> LinearReader::sliced(tenon_node n) const {
  const ValueInfo x = g_.info(g_.input(n, 0));
  const auto begin = ints(g_, g_.input(n, 1)), end = ints(g_, g_.input(n, 2));
  const auto axes = ints(g_, g_.input(n, 3));
  const auto steps = g_.input(n, 4) ? ints(g_, g_.input(n, 4)) : std::optional(std::vector<int64_t>{1});
  if (x.rank() < 1 || !begin || !end || !axes || !steps || begin->size() != 1 || end->size() != 1 || axes->size() != 1 || steps->size() != 1 || steps->front() != 1) return std::nullopt;
  const int64_t last = x.dim(-1);
  if (axis_of(axes->front(), x.rank()) != x.rank() - 1 || last < 1) return std::nullopt;
  auto clamped = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + last : at, 0, last); };
  const int64_t from = clamped(begin->front()), to = clamped(end->front());
  if (to <= from) return std::nullopt;
  return Piece{g_.input(n, 0), from, to - from};
}

std::optional<LinearReader::Piece> LinearReader::piece(tenon_value v) const {
  const ValueInfo i = v ? g_.info(v) : ValueInfo();
  const tenon_node n = v ? i.producer() : 0;
  if (!n) return std::nullopt;
  if (g_.op(n) == Graph::op("Slice")) return sliced(n);
  if (g_.op(n) != Graph::op("Split")) return std::nullopt;
  const ValueInfo whole = g_.info(g_.input(n, 0));
  if (whole.rank() < 1 || axis_of(g_.attrs(n).i("axis"), whole.rank()) != whole.rank() - 1) return std::nullopt;
  Piece p{g_.input(n, 0), 0, i.dim(-1)};
  for (uint32_t k = 0; k < i.output_index(); ++k) {
    const tenon_value before = g_.output(n, k);
    if (!before || g_.info(before).rank() < 1 || g_.info(before).dim(-1) < 0) return std::nullopt;
    p.begin += g_.info(before).dim(-1);
  }
  if (p.count < 1 || p.begin + p.count > whole.dim(-1)) return std::nullopt;
  return p;
}

}  // namespace tenon::passes
