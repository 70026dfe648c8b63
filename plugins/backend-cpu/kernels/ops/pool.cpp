// SPDX-License-Identifier: Apache-2.0
// MaxPool, AveragePool, and ReduceMean or ReduceMax over all spatial axes of blocked tensors, through oneDNN.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../window.hpp"

namespace tenon::cpu {
namespace {

bool image(const Builder& b, ValueId v) { return b.is_f32(v) && b.value(v).dims.size() >= 3 && b.value(v).dims.size() <= 5; }

dnn::Pool kind_of(WindowReduction r) {
  return r == WindowReduction::max ? dnn::Pool::max : r == WindowReduction::mean ? dnn::Pool::average_exclude : dnn::Pool::average_include;
}

/// Adds the step in the layout where the input is, or in the preferred one when oneDNN has nothing good there.
bool build_pooling(Builder& b, const PlanNode& n, const Window& window) {
  const Dims kernel = kernel_of(window);
  const dnn::Pool kind = kind_of(window.reduction);
  const dnn::Window w = dnn_window(window);
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  const int threads = b.threads_for(static_cast<double>(product(y)) * static_cast<double>(product(kernel)) * 10);
  ThreadScope scope(threads);
  const Layout home = b.planned().value_or(b.home(n.input(0)));
  for (Layout l : {home, home == Layout::plain ? dnn::preferred_block() : home, Layout::plain}) {
    auto q = dnn::pooling(kind, dnn::desc(x, l), dnn::desc(y, l), kernel, w);
    if (!q || (dnn::is_slow(q->impl) && l != Layout::plain)) continue;
    if (dnn::is_slow(q->impl) && l == home && product(y) > 4096 && home == Layout::plain) {
      auto blocked = dnn::pooling(kind, dnn::desc(x, dnn::preferred_block()), dnn::desc(y, dnn::preferred_block()), kernel, w);
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

std::optional<Window> read_pool(const Builder& b, const PlanNode& n) {
  if (!image(b, n.input(0)) || n.output(1) != kNoValue || !n.posts.empty()) return std::nullopt;
  const Dims &x = b.value(n.input(0)).dims, &y = b.value(n.output()).dims;
  const Dims kernel = n.attrs.ints("kernel_shape");
  if (kernel.size() + 2 != x.size()) return std::nullopt;
  auto w = window_of(n.attrs, x, y, kernel);
  if (!w) return std::nullopt;
  const auto declared = declared_pads(n.attrs, kernel.size());
  bool beyond = false;  // the last window reaches past the declared padding
  for (size_t i = 0; i < kernel.size(); ++i) {
    const WindowAxis& a = w->axes[i];
    if (a.dilation != 1 || a.pad_begin >= a.kernel || a.pad_end >= a.kernel) return std::nullopt;
    beyond = beyond || (declared && a.pad_end > (*declared)[i + kernel.size()]);
  }
  w->reduction = WindowReduction::max;
  if (n.op == "AveragePool") {
    const bool include = n.attrs.i("count_include_pad") != 0;
    if (include && beyond) return std::nullopt;
    w->reduction = include && w->is_padded() ? WindowReduction::mean_with_padding : WindowReduction::mean;
  }
  return w;
}

int32_t match_pool(const Builder& b, const PlanNode& n) { return read_pool(b, n) ? 100 : -1; }
bool build_pool(Builder& b, const PlanNode& n) { return build_pooling(b, n, *read_pool(b, n)); }
std::optional<LayoutCosts> layouts_pool(const Builder& b, const PlanNode& n) {
  if (!read_pool(b, n)) return std::nullopt;
  auto c = streaming_costs(b, {n.input(0), n.output()});
  // oneDNN brings plain images into blocks of channels first.
  if (c) (*c)[Layout::plain] *= 2;
  return c;
}

/// Over exactly the spatial axes, kept as ones, of a tensor that is not plain: there the window is the whole image.
bool is_global(const Builder& b, const PlanNode& n) {
  if (!image(b, n.input(0)) || n.attrs.i("keepdims", 1) == 0 || !n.posts.empty()) return false;
  const auto axes = b.constant_ints(n.input(1));
  const auto rank = static_cast<int64_t>(b.value(n.input(0)).dims.size());
  if (!axes || static_cast<int64_t>(axes->size()) != rank - 2) return false;
  std::vector<bool> seen(static_cast<size_t>(rank), false);
  for (auto a : *axes) {
    a = a < 0 ? a + rank : a;
    if (a < 2 || a >= rank || seen[static_cast<size_t>(a)]) return false;
    seen[static_cast<size_t>(a)] = true;
  }
  return true;
}
int32_t match_global(const Builder& b, const PlanNode& n) { return b.home(n.input(0)) != Layout::plain && is_global(b, n) ? 50 : -1; }
std::optional<LayoutCosts> layouts_global(const Builder& b, const PlanNode& n) { return is_global(b, n) ? streaming_costs(b, {n.input(0)}) : std::nullopt; }
bool build_global(Builder& b, const PlanNode& n) {
  const Dims& x = b.value(n.input(0)).dims;
  Window w;
  w.reduction = n.op == "ReduceMax" ? WindowReduction::max : WindowReduction::mean;
  for (size_t i = 2; i < x.size(); ++i) w.axes.push_back({x[i], x[i], 1, 1, 0, 0, 1});
  return build_pooling(b, n, w);
}

int32_t match_lrn(const Builder& b, const PlanNode& n) { return image(b, n.input(0)) && b.value(n.input(0)).dims.size() == 4 && n.attrs.i("size") % 2 == 1 && n.posts.empty() ? 100 : -1; }
std::optional<LayoutCosts> layouts_lrn(const Builder& b, const PlanNode& n) { return match_lrn(b, n) >= 0 ? streaming_costs(b, {n.input(0), n.output()}) : std::nullopt; }
bool build_lrn(Builder& b, const PlanNode& n) {
  const Dims& x = b.value(n.input(0)).dims;
  const Layout l = b.planned().value_or(b.home(n.input(0)));
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
  t.add({"onednn/max-pool", "MaxPool", match_pool, build_pool, layouts_pool});
  t.add({"onednn/average-pool", "AveragePool", match_pool, build_pool, layouts_pool});
  t.add({"onednn/global-average", "ReduceMean", match_global, build_global, layouts_global});
  t.add({"onednn/global-max", "ReduceMax", match_global, build_global, layouts_global});
  t.add({"onednn/lrn", "LRN", match_lrn, build_lrn, layouts_lrn});
}

}  // namespace tenon::cpu
