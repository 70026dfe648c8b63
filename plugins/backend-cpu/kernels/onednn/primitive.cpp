// SPDX-License-Identifier: Apache-2.0
#include "primitive.hpp"

#include <cmath>

#include "../../threads/pool.hpp"

#define TENON_DNNL3 (DNNL_VERSION_MAJOR >= 3)

namespace tenon::cpu::dnn {
namespace {

using Tag = dnnl::memory::format_tag;
using Algorithm = dnnl::algorithm;
constexpr auto kF32 = dnnl::memory::data_type::f32;
constexpr auto kInference = dnnl::prop_kind::forward_inference;

dnnl::primitive_attr attributes(Posts* posts) {
  dnnl::primitive_attr a;
  a.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (posts) a.set_post_ops(posts->get());
  return a;
}

Dims less_one(Dims d) {
  for (auto& x : d) --x;
  return d;
}

template <class F>
auto attempt(F&& make) -> decltype(make()) {
  try {
    return make();
  } catch (const dnnl::error& e) {
    if (e.status == dnnl_out_of_memory) throw std::bad_alloc();
    return std::nullopt;
  }
}

template <class P, class Pd>
Primitive finish(const Pd& pd) {
  Primitive r;
  r.primitive = P(pd);
  r.src = pd.src_desc();
  r.dst = pd.dst_desc();
  r.scratch = pd.scratchpad_desc();
  r.impl = pd.impl_info_str();
  return r;
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream s(engine());
  return s;
}

Layout preferred_block() {
  const auto isa = dnnl::get_effective_cpu_isa();
  return static_cast<int>(isa) >= static_cast<int>(dnnl::cpu_isa::avx512_core) ? Layout::blocked16 : Layout::blocked8;
}

Desc desc(const Dims& dims, Layout l) {
  static const Tag tags[4][6] = {{Tag::undef, Tag::a, Tag::ab, Tag::abc, Tag::abcd, Tag::abcde},
                                 {Tag::undef, Tag::a, Tag::ab, Tag::acb, Tag::acdb, Tag::acdeb},
                                 {Tag::undef, Tag::undef, Tag::undef, Tag::aBc8b, Tag::aBcd8b, Tag::aBcde8b},
                                 {Tag::undef, Tag::undef, Tag::undef, Tag::aBc16b, Tag::aBcd16b, Tag::aBcde16b}};
  if (l == Layout::plain) return desc(dims, dense_strides(dims));
  return Desc(dims, kF32, tags[static_cast<int>(l)][dims.size()]);
}

Desc desc(const Dims& dims, const Dims& strides) {
  if (dims.empty()) return Desc({1}, kF32, Dims{1});
  return Desc(dims, kF32, strides);
}

Desc any(const Dims& dims) { return Desc(dims, kF32, Tag::any); }
uint64_t bytes(const Desc& d) { return d.get_size(); }

#if TENON_DNNL3
#define TENON_ELTWISE(alg, a, b) ops_.append_eltwise(alg, a, b)
#else
#define TENON_ELTWISE(alg, a, b) ops_.append_eltwise(1.0f, alg, a, b)
#endif

void Posts::flush() {
  if (pending_) TENON_ELTWISE(Algorithm::eltwise_linear, scale_, shift_);
  pending_ = false;
  scale_ = 1;
  shift_ = 0;
}
void Posts::linear(float scale, float shift) {
  scale_ *= scale;
  shift_ = shift_ * scale + shift;
  pending_ = true;
}
void Posts::sum() {
  flush();
  ops_.append_sum(1.0f);
}
int Posts::add(const Desc& d) {
  flush();
  const int index = ops_.len();
  ops_.append_binary(Algorithm::binary_add, d);
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP(index) | DNNL_ARG_SRC_1;
}

void Posts::activation(const Activation& x) {
  if (x.kind == Unary::affine) return linear(x.a, x.b);
  if (x.kind == Unary::hard_sigmoid) linear(x.a, x.b);
  flush();
  // oneDNN wants numbers: the largest floats stand for no limit.
  constexpr float kMost = 3.402823466e38f;
  switch (x.kind) {
    case Unary::relu: TENON_ELTWISE(Algorithm::eltwise_relu, 0.0f, 0.0f); return;
    case Unary::leaky_relu: TENON_ELTWISE(Algorithm::eltwise_relu, x.a, 0.0f); return;
    case Unary::elu: TENON_ELTWISE(Algorithm::eltwise_elu, x.a, 0.0f); return;
    case Unary::sigmoid: TENON_ELTWISE(Algorithm::eltwise_logistic, 0.0f, 0.0f); return;
    case Unary::tanh: TENON_ELTWISE(Algorithm::eltwise_tanh, 0.0f, 0.0f); return;
    case Unary::hard_swish: TENON_ELTWISE(Algorithm::eltwise_hardswish, 1.0f / 6, 0.5f); return;
    case Unary::swish: TENON_ELTWISE(Algorithm::eltwise_swish, x.a, 0.0f); return;
    case Unary::gelu_erf: TENON_ELTWISE(Algorithm::eltwise_gelu_erf, 0.0f, 0.0f); return;
    case Unary::gelu_tanh: TENON_ELTWISE(Algorithm::eltwise_gelu_tanh, 0.0f, 0.0f); return;
    case Unary::clip: TENON_ELTWISE(Algorithm::eltwise_clip, std::max(x.a, -kMost), std::min(x.b, kMost)); return;
    case Unary::hard_sigmoid: TENON_ELTWISE(Algorithm::eltwise_clip, 0.0f, 1.0f); return;
    case Unary::abs: TENON_ELTWISE(Algorithm::eltwise_abs, 0.0f, 0.0f); return;
    case Unary::sqrt: TENON_ELTWISE(Algorithm::eltwise_sqrt, 0.0f, 0.0f); return;
    default: throw Error(TENON_E_INTERNAL, "an operator that cannot follow a dense kernel was fused to one");
  }
}

namespace {

dnnl::convolution_forward::primitive_desc describe_convolution(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts& posts) {
  const auto attr = attributes(&posts);
  const Dims dilation = less_one(w.dilations);
  const Desc b = bias ? *bias : Desc();
#if TENON_DNNL3
  return {engine(), kInference, Algorithm::convolution_direct, src, weights, b, dst, w.strides, dilation, w.begin, w.end, attr};
#else
  return {{kInference, Algorithm::convolution_direct, src, weights, b, dst, w.strides, dilation, w.begin, w.end}, attr, engine()};
#endif
}

}  // namespace

std::optional<std::string> convolution_impl(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts) {
  return attempt([&] { return std::optional<std::string>(describe_convolution(src, weights, bias, dst, w, posts).impl_info_str()); });
}

std::optional<Primitive> convolution(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts) {
  return attempt([&] {
    const auto pd = describe_convolution(src, weights, bias, dst, w, posts);
    Primitive r = finish<dnnl::convolution_forward>(pd);
    r.weights = pd.weights_desc();
    if (bias) r.bias = pd.bias_desc();
    return std::optional<Primitive>(std::move(r));
  });
}

std::optional<Primitive> deconvolution(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts) {
  return attempt([&] {
    const auto attr = attributes(&posts);
    const Dims dilation = less_one(w.dilations);
    const Desc b = bias ? *bias : Desc();
#if TENON_DNNL3
    dnnl::deconvolution_forward::primitive_desc pd(engine(), kInference, Algorithm::deconvolution_direct, src, weights, b, dst, w.strides, dilation, w.begin, w.end, attr);
#else
    dnnl::deconvolution_forward::primitive_desc pd({kInference, Algorithm::deconvolution_direct, src, weights, b, dst, w.strides, dilation, w.begin, w.end}, attr, engine());
#endif
    Primitive r = finish<dnnl::deconvolution_forward>(pd);
    r.weights = pd.weights_desc();
    if (bias) r.bias = pd.bias_desc();
    return std::optional<Primitive>(std::move(r));
  });
}

std::optional<Primitive> matmul(const Desc& a, const Desc& b, const Desc* bias, const Desc& dst, Posts posts) {
  return attempt([&] {
    const auto attr = attributes(&posts);
#if TENON_DNNL3
    auto pd = bias ? dnnl::matmul::primitive_desc(engine(), a, b, *bias, dst, attr) : dnnl::matmul::primitive_desc(engine(), a, b, dst, attr);
#else
    auto pd = dnnl::matmul::primitive_desc(bias ? dnnl::matmul::desc(a, b, *bias, dst) : dnnl::matmul::desc(a, b, dst), attr, engine());
#endif
    Primitive r = finish<dnnl::matmul>(pd);
    r.weights = pd.weights_desc();
    if (bias) r.bias = pd.bias_desc();
    return std::optional<Primitive>(std::move(r));
  });
}

std::optional<Primitive> pooling(Pool kind, const Desc& src, const Desc& dst, const Dims& kernel, const Window& w) {
  return attempt([&] {
    const auto attr = attributes(nullptr);
    const auto alg = kind == Pool::max ? Algorithm::pooling_max : kind == Pool::average_include ? Algorithm::pooling_avg_include_padding : Algorithm::pooling_avg_exclude_padding;
#if TENON_DNNL3
    dnnl::pooling_forward::primitive_desc pd(engine(), kInference, alg, src, dst, w.strides, kernel, less_one(w.dilations), w.begin, w.end, attr);
#else
    for (auto d : w.dilations)
      if (d != 1) return std::optional<Primitive>();
    dnnl::pooling_forward::primitive_desc pd({kInference, alg, src, dst, w.strides, kernel, w.begin, w.end}, attr, engine());
#endif
    return std::optional<Primitive>(finish<dnnl::pooling_forward>(pd));
  });
}

std::optional<Primitive> lrn(const Desc& d, int64_t size, float alpha, float beta, float bias) {
  return attempt([&] {
    const auto attr = attributes(nullptr);
#if TENON_DNNL3
    dnnl::lrn_forward::primitive_desc pd(engine(), kInference, Algorithm::lrn_across_channels, d, d, size, alpha, beta, bias, attr);
#else
    dnnl::lrn_forward::primitive_desc pd({kInference, Algorithm::lrn_across_channels, d, size, alpha, beta, bias}, attr, engine());
#endif
    return std::optional<Primitive>(finish<dnnl::lrn_forward>(pd));
  });
}

std::optional<Primitive> reorder(const Desc& from, const Desc& to) {
  return attempt([&] {
    dnnl::reorder::primitive_desc pd(engine(), from, engine(), to, attributes(nullptr));
    Primitive r;
    r.primitive = dnnl::reorder(pd);
    r.src = from;
    r.dst = to;
    r.scratch = pd.scratchpad_desc();
    r.impl = std::string("reorder:") + pd.impl_info_str();
    return std::optional<Primitive>(std::move(r));
  });
}

bool is_slow(const std::string& impl) { return impl.find("ref") != std::string::npos; }
bool is_gemm(const std::string& impl) { return impl.find("gemm") != std::string::npos && impl.find("brg") == std::string::npos; }

void PrimitiveStep::run(const Run&) {
  const auto status = dnnl_primitive_execute(primitive.get(), stream().get(), static_cast<int>(args.size()), args.data());
  if (status != dnnl_success) throw Error(TENON_E_INTERNAL, "oneDNN could not run a primitive").with("status", std::to_string(status));
}

StepMaker::StepMaker(Builder& b, const Primitive& p, int threads) : b_(b), step_(p), name_(p.impl), threads_(threads) {
  if (bytes(p.scratch) > 0) write(DNNL_ARG_SCRATCHPAD, p.scratch, b.scratch(bytes(p.scratch)));
}
StepMaker& StepMaker::read(int which, const Desc& d, SlotId s) {
  step_.arg(which, b_.memory(d, s));
  reads_.push_back(s);
  return *this;
}
StepMaker& StepMaker::write(int which, const Desc& d, SlotId s) {
  step_.arg(which, b_.memory(d, s));
  writes_.push_back(s);
  return *this;
}
StepMaker& StepMaker::fixed(int which, const Desc& d, std::shared_ptr<void> data) {
  step_.arg(which, dnnl::memory(d, engine(), data.get()));
  b_.keep(std::move(data));
  return *this;
}

std::shared_ptr<void> pack(const Desc& from, const void* data, const Desc& to) {
  auto bytes_to = std::make_shared<AlignedBytes>(to.get_size() + 64);
  std::shared_ptr<void> result(bytes_to, bytes_to->get());
  dnnl::memory a(from, engine(), const_cast<void*>(data)), b(to, engine(), result.get());
  dnnl::reorder(a, b).execute(stream(), a, b);
  stream().wait();
  return result;
}

std::string key(const Desc& d) {
#if TENON_DNNL3
  const auto blob = d.get_blob();
  return std::string(blob.begin(), blob.end());
#else
  return std::string(reinterpret_cast<const char*>(&d.data), sizeof d.data);
#endif
}

}  // namespace tenon::cpu::dnn
