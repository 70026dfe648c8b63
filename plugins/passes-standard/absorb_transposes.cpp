// SPDX-License-Identifier: Apache-2.0
// absorb-transposes: a product of matrices over all elements of a transposed value has its rows in another order instead: Transpose,
// Reshape to rows and Gemm or MatMul by a constant matrix need no Transpose. A Gather that only orders the channels of an image goes the
// same way into the weights of the convolution that reads it. The products are summed in another order.
#include <tenon/plugin.hpp>
#include <tenon/rewriter.hpp>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// Transpose and Reshape to [N, F] in front of a product.
struct Flattened {
  tenon_value x = 0;
  std::vector<int64_t> perm;
  Dims dims;  ///< of the transposed value, without the first
  tenon_node transpose = 0, reshape = 0;
};
std::optional<Flattened> flattened(const Rewriter& r, tenon_value a) {
  const ValueInfo rows = r.g.info(a);
  Flattened f;
  f.reshape = r.made_by(a, "Reshape");
  if (!f.reshape || !r.single_use(a) || rows.rank() != 2) return std::nullopt;
  const tenon_value middle = r.g.input(f.reshape, 0);
  f.transpose = r.made_by(middle, "Transpose");
  if (!f.transpose || !r.single_use(middle)) return std::nullopt;
  const ValueInfo m = r.g.info(middle);
  f.perm = r.g.attrs(f.transpose).ints("perm");
  f.x = r.g.input(f.transpose, 0);
  if (m.rank() < 3 || f.perm.size() != static_cast<size_t>(m.rank()) || f.perm[0] != 0) return std::nullopt;
  int64_t count = 1;
  for (int32_t k = 1; k < m.rank(); ++k) {
    if (m.dim(k) < 1) return std::nullopt;
    f.dims.push_back(m.dim(k));
    count *= m.dim(k);
  }
  // As many columns as elements behind the first axis, so that rows are the first axis.
  if (rows.dim(1) != count) return std::nullopt;
  return f;
}

/// For each element of the value as it was before the Transpose, in its order, the place that it has after it.
std::vector<int64_t> places(const Flattened& f) {
  const size_t n = f.dims.size();
  Dims stride(n, 1), source(n), step(n);
  for (size_t k = n - 1; k > 0; --k) stride[k - 1] = stride[k] * f.dims[k];
  for (size_t k = 0; k < n; ++k) {
    const auto old = static_cast<size_t>(f.perm[k + 1] - 1);
    source[old] = f.dims[k];
    step[old] = stride[k];
  }
  std::vector<int64_t> r(static_cast<size_t>(count_of(f.dims.data(), static_cast<int32_t>(n))));
  Dims at(n, 0);
  int64_t place = 0;
  for (int64_t& p : r) {
    p = place;
    for (size_t k = n; k-- > 0;) {
      place += step[k];
      if (++at[k] < source[k]) break;
      place -= step[k] * source[k];
      at[k] = 0;
    }
  }
  return r;
}

/// A constant matrix with rows (or columns) in the order of `from`.
tenon_value reordered(Rewriter& r, tenon_value matrix, const std::vector<int64_t>& from, bool columns) {
  const ValueInfo i = r.g.info(matrix);
  const auto bytes = r.g.constant_bytes(matrix);
  const uint64_t element = i.type().bits / 8, width = static_cast<uint64_t>(i.dim(1));
  const Buffer b = Buffer::alloc(r.g.ctx(), bytes.size());
  auto* to = static_cast<uint8_t*>(b.writable());
  for (uint64_t row = 0; row < static_cast<uint64_t>(i.dim(0)); ++row) {
    if (!columns) {
      std::memcpy(to + row * width * element, bytes.data() + static_cast<uint64_t>(from[row]) * width * element, width * element);
      continue;
    }
    for (uint64_t k = 0; k < width; ++k)
      std::memcpy(to + (row * width + k) * element, bytes.data() + (row * width + static_cast<uint64_t>(from[k])) * element, element);
  }
  return r.g.add_constant("", i.type(), i.dims(), b);
}

