// SPDX-License-Identifier: Apache-2.0
#include "regions.hpp"

#include <algorithm>
#include <numeric>

#include "../kernels/kernel.hpp"
#include "../kernels/onednn/primitive.hpp"
#include "../kernels/strided_copy.hpp"

namespace tenon::cpu {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr int kMostViews = 6;  // that are followed from a value on

bool is_image(const Builder& b, ValueId v) { return b.is_f32(v) && b.value(v).dims.size() >= 3 && b.value(v).dims.size() <= 5 && b.value(v).count() > 0; }

/// Whether layouts of v differ in memory at all.
bool has_layouts(const Builder& b, ValueId v) {
  if (!is_image(b, v) || b.is_constant(v)) return false;
  const Dims& d = b.value(v).dims;
  return !same_bytes(d, Layout::plain, Layout::channels_last) || !same_bytes(d, Layout::plain, dnn::preferred_block());
}

/// Whether strides are those that memory of these dims has; what the stride of a dimension of one is does not matter.
bool are(const Dims& strides, const Dims& wanted, const Dims& dims) {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != 1 && strides[i] != wanted[i]) return false;
  return true;
}

Dims transposed(const PlanNode& n, const Dims& strides) {
  const Dims perm = n.attrs.ints("perm");
  if (perm.empty()) return Dims(strides.rbegin(), strides.rend());
  Dims r;
  for (auto p : perm) r.push_back(strides[static_cast<size_t>(p)]);
  return r;
}

bool is_reshape(const PlanNode& n) { return n.op == "Reshape" || n.op == "Squeeze" || n.op == "Unsqueeze" || n.op == "Identity"; }

class Regions {
  const Builder& b_;
  const std::vector<PlanNode>& nodes_;
  std::vector<std::optional<LayoutCosts>> costs_;  ///< by node
  std::vector<std::vector<uint32_t>> members_;     ///< by value: nodes that have it in their layout
  std::vector<std::vector<uint32_t>> readers_;     ///< by value: nodes that read it without having it in their layout
  std::vector<uint32_t> writer_, parent_;          ///< by value, by node
  std::vector<uint8_t> output_;

 public:
  Regions(const Builder& b, const std::vector<PlanNode>& nodes, size_t n_values, const std::vector<uint32_t>& outputs)
      : b_(b), nodes_(nodes), costs_(nodes.size()), members_(n_values), readers_(n_values), writer_(n_values, kNone), parent_(nodes.size()), output_(n_values, 0) {
    std::iota(parent_.begin(), parent_.end(), 0u);
    for (auto v : outputs) output_[v] = 1;
    for (uint32_t i = 0; i < nodes.size(); ++i)
      if (!nodes[i].gone) add(i);
  }

  LayoutPlan choose() {
    std::vector<std::array<double, kLayouts>> total(nodes_.size(), std::array<double, kLayouts>{});
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (costs_[i])
        for (int k = 0; k < kLayouts; ++k) total[root(i)][static_cast<size_t>(k)] += own_cost(*costs_[i], static_cast<Layout>(k));
    for (ValueId v = 0; v < members_.size(); ++v)
      if (!members_[v].empty())
        for (int k = 0; k < kLayouts; ++k) total[root(members_[v][0])][static_cast<size_t>(k)] += border_cost(v, static_cast<Layout>(k));
    std::vector<uint8_t> led(nodes_.size(), 0);
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (costs_[i] && costs_[i]->leads) led[root(i)] = 1;
    LayoutPlan plan{std::vector<std::optional<Layout>>(nodes_.size()), std::vector<Layout>(members_.size(), Layout::plain)};
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (costs_[i] && led[root(i)]) plan.node[i] = best(total[root(i)]);
    for (ValueId v = 0; v < members_.size(); ++v)
      if (!members_[v].empty() && plan.node[members_[v][0]] && block_of(*plan.node[members_[v][0]]) > 1) plan.view[v] = view_layout(v);
    return plan;
  }

