// SPDX-License-Identifier: Apache-2.0
#include "fuse.hpp"

#include <algorithm>
#include <cmath>

#include "../kernels/elementwise.hpp"

namespace tenon::cpu {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMostPosts = 4;
constexpr size_t kMostElementPosts = 8;

class Fuser {
  const Builder& b_;
  std::vector<PlanNode>& nodes_;
  const std::vector<PlanValue>& values_;
  Plan& plan_;
  std::vector<uint32_t> producer_;
  std::vector<std::vector<uint32_t>> readers_;

 public:
  Fuser(const Builder& b, std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values, Plan& plan)
      : b_(b), nodes_(nodes), values_(values), plan_(plan), producer_(values.size(), kNone), readers_(values.size()) {
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].gone) continue;
      for (auto o : nodes[i].out)
        if (o != kNoValue) producer_[o] = i;
      for (auto v : nodes[i].in)
        if (v != kNoValue) readers_[v].push_back(i);
    }
  }

  void run() {
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].gone) continue;
      if (nodes_[i].op == "Mul") swish(i) || hard_swish(i);
      if (nodes_[i].op == "Div") hard_swish(i);
    }
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      const std::string& op = nodes_[i].op;
      if (nodes_[i].gone || (op != "MatMul" && op != "Gemm" && op != "Conv")) continue;
      if (!dense_ready(nodes_[i])) continue;
      for (uint32_t at = i; at != kNone;) at = take_reader(at);
    }
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i].gone && chain_input(b_, nodes_[i]) >= 0)
        for (uint32_t at = i; at != kNone;) at = take_element_reader(at);
  }

 private:
  /// The node that makes v, when v has no other reader than `n_readers` known ones.
  uint32_t sole_producer(ValueId v, std::string_view op, uint32_t n_readers = 1) const {
    if (v == kNoValue || values_[v].n_uses != n_readers || producer_[v] == kNone) return kNone;
    const PlanNode& p = nodes_[producer_[v]];
    return !p.gone && p.op == op && p.posts.empty() ? producer_[v] : kNone;
  }
  bool scalar_is(ValueId v, float x) const {
    auto s = b_.constant_scalar(v);
    return s && std::abs(*s - x) <= 1e-6f * std::abs(x);
  }
  /// n becomes `op` of x alone; the nodes of `from` go.
  void become(uint32_t n, const char* op, AttrList attrs, ValueId x, const std::vector<uint32_t>& from) {
    auto list = std::make_shared<AttrList>(std::move(attrs));
    plan_.keep.push_back(list);
    PlanNode& node = nodes_[n];
    for (auto f : from) {
      nodes_[f].gone = true;
      node.merged.insert(node.merged.begin(), nodes_[f].merged.begin(), nodes_[f].merged.end());
    }
    node.op = op;
    node.attrs = Attrs(Span<tenon_attr>(list->data(), list->size()));
    auto& r = readers_[x];
    for (auto f : from) r.erase(std::remove(r.begin(), r.end(), f), r.end());
    node.in = {x};
  }

  /// x * Sigmoid(x)
  bool swish(uint32_t n) {
    for (int k = 0; k < 2; ++k) {
      const ValueId x = nodes_[n].input(k), s = nodes_[n].input(1 - k);
      const uint32_t p = sole_producer(s, "Sigmoid");
      if (p == kNone || nodes_[p].input(0) != x || !b_.is_f32(x)) continue;
      become(n, "Swish", AttrList{}.set("alpha", 1.0), x, {p});
      return true;
    }
    return false;
  }

  /// Clip(x + 3, 0, 6) with nothing else reading what is between; `between` gets its nodes.
  bool relu6_of_shifted(ValueId v, ValueId x, std::vector<uint32_t>* between) const {
    const uint32_t clip = sole_producer(v, "Clip");
    if (clip == kNone || !scalar_is_zero(nodes_[clip].input(1)) || !scalar_is(nodes_[clip].input(2), 6)) return false;
    const uint32_t add = sole_producer(nodes_[clip].input(0), "Add");
    if (add == kNone) return false;
    for (int k = 0; k < 2; ++k)
      if (nodes_[add].input(k) == x && scalar_is(nodes_[add].input(1 - k), 3) && same_shape(x, v)) {
        *between = {add, clip};
        return true;
      }
    return false;
  }
  bool scalar_is_zero(ValueId v) const {
    auto s = b_.constant_scalar(v);
    return s && *s == 0;
  }
  bool same_shape(ValueId a, ValueId b) const { return b_.is_f32(a) && b_.is_f32(b) && values_[a].dims == values_[b].dims; }

  /// (x * Clip(x + 3, 0, 6)) / 6, with the division before, after, or as a product with 1/6.
  bool hard_swish(uint32_t n) {
    const PlanNode& node = nodes_[n];
    std::vector<uint32_t> between;
    auto product = [&](const PlanNode& m, ValueId* x) {
      for (int k = 0; k < 2; ++k) {
        if (m.input(k) == kNoValue || !relu6_of_shifted(m.input(1 - k), m.input(k), &between)) continue;
        *x = m.input(k);
        return true;
      }
      return false;
    };
    ValueId x = kNoValue;
    for (int k = 0; k < 2; ++k) {
      const bool sixth = node.op == "Div" ? k == 0 && scalar_is(node.input(1), 6) : scalar_is(node.input(1 - k), 1.0f / 6);
      if (!sixth) continue;
      const uint32_t mul = sole_producer(node.input(k), "Mul");
      if (mul == kNone || !product(nodes_[mul], &x) || !same_shape(x, node.output())) continue;
      between.push_back(mul);
      become(n, "HardSwish", AttrList{}, x, between);
      return true;
    }
    if (node.op != "Mul") return false;
    for (int k = 0; k < 2; ++k) {
      const uint32_t div = sole_producer(node.input(1 - k), "Div");
      x = node.input(k);
      if (div == kNone || !scalar_is(nodes_[div].input(1), 6) || !relu6_of_shifted(nodes_[div].input(0), x, &between) || !same_shape(x, node.output())) continue;
      between.push_back(div);
      become(n, "HardSwish", AttrList{}, x, between);
      return true;
    }
    return false;
  }

  /// Operators of one input that dense kernels can apply to their result.
  bool unary_post(const PlanNode& n) const {
    static const char* const names[] = {"Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Swish", "Gelu", "Clip", "Abs", "Sqrt"};
    if (std::find(std::begin(names), std::end(names), n.op) == std::end(names)) return false;
    if (n.op != "Clip") return n.in.size() == 1;
    for (size_t k = 1; k < n.in.size(); ++k)
      if (n.has_in(k) && !b_.constant_scalar(n.input(k))) return false;
    return true;
  }
  /// The other operand of a binary reader; a scalar, a vector along the last axis (matrix products) or of the same shape.
  bool binary_post(const PlanNode& dense, const PlanNode& n, ValueId result, ValueId* operand) const {
    if (n.in.size() != 2 || (n.op != "Add" && n.op != "Mul" && n.op != "Div" && n.op != "Sub")) return false;
    const int k = n.input(0) == result ? 0 : 1;
    const ValueId other = n.input(1 - k);
    if (other == result || !b_.is_f32(other)) return false;
    if (k == 1 && (n.op == "Div" || n.op == "Sub")) return false;
    if (values_[n.output()].dims != values_[result].dims) return false;
    *operand = other;
    if (b_.constant_scalar(other)) return true;
    if (n.op != "Add") return false;
    const bool same = values_[other].dims == values_[result].dims && !values_[other].constant;
    if (dense.op == "Conv") return same && !dense.has_in(3) && dense.posts.empty() && !dense.attrs.has("activation");
    const bool row = dense.op == "MatMul" && dense.posts.empty() && values_[other].constant && values_[other].dims.size() == 1 && !values_[result].dims.empty() &&
                     values_[other].dims[0] == values_[result].dims.back() && values_[dense.input(1)].dims.size() >= 2;
    return row || same;
  }

  /// Merges the only reader of node n's result into it, at the reader's place in the order. The place, or kNone.
  uint32_t take_reader(uint32_t n) {
    PlanNode& dense = nodes_[n];
    const ValueId result = dense.output();
    if (dense.posts.size() >= kMostPosts || !b_.is_f32(result) || values_[result].n_uses != 1 || readers_[result].size() != 1) return kNone;
    const uint32_t r = readers_[result][0];
    PlanNode& reader = nodes_[r];
    if (reader.gone || r <= n) return kNone;
    Post post{reader.op, reader.attrs, kNoValue, false};
    if (unary_post(reader)) {
      if (reader.op == "Clip") post.attrs = clip_attrs(reader);
    } else if (!binary_post(dense, reader, result, &post.operand)) {
      return kNone;
    }
    if (!b_.is_f32(reader.output()) || !distinct(dense, post)) return kNone;
    return merge(n, r, post);
  }

  /// oneDNN's eltwise algorithms that an activation takes.
  static std::vector<Unary> algorithms(const Activation& a) {
    if (a.kind == Unary::hard_sigmoid) return {Unary::affine, Unary::clip};
    return {a.kind == Unary::leaky_relu ? Unary::relu : a.kind};
  }
  /// Whether no eltwise algorithm appears twice after `dense` when `next` is added (see dnn::Posts); neighbouring linear functions
  /// are one.
  bool distinct(const PlanNode& dense, const Post& next) const {
    std::vector<Unary> used;
    bool good = true, linear_last = false;
    auto use = [&](const std::vector<Unary>& list) {
      for (auto a : list) {
        if (!(a == Unary::affine && linear_last)) {
          good = good && std::find(used.begin(), used.end(), a) == used.end();
          used.push_back(a);
        }
        linear_last = a == Unary::affine;
      }
    };
    if (dense.op == "Gemm" && dense.attrs.f("alpha", 1) != 1) use({Unary::affine});
    if (dense.has_in(dense.op == "Gemm" ? 2 : 3)) linear_last = false;
    if (auto a = fused_activation(dense.attrs)) use(algorithms(*a));
    auto add = [&](const Post& p) {
      if (p.operand == kNoValue)
        use(algorithms(*unary_of(p.op, p.attrs)));
      else if (b_.constant_scalar(p.operand))
        use({Unary::affine});
      else
        linear_last = false;
    };
    for (const auto& p : dense.posts) add(p);
    add(next);
    return good;
  }

  /// A Clip's constant bounds as attributes.
  Attrs clip_attrs(const PlanNode& n) {
    auto list = std::make_shared<AttrList>();
    list->add("min", static_cast<double>(b_.constant_scalar(n.input(1)).value_or(-INFINITY)));
    list->add("max", static_cast<double>(b_.constant_scalar(n.input(2)).value_or(INFINITY)));
    plan_.keep.push_back(list);
    return Attrs(Span<tenon_attr>(list->data(), list->size()));
  }

  /// All that oneDNN's kernels ask for, so that a fused node never is without a kernel.
  bool dense_ready(const PlanNode& n) const {
    for (auto v : n.in)
      if (v != kNoValue && (!b_.is_f32(v) || values_[v].count() == 0 || values_[v].dims.empty())) return false;
    const size_t rank = values_[n.input(0)].dims.size();
    return n.op == "Conv" ? rank >= 3 && rank <= 5 : rank <= 6 && values_[n.input(1)].dims.size() <= 6;
  }

  /// As take_reader, for a chain of elementwise operators.
  uint32_t take_element_reader(uint32_t n) {
    const ValueId result = nodes_[n].output();
    if (nodes_[n].posts.size() >= kMostElementPosts || values_[result].n_uses != 1 || readers_[result].size() != 1 || values_[result].count() == 0) return kNone;
    const uint32_t r = readers_[result][0];
    const PlanNode& reader = nodes_[r];
    if (reader.gone || r <= n || !reader.posts.empty() || reader.out.size() != 1 || !b_.is_f32(reader.output()) ||
        values_[reader.output()].dims != values_[result].dims)
      return kNone;
    std::vector<ValueId> others;
    int place = -1;
    for (size_t k = 0; k < reader.in.size(); ++k) {
      if (reader.in[k] == result && place < 0)
        place = static_cast<int>(k);
      else
        others.push_back(reader.in[k]);
    }
    const bool clip = reader.op == "Clip";
    if (place < 0 || place > 1 || (clip && place != 0)) return kNone;
    if (!element_op(b_, reader.op, reader.attrs, others, place == 1)) return kNone;
    for (auto v : others)
      if (v != kNoValue && (!values_[v].known || values_[v].count() == 0)) return kNone;
    Post post{reader.op, clip ? clip_attrs(reader) : reader.attrs, clip || others.empty() ? kNoValue : others[0], place == 1};
    return merge(n, r, post);
  }

  /// Node n with a post takes the place of its reader r.
  uint32_t merge(uint32_t n, uint32_t r, const Post& post) {
    PlanNode& dense = nodes_[n];
    PlanNode& reader = nodes_[r];
    PlanNode merged = dense;
    merged.posts.push_back(post);
    merged.out = {reader.output()};
    merged.merged.insert(merged.merged.end(), reader.merged.begin(), reader.merged.end());
    dense.gone = true;
    reader = std::move(merged);
    producer_[reader.output()] = r;
    return r;
  }
};

}  // namespace

void fuse_nodes(const Builder& b, std::vector<PlanNode>& nodes, const std::vector<PlanValue>& values, Plan& plan) { Fuser(b, nodes, values, plan).run(); }

}  // namespace tenon::cpu
