// SPDX-License-Identifier: Apache-2.0
// Chains of elementwise f32 operators, with broadcasting, in any layout.
#include "../elementwise.hpp"

#include <algorithm>
#include <cmath>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

constexpr int64_t kTile = 1024;  // elements worked on at a time
constexpr size_t kMostSources = 10;

/// A tensor that the chain reads, by physical strides over the merged dims.
struct Source {
  SlotId slot = kNoSlot;
  int64_t offset = 0;
  Dims strides;
};

struct ChainOp {
  bool binary;
  Activation unary;
  Binary kind;
  uint32_t source;
};

/// What a tile buffer holds: a repeated row, and how often.
struct Held {
  const float* from;
  int64_t rows;
};

struct ChainStep {
  std::vector<ChainOp> ops;
  std::vector<Source> sources;  ///< [0] is the chain's value
  SlotId to = kNoSlot;
  Dims outer;                   ///< all merged dims but the last two
  int64_t rows = 1, row = 1;    ///< the last two
  int64_t tail_first = 0, tail_blocks = 0, tail_spatial = 0, tail_batch = 0;  ///< surplus channels to zero; none when tail_first is 0
  int64_t block = 1;

  /// Elements [first, first + count) of a source's row range starting at `at`, as contiguous floats or (scalar) as one.
  static const float* fetch(const float* p, int64_t row_stride, int64_t stride, int64_t n_rows, int64_t n, float* buffer, bool* scalar) {
    *scalar = (row_stride == 0 || n_rows == 1) && stride == 0;
    if (*scalar) return p;
    if (stride == 1 && (n_rows == 1 || row_stride == n)) return p;
    for (int64_t r = 0; r < n_rows; ++r) {
      const float* from = p + r * row_stride;
      float* to_row = buffer + r * n;
      if (stride == 1)
        std::memcpy(to_row, from, static_cast<size_t>(n) * sizeof(float));
      else if (stride == 0)
        std::fill(to_row, to_row + n, *from);
      else
        for (int64_t i = 0; i < n; ++i) to_row[i] = from[i * stride];
    }
    return buffer;
  }

  void run(const Run& r) const {
    const int64_t rows_per_tile = std::min(rows, std::max<int64_t>(1, kTile / row)), segments = (row + kTile - 1) / kTile;
    const int64_t row_tiles = (rows + rows_per_tile - 1) / rows_per_tile, n_outer = product(outer);
    const int64_t units = n_outer * row_tiles * segments;
    parallel_for(units, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, rows_per_tile * std::min(row, kTile))), [&](int64_t begin, int64_t end) {
      alignas(64) float buffer[kMostSources][kTile];
      Held held[kMostSources] = {};
      for (int64_t u = begin; u < end; ++u) {
        const int64_t segment = u % segments, tile = u / segments % row_tiles, o = u / segments / row_tiles;
        const int64_t first_row = tile * rows_per_tile, n_rows = std::min(rows_per_tile, rows - first_row);
        const int64_t first = segment * kTile, n = std::min(kTile, row - first);
        run_tile(r, o, first_row, n_rows, first, n, buffer, held);
      }
    });
    if (tail_first) zero_tail(r.at<float>(to));
  }

  void run_tile(const Run& r, int64_t o, int64_t first_row, int64_t n_rows, int64_t first, int64_t n, float (*buffer)[kTile], Held* held) const {
    const size_t d = outer.size();
    int64_t index[16];
    for (size_t i = d; i-- > 0;) {
      index[i] = o % outer[i];
      o /= outer[i];
    }
    int64_t at = 0;
    {
      int64_t run = rows * row;
      for (size_t i = d; i-- > 0;) {
        at += index[i] * run;
        run *= outer[i];
      }
    }
    float* y = r.at<float>(to) + at + first_row * row + first;
    const auto count = static_cast<size_t>(n_rows * n);
    auto get = [&](size_t k, bool* scalar) {
      const Source& s = sources[k];
      int64_t p = s.offset + first_row * s.strides[d] + first * s.strides[d + 1];
      for (size_t i = 0; i < d; ++i) p += index[i] * s.strides[i];
      const float* from = r.at<float>(s.slot) + p;
      // A row that repeats is spread once and used until it changes; a shorter last tile is a prefix of it.
      const bool repeats = s.strides[d] == 0 && s.strides[d + 1] == 1 && n_rows > 1;
      if (repeats && held[k].from == from && held[k].rows >= n_rows) {
        *scalar = false;
        return static_cast<const float*>(buffer[k]);
      }
      held[k] = {repeats ? from : nullptr, n_rows};
      return fetch(from, s.strides[d], s.strides[d + 1], n_rows, n, buffer[k], scalar);
    };
    bool scalar = false;
    const float* x = get(0, &scalar);
    if (scalar) {
      std::fill(y, y + count, *x);
      x = y;
    }
    if (ops.empty() && x != y) std::memcpy(y, x, count * sizeof(float));
    for (const auto& op : ops) {
      if (op.binary) {
        const float* other = get(op.source, &scalar);
        apply_binary(op.kind, scalar, x, other, y, count);
      } else {
        apply_unary(op.unary, x, y, count);
      }
      x = y;
    }
  }

  void zero_tail(float* y) const {
    for (int64_t b = 0; b < tail_batch; ++b) {
      float* p = y + ((b + 1) * tail_blocks - 1) * tail_spatial * block;
      for (int64_t i = 0; i < tail_spatial; ++i) std::fill(p + i * block + tail_first, p + (i + 1) * block, 0.0f);
    }
  }
};

