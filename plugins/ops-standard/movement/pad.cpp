// SPDX-License-Identifier: Apache-2.0
// Elements added before and after each dimension (negative: taken away). Modes: constant; reflect (the border is not repeated);
// symmetric (it is); edge; wrap.
#include "common/broadcast.hpp"
#include "common/infer.hpp"
#include "common/raw.hpp"

namespace tenon::ops {
namespace {
/// pads[i] and pads[n + i] belong to axes[i]; spread over all dimensions of the input.
template <class V>
std::vector<V> spread(const Node& node, const std::vector<V>& pads, int32_t rank, V zero) {
  Dims axes;
  for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  if (node.has_in(3)) axes = normalize_axes(*known_ints(node, 3), rank);
  if (pads.size() != 2 * axes.size()) fail("pads has a wrong length", std::to_string(2 * axes.size()) + " numbers", std::to_string(pads.size()));
  std::vector<V> r(2 * static_cast<size_t>(rank), zero);
  for (size_t i = 0; i < axes.size(); ++i) {
    r[static_cast<size_t>(axes[i])] = pads[i];
    r[static_cast<size_t>(axes[i] + rank)] = pads[axes.size() + i];
  }
  return r;
}
int64_t padded(const Node& node, int64_t dim, DimValue p) {
  if (!p.number) return p.unknown() ? kUnknown : dim_add(node, dim, p.v);
  return p.v < 0 ? dim_sub(node, dim, -p.v) : dim_add(node, dim, p.v);
}
int64_t padded_dim(const Node& node, int64_t dim, DimValue before, DimValue after) {
  if (dim < 0 || !before.number || !after.number) return padded(node, padded(node, dim, before), after);
  int64_t total = 0;
  const bool overflows = __builtin_add_overflow(dim, before.v, &total) || __builtin_add_overflow(total, after.v, &total);
  if (overflows) fail("the padding is too large", "a size below 2^63", std::to_string(before.v) + " and " + std::to_string(after.v));
  return std::max<int64_t>(0, total);
}
void infer(const Node& node) {
  const Tensor x = node.in(0);
  const std::string mode = node.s("mode", "constant");
  for (const char* known : {"constant", "reflect", "symmetric", "edge", "wrap", ""}) {
    if (!*known) fail("attribute 'mode' has an unknown value", "constant, reflect, symmetric, edge or wrap", mode);
    if (mode == known) break;
  }
  if (node.has_in(2)) expect_same_type(node, 0, 2);
  if (!x.has_rank()) return node.set_out_unranked(0, x.type());
  const auto pads = literal_dim_values(node, 1);
  if (!pads || (node.has_in(3) && !known_ints(node, 3))) return node.set_out(0, x.type(), Dims(static_cast<size_t>(x.rank()), kUnknown));
  const auto all = spread(node, *pads, x.rank(), DimValue{0, true});
  Dims dims;
  for (int32_t i = 0; i < x.rank(); ++i) {
    const DimValue before = all[static_cast<size_t>(i)], after = all[static_cast<size_t>(i + x.rank())];
    dims.push_back(padded_dim(node, x.dim(i), before, after));
  }
  node.set_out(0, x.type(), dims);
}

int64_t floor_mod(int64_t a, int64_t b) { return (a % b + b) % b; }
/// Position in the input for position p of the output, counted from the input's first element; -1 = the constant.
int64_t source(const std::string& mode, int64_t p, int64_t n) {
  if (mode == "constant") return p >= 0 && p < n ? p : -1;
  if (n == 0) fail("an empty dimension cannot be padded", "mode constant", mode);
  if (mode == "edge") return std::clamp<int64_t>(p, 0, n - 1);
  if (mode == "wrap") return floor_mod(p, n);
  if (mode == "symmetric") {
    const int64_t q = floor_mod(p, 2 * n);
    return q < n ? q : 2 * n - 1 - q;
  }
  if (n == 1) return 0;
  const int64_t q = floor_mod(p, 2 * n - 2);
  return q < n ? q : 2 * n - 2 - q;
}
/// A run of the innermost dimension: consecutive in the input, or (from < 0) constant.
struct Run {
  int64_t to, from, count;
};
std::vector<Run> runs_of(const Dims& sources) {
  std::vector<Run> runs;
  for (size_t i = 0; i < sources.size(); ++i) {
    const int64_t s = sources[i];
    const bool joins = !runs.empty() && (s < 0 ? runs.back().from < 0 : runs.back().from >= 0 && s == runs.back().from + runs.back().count);
    if (joins) ++runs.back().count;
    else runs.push_back({static_cast<int64_t>(i), s, 1});
  }
  return runs;
}
template <class U>
void pad(const Node& node, const U* from, U* to, U value, const std::vector<Dims>& sources) {
  const Tensor x = node.in(0), y = node.out(0);
  const auto runs = runs_of(sources.back());
  const Dims strides = strides_of(x.dims());
  const int64_t row = y.dim(-1), rows = count_of(y.dims().data(), y.rank() - 1);
  Dims index(sources.size() - 1, 0);
  for (int64_t r = 0; r < rows; ++r, to += row) {
    int64_t offset = 0;
    bool constant = false;
    for (size_t d = 0; d < index.size(); ++d) {
      const int64_t s = sources[d][static_cast<size_t>(index[d])];
      constant = constant || s < 0;
      offset += s * strides[d];
    }
    for (const Run& run : runs) {
      if (constant || run.from < 0) std::fill_n(to + run.to, run.count, value);
      else copy_strided(to + run.to, from + offset + run.from, 1, run.count);
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < y.dim(static_cast<int32_t>(d))) break;
      index[d] = 0;
    }
  }
}
void run(const Node& node) {
  const Tensor x = node.in(0), y = node.out(0);
  if (x.rank() == 0) return copy_elements(node);
  if (y.count() == 0) return;
  const Dims pads = spread(node, node.in(1).ints(), x.rank(), int64_t{0});
  const std::string mode = node.s("mode", "constant");
  std::vector<Dims> sources(static_cast<size_t>(x.rank()));
  for (size_t d = 0; d < sources.size(); ++d)
    for (int64_t i = 0; i < y.dim(static_cast<int32_t>(d)); ++i) sources[d].push_back(source(mode, i - pads[d], x.dim(static_cast<int32_t>(d))));
  const RawInput in(x);
  const RawOutput out(node, 0);
  visit_unit(x.type(), [&](auto unit) {
    using U = decltype(unit);
    U value{};
    if (node.has_in(2)) {
      if (node.in(2).count() != 1) fail("the padding value must be one element", "1 element", shape_text(node.in(2)));
      value = *RawInput(node.in(2)).data<U>();
    }
    pad<U>(node, in.data<U>(), out.data<U>(), value, sources);
  });
  out.commit();
}
}  // namespace
TENON_OPERATOR("tenon", "Pad", 1, 0, "(data: T(any), pads: i64, constant_value?: T, axes?: index) -> (output: T) {mode?: string}", infer, run);
}  // namespace tenon::ops
