// SPDX-License-Identifier: Apache-2.0
// Conv through oneDNN: layouts chosen by estimated cost, weights packed once, residual and activations fused.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

struct Conv {
  ValueId x, w, bias, residual, y;
  int64_t group = 1;
  Dims in, out, kernel, weight_dims;  ///< as oneDNN is told them
  dnn::Window window;
  double flops = 0;
};

/// Images of width 1 are lines: oneDNN's kernels work along the last dimension.
void drop_last(Conv& c) {
  for (Dims* d : {&c.in, &c.out, &c.kernel, &c.weight_dims, &c.window.strides, &c.window.dilations, &c.window.begin, &c.window.end}) d->pop_back();
}

std::optional<Conv> read_conv(const Builder& b, const PlanNode& n) {
  Conv c{n.input(0), n.input(1), n.input(2), n.input(3), n.output(), 1, {}, {}, {}, {}, {}, 0};
  if (!b.is_f32(c.x) || !b.is_f32(c.w) || !b.is_f32(c.y)) return std::nullopt;
  const Dims &x = b.value(c.x).dims, &w = b.value(c.w).dims, &y = b.value(c.y).dims;
  if (x.size() < 3 || x.size() > 5 || w.size() != x.size()) return std::nullopt;
  if (c.bias != kNoValue && !b.is_f32(c.bias)) return std::nullopt;
  if (c.residual != kNoValue && (!b.is_f32(c.residual) || b.value(c.residual).dims != y)) return std::nullopt;
  c.group = n.attrs.i("group", 1);
  c.kernel.assign(w.begin() + 2, w.end());
  auto window = window_of(n.attrs, x, y, c.kernel);
  if (!window) return std::nullopt;
  c.window = dnn_window(*window);
  c.in = x;
  c.out = y;
  c.weight_dims = w;
  if (x.size() > 3 && x.back() == 1 && y.back() == 1 && w.back() == 1 && c.window.begin.back() == 0 && c.window.end.back() == 0) drop_last(c);
  if (c.group > 1) {
    c.weight_dims[0] /= c.group;
    c.weight_dims.insert(c.weight_dims.begin(), c.group);
  }
  c.flops = 2.0 * static_cast<double>(product(y)) * static_cast<double>(product(w, 1));
  return c;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_conv(b, n) ? 100 : -1; }

struct Choice {
  dnn::Primitive p;
  Layout src, dst;
  double cost;  ///< estimated seconds
  int sum_arg = 0;
  bool in_place = false;
};

double run_cost(const Conv& c, const std::string& impl, Layout src, Layout dst) {
  if (dnn::is_slow(impl)) return c.flops / 1e9;
  double flops = c.flops;
  const bool depthwise = c.group > 1 && c.weight_dims[1] == 1 && c.weight_dims[2] == 1;
  auto pad = [](int64_t n, int64_t block) { return static_cast<double>(round_up(n, block)) / static_cast<double>(n); };
  flops *= pad(c.out[1], block_of(dst));
  if (!depthwise) flops *= pad(c.in[1], block_of(src));
  if (dnn::is_gemm(impl)) return flops / (depthwise ? 2e9 : 4e9);
  if (depthwise) return flops / (src == Layout::channels_last ? 50e9 : 60e9);
  return flops / (src == Layout::channels_last && c.in[1] < 16 ? 80e9 : 100e9);
}

/// What follows the convolution but a residual.
void add_posts(const Builder& b, const PlanNode& n, dnn::Posts& posts) {
  if (auto a = fused_activation(n.attrs)) posts.activation(*a);
  for (const auto& post : n.posts) {
    if (post.operand == kNoValue) {
      posts.activation(*unary_of(post.op, post.attrs));
    } else if (auto s = b.constant_scalar(post.operand)) {
      if (post.op == "Add") posts.linear(1, *s);
      else if (post.op == "Sub") posts.linear(1, -*s);
      else posts.linear(post.op == "Mul" ? *s : 1 / *s, 0);
    }
  }
}

std::optional<Choice> attempt(const Builder& b, const Conv& c, const PlanNode& n, Layout src, Layout dst) {
  const Dims &x = c.in, &y = c.out;
  Choice r{{}, src, dst, 0, 0, false};
  dnn::Posts posts;
  if (c.residual != kNoValue) {
    r.in_place = b.dies_here(c.residual, dst) && !b.share_memory(c.residual, c.x);
    if (r.in_place)
      posts.sum();
    else
      r.sum_arg = posts.add(dnn::desc(y, dst));
  }
  add_posts(b, n, posts);
  const dnn::Desc bias = dnn::desc({y[1]}, Layout::plain);
  auto p = dnn::convolution(dnn::desc(x, src), dnn::any(c.weight_dims), c.bias == kNoValue ? nullptr : &bias, dnn::desc(y, dst), c.window, posts);
  if (!p) return std::nullopt;
  r.p = std::move(*p);
  r.cost = run_cost(c, r.p.impl, src, dst);
  if (b.value(c.x).slot[static_cast<int>(src)] == kNoSlot) r.cost += move_seconds(product(x));
  if (c.residual != kNoValue && b.value(c.residual).slot[static_cast<int>(dst)] == kNoSlot) r.cost += move_seconds(product(y));
  return r;
}