 private:
  void add(uint32_t i) {
    const PlanNode& n = nodes_[i];
    costs_[i] = costs_of(n);
    for (auto v : n.out)
      if (v != kNoValue) writer_[v] = i;
    auto is_inside = [&](ValueId v) { return costs_[i] && std::find(costs_[i]->values.begin(), costs_[i]->values.end(), v) != costs_[i]->values.end(); };
    auto reads = [&](ValueId v) {
      if (v != kNoValue && !b_.is_constant(v) && !is_inside(v)) readers_[v].push_back(i);
    };
    for (auto v : n.in) reads(v);
    for (const auto& p : n.posts) reads(p.operand);
    if (!costs_[i]) return;
    for (auto v : costs_[i]->values) {
      if (!has_layouts(b_, v)) continue;
      if (!members_[v].empty()) parent_[root(i)] = root(members_[v][0]);
      members_[v].push_back(i);
    }
  }
  /// Of the kernels that can work in several layouts, each where it is the fastest.
  std::optional<LayoutCosts> costs_of(const PlanNode& n) const {
    std::optional<LayoutCosts> all;
    for (const auto& k : kernel_table().all()) {
      if (!k.layouts || n.op != k.op) continue;
      auto more = k.layouts(b_, n);
      if (!more) continue;
      if (all) {
        for (size_t l = 0; l < kLayouts; ++l) more->seconds[l] = std::min(more->seconds[l], all->seconds[l]);
        more->leads |= all->leads;
      }
      all = std::move(more);
    }
    return all;
  }
  uint32_t root(uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  static bool offered(Layout l) { return block_of(l) == 1 || l == dnn::preferred_block(); }
  static Layout best(const std::array<double, kLayouts>& total) {
    Layout r = Layout::plain;
    for (Layout l : {Layout::channels_last, dnn::preferred_block()})
      if (total[static_cast<size_t>(l)] < total[static_cast<size_t>(r)]) r = l;
    return r;
  }
  /// A node that cannot work in the layout converts its values and works in the best one. Conversions inside of a region count more
  /// than their time: values are alive twice, and nothing is written in place.
  double own_cost(const LayoutCosts& c, Layout l) const {
    if (!offered(l)) return kCannot;
    if (takes_plain(c, l)) return std::min(c[l], c.from_plain);
    if (c[l] != kCannot) return c[l];
    double moves = 0;
    for (auto v : c.values)
      if (has_layouts(b_, v)) moves += move_seconds(b_.value(v).count());
    return 3 * moves + *std::min_element(c.seconds.begin(), c.seconds.end());
  }
  /// Whether a node reads its input as it comes from outside.
  bool takes_plain(const LayoutCosts& c, Layout l) const {
    return block_of(l) > 1 && c.plain_too != kNoValue && !writes(c.plain_too) && home(c.plain_too) == Layout::plain;
  }
  /// Whether a node of a region writes v.
  bool writes(ValueId v) const {
    const uint32_t w = writer_[v];
    return w != kNone && std::find(members_[v].begin(), members_[v].end(), w) != members_[v].end();
  }
  /// Conversions of a value that the region shares with what is outside of it.
  double border_cost(ValueId v, Layout l) const {
    if (!offered(l)) return 0;
    const Dims& d = b_.value(v).dims;
    const double move = move_seconds(b_.value(v).count());
    if (!writes(v)) {
      const bool as_it_is = std::all_of(members_[v].begin(), members_[v].end(), [&](uint32_t m) { return costs_[m]->plain_too == v && takes_plain(*costs_[m], l); });
      return as_it_is || same_bytes(d, home(v), l) ? 0 : move;
    }
    const bool blocked = block_of(l) > 1 && !same_bytes(d, l, Layout::plain);
    const double unblock = blocked && (output_[v] || !readers_[v].empty()) ? move : 0;
    return unblock + reading_cost(v, block_of(l) > 1 ? view_layout(v) : l);
  }
  double reading_cost(ValueId v, Layout l) const {
    const Dims& d = b_.value(v).dims;
    return reading_cost(v, l == Layout::channels_last ? channels_last_strides(d) : dense_strides(d), kMostViews);
  }
  Layout view_layout(ValueId v) const { return reading_cost(v, Layout::channels_last) < reading_cost(v, Layout::plain) ? Layout::channels_last : Layout::plain; }
  /// Layout in which a value comes from outside.
  Layout home(ValueId v) const {
    const uint32_t w = writer_[v];
    if (w == kNone || nodes_[w].op != "Transpose" || !b_.value(nodes_[w].input(0)).known) return Layout::plain;
    const Dims &x = b_.value(nodes_[w].input(0)).dims, &d = b_.value(v).dims;
    return are(transposed(nodes_[w], dense_strides(x)), channels_last_strides(d), d) ? Layout::channels_last : Layout::plain;
  }
  /// Copies that nodes outside need of a value with these strides: views cost nothing, what reads them wants row-major elements.
  double reading_cost(ValueId v, const Dims& strides, int views) const {
    const PlanValue& x = b_.value(v);
    if (!x.known) return 0;
    const double move = move_seconds(x.count());
    const bool dense = are(strides, dense_strides(x.dims), x.dims);
    double most = output_[v] && !dense ? move : 0;
    for (auto r : readers_[v]) {
      const PlanNode& n = nodes_[r];
      const bool is_view = views > 0 && n.input(0) == v && n.output() != kNoValue && b_.value(n.output()).known;
      double cost = dense || costs_[r] ? 0 : move;
      if (is_view && n.op == "Transpose") {
        cost = reading_cost(n.output(), transposed(n, strides), views - 1);
      } else if (is_view && is_reshape(n)) {
        const Dims& to = b_.value(n.output()).dims;
        const auto kept = reshape_strides(x.dims, strides, to);
        cost = kept ? reading_cost(n.output(), *kept, views - 1) : move + reading_cost(n.output(), dense_strides(to), views - 1);
      }
      most = std::max(most, cost);
    }
    return most;
  }
};

}  // namespace

std::optional<LayoutCosts> streaming_costs(const Builder& b, std::vector<ValueId> images) {
  LayoutCosts c;
  std::array<double, kLayouts> count{};
  for (auto v : images) {
    if (!is_image(b, v)) return std::nullopt;
    for (size_t k = 0; k < kLayouts; ++k) count[k] += static_cast<double>(physical_count(b.value(v).dims, static_cast<Layout>(k)));
  }
  for (size_t k = 0; k < kLayouts; ++k) c.seconds[k] = count[k] * 4 / 8e9;
  c.values = std::move(images);
  return c;
}

LayoutPlan choose_layouts(const Builder& b, const std::vector<PlanNode>& nodes, size_t n_values, const std::vector<uint32_t>& outputs) {
  return Regions(b, nodes, n_values, outputs).choose();
}

}  // namespace tenon::cpu
