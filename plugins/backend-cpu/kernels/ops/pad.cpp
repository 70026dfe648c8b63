// SPDX-License-Identifier: Apache-2.0
// Pad: the input's rows are copied into place, what is around them is filled or repeated.
#include <algorithm>
#include <cstdlib>

#include "../../threads/pool.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

/// Input position of each output position along one dimension; -1 = the value.
using Map = std::vector<int64_t>;

Map map_of(const std::string& mode, int64_t in, int64_t out, int64_t before) {
  Map m;
  for (int64_t i = 0; i < out; ++i) {
    int64_t k = i - before;
    if (k < 0 || k >= in) {
      if (mode == "constant") {
        k = -1;
      } else if (mode == "edge") {
        k = std::clamp<int64_t>(k, 0, in - 1);
      } else if (mode == "wrap") {
        k = (k % in + in) % in;
      } else {
        const int64_t period = std::max<int64_t>(2 * (in - 1), 1);
        k = (k % period + period) % period;
        k = k < in ? k : period - k;
      }
    }
    m.push_back(k);
  }
  return m;
}

struct PadStep {
  SlotId x, y;
  uint64_t size;                  ///< bytes of an element
  alignas(16) char value[16] = {};
  std::vector<Map> maps;          ///< of all dims but the last
  Dims in_strides;                ///< elements
  Map row;                        ///< of the last dim
  int64_t first = 0, count = 0;   ///< part of the row that is in one piece, and its length
  int64_t from = 0;               ///< where that piece begins in the input's row

  void run(const Run& r) const {
    const char* in = r.at<char>(x);
    char* out = r.at<char>(y);
    const auto width = static_cast<int64_t>(row.size());
    int64_t rows = 1;
    for (const auto& m : maps) rows *= static_cast<int64_t>(m.size());
    parallel_for(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
      std::vector<size_t> index(maps.size());
      int64_t rest = begin;
      for (size_t d = maps.size(); d-- > 0; rest /= static_cast<int64_t>(maps[d].size())) index[d] = static_cast<size_t>(rest % static_cast<int64_t>(maps[d].size()));
      for (int64_t u = begin; u < end; ++u) {
        int64_t at = 0;
        for (size_t d = 0; d < maps.size(); ++d) {
          const int64_t k = maps[d][index[d]];
          at = k < 0 || at < 0 ? -1 : at + k * in_strides[d];
        }
        for (size_t d = maps.size(); d-- > 0;) {
          if (++index[d] < maps[d].size()) break;
          index[d] = 0;
        }
        copy_row(at < 0 ? nullptr : in + static_cast<uint64_t>(at) * size, out + static_cast<uint64_t>(u * width) * size);
      }
    });
  }
  void fill(char* to, int64_t begin, int64_t end, const char* source) const {
    if (begin >= end) return;
    if (!source || row[static_cast<size_t>(begin)] < 0) return repeat(to + static_cast<uint64_t>(begin) * size, end - begin);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t k = source ? row[static_cast<size_t>(i)] : -1;
      std::memcpy(to + static_cast<uint64_t>(i) * size, k < 0 ? value : source + static_cast<uint64_t>(k) * size, size);
    }
  }
  /// n times the value.
  void repeat(char* to, int64_t n) const {
    if (size == 4 && reinterpret_cast<uintptr_t>(to) % 4 == 0) {
      uint32_t v;
      std::memcpy(&v, value, sizeof v);
      std::fill_n(reinterpret_cast<uint32_t*>(to), n, v);
    } else if (size == 1) {
      std::memset(to, value[0], static_cast<size_t>(n));
    } else {
      for (int64_t i = 0; i < n; ++i) std::memcpy(to + static_cast<uint64_t>(i) * size, value, size);
    }
  }
  void copy_row(const char* source, char* to) const {
    const auto width = static_cast<int64_t>(row.size());
    if (!source) return fill(to, 0, width, nullptr);
    fill(to, 0, first, source);
    std::memcpy(to + static_cast<uint64_t>(first) * size, source + static_cast<uint64_t>(from) * size, static_cast<uint64_t>(count) * size);
    fill(to, first + count, width, source);
  }
};

struct Amounts {
  Dims before;
};

