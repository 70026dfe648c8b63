// SPDX-License-Identifier: Apache-2.0
#include "common/views.hpp"

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

constexpr size_t kMostSteps = 12;

bool solid(const ValueInfo& i) {
  return i.is_static() && std::all_of(i.dims().begin(), i.dims().end(), [](int64_t d) { return d > 0; });
}

/// Strides for the same elements in another shape; nothing when they are not evenly spaced there. Dimensions of 1 get stride 0.
std::optional<Dims> reshaped(const Dims& dims, const Dims& strides, const Dims& to) {
  Dims d, s;
  for (size_t k = 0; k < dims.size(); ++k)
    if (dims[k] != 1) d.push_back(dims[k]), s.push_back(strides[k]);
  Dims result(to.size(), 0);
  size_t old = 0, fresh = 0;
  while (fresh < to.size()) {
    if (to[fresh] == 1) {
      ++fresh;
      continue;
    }
    if (old == d.size()) return std::nullopt;
    size_t old_end = old + 1, end = fresh + 1;
    int64_t a = d[old], b = to[fresh];
    while (a != b) {
      if (a < b) {
        if (old_end == d.size() || s[old_end - 1] != s[old_end] * d[old_end]) return std::nullopt;
        a *= d[old_end++];
      } else {
        if (end == to.size()) return std::nullopt;
        b *= to[end++];
      }
    }
    int64_t step = s[old_end - 1];
    for (size_t k = end; k-- > fresh;) {
      result[k] = to[k] == 1 ? 0 : step;
      step *= to[k];
    }
    old = old_end;
    fresh = end;
  }
  return old == d.size() ? std::optional(result) : std::nullopt;
}

bool is_view_step(const Rewriter& r, tenon_node n) {
  if (r.is(n, "Gather")) return scalar(r.g, r.g.input(n, 1)).has_value() && r.g.info(r.g.input(n, 1)).rank() == 0;
  return r.is(n, "Reshape") || r.is(n, "Transpose") || r.is(n, "Squeeze") || r.is(n, "Unsqueeze");
}

/// The view of n's output, given that of its input.
bool step(const Rewriter& r, tenon_node n, View* v) {
  const ValueInfo out = r.g.info(r.g.output(n));
  if (r.is(n, "Gather")) {
    const auto axis = static_cast<size_t>(axis_of(r.g.attrs(n).i("axis", 0), static_cast<int64_t>(v->dims.size())));
    const int64_t at = static_cast<int64_t>(*scalar(r.g, r.g.input(n, 1))), size = v->dims.at(axis), from = at < 0 ? at + size : at;
    if (from < 0 || from >= size) return false;
    v->offset += from * v->strides[axis];
    v->dims.erase(v->dims.begin() + static_cast<int64_t>(axis));
    v->strides.erase(v->strides.begin() + static_cast<int64_t>(axis));
    return true;
  }
  if (r.is(n, "Transpose")) {
    std::vector<int64_t> perm = r.g.attrs(n).ints("perm");
    for (size_t k = v->dims.size(); perm.empty() && k-- > 0;) perm.push_back(static_cast<int64_t>(k));
    View t = *v;
    for (size_t k = 0; k < v->dims.size(); ++k) {
      t.dims[k] = v->dims.at(static_cast<size_t>(perm.at(k)));
      t.strides[k] = v->strides[static_cast<size_t>(perm[k])];
    }
    *v = t;
    return true;
  }
  const auto strides = reshaped(v->dims, v->strides, out.dims().vec());
  if (!strides) return false;
  v->dims = out.dims().vec();
  v->strides = *strides;
  return true;
}

}  // namespace

std::vector<View> views_of(const Rewriter& r, tenon_value v) {
  std::vector<View> result;
  std::vector<tenon_node> chain;  // from v backwards
  for (tenon_value base = v; chain.size() <= kMostSteps;) {
    const ValueInfo i = r.g.info(base);
    if (!solid(i)) break;
    View view{base, 0, i.dims().vec(), dense(i.dims().vec())};
    bool good = true;
    for (size_t k = chain.size(); k-- > 0 && good;) good = step(r, chain[k], &view);
    if (!good) break;
    result.push_back(std::move(view));
    const tenon_node n = i.producer();
    if (!n || !r.here(n) || i.output_index() != 0 || !is_view_step(r, n)) break;
    chain.push_back(n);
    base = r.g.input(n, 0);
  }
  return result;
}

}  // namespace tenon::passes