/// The residual that a fused Add brings is an input of the convolution like any other.
Conv with_post_residual(const Builder& b, Conv c, const PlanNode& n, PlanNode* rest) {
  *rest = n;
  for (size_t k = 0; k < n.posts.size(); ++k) {
    const ValueId v = n.posts[k].operand;
    if (v == kNoValue || b.constant_scalar(v)) continue;
    c.residual = v;
    rest->posts.erase(rest->posts.begin() + static_cast<std::ptrdiff_t>(k));
    break;
  }
  return c;
}

std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& node) {
  const auto read = read_conv(b, node);
  if (!read) return std::nullopt;
  PlanNode n;
  const Conv c = with_post_residual(b, *read, node, &n);
  ThreadScope scope(b.threads_for(c.flops));
  const dnn::Desc bias = dnn::desc({c.out[1]}, Layout::plain), weights = dnn::any(c.weight_dims);
  auto seconds = [&](Layout src, Layout dst) {
    dnn::Posts posts;
    add_posts(b, n, posts);
    const auto impl = dnn::convolution_impl(dnn::desc(c.in, src), weights, c.bias == kNoValue ? nullptr : &bias, dnn::desc(c.out, dst), c.window, posts);
    return impl ? run_cost(c, *impl, src, dst) : kCannot;
  };
  LayoutCosts r;
  const Layout block = dnn::preferred_block();
  for (Layout l : {Layout::plain, Layout::channels_last, block}) r[l] = seconds(l, l);
  r.values = {c.x, c.y};
  r.leads = true;
  if (c.residual != kNoValue) r.values.push_back(c.residual);
  // oneDNN has kernels for first layers, which read few channels as they come.
  if (c.in[1] < 16) r.from_plain = seconds(Layout::plain, block);
  if (r.from_plain < kCannot) r.plain_too = c.x;
  return r;
}

std::shared_ptr<void> pack_weights(Builder& b, const Conv& c, const dnn::Desc& to) {
  const dnn::Desc from = dnn::desc(c.weight_dims, Layout::plain);
  return b.packed(c.w, dnn::key(to), [&] { return dnn::pack(from, b.value(c.w).data, to); });
}

bool build(Builder& b, const PlanNode& node) {
  PlanNode n;
  const Conv c = with_post_residual(b, *read_conv(b, node), node, &n);
  const int threads = b.threads_for(c.flops);
  ThreadScope scope(threads);
  const Layout planned = b.planned().value_or(Layout::plain), home = b.home(c.x);
  std::optional<Choice> best;
  auto consider = [&](Layout src, Layout dst) {
    auto t = attempt(b, c, n, src, dst);
    if (t && (!best || t->cost < best->cost)) best = std::move(t);
  };
  consider(planned, planned);
  if (home != planned && c.in[1] < 16) consider(home, planned);
  // The layout that suits the neighbours has nothing for this one.
  if (!best || dnn::is_slow(best->p.impl))
    for (Layout l : {dnn::preferred_block(), Layout::channels_last, Layout::plain}) consider(l, l);
  if (!best) return false;

  const SlotId x = b.read(c.x, best->src);
  SlotId r = kNoSlot, out;
  if (c.residual != kNoValue) r = b.read(c.residual, best->dst);
  if (best->in_place) {
    out = r;
    b.write_into(c.y, best->dst, out);
  } else {
    out = b.write(c.y, best->dst);
  }
  dnn::StepMaker step(b, best->p, threads);
  step.read(DNNL_ARG_SRC, best->p.src, x);
  if (b.is_constant(c.w)) {
    step.fixed(DNNL_ARG_WEIGHTS, best->p.weights, pack_weights(b, c, best->p.weights));
  } else {
    const SlotId plain = b.read(c.w);
    const SlotId packed = b.scratch(dnn::bytes(best->p.weights));
    const auto p = dnn::reorder(dnn::desc(c.weight_dims, Layout::plain), best->p.weights);
    if (!p) throw Error(TENON_E_INTERNAL, "oneDNN cannot pack the weights of a convolution");
    dnn::StepMaker(b, *p, threads).read(DNNL_ARG_FROM, p->src, plain).write(DNNL_ARG_TO, p->dst, packed).done();
    step.read(DNNL_ARG_WEIGHTS, best->p.weights, packed);
  }
  if (c.bias != kNoValue) step.read(DNNL_ARG_BIAS, best->p.bias, b.read(c.bias));
  if (r != kNoSlot && !best->in_place) step.read(best->sum_arg, dnn::desc(c.out, best->dst), r);
  step.write(DNNL_ARG_DST, best->p.dst, out);
  step.done();
  return true;
}

}  // namespace

void register_conv(KernelTable& t) { t.add({"onednn/conv", "Conv", match, build, layouts}); }

}  // namespace tenon::cpu
