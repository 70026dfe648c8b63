// SPDX-License-Identifier: Apache-2.0
// MatMul and Gemm through oneDNN. Operands may be transposed or sliced views; constant right sides are packed once.
#include <algorithm>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../onednn/primitive.hpp"

namespace tenon::cpu {
namespace {

/// One operand as batch dims + [rows, columns], with strides.
struct Matrix {
  Dims dims, strides;
  SlotId slot = kNoSlot;
  int64_t offset = 0;
};

bool fits_onednn(const Strided& s, const Dims& d) {
  // The last two dimensions as rows or columns of contiguous elements; no reversal.
  const size_t r = d.size();
  for (size_t i = 0; i < r; ++i)
    if (s.strides[i] <= 0 && d[i] != 1) return false;
  if (r < 2) return r == 0 || s.strides[0] == 1 || d[0] == 1;
  return s.strides[r - 1] == 1 || s.strides[r - 2] == 1 || d[r - 1] == 1;
}

Matrix operand(Builder& b, ValueId v) {
  const Dims& d = b.value(v).dims;
  Strided s = b.strided(v);
  if (!fits_onednn(s, d)) s = {b.read(v), 0, dense_strides(d)};
  for (size_t i = 0; i < d.size(); ++i)
    if (d[i] == 1) s.strides[i] = 1;
  return {d, s.strides, s.slot, s.offset};
}

void prepend(Matrix& m, size_t rank) {
  while (m.dims.size() < rank) {
    m.dims.insert(m.dims.begin(), 1);
    m.strides.insert(m.strides.begin(), 1);
  }
}

/// A stride that descriptors accept for a dimension of one: as if it were dense.
void tidy(Matrix& m) {
  const size_t r = m.dims.size();
  for (size_t i = r; i-- > 0;)
    if (m.dims[i] == 1) m.strides[i] = i + 1 < r ? std::max<int64_t>(m.strides[i + 1] * m.dims[i + 1], 1) : 1;
}

void transpose(Matrix& m) {
  const size_t r = m.dims.size();
  std::swap(m.dims[r - 1], m.dims[r - 2]);
  std::swap(m.strides[r - 1], m.strides[r - 2]);
}

/// Merges all leading dimensions of a into its rows when b has only one matrix.
void flatten_batch(Matrix& a) {
  const size_t r = a.dims.size();
  int64_t rows = a.dims[r - 2];
  for (size_t i = r - 2; i-- > 0;) {
    if (a.dims[i] != 1 && rows != 1 && a.strides[i] != a.strides[r - 2] * rows) return;
    if (rows == 1 && a.dims[i] != 1) a.strides[r - 2] = a.strides[i];
    rows *= a.dims[i];
  }
  a = {{rows, a.dims[r - 1]}, {a.strides[r - 2], a.strides[r - 1]}, a.slot, a.offset};
}

struct Product {
  ValueId a, b, c = kNoValue, y;
  bool trans_a = false, trans_b = false;
  float alpha = 1, beta = 1;
};

std::optional<Product> read_product(const Builder& b, const PlanNode& n) {
  Product p{n.input(0), n.input(1), kNoValue, n.output()};
  if (!b.is_f32(p.a) || !b.is_f32(p.b) || !b.is_f32(p.y)) return std::nullopt;
  if (b.value(p.a).dims.empty() || b.value(p.b).dims.empty() || b.value(p.a).dims.size() > 8 || b.value(p.b).dims.size() > 8) return std::nullopt;
  if (n.op == "Gemm") {
    p.c = n.input(2);
    if (p.c != kNoValue && !b.is_f32(p.c)) return std::nullopt;
    p.trans_a = n.attrs.i("transA") != 0;
    p.trans_b = n.attrs.i("transB") != 0;
    p.alpha = static_cast<float>(n.attrs.f("alpha", 1));
    p.beta = static_cast<float>(n.attrs.f("beta", 1));
    if (p.c != kNoValue && p.beta != 1 && p.beta != 0 && !b.is_constant(p.c)) return std::nullopt;
  }
  return p;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_product(b, n) ? 100 : -1; }

dnn::Desc describe(const Matrix& m) { return dnn::desc(m.dims, m.strides); }

struct Extra {
  int arg;
  dnn::Desc desc;
  SlotId slot;
};

class ProductBuilder {
  Builder& b_;
  const PlanNode& n_;
  Product p_;
  Matrix a_, w_;
  Dims out_;
  dnn::Posts posts_;
  std::vector<Extra> extras_;
  ValueId bias_ = kNoValue;
  ValueId over_ = kNoValue;  ///< the residual whose memory the result takes

 public:
  ProductBuilder(Builder& b, const PlanNode& n) : b_(b), n_(n), p_(*read_product(b, n)) {}