bool product(Rewriter& r, tenon_node n) {
  const auto f = flattened(r, r.g.input(n, 0));
  const tenon_value b = r.g.input(n, 1);
  if (!f || !r.g.is_constant(b) || r.g.attrs(n).i("transA")) return false;
  const ValueInfo matrix = r.g.info(b);
  const bool columns = r.g.attrs(n).i("transB") != 0;
  if (matrix.rank() != 2 || matrix.type().bits < 8 || matrix.type().bits % 8 || !is_float(matrix.type())) return false;
  const auto from = places(*f);
  if (matrix.dim(columns ? 1 : 0) != static_cast<int64_t>(from.size())) return false;
  const auto target = reshape_target(r.g.info(r.g.input(n, 0)));
  if (!target) return false;
  std::vector<tenon_value> in = r.g.inputs(n);
  in[0] = r.emit(n, "Reshape", {f->x, r.g.add_ints("", *target)});
  r.g.copy_type(in[0], r.g.input(n, 0));
  in[1] = reordered(r, b, from, columns);
  r.set_inputs(n, in, {f->transpose, f->reshape});
  return true;
}

/// The channel that each channel of a Gather's result was before; nothing unless it takes each once.
std::optional<std::vector<int64_t>> channel_order(const Rewriter& r, tenon_node gather) {
  const ValueInfo x = r.g.info(r.g.input(gather, 0));
  auto order = ints(r.g, r.g.input(gather, 1));
  if (x.rank() < 3 || !order || r.g.info(r.g.input(gather, 1)).rank() != 1 || axis_of(r.g.attrs(gather).i("axis"), x.rank()) != 1) return std::nullopt;
  const int64_t channels = x.dim(1);
  if (channels < 1 || static_cast<int64_t>(order->size()) != channels) return std::nullopt;
  std::vector<uint8_t> taken(order->size(), 0);
  for (int64_t& k : *order) {
    if (k < 0) k += channels;
    if (k < 0 || k >= channels || taken[static_cast<size_t>(k)]++) return std::nullopt;
  }
  return order;
}

bool channels(Rewriter& r, tenon_node conv) {
  const tenon_value image = r.g.input(conv, 0), weights = r.g.input(conv, 1);
  const tenon_node gather = r.made_by(image, "Gather");
  const auto order = gather && r.single_use(image) ? channel_order(r, gather) : std::nullopt;
  const ValueInfo w = r.g.info(weights);
  if (!order || !w.constant() || w.n_uses() != 1 || r.g.attrs(conv).i("group", 1) != 1 || w.rank() < 3 || w.dim(1) != static_cast<int64_t>(order->size())) return false;
  if (!is_float(w.type()) || w.type().bits < 8 || w.type().bits % 8) return false;
  uint64_t kernel = w.type().bits / 8;
  for (int32_t k = 2; k < w.rank(); ++k) kernel *= static_cast<uint64_t>(w.dim(k));
  const auto bytes = r.g.constant_bytes(weights);
  const Buffer b = Buffer::alloc(r.g.ctx(), bytes.size());
  auto* to = static_cast<uint8_t*>(b.writable());
  const uint64_t n = order->size();
  for (uint64_t out = 0; out < static_cast<uint64_t>(w.dim(0)); ++out)
    for (uint64_t k = 0; k < n; ++k) std::memcpy(to + (out * n + static_cast<uint64_t>((*order)[k])) * kernel, bytes.data() + (out * n + k) * kernel, kernel);
  std::vector<tenon_value> in = r.g.inputs(conv);
  in[0] = r.g.input(gather, 0);
  in[1] = r.g.add_constant("", w.type(), w.dims(), b);
  r.set_inputs(conv, in, {gather});
  return true;
}

uint64_t run(const Ctx& ctx, Graph& g) {
  return Rewriter(ctx, g, {{{"Gemm", "MatMul"}, product, "product", Measure::nodes()}, {{"Conv"}, channels, "channels", Measure::nodes()}}).run();
}

}  // namespace

TENON_PASS("absorb-transposes",
           R"("class":"reassociating","summary":"reorder a constant matrix or kernel instead of transposing or gathering what it is multiplied with","options":{"type":"object","properties":{},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
