// SPDX-License-Identifier: Apache-2.0
// Functions of single bytes: Gather from a table of 256 by a widened byte, and Requantize of a sum, difference or product of such functions.

#include "../kernels/integer/byte_terms.hpp"
#include "../kernels/integer/weights.hpp"
#include "fuse.hpp"

namespace tenon::cpu {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr int64_t kEntries = 256;

class ByteFuser {
  Builder& b_;
  std::vector<PlanNode>& nodes_;
  std::vector<uint32_t> producer_;

 public:
  ByteFuser(Builder& b, std::vector<PlanNode>& nodes) : b_(b), nodes_(nodes) {
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].gone) continue;
      for (auto v : nodes[i].out) {
        if (v == kNoValue) continue;
        if (producer_.size() <= v) producer_.resize(v + 1, kNone);
        producer_[v] = i;
      }
    }
  }

  void run() {
    for (auto& n : nodes_)
      if (!n.gone && n.op == "Gather") look_up(n);
    for (uint32_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i].gone && nodes_[i].op == "Requantize" && nodes_[i].posts.empty()) combine(nodes_[i]);
  }

 private:
  const PlanNode* made_by(ValueId v, std::string_view op) const {
    if (v == kNoValue || v >= producer_.size() || producer_[v] == kNone) return nullptr;
    const PlanNode& n = nodes_[producer_[v]];
    return !n.gone && n.op == op ? &n : nullptr;
  }
  /// The bytes that v is the i32 (or i64) form of.
  ValueId narrow(ValueId v) const {
    const PlanNode* cast = made_by(v, "Cast");
    if (!cast || (b_.value(v).type != dt::i32 && b_.value(v).type != dt::i64)) return kNoValue;
    const ValueId x = cast->input(0);
    return b_.value(x).known && is_byte(b_.value(x).type) && b_.value(x).count() > 0 ? x : kNoValue;
  }

  void look_up(PlanNode& n) {
    const ValueId table = n.input(0), x = narrow(n.input(1));
    if (x == kNoValue || !b_.is_constant(table) || !b_.value(table).known || b_.value(table).dims != Dims{kEntries} || !n.posts.empty()) return;
    if (b_.value(table).type.bits < 8 || b_.value(table).type.bits > 32 || !b_.value(n.output()).known) return;
    n.op = kByteLookup;
    n.in = {table, x};
    n.attrs = Attrs();
  }

  struct Term {
    ValueId v = kNoValue, table = kNoValue;
    const PlanNode* node = nullptr;
  };
  Term term(ValueId v) {
    if (const PlanNode* l = made_by(v, kByteLookup); l && b_.value(v).type == dt::i32) return {l->input(1), l->input(0), l};
    if (const ValueId x = narrow(v); x != kNoValue) return {x, centred(x, 0), made_by(v, "Cast")};
    if (const PlanNode* s = made_by(v, "Sub"))
      if (const ValueId x = narrow(s->input(0)); x != kNoValue)
        if (const auto zero = b_.constant_ints(s->input(1)); zero && zero->size() == 1 && b_.value(s->output()).dims == b_.value(x).dims) return {x, centred(x, zero->front()), s};
    return {v, kNoValue, nullptr};
  }
  /// The table of q - zero.
  ValueId centred(ValueId x, int64_t zero) {
    std::vector<int32_t> t(static_cast<size_t>(kEntries));
    const bool is_signed = b_.value(x).type == dt::i8;
    for (int64_t i = 0; i < kEntries; ++i) t[static_cast<size_t>(i)] = static_cast<int32_t>((is_signed && i > 127 ? i - kEntries : i) - zero);
    return b_.add_constant({kEntries}, dt::i32, t.data());
  }

  void combine(PlanNode& n) {
    const PlanNode* sum = nullptr;
    for (const char* op : {"Add", "Sub", "Mul"})
      if (!sum) sum = made_by(n.input(0), op);
    if (!sum || sum->in.size() != 2 || !sum->posts.empty() || b_.value(sum->output()).n_uses != 1 || b_.value(sum->output()).type != dt::i32) return;
    const Term a = term(sum->in[0]), c = term(sum->in[1]);
    if (!a.node && !c.node) return;
    PlanNode fused = n;
    fused.op = kByteBinary;
    fused.in = {a.v, c.v, a.table, c.table, n.input(1), n.input(2), n.input(3), n.input(4)};
    fused.posts = {Post{sum->op, Attrs(), kNoValue, false}};
    fused.merged.insert(fused.merged.begin(), sum->merged.begin(), sum->merged.end());
    if (!byte_binary_ready(b_, fused)) return;
    nodes_[producer_[n.input(0)]].gone = true;
    n = std::move(fused);
  }
};

}  // namespace

void fuse_byte_nodes(Builder& b, std::vector<PlanNode>& nodes) { ByteFuser(b, nodes).run(); }

}  // namespace tenon::cpu