std::vector<ValueId> others_of(const PlanNode& n, int main) {
  std::vector<ValueId> r;
  for (size_t k = 0; k < n.in.size(); ++k)
    if (static_cast<int>(k) != main) r.push_back(n.in[k]);
  return r;
}

struct Chain {
  ValueId main = kNoValue;
  std::vector<ElementOp> ops;
};

std::optional<Chain> read_chain(const Builder& b, const PlanNode& n) {
  Chain c;
  const int main = chain_input(b, n);
  if (main < 0) return std::nullopt;
  c.main = n.in[static_cast<size_t>(main)];
  c.ops.push_back(*element_op(b, n.op, n.attrs, others_of(n, main), main == 1));
  for (const auto& p : n.posts) {
    auto op = element_op(b, p.op, p.attrs, p.operand == kNoValue ? std::vector<ValueId>() : std::vector<ValueId>{p.operand}, p.reversed);
    if (!op) return std::nullopt;
    c.ops.push_back(*op);
  }
  return c;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_chain(b, n) ? 100 : -1; }

/// The result and what is of its shape; the rest is read in any layout.
std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& n) {
  const auto c = read_chain(b, n);
  if (!c) return std::nullopt;
  const Dims& dims = b.value(n.output()).dims;
  std::vector<ValueId> images{n.output()};
  auto add = [&](ValueId v) {
    if (!b.is_constant(v) && b.value(v).dims == dims) images.push_back(v);
  };
  add(c->main);
  for (const auto& op : c->ops)
    if (op.binary) add(op.operand);
  return images.size() > 1 ? streaming_costs(b, images) : std::nullopt;
}

class ChainBuilder {
  Builder& b_;
  const PlanNode& n_;
  Chain chain_;
  Dims dims_;
  Layout layout_ = Layout::plain;

 public:
  ChainBuilder(Builder& b, const PlanNode& n) : b_(b), n_(n), chain_(*read_chain(b, n)), dims_(b.value(n.output()).dims) {}

  bool build() {
    choose_layout();
    ChainStep step;
    std::vector<SlotId> reads;
    auto add = [&](ValueId v) {
      step.sources.push_back(source(v));
      reads.push_back(step.sources.back().slot);
      return static_cast<uint32_t>(step.sources.size() - 1);
    };
    add(chain_.main);
    for (const auto& op : chain_.ops) {
      ChainOp c{op.binary, op.unary, op.kind, 0};
      if (op.binary) c.source = add(op.operand);
      step.ops.push_back(c);
    }
    if (step.sources.size() > kMostSources) return false;
    merge(step);
    const bool full = b_.value(chain_.main).dims == dims_ && step.sources[0].slot == b_.value(chain_.main).slot[static_cast<int>(layout_)];
    bool alone = full;
    for (const auto& op : chain_.ops)
      if (op.binary && b_.share_memory(op.operand, chain_.main)) alone = false;
    step.to = alone ? b_.write_over(n_.output(), layout_, chain_.main) : b_.write(n_.output(), layout_);
    if (has_padding(dims_, layout_)) {
      step.block = block_of(layout_);
      step.tail_first = dims_[1] % step.block;
      step.tail_batch = dims_[0];
      step.tail_blocks = round_up(dims_[1], step.block) / step.block;
      step.tail_spatial = product(dims_, 2);
    }
    const SlotId to = step.to;
    const int threads = b_.threads_for(static_cast<double>(product(dims_)) * 15 * static_cast<double>(chain_.ops.size()));
    b_.step("cpu/elementwise", std::move(step), reads, {to}, threads);
    return true;
  }

