// SPDX-License-Identifier: Apache-2.0
// ConvInteger or MatMulInteger, Add of a bias, Requantize: one node, whose sums never leave the first-level cache.
#include "../kernels/integer/ready.hpp"
#include "../kernels/integer/requantization.hpp"
#include "fuse.hpp"

namespace tenon::cpu {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

class IntegerFuser {
  Builder& b_;
  std::vector<PlanNode>& nodes_;
  std::vector<std::vector<uint32_t>> readers_;

 public:
  IntegerFuser(Builder& b, std::vector<PlanNode>& nodes) : b_(b), nodes_(nodes) {
    for (uint32_t i = 0; i < nodes.size(); ++i)
      if (!nodes[i].gone)
        for (auto v : nodes[i].in) {
          if (v == kNoValue) continue;
          if (readers_.size() <= v) readers_.resize(v + 1);
          readers_[v].push_back(i);
        }
  }

  void run() {
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i].gone && (nodes_[i].op == "ConvInteger" || nodes_[i].op == "MatMulInteger")) take(i);
  }

 private:
  uint32_t sole_reader(ValueId v) const {
    if (v == kNoValue || v >= readers_.size() || b_.value(v).n_uses != 1 || readers_[v].size() != 1) return kNone;
    return nodes_[readers_[v][0]].gone ? kNone : readers_[v][0];
  }
  bool ready(const PlanNode& n) const { return n.op == "ConvInteger" ? integer_conv_ready(b_, n) : integer_matmul_ready(b_, n); }
  /// The axis that the filters lie along.
  size_t filter_axis(const PlanNode& n) const { return n.op == "ConvInteger" ? 1 : b_.value(n.output()).dims.size() - 1; }

  /// The constant that an Add brings, when it has one number or one for each filter.
  ValueId bias(const PlanNode& sum, const PlanNode& product) const {
    if (sum.op != "Add" || sum.in.size() != 2) return kNoValue;
    const ValueId v = sum.in[sum.in[0] == product.output() ? 1 : 0];
    const Dims &y = b_.value(product.output()).dims, &z = b_.value(sum.output()).dims;
    if (!b_.is_constant(v) || b_.value(v).type != dt::i32 || y != z) return kNoValue;
    return along_filters(b_.value(v).dims, y, filter_axis(product)) ? v : kNoValue;
  }
  static bool along_filters(const Dims& d, const Dims& y, size_t axis) {
    if (d.size() > y.size()) return false;
    for (size_t i = 0; i < d.size(); ++i)
      if (d[i] != 1 && i + y.size() - d.size() != axis) return false;
    return true;
  }
  bool scales_along_filters(const PlanNode& r, const PlanNode& product) const {
    if (!r.has_in(1) || !b_.value(r.input(1)).known) return false;
    if (b_.value(r.input(1)).count() == 1) return true;
    const auto rank = static_cast<int64_t>(b_.value(product.output()).dims.size());
    const int64_t axis = r.attrs.i("axis", 1);
    return (axis < 0 ? axis + rank : axis) == static_cast<int64_t>(filter_axis(product));
  }

  /// The other f32 operand of a Mul or Add: one number, or one for each filter along the last axis.
  ValueId float_operand(const PlanNode& n, ValueId result, int64_t filters) const {
    if (n.in.size() != 2 || b_.value(n.output()).dims != b_.value(result).dims) return kNoValue;
    const ValueId v = n.in[n.in[0] == result ? 1 : 0];
    if (v == result || !b_.is_f32(v)) return kNoValue;
    const Dims& d = b_.value(v).dims;
    const bool row = d.size() == 1 && d[0] == filters;
    return row || (b_.value(v).count() == 1 && d.size() <= b_.value(result).dims.size()) ? v : kNoValue;
  }
  /// MatMulInteger, Cast to f32, Mul by a scale, Add of a bias: what dynamic quantization makes of a matrix product.
  bool take_floats(uint32_t i) {
    const PlanNode& n = nodes_[i];
    const int64_t filters = b_.value(n.output()).dims.back();
    const uint32_t cast = sole_reader(n.output());
    if (cast == kNone || nodes_[cast].op != "Cast" || !b_.is_f32(nodes_[cast].output())) return false;
    const uint32_t mul = sole_reader(nodes_[cast].output());
    if (mul == kNone || nodes_[mul].op != "Mul") return false;
    const ValueId scale = float_operand(nodes_[mul], nodes_[cast].output(), filters);
    if (scale == kNoValue) return false;
    std::vector<uint32_t> gone{i, cast, mul};
    ValueId bias = kNoValue;
    if (const uint32_t add = sole_reader(nodes_[mul].output()); add != kNone && nodes_[add].op == "Add") {
      bias = float_operand(nodes_[add], nodes_[mul].output(), filters);
      if (bias != kNoValue && b_.value(bias).count() == filters) gone.push_back(add);
      else bias = kNoValue;
    }
    const uint32_t last = gone.back();
    PlanNode fused = n;
    fused.in.resize(5, kNoValue);
    fused.in.insert(fused.in.end(), {scale, bias});
    fused.out = nodes_[last].out;
    fused.posts = {Post{kToFloat, Attrs(), kNoValue, false}};
    for (size_t k = 1; k < gone.size(); ++k) fused.merged.insert(fused.merged.end(), nodes_[gone[k]].merged.begin(), nodes_[gone[k]].merged.end());
    if (!ready(fused)) return false;
    for (auto k : gone) nodes_[k].gone = true;
    nodes_[last] = std::move(fused);
    return true;
  }

  void take(uint32_t i) {
    if (!ready(nodes_[i]) || !nodes_[i].posts.empty()) return;
    if (nodes_[i].op == "MatMulInteger" && take_floats(i)) return;
    uint32_t r = sole_reader(nodes_[i].output()), add = kNone;
    if (r == kNone) return;
    const ValueId offset = bias(nodes_[r], nodes_[i]);
    if (offset != kNoValue) {
      add = r;
      r = sole_reader(nodes_[add].output());
    }
    if (r == kNone || nodes_[r].op != "Requantize" || nodes_[r].input(0) != (add == kNone ? nodes_[i] : nodes_[add]).output()) return;
    if (!scales_along_filters(nodes_[r], nodes_[i])) return;
    const PlanNode& last = nodes_[r];
    PlanNode fused = nodes_[i];
    fused.in.resize(4, kNoValue);
    fused.in.insert(fused.in.end(), {offset, last.input(1), last.input(2), last.input(3), last.input(4)});
    fused.out = last.out;
    fused.posts = {Post{"Requantize", last.attrs, kNoValue, false}};
    for (uint32_t k : {add, r})
      if (k != kNone) fused.merged.insert(fused.merged.end(), nodes_[k].merged.begin(), nodes_[k].merged.end());
    if (!ready(fused)) return;
    nodes_[i].gone = true;
    if (add != kNone) nodes_[add].gone = true;
    nodes_[r] = std::move(fused);
  }
};

}  // namespace

void fuse_integer_nodes(Builder& b, std::vector<PlanNode>& nodes) { IntegerFuser(b, nodes).run(); }

}  // namespace tenon::cpu