std::optional<Amounts> read_pad(const Builder& b, const PlanNode& n) {
  const PlanValue& x = b.value(n.input(0));
  if (!n.posts.empty() || x.dims.empty() || x.type.bits < 8) return std::nullopt;
  const std::string mode = n.attrs.s("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap") return std::nullopt;
  const auto pads = b.constant_ints(n.input(1));
  if (!pads || (n.has_in(2) && (!b.is_constant(n.input(2)) || b.value(n.input(2)).count() != 1 || b.value(n.input(2)).type != x.type))) return std::nullopt;
  Dims axes;
  for (size_t i = 0; i < x.dims.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (n.has_in(3)) {
    const auto given = b.constant_ints(n.input(3));
    if (!given) return std::nullopt;
    axes = *given;
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  Amounts a{Dims(x.dims.size(), 0)};
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(x.dims.size()) : axes[i]);
    a.before.at(axis) = (*pads)[i];
    if (mode == "reflect" && (std::abs((*pads)[i]) >= x.dims[axis] || std::abs((*pads)[i + axes.size()]) >= x.dims[axis])) return std::nullopt;
  }
  return a;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_pad(b, n) ? 100 : -1; }
/// Sizes and what comes before, in the order of memory.
struct Physical {
  Dims in, out, before;
};

Dims in_order(Dims d, Layout l) {
  if (l == Layout::channels_last) std::rotate(d.begin() + 1, d.begin() + 2, d.end());
  return d;
}

/// Nothing when the padding would have to go inside of a block, or into channels that do not exist.
std::optional<Physical> physical(const Builder& b, const PlanNode& n, const Amounts& a, Layout l) {
  const Dims &in = b.value(n.input(0)).dims, &out = b.value(n.output()).dims;
  const int64_t block = block_of(l);
  Physical p{in_order(in, l), in_order(out, l), in_order(a.before, l)};
  if (block == 1) return p;
  const bool along_channels = a.before[1] != 0 || in[1] != out[1];
  if (in[1] % block != 0 || out[1] % block != 0 || a.before[1] % block != 0 || (along_channels && n.attrs.s("mode", "constant") != "constant")) return std::nullopt;
  for (Dims* d : {&p.in, &p.out, &p.before}) (*d)[1] /= block;
  p.in.push_back(block);
  p.out.push_back(block);
  p.before.push_back(0);
  return p;
}

/// Rows that are not padded become part of the dimension before, so that rows are long: one value for all of them where it is constant.
Physical merged(Physical p, bool constant) {
  while (p.in.size() > 1 && p.before.back() == 0 && p.in.back() == p.out.back() && (constant || p.in.back() == 1)) {
    const int64_t row = p.in.back();
    for (Dims* d : {&p.in, &p.out, &p.before}) {
      d->pop_back();
      d->back() *= row;
    }
  }
  return p;
}

std::optional<LayoutCosts> layouts(const Builder& b, const PlanNode& n) {
  const auto a = read_pad(b, n);
  auto c = a ? streaming_costs(b, {n.input(0), n.output()}) : std::nullopt;
  for (Layout l : {Layout::blocked8, Layout::blocked16})
    if (c && !physical(b, n, *a, l)) (*c)[l] = kCannot;
  return c;
}

bool build(Builder& b, const PlanNode& n) {
  const Amounts a = *read_pad(b, n);
  Layout l = b.planned().value_or(Layout::plain);
  if (!physical(b, n, a, l)) l = Layout::plain;
  const std::string mode = n.attrs.s("mode", "constant");
  const auto [in, out, before] = merged(*physical(b, n, a, l), mode == "constant");
  PadStep s;
  s.size = b.value(n.input(0)).type.bits / 8u;
  if (n.has_in(2)) std::memcpy(s.value, b.value(n.input(2)).data, s.size);
  for (size_t d = 0; d + 1 < in.size(); ++d) s.maps.push_back(map_of(mode, in[d], out[d], before[d]));
  s.in_strides = dense_strides(in);
  s.row = map_of(mode, in.back(), out.back(), before.back());
  s.first = std::max<int64_t>(before.back(), 0);
  s.from = std::max<int64_t>(-before.back(), 0);
  s.count = std::max<int64_t>(std::min(in.back() - s.from, out.back() - s.first), 0);
  s.first = std::min(s.first, out.back());
  s.x = b.read(n.input(0), l);
  s.y = b.write(n.output(), l);
  const SlotId x = s.x, y = s.y;
  b.step("cpu/pad", std::move(s), {x}, {y}, b.threads_for(static_cast<double>(product(out)) * 15));
  return true;
}

}  // namespace

void register_pad(KernelTable& t) { t.add({"cpu/pad", "Pad", match, build, layouts}); }

}  // namespace tenon::cpu