 private:
  /// Where the largest input already is.
  void choose_layout() {
    if (dims_.size() < 3 || dims_.size() > 5) return;
    if (b_.planned()) {
      layout_ = *b_.planned();
      return;
    }
    auto consider = [&](ValueId v) {
      if (b_.value(v).dims == dims_ && layout_ == Layout::plain && !b_.value(v).constant) layout_ = b_.home(v);
    };
    consider(chain_.main);
    for (const auto& op : chain_.ops)
      if (op.binary) consider(op.operand);
  }

  /// Logical strides, aligned to the right, as strides over the physical dims of the layout.
  Dims physical(const Dims& logical) const {
    if (layout_ == Layout::plain) return logical;
    Dims s{logical[0]};
    if (layout_ == Layout::channels_last) {
      s.insert(s.end(), logical.begin() + 2, logical.end());
      s.push_back(logical[1]);
      return s;
    }
    s.push_back(logical[1] * block_of(layout_));
    s.insert(s.end(), logical.begin() + 2, logical.end());
    s.push_back(logical[1]);
    return s;
  }
  Dims physical_dims() const {
    if (layout_ == Layout::plain) return dims_;
    Dims d{dims_[0]};
    if (block_of(layout_) > 1) d.push_back(round_up(dims_[1], block_of(layout_)) / block_of(layout_));
    d.insert(d.end(), dims_.begin() + 2, dims_.end());
    d.push_back(block_of(layout_) > 1 ? block_of(layout_) : dims_[1]);
    return d;
  }

  Source source(ValueId v) {
    const Dims& d = b_.value(v).dims;
    const size_t missing = dims_.size() - d.size();
    auto spread = [&](const Dims& strides) {
      Dims s(dims_.size(), 0);
      for (size_t i = 0; i < d.size(); ++i)
        if (d[i] != 1) s[i + missing] = strides[i];
      return s;
    };
    if (layout_ == Layout::plain) {
      const Strided x = b_.strided(v);
      return {x.slot, x.offset, spread(x.strides)};
    }
    if (layout_ == Layout::channels_last && b_.value(v).has_view && b_.value(v).slot[static_cast<int>(layout_)] == kNoSlot) {
      const Strided x = b_.strided(v);
      return {x.slot, x.offset, physical(spread(x.strides))};
    }
    const bool same_rank = missing == 0;
    const bool by_channel = d.size() + 1 >= dims_.size() && d[1 - missing] != 1;
    if (same_rank && (d == dims_ || (by_channel && has_padding(dims_, layout_)) || b_.home(v) == layout_)) {
      // In the layout itself: dense over its own physical dims.
      const SlotId slot = b_.read(v, layout_);
      const int64_t block = block_of(layout_);
      Dims own{d[0]};
      if (block > 1) own.push_back(round_up(d[1], block) / block);
      own.insert(own.end(), d.begin() + 2, d.end());
      own.push_back(block > 1 ? block : d[1]);
      Dims s = dense_strides(own);
      const Dims whole = physical_dims();
      for (size_t i = 0; i < s.size(); ++i)
        if (own[i] == 1 && whole[i] != 1) s[i] = 0;
      if (block > 1 && d[1] == 1 && dims_[1] != 1) s.back() = 0;
      return {slot, 0, s};
    }
    if (by_channel && has_padding(dims_, layout_)) {
      // A vector over channels, with zeros for the surplus ones.
      const SlotId slot = b_.padded(v, round_up(dims_[1], block_of(layout_)));
      Dims s(dims_.size(), 0);
      s[1] = 1;
      return {slot, 0, physical(s)};
    }
    return {b_.read(v), 0, physical(spread(dense_strides(d)))};
  }

