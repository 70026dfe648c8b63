// SPDX-License-Identifier: Apache-2.0
#include "compare_models.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "../data/numbers.hpp"
#include "../data/shape.hpp"
#include "../data/tensor_set.hpp"
#include "../pipeline/inputs.hpp"
#include "layers.hpp"
#include "subgraph.hpp"

namespace tenon::core {
namespace {

using Perm = std::vector<size_t>;
constexpr size_t kMostAxes = 5;  ///< all orders of more are too many to try

bool dense(const Tensor& t) { return t.present && t.buffer && t.type.bits % 8 == 0; }

/// Axis k of the result is axis perm[k] of x.
Result<Tensor> transposed(const Tensor& x, const Perm& perm) {
  std::vector<int64_t> dims, strides(x.dims.size(), 1);
  for (size_t k = x.dims.size(); k-- > 1;) strides[k - 1] = strides[k] * x.dims[k];
  for (size_t k : perm) dims.push_back(x.dims[k]);
  auto y = Tensor::zeros(x.type, dims);
  if (!y) return y;
  const size_t width = x.type.bits / 8u;
  std::vector<int64_t> at(dims.size(), 0);
  for (int64_t i = 0, n = y->count(); i < n; ++i) {
    int64_t from = 0;
    for (size_t k = 0; k < perm.size(); ++k) from += at[k] * strides[perm[k]];
    std::memcpy(y->buffer.writable() + static_cast<size_t>(i) * width, x.buffer.data() + static_cast<size_t>(from) * width, width);
    for (size_t k = dims.size(); k-- > 0 && ++at[k] == dims[k];) at[k] = 0;
  }
  return y;
}

/// Orders of axes that turn `from` into `to`, without the one that changes nothing.
std::vector<Perm> orders(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  std::vector<Perm> all;
  if (from.size() != to.size() || from.size() > kMostAxes) return all;
  Perm p(from.size());
  std::iota(p.begin(), p.end(), size_t{0});
  while (std::next_permutation(p.begin(), p.end())) {
    bool fits = true;
    for (size_t k = 0; k < p.size(); ++k) fits = fits && from[p[k]] == to[k];
    if (fits) all.push_back(p);
  }
  return all;
}

std::string order_text(const Perm& p) {
  std::string s = "transposed [";
  for (size_t k = 0; k < p.size(); ++k) s += (k ? ", " : "") + std::to_string(p[k]);
  return s + "]";
}

double magnitude(const Tensor& t) {
  double most = 0;
  if (!dense(t)) return most;
  const int64_t parts = t.count() * (t.type.code == TENON_DT_COMPLEX ? 2 : 1);
  for (int64_t k = 0; k < parts; ++k) {
    const double x = std::fabs(number_at(t.buffer.data(), t.type, k));
    if (std::isfinite(x)) most = std::max(most, x);
  }
  return most;
}

std::string text_of(const Tensor& t) { return t.present ? type_text(t.type, t.dims) : std::string("absent"); }

/// Compares, and where that shows a difference looks for another layout of the same numbers.
void judge(const Tensor& a, const Tensor& b, const Tolerance& t, ValueComparison* r) {
  r->shape_a = text_of(a);
  r->shape_b = text_of(b);
  r->found = compare(b, a, t);
  r->relative = magnitude(a) > 0 ? r->found.max_difference / magnitude(a) : r->found.max_difference;
  if (r->found.ok()) return;
  const bool layouts = dense(a) && dense(b) && a.type == b.type && a.count() == b.count();
  for (const Perm& p : layouts ? orders(b.dims, a.dims) : std::vector<Perm>()) {
    auto turned = transposed(b, p);
    if (!turned) continue;
    Comparison c = compare(*turned, a, t);
    if (!c.ok()) continue;
    r->found = std::move(c);
    r->relative = magnitude(a) > 0 ? r->found.max_difference / magnitude(a) : r->found.max_difference;
    r->note = order_text(p);
    return;
  }
  if (layouts && a.dims != b.dims) {
    Tensor flat = b;
    flat.dims = a.dims;
    if (Comparison c = compare(flat, a, t); c.ok()) {
      r->found = std::move(c);
      r->note = "another shape, same order";
      return;
    }
  }
  r->comparable = r->found.difference.empty();
  if (!r->comparable) r->note = "not comparable: " + r->found.difference;
  r->departs = r->comparable;
}

/// b's inputs from a's.
Result<std::vector<Tensor>> inputs_for(const Model& a, const Model& b, const std::vector<Tensor>& inputs, std::vector<std::string>* notes) {
  std::vector<Tensor> r;
  const auto &in_a = a.main().inputs, &in_b = b.main().inputs;
  for (size_t k = 0; k < in_b.size(); ++k) {
    auto same = std::find_if(in_a.begin(), in_a.end(), [&](tenon_value v) { return a.value_name(v) == b.value_name(in_b[k]); });
    const size_t from = same != in_a.end() ? static_cast<size_t>(same - in_a.begin()) : k;
    if (from >= inputs.size() || (same == in_a.end() && in_a.size() != in_b.size()))
      return fail(Error(TENON_E_CONFIG, "nothing stands for an input of the second model").with("value", std::string(b.value_name(in_b[k]))).with("hint", "inputs are matched by name, or by position where both models have as many"));
    const Tensor& x = inputs[from];
    const ValueType t = b.type(in_b[k]);
    auto fits = [&](const std::vector<int64_t>& dims) {
      bool all = t.rank < 0 || t.dims.size() == dims.size();
      for (size_t i = 0; all && t.rank >= 0 && i < dims.size(); ++i) all = t.dims[i] < 0 || t.dims[i] == dims[i];
      return all;
    };
    Result<Tensor> given = x;
    if (!fits(x.dims) && dense(x))
      for (const Perm& p : {Perm{0, 2, 3, 1}, Perm{0, 3, 1, 2}}) {
        if (x.dims.size() != 4 || !given || !fits({x.dims[p[0]], x.dims[p[1]], x.dims[p[2]], x.dims[p[3]]})) continue;
        given = transposed(x, p);
        notes->push_back("input " + std::string(b.value_name(in_b[k])) + " of the second model is given " + order_text(p));
        break;
      }
    if (!given) return fail(std::move(given.error()));
    if (!fits(given->dims) || given->type != t.dtype)
      return fail(Error(TENON_E_CONFIG, "an input of the first model does not fit the second").with("value", std::string(b.value_name(in_b[k]))).with("expected", value_type_text(b, in_b[k])).with("found", text_of(x)));
    r.push_back(std::move(*given));
  }
  return r;
}

/// Values reached from a departing one without another matched value between all agree: then it departs only by itself.
void find_moved(const Model& a, std::vector<ValueComparison>* all) {
  std::map<tenon_value, const ValueComparison*> of;
  for (const auto& v : *all)
    if (v.comparable) of[v.match.a] = &v;
  for (auto& v : *all) {
    if (!v.departs || v.match.output) continue;
    std::vector<tenon_value> open = {v.match.a}, out;
    std::set<tenon_value> seen(open.begin(), open.end());
    bool later = false, agree = true;
    while (!open.empty() && agree) {
      const Slot s = slot(open.back());
      open.pop_back();
      for (uint32_t o = a.values.first_use[s]; o; o = a.operands[o].next) {
        a.outputs(a.node_id(a.operands[o].node), &out);
        for (tenon_value y : out) {
          if (!y || !seen.insert(y).second) continue;
          auto known = of.find(y);
          if (known == of.end()) open.push_back(y);
          else later = true, agree = agree && !known->second->departs;
        }
      }
    }
    v.moved = later && agree;
  }
}

}  // namespace

const ValueComparison* ModelComparison::first() const {
  for (const auto& v : values)
    if (v.departs && !v.moved) return &v;
  return nullptr;
}

Result<ModelComparison> compare_models(Session& s, Model& a, Model& b, const std::vector<Tensor>& inputs, const Tolerance& t) {
  ModelComparison r;
  auto other = inputs_for(a, b, inputs, &r.notes);
  if (!other) return fail(std::move(other.error()));
  const TensorSet in_a(inputs), in_b(std::move(*other));
  const std::vector<Match> matches = match_values(a, b);
  std::vector<tenon_value> wanted_a, wanted_b;
  for (const auto& m : matches) wanted_a.push_back(m.a), wanted_b.push_back(m.b);
  auto run_a = Layers::make(s, a, in_a.pointers(), wanted_a);
  if (!run_a) return fail(std::move(run_a.error()).with("found", "in the first model"));
  auto run_b = Layers::make(s, b, in_b.pointers(), wanted_b);
  if (!run_b) return fail(std::move(run_b.error()).with("found", "in the second model"));
  for (const auto& m : matches) {
    auto x = (*run_a)->value(m.a);
    if (!x) return fail(std::move(x.error()).with("found", "in the first model"));
    auto y = (*run_b)->value(m.b);
    if (!y) return fail(std::move(y.error()).with("found", "in the second model"));
    auto left = Tensor::copy(**x), right = Tensor::copy(**y);
    if (!left) return fail(std::move(left.error()));
    if (!right) return fail(std::move(right.error()));
    ValueComparison v;
    v.match = m;
    v.name_a = a.value_name(m.a).empty() ? m.name : std::string(a.value_name(m.a));
    v.name_b = b.value_name(m.b).empty() ? m.name : std::string(b.value_name(m.b));
    judge(*left, *right, t, &v);
    r.values.push_back(std::move(v));
    (*run_a)->let_go(m.a);
    (*run_b)->let_go(m.b);
  }
  r.peak_bytes_a = (*run_a)->peak_bytes();
  r.peak_bytes_b = (*run_b)->peak_bytes();
  find_moved(a, &r.values);
  return r;
}

}  // namespace tenon::core
