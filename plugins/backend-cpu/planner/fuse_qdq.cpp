// SPDX-License-Identifier: Apache-2.0
// DequantizeLinear, Conv or MatMul by dequantized weights, QuantizeLinear: an integer product with one rounding. The result is within
// one step of the float arithmetic that the graph describes, whose own roundings are of that order.
#include <algorithm>
#include <cmath>

#include "../kernels/integer/ready.hpp"
#include "../kernels/integer/requantization.hpp"
#include "fuse.hpp"

namespace tenon::cpu {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

/// What a QuantizeLinear or DequantizeLinear says: integers (scale along `axis`, or one), zero points as the node's input.
struct Linear {
  ValueId integers = kNoValue, zero_point = kNoValue;
  std::vector<float> scale;
  int64_t zero = 0;  ///< when it is one number
  int64_t axis = 1;
  bool single() const { return scale.size() == 1; }
};

class QdqFuser {
  Builder& b_;
  std::vector<PlanNode>& nodes_;
  Plan& plan_;
  std::vector<uint32_t> producer_;
  std::vector<std::vector<uint32_t>> readers_;

 public:
  QdqFuser(Builder& b, std::vector<PlanNode>& nodes, Plan& plan) : b_(b), nodes_(nodes), plan_(plan) {
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].gone) continue;
      for (auto v : nodes[i].out) put(producer_, v, kNone) = i;
      for (auto v : nodes[i].in)
        if (v != kNoValue) put(readers_, v, {}).push_back(i);
    }
  }

  void run() {
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i].gone && (nodes_[i].op == "Conv" || nodes_[i].op == "MatMul" || nodes_[i].op == "Gemm")) take(i);
    for (auto& n : nodes_)
      if (!n.gone && n.op == "DequantizeLinear") widen_constant(n);
  }

 private:
  template <class T>
  static T& put(std::vector<T>& list, ValueId v, const T& none) {
    static T unused;
    if (v == kNoValue) return unused = none;
    if (list.size() <= v) list.resize(v + 1, none);
    return list[v];
  }
  uint32_t sole_reader(ValueId v) const {
    if (v == kNoValue || v >= readers_.size() || b_.value(v).n_uses != 1 || readers_[v].size() != 1) return kNone;
    return nodes_[readers_[v][0]].gone ? kNone : readers_[v][0];
  }
  std::vector<float> floats(ValueId v) const {
    if (!b_.is_constant(v) || !b_.is_f32(v)) return {};
    std::vector<float> r(static_cast<size_t>(b_.value(v).count()));
    std::memcpy(r.data(), b_.value(v).data, r.size() * sizeof(float));
    return r;
  }

  std::optional<Linear> linear(const PlanNode& n, ValueId integers) const {
    Linear l;
    l.integers = integers;
    const tenon_dtype type = b_.value(integers).type;
    l.scale = floats(n.input(1));
    l.zero_point = n.input(2);
    l.axis = n.attrs.i("axis", 1);
    if (l.scale.empty() || n.attrs.i("block_size") != 0 || (type != dt::i8 && type != dt::u8)) return std::nullopt;
    if (n.attrs.s("rounding", "half_even") != "half_even") return std::nullopt;
    for (auto s : l.scale)
      if (!(s > 1e-30f) || !std::isfinite(s)) return std::nullopt;
    if (!n.has_in(2)) return l;
    const auto zero = b_.constant_ints(n.input(2));
    if (!zero || zero->empty() || b_.value(n.input(2)).type != type) return std::nullopt;
    l.zero = zero->front();
    return l;
  }
  /// The DequantizeLinear that makes v.
  std::optional<Linear> dequantized(ValueId v) const {
    if (v == kNoValue || v >= producer_.size() || producer_[v] == kNone) return std::nullopt;
    const PlanNode& n = nodes_[producer_[v]];
    if (n.gone || n.op != "DequantizeLinear" || !b_.is_f32(v)) return std::nullopt;
    return linear(n, n.input(0));
  }
  std::optional<Linear> quantized(uint32_t at) const {
    if (at == kNone || nodes_[at].op != "QuantizeLinear" || !b_.value(nodes_[at].output()).known) return std::nullopt;
    auto l = linear(nodes_[at], nodes_[at].output());
    return l && l->single() ? l : std::nullopt;
  }

  /// The interval that an activation clips to; nothing for other functions.
  struct Interval {
    double low = -INFINITY, high = INFINITY;
  };
  std::optional<Interval> clipped(const PlanNode& n) const {
    if (n.op == "Relu") return Interval{0, INFINITY};
    if (n.op != "Clip") return std::nullopt;
    Interval r;
    for (size_t k = 1; k < 3; ++k) {
      if (!n.has_in(k)) continue;
      const auto bound = b_.constant_scalar(n.input(k));
      if (!bound) return std::nullopt;
      (k == 1 ? r.low : r.high) = static_cast<double>(*bound);
    }
    return r;
  }
  static std::optional<Interval> fused_interval(const Attrs& attrs) {
    const std::string name = attrs.s("activation");
    if (name.empty()) return Interval{};
    if (name == "Relu") return Interval{0, INFINITY};
    const auto numbers = attrs.floats("activation_params");
    if (name == "Clip" && numbers.size() == 2) return Interval{static_cast<double>(numbers[0]), static_cast<double>(numbers[1])};
    return std::nullopt;
  }

  Attrs keep(AttrList list) {
    auto kept = std::make_shared<AttrList>(std::move(list));
    plan_.keep.push_back(kept);
    return Attrs(Span<tenon_attr>(kept->data(), kept->size()));
  }

  struct Chain {
    Interval interval;
    ValueId float_bias = kNoValue;
    std::vector<uint32_t> nodes;  ///< after the product, up to the QuantizeLinear
  };
  /// Add of a bias (after a MatMul), activations, QuantizeLinear.
  std::optional<Chain> chain_after(uint32_t i) const {
    Chain c;
    const PlanNode& n = nodes_[i];
    const auto own = fused_interval(n.attrs);
    if (!own) return std::nullopt;
    c.interval = *own;
    if (n.op != "MatMul") c.float_bias = n.input(2);
    uint32_t at = sole_reader(n.output());
    if (n.op == "MatMul" && at != kNone && nodes_[at].op == "Add") {
      const PlanNode& add = nodes_[at];
      c.float_bias = add.in[add.in[0] == n.output() ? 1 : 0];
      if (b_.value(add.output()).dims != b_.value(n.output()).dims || b_.value(c.float_bias).dims.size() > 1) return std::nullopt;
      c.nodes.push_back(at);
      at = sole_reader(add.output());
    }
    while (at != kNone && nodes_[at].op != "QuantizeLinear") {
      const auto more = clipped(nodes_[at]);
      if (!more) return std::nullopt;
      c.interval = {std::clamp(c.interval.low, more->low, more->high), std::clamp(c.interval.high, more->low, more->high)};
      c.nodes.push_back(at);
      at = sole_reader(nodes_[at].output());
    }
    if (at == kNone) return std::nullopt;
    c.nodes.push_back(at);
    return c;
  }

  int64_t filters_of(const PlanNode& n, const Linear& w) const {
    const Dims& d = b_.value(w.integers).dims;
    if (n.op == "Conv") return d[0];
    return n.attrs.i("transB") ? d[0] : d[1];
  }
  bool plain_product(const PlanNode& n) const {
    if (n.op == "Conv") return !n.has_in(3);
    if (b_.value(n.input(1)).dims.size() != 2) return false;
    return n.op == "MatMul" || (n.attrs.i("transA") == 0 && n.attrs.f("alpha", 1) == 1 && (!n.has_in(2) || n.attrs.f("beta", 1) == 1));
  }
  /// The axis of the weights that the filters lie along.
  static int64_t filter_axis(const PlanNode& n) { return n.op == "Conv" ? 0 : n.attrs.i("transB") ? 0 : 1; }

  /// The bias in units of the sums; nothing when it does not fit.
  std::optional<ValueId> integer_bias(ValueId v, const Linear& x, const Linear& w, int64_t filters) {
    if (v == kNoValue) return kNoValue;
    std::vector<float> bias = floats(v);
    if (bias.empty() && v < producer_.size() && producer_[v] != kNone && nodes_[producer_[v]].op == "DequantizeLinear") bias = wide_bias(nodes_[producer_[v]]);
    if (bias.size() != 1 && static_cast<int64_t>(bias.size()) != filters) return std::nullopt;
    std::vector<int32_t> r;
    for (size_t f = 0; f < static_cast<size_t>(filters); ++f) {
      const double unit = static_cast<double>(x.scale[0]) * static_cast<double>(w.scale[w.single() ? 0 : f]);
      const double q = std::nearbyint(static_cast<double>(bias[bias.size() == 1 ? 0 : f]) / unit);
      if (!(std::abs(q) < 1e9)) return std::nullopt;
      r.push_back(static_cast<int32_t>(q));
    }
    return b_.add_constant({filters}, dt::i32, r.data());
  }
  /// A bias of i32 with a scale.
  std::vector<float> wide_bias(const PlanNode& n) const {
    const auto q = b_.value(n.input(0)).type == dt::i32 ? b_.constant_ints(n.input(0)) : std::nullopt;
    const auto zero = n.has_in(2) ? b_.constant_ints(n.input(2)) : std::optional<Dims>(Dims{0});
    const auto scale = floats(n.input(1));
    if (!q || !zero || std::any_of(zero->begin(), zero->end(), [](int64_t z) { return z != 0; }) || scale.empty() || n.attrs.i("block_size") != 0) return {};
    if (scale.size() != 1 && scale.size() != q->size()) return {};
    std::vector<float> r;
    for (size_t i = 0; i < q->size(); ++i) r.push_back(static_cast<float>((*q)[i]) * scale[scale.size() == 1 ? 0 : i]);
    return r;
  }

  ValueId byte_constant(tenon_dtype type, int64_t v) {
    if (type == dt::i8) {
      const auto s = static_cast<int8_t>(v);
      return b_.add_constant({}, type, &s);
    }
    const auto u = static_cast<uint8_t>(v);
    return b_.add_constant({}, type, &u);
  }

  void take(uint32_t i) {
    if (!plain_product(nodes_[i])) return;
    const auto x = dequantized(nodes_[i].input(0)), w = dequantized(nodes_[i].input(1));
    if (!x || !w || !x->single() || !b_.is_constant(w->integers)) return;
    const int64_t filters = filters_of(nodes_[i], *w);
    const auto rank = static_cast<int64_t>(b_.value(w->integers).dims.size());
    if (!w->single() && ((w->axis + rank) % rank != filter_axis(nodes_[i]) || static_cast<int64_t>(w->scale.size()) != filters)) return;
    const auto chain = chain_after(i);
    if (!chain) return;
    const uint32_t last = chain->nodes.back();
    const auto y = quantized(last);
    if (!y) return;
    const auto bias = integer_bias(chain->float_bias, *x, *w, filters);
    if (!bias) return;
    std::vector<float> scale;
    for (auto s : w->scale) scale.push_back(static_cast<float>(static_cast<double>(x->scale[0]) * static_cast<double>(s) / static_cast<double>(y->scale[0])));
    const tenon_dtype type = b_.value(y->integers).type;
    const double least = type == dt::i8 ? -128 : 0, most = least + 255;
    auto step = [&](double v) { return static_cast<int64_t>(std::clamp(std::nearbyint(v / static_cast<double>(y->scale[0])) + static_cast<double>(y->zero), least, most)); };
    PlanNode fused = nodes_[i];
    fused.op = nodes_[i].op == "Conv" ? "ConvInteger" : "MatMulInteger";
    fused.in = {x->integers, w->integers, x->zero_point, w->zero_point, *bias, b_.add_constant({static_cast<int64_t>(scale.size())}, scale),
                y->zero_point, byte_constant(type, step(chain->interval.low)), byte_constant(type, step(chain->interval.high))};
    fused.out = {y->integers};
    fused.posts = {Post{"Requantize", keep(AttrList{}.set("rounding", kF32Rounding)), kNoValue, false}};
    for (auto k : chain->nodes) fused.merged.insert(fused.merged.end(), nodes_[k].merged.begin(), nodes_[k].merged.end());
    if (!(fused.op == "ConvInteger" ? integer_conv_ready(b_, fused) : integer_matmul_ready(b_, fused))) return;
    nodes_[i].gone = true;
    for (auto k : chain->nodes) nodes_[k].gone = true;
    nodes_[last] = std::move(fused);
    producer_[y->integers] = last;
    if (nodes_[last].op == "ConvInteger") take_normalization(last, *y);
  }

  /// A BatchNormalization of the quantized result, which is quantized again: a linear function of each byte.
  void take_normalization(uint32_t at, const Linear& y) {
    const uint32_t d = sole_reader(y.integers);
    if (d == kNone || nodes_[d].op != "DequantizeLinear") return;
    const auto in = dequantized(nodes_[d].output());
    const uint32_t n = sole_reader(nodes_[d].output());
    if (!in || !in->single() || n == kNone || nodes_[n].op != "BatchNormalization" || nodes_[n].input(0) != nodes_[d].output() || nodes_[n].out.size() != 1) return;
    uint32_t q = sole_reader(nodes_[n].output());
    Interval interval;
    std::vector<uint32_t> gone{d, n};
    if (q != kNone && nodes_[q].op != "QuantizeLinear") {
      const auto clip = clipped(nodes_[q]);
      if (!clip) return;
      interval = *clip;
      gone.push_back(q);
      q = sole_reader(nodes_[q].output());
    }
    const auto out = quantized(q);
    if (!out) return;
    gone.push_back(q);
    const auto gain = floats(nodes_[n].input(1)), shift = floats(nodes_[n].input(2)), mean = floats(nodes_[n].input(3)), variance = floats(nodes_[n].input(4));
    const auto channels = static_cast<size_t>(b_.value(y.integers).dims[1]);
    if (gain.size() != channels || shift.size() != channels || mean.size() != channels || variance.size() != channels) return;
    const double epsilon = nodes_[n].attrs.f("epsilon", 1e-5), unit = static_cast<double>(out->scale[0]);
    std::vector<float> a, c;
    for (size_t k = 0; k < channels; ++k) {
      const double s = static_cast<double>(gain[k]) / std::sqrt(static_cast<double>(variance[k]) + epsilon);
      const double factor = s * static_cast<double>(in->scale[0]) / unit;
      a.push_back(static_cast<float>(factor));
      c.push_back(static_cast<float>((static_cast<double>(shift[k]) - static_cast<double>(mean[k]) * s) / unit - static_cast<double>(in->zero) * factor));
    }
    const bool is_signed = b_.value(out->integers).type == dt::i8;
    const double least = is_signed ? -128 : 0, most = least + 255, zero = static_cast<double>(out->zero);
    auto step = [&](double v) { return static_cast<int64_t>(std::clamp(std::nearbyint(v / unit) + zero, least, most)); };
    PlanNode fused = nodes_[at];
    fused.in.push_back(b_.add_constant({static_cast<int64_t>(channels)}, a));
    fused.in.push_back(b_.add_constant({static_cast<int64_t>(channels)}, c));
    fused.out = {out->integers};
    fused.posts.push_back(Post{kByteAffine,
                               keep(AttrList{}.set("zero_point", out->zero).set("low", step(interval.low)).set("high", step(interval.high))
                                        .set("from_signed", b_.value(y.integers).type == dt::i8 ? 1 : 0)),
                               kNoValue, false});
    for (auto k : gone) fused.merged.insert(fused.merged.end(), nodes_[k].merged.begin(), nodes_[k].merged.end());
    if (!integer_conv_ready(b_, fused)) return;
    for (auto k : gone) nodes_[k].gone = true;
    nodes_[at].gone = true;
    nodes_[q] = std::move(fused);
    producer_[out->integers] = q;
  }

  /// Weights that stayed integers for nothing: floats once and for all.
  void widen_constant(PlanNode& n) {
    if (!b_.is_constant(n.input(0)) || !b_.is_f32(n.output()) || b_.value(n.output()).n_uses == 0 || n.output() >= readers_.size()) return;
    const auto l = linear(n, n.input(0));
    if (!l) return;
    const Dims dims = b_.value(n.input(0)).dims;
    const auto q = b_.constant_ints(n.input(0));
    const auto zero = n.has_in(2) ? b_.constant_ints(n.input(2)) : std::optional<Dims>(Dims{0});
    const auto rank = static_cast<int64_t>(dims.size());
    if (!q || !zero || (!l->single() && (l->axis < -rank || l->axis >= rank))) return;
    const auto axis = static_cast<size_t>(l->single() ? 0 : (l->axis + rank) % rank);
    const int64_t inner = l->single() ? 1 : product(dims, axis + 1), along = l->single() ? 1 : dims[axis];
    if (!l->single() && static_cast<int64_t>(l->scale.size()) != along) return;
    std::vector<float> wide(q->size());
    for (size_t i = 0; i < wide.size(); ++i) {
      const auto k = static_cast<size_t>(static_cast<int64_t>(i) / inner % along);
      wide[i] = static_cast<float>((*q)[i] - (*zero)[zero->size() == 1 ? 0 : k]) * l->scale[k];
    }
    const ValueId v = b_.add_constant(dims, wide), old = n.output();
    uint32_t replaced = 0;
    for (auto reader : readers_[old])
      for (auto& in : nodes_[reader].in)
        if (in == old) {
          in = v;
          ++replaced;
        }
    // Graph outputs and nested graphs may still want it.
    if (replaced == b_.value(old).n_uses) n.gone = true;
  }
};

}  // namespace

void fuse_qdq_nodes(Builder& b, std::vector<PlanNode>& nodes, Plan& plan) { QdqFuser(b, nodes, plan).run(); }

}  // namespace tenon::cpu