  /// Joins neighbouring dims that every source walks through in one stride; then the last two are rows of a row.
  void merge(ChainStep& step) const {
    Dims d;
    std::vector<Dims> s(step.sources.size());
    const Dims whole = physical_dims();
    for (size_t i = 0; i < whole.size(); ++i) {
      if (whole[i] == 1) continue;
      bool joins = !d.empty();
      for (size_t k = 0; joins && k < s.size(); ++k) joins = s[k].back() == step.sources[k].strides[i] * whole[i];
      if (joins) {
        d.back() *= whole[i];
        for (size_t k = 0; k < s.size(); ++k) s[k].back() = step.sources[k].strides[i];
      } else {
        d.push_back(whole[i]);
        for (size_t k = 0; k < s.size(); ++k) s[k].push_back(step.sources[k].strides[i]);
      }
    }
    while (d.size() < 2) {
      d.insert(d.begin(), 1);
      for (auto& x : s) x.insert(x.begin(), 0);
    }
    step.row = d.back();
    step.rows = d[d.size() - 2];
    step.outer.assign(d.begin(), d.end() - 2);
    for (size_t k = 0; k < s.size(); ++k) step.sources[k].strides = s[k];
  }
};

bool build(Builder& b, const PlanNode& n) { return ChainBuilder(b, n).build(); }

}  // namespace

std::optional<ElementOp> element_op(const Builder& b, const std::string& op, const Attrs& attrs, const std::vector<ValueId>& others, bool reversed) {
  ElementOp r;
  if (op == "Clip" && !(attrs.has("min") || attrs.has("max"))) {
    auto bound = [&](size_t k, float none) { return k < others.size() && others[k] != kNoValue ? b.constant_scalar(others[k]) : std::optional<float>(none); };
    const auto low = bound(0, -INFINITY), high = bound(1, INFINITY);
    if (!low || !high || reversed) return std::nullopt;
    r.unary = {Unary::clip, *low, *high};
    return r;
  }
  if (others.empty()) {
    const auto u = unary_of(op, attrs);
    if (!u) return std::nullopt;
    r.unary = *u;
    return r;
  }
  if (others.size() != 1 || !b.is_f32(others[0])) return std::nullopt;
  r.binary = true;
  r.operand = others[0];
  if (op == "Pow") {
    const auto e = b.constant_scalar(r.operand);
    if (e && !reversed && (*e == 2 || *e == 0.5f || *e == 1)) {
      r.binary = false;
      r.unary = *e == 2 ? Activation{Unary::square} : *e == 1 ? Activation{Unary::affine, 1, 0} : Activation{Unary::sqrt};
      return r;
    }
    r.kind = reversed ? Binary::rpow : Binary::pow;
    return r;
  }
  if (op == "Add") r.kind = Binary::add;
  else if (op == "Mul") r.kind = Binary::mul;
  else if (op == "Sub") r.kind = reversed ? Binary::rsub : Binary::sub;
  else if (op == "Div") r.kind = reversed ? Binary::rdiv : Binary::div;
  else if (op == "Maximum") r.kind = Binary::max;
  else if (op == "Minimum") r.kind = Binary::min;
  else if (op == "PRelu" && !reversed) r.kind = Binary::prelu;
  else return std::nullopt;
  return r;
}

int chain_input(const Builder& b, const PlanNode& n) {
  if (n.in.empty() || n.out.size() != 1 || !b.is_f32(n.output())) return -1;
  auto works = [&](int k) {
    const ValueId v = n.input(static_cast<size_t>(k));
    return b.is_f32(v) && element_op(b, n.op, n.attrs, others_of(n, k), k == 1).has_value();
  };
  const Dims& y = b.value(n.output()).dims;
  // The chain runs through an input of the full shape where there is one that is no constant.
  int fallback = -1;
  for (int k = 0; k < static_cast<int>(std::min<size_t>(n.in.size(), 2)); ++k) {
    if (!works(k)) continue;
    const PlanValue& v = b.value(n.input(static_cast<size_t>(k)));
    if (v.dims == y && !v.constant) return k;
    if (fallback < 0) fallback = k;
  }
  return fallback;
}

void register_elementwise(KernelTable& t) {
  for (const char* op : {kFakeQuantize, "Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Swish", "Gelu", "Clip", "Abs", "Sqrt", "Neg", "Exp", "Log", "Erf",
                         "Reciprocal", "Rsqrt", "Floor", "Ceil", "Round", "Sign", "Softplus", "Sin", "Cos", "Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Pow", "PRelu"})
    t.add({"cpu/elementwise", op, match, build, layouts});
}

}  // namespace tenon::cpu