  bool build() {
    take_operands();
    take_posts();
    const int64_t columns = out_.back();
    const double flops = 2.0 * static_cast<double>(product(out_)) * static_cast<double>(a_.dims.back());
    const int threads = b_.threads_for(flops);
    ThreadScope scope(threads);
    const bool packs = b_.is_constant(p_.b) && w_.dims.size() == 2 && out_[out_.size() - 2] > 1;
    dnn::Desc bias;
    if (bias_ != kNoValue) {
      Dims d(out_.size(), 1);
      d.back() = columns;
      bias = dnn::desc(d, Layout::plain);
    }
    const dnn::Desc* with_bias = bias_ == kNoValue ? nullptr : &bias;
    const dnn::Desc dst = dnn::desc(out_, Layout::plain);
    auto p = dnn::matmul(describe(a_), packs ? dnn::any(w_.dims) : describe(w_), with_bias, dst, posts_);
    if (!p) p = dnn::matmul(describe(a_), describe(w_), with_bias, dst, posts_);
    if (!p) return refuse();
    SlotId to;
    if (over_ != kNoValue) {
      to = b_.read(over_);
      b_.write_into(p_.y, Layout::plain, to);
    } else {
      to = b_.write(p_.y);
    }
    dnn::StepMaker step(b_, *p, threads);
    step.read(DNNL_ARG_SRC, p->src, shifted(a_));
    if (b_.is_constant(p_.b) && p->weights != describe(w_)) {
      const dnn::Desc from = describe(w_);
      const std::string form = dnn::key(from) + dnn::key(p->weights);
      step.fixed(DNNL_ARG_WEIGHTS, p->weights, b_.packed(p_.b, form, [&] { return dnn::pack(from, b_.value(p_.b).data, p->weights); }));
    } else {
      step.read(DNNL_ARG_WEIGHTS, p->weights, shifted(w_));
    }
    if (with_bias) step.read(DNNL_ARG_BIAS, bias, b_.read(bias_));
    for (const auto& e : extras_) step.read(e.arg, e.desc, e.slot);
    step.write(DNNL_ARG_DST, dst, to);
    step.done();
    return true;
  }

 private:
  bool refuse() const {
    if (n_.merged.size() == 1) return false;
    throw unsupported("oneDNN has no matrix product for these shapes").with("node", n_.name);
  }
  SlotId shifted(const Matrix& m) { return m.offset ? b_.part(m.slot, static_cast<uint64_t>(m.offset) * 4) : m.slot; }

  void take_operands() {
    a_ = operand(b_, p_.a);
    w_ = operand(b_, p_.b);
    const bool vector_a = a_.dims.size() == 1, vector_b = w_.dims.size() == 1;
    if (vector_a) prepend(a_, 2);
    if (vector_b) {
      w_.dims.push_back(1);
      w_.strides.push_back(1);
    }
    if (p_.trans_a) transpose(a_);
    if (p_.trans_b) transpose(w_);
    while (w_.dims.size() > 2 && w_.dims.front() == 1 && w_.dims.size() >= a_.dims.size()) drop_front(w_);
    if (w_.dims.size() == 2 && a_.dims.size() > 2) flatten_batch(a_);
    const size_t rank = std::max(a_.dims.size(), w_.dims.size());
    prepend(a_, rank);
    prepend(w_, rank);
    tidy(a_);
    tidy(w_);
    for (size_t i = 0; i + 2 < rank; ++i) out_.push_back(std::max(a_.dims[i], w_.dims[i]));
    out_.push_back(a_.dims[rank - 2]);
    out_.push_back(w_.dims[rank - 1]);
  }
  static void drop_front(Matrix& m) {
    m.dims.erase(m.dims.begin());
    m.strides.erase(m.strides.begin());
  }

  void take_posts() {
    if (p_.alpha != 1) posts_.linear(p_.alpha, 0);
    if (p_.c != kNoValue && p_.beta != 0) {
      const Dims c = b_.value(p_.c).dims;
      const ValueId scaled = p_.beta == 1 ? p_.c : scaled_constant(p_.c, p_.beta);
      if (p_.alpha == 1 && !c.empty() && c.back() == out_.back() && product(c) == c.back())
        bias_ = scaled;
      else
        add_tensor(scaled);
    }
    if (auto a = fused_activation(n_.attrs)) posts_.activation(*a);
    for (const auto& post : n_.posts) {
      if (post.operand == kNoValue) {
        posts_.activation(*unary_of(post.op, post.attrs));
      } else if (auto s = b_.constant_scalar(post.operand)) {
        if (post.op == "Add") posts_.linear(1, *s);
        else if (post.op == "Sub") posts_.linear(1, -*s);
        else posts_.linear(post.op == "Mul" ? *s : 1 / *s, 0);
      } else if (&post == &n_.posts.front() && p_.c == kNoValue && b_.value(post.operand).dims.size() == 1 && b_.value(p_.y).dims.size() > 1) {
        bias_ = post.operand;
      } else {
        add_tensor(post.operand);
      }
    }
  }
  ValueId scaled_constant(ValueId v, float scale) {
    const Dims dims = b_.value(v).dims;
    std::vector<float> data(static_cast<size_t>(product(dims)));
    std::memcpy(data.data(), b_.value(v).data, data.size() * sizeof(float));
    for (auto& x : data) x *= scale;
    return b_.add_constant(dims, data);
  }
  /// Adds v, which broadcasts to the result.
  void add_tensor(ValueId v) {
    const bool sole = posts_.empty();
    const Dims& d = b_.value(v).dims;
    if (sole && b_.value(v).count() == product(out_) && !b_.share_memory(v, p_.a) && !b_.share_memory(v, p_.b) && b_.dies_here(v, Layout::plain)) {
      posts_.sum();
      over_ = v;
      return;
    }
    Dims shape;
    if (product(d) == product(out_)) {
      shape = out_;
    } else {
      shape = d;
      while (shape.size() < out_.size()) shape.insert(shape.begin(), 1);
    }
    const dnn::Desc desc = dnn::desc(shape, Layout::plain);
    const SlotId slot = b_.read(v);
    extras_.push_back({posts_.add(desc), desc, slot});
  }
};

bool build(Builder& b, const PlanNode& n) { return ProductBuilder(b, n).build(); }

}  // namespace

void register_matmul(KernelTable& t) {
  t.add({"onednn/matmul", "MatMul", match, build});
  t.add({"onednn/gemm", "Gemm", match, build});
}

}  // namespace tenon::cpu
