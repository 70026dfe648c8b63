// SPDX-License-Identifier: Apache-2.0
// MaxPool, AveragePool, and ReduceMean or ReduceMax over all spatial axes of blocked tensors, through oneDNN.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

bool image(const Builder& b, ValueId v) { return b.is_f32(v) && b.value(v).dims.size() >= 3 && b.value(v).dims.size() <= 5; }

struct Pooling {
  dnn::Pool kind;
  Dims kernel;
  dnn::Window window;
};

/// Adds the step in the layout where the input is, or in the preferred one when oneDNN has nothing good there.
bool build_pooling(Builder& b, const PlanNode& n, const Pooling& p) {
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  const int threads = b.threads_for(static_cast<double>(product(y)) * static_cast<double>(product(p.kernel)) * 10);
  ThreadScope scope(threads);
  const Layout home = b.home(n.input(0));
  for (Layout l : {home, home == Layout::plain ? dnn::preferred_block() : home, Layout::plain}) {
    auto q = dnn::pooling(p.kind, dnn::desc(x, l), dnn::desc(y, l), p.kernel, p.window);
    if (!q || (dnn::is_slow(q->impl) && l != Layout::plain)) continue;
    if (dnn::is_slow(q->impl) && l == home && product(y) > 4096 && home == Layout::plain) {
      auto blocked = dnn::pooling(p.kind, dnn::desc(x, dnn::preferred_block()), dnn::desc(y, dnn::preferred_block()), p.kernel, p.window);
      if (blocked && !dnn::is_slow(blocked->impl)) {
        q = std::move(blocked);
        l = dnn::preferred_block();
      }
    }
    const SlotId src = b.read(n.input(0), l), dst = b.write(n.output(), l);
    dnn::StepMaker(b, *q, threads).read(DNNL_ARG_SRC, q->src, src).write(DNNL_ARG_DST, q->dst, dst).done();
    return true;
  }
  return false;
}

std::optional<Pooling> read_pool(const Builder& b, const PlanNode& n) {
  if (!image(b, n.input(0)) || n.output(1) != kNoValue || !n.posts.empty()) return std::nullopt;
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  Pooling p;
  p.kernel = n.attrs.ints("kernel_shape");
  if (p.kernel.size() + 2 != x.size()) return std::nullopt;
  auto w = window_of(n.attrs, x, y, p.kernel);
  if (!w) return std::nullopt;
  p.window = *w;
  p.kind = dnn::Pool::max;
  bool padded = false;
  const auto declared = declared_pads(n.attrs, p.kernel.size());
  bool beyond = false;  // the last window reaches past the declared padding
  for (size_t i = 0; i < p.kernel.size(); ++i) {
    if (p.window.dilations[i] != 1 || p.window.begin[i] >= p.kernel[i] || p.window.end[i] >= p.kernel[i]) return std::nullopt;
    padded = padded || p.window.begin[i] > 0 || p.window.end[i] > 0;
    beyond = beyond || (declared && p.window.end[i] > (*declared)[i + p.kernel.size()]);
  }
  if (n.op == "AveragePool") {
    const bool include = n.attrs.i("count_include_pad") != 0;
    if (include && beyond) return std::nullopt;
    p.kind = include && padded ? dnn::Pool::average_include : dnn::Pool::average_exclude;
  }
  return p;
}

int32_t match_pool(const Builder& b, const PlanNode& n) { return read_pool(b, n) ? 100 : -1; }
bool build_pool(Builder& b, const PlanNode& n) { return build_pooling(b, n, *read_pool(b, n)); }

/// Over exactly the spatial axes, kept as ones, of a tensor that is not plain: there the window is the whole image.
int32_t match_global(const Builder& b, const PlanNode& n) {
  if (!image(b, n.input(0)) || b.home(n.input(0)) == Layout::plain || n.attrs.i("keepdims", 1) == 0 || !n.posts.empty()) return -1;
  const auto axes = b.constant_ints(n.input(1));
  const auto rank = static_cast<int64_t>(b.value(n.input(0)).dims.size());
  if (!axes || static_cast<int64_t>(axes->size()) != rank - 2) return -1;
  std::vector<bool> seen(static_cast<size_t>(rank), false);
  for (auto a : *axes) {
    a = a < 0 ? a + rank : a;
    if (a < 2 || a >= rank || seen[static_cast<size_t>(a)]) return -1;
    seen[static_cast<size_t>(a)] = true;
  }
  return 50;
}
bool build_global(Builder& b, const PlanNode& n) {
  const Dims& x = b.value(n.input(0)).dims;
  const size_t spatial = x.size() - 2;
  Pooling p{n.op == "ReduceMax" ? dnn::Pool::max : dnn::Pool::average_exclude, Dims(x.begin() + 2, x.end()), {Dims(spatial, 1), Dims(spatial, 1), Dims(spatial, 0), Dims(spatial, 0)}};
  return build_pooling(b, n, p);
}

int32_t match_lrn(const Builder& b, const PlanNode& n) { return image(b, n.input(0)) && b.value(n.input(0)).dims.size() == 4 && n.attrs.i("size") % 2 == 1 && n.posts.empty() ? 100 : -1; }
bool build_lrn(Builder& b, const PlanNode& n) {
  const Dims& x = b.value(n.input(0)).dims;
  const Layout l = b.home(n.input(0));
  const int threads = b.threads_for(static_cast<double>(product(x)) * 200);
  ThreadScope scope(threads);
  auto q = dnn::lrn(dnn::desc(x, l), n.attrs.i("size"), static_cast<float>(n.attrs.f("alpha", 1e-4)), static_cast<float>(n.attrs.f("beta", 0.75)), static_cast<float>(n.attrs.f("bias", 1)));
  if (!q) return false;
  const SlotId src = b.read(n.input(0), l), dst = b.write(n.output(), l);
  dnn::StepMaker(b, *q, threads).read(DNNL_ARG_SRC, q->src, src).write(DNNL_ARG_DST, q->dst, dst).done();
  return true;
}

}  // namespace

void register_pool(KernelTable& t) {
  t.add({"onednn/max-pool", "MaxPool", match_pool, build_pool});
  t.add({"onednn/average-pool", "AveragePool", match_pool, build_pool});
  t.add({"onednn/global-average", "ReduceMean", match_global, build_global});
  t.add({"onednn/global-max", "ReduceMax", match_global, build_global});
  t.add({"onednn/lrn", "LRN", match_lrn, build_lrn});
}

}  // namespace tenon::cpu
