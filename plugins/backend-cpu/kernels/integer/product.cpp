// SPDX-License-Identifier: Apache-2.0
#include "product.hpp"

#include <algorithm>

#include "../../threads/pool.hpp"

namespace tenon::cpu {
namespace {

constexpr int64_t kBlockBytes = 32768;  // of the rows that one panel meets: they stay in the first-level cache beside it
constexpr int64_t kMostBlockRows = 64;
constexpr int64_t kGrainProducts = 1 << 17;

struct Pixel {
  int64_t image, d, h, w;
};
Pixel pixel_at(const ImageWindow& g, int64_t p) {
  Pixel r{};
  r.w = p % g.out[2];
  p /= g.out[2];
  r.h = p % g.out[1];
  p /= g.out[1];
  r.d = p % g.out[0];
  r.image = p / g.out[0];
  return r;
}

void advance(const ImageWindow& g, Pixel* p) {
  if (++p->w < g.out[2]) return;
  p->w = 0;
  if (++p->h < g.out[1]) return;
  p->h = 0;
  if (++p->d < g.out[0]) return;
  p->d = 0;
  ++p->image;
}

bool inside(int64_t i, int64_t n) { return i >= 0 && i < n; }

/// Memory of the calling thread.
void* thread_buffer(uint64_t bytes) {
  static thread_local AlignedBytes buffer;
  if (buffer.size < bytes) buffer = AlignedBytes(bytes);
  return buffer.get();
}

/// The input with its padding, and what lies behind the last window of an axis; in the form of the product.
struct PaddedImage {
  Axes size{1, 1, 1};
  int64_t pixel = 0;  ///< bytes
  int64_t bytes(const ImageWindow& g) const { return g.batch * size[0] * size[1] * size[2] * pixel; }
};
PaddedImage padded_image(const ImageWindow& g, IntegerForm form) {
  PaddedImage p;
  for (size_t i = 0; i < 3; ++i) p.size[i] = std::max((g.out[i] - 1) * g.strides[i] + (g.kernel[i] - 1) * g.dilations[i] + 1, g.begin[i] + g.in[i]);
  p.pixel = g.channels * width_of(form);
  return p;
}

bool needs_copy(const IntegerProduct& s) {
  const IntegerWeights& w = s.weights->front();
  const PaddedImage p = padded_image(s.window, w.form);
  // Groups that are not whole would read behind the input's end.
  return w.form == IntegerForm::words || s.is_signed || p.size != s.window.in || s.window.begin != Axes{0, 0, 0} || w.piece % group_of(w.form) != 0;
}

/// Writes the padded image.
class ImageCopy {
  const IntegerProduct& s_;
  const ImageWindow& g_;
  PaddedImage image_;
  const char* x_;
  char* to_;
  int32_t zero_;
  bool bytes_;

 public:
  ImageCopy(const IntegerProduct& s, const Run& r, int32_t zero)
      : s_(s), g_(s.window), image_(padded_image(g_, s.weights->front().form)), x_(r.at<char>(s.x)), to_(r.at<char>(s.copy)), zero_(zero), bytes_(s.weights->front().form == IntegerForm::bytes) {}

  void run() const {
    const int64_t lines = g_.batch * image_.size[0] * image_.size[1];
    parallel_for(lines, std::max<int64_t>(1, 65536 / (image_.size[2] * image_.pixel)), [&](int64_t begin, int64_t end) {
      for (int64_t l = begin; l < end; ++l) line(l);
    });
  }

 private:
  void line(int64_t l) const {
    const int64_t h = l % image_.size[1] - g_.begin[1], d = l / image_.size[1] % image_.size[0] - g_.begin[0], image = l / image_.size[1] / image_.size[0];
    char* to = to_ + l * image_.size[2] * image_.pixel;
    if (!inside(d, g_.in[0]) || !inside(h, g_.in[1])) return fill(to, image_.size[2]);
    fill(to, g_.begin[2]);
    put(((image * g_.in[0] + d) * g_.in[1] + h) * g_.in[2] * g_.channels, to + g_.begin[2] * image_.pixel);
    const int64_t done = g_.begin[2] + g_.in[2];
    fill(to + done * image_.pixel, image_.size[2] - done);
  }
  void put(int64_t from, char* to) const {
    const auto count = static_cast<size_t>(g_.in[2] * g_.channels);
    if (bytes_) return copy_bytes(reinterpret_cast<const uint8_t*>(x_) + from, s_.is_signed ? 0x80 : 0, reinterpret_cast<uint8_t*>(to), count);
    auto* words = reinterpret_cast<int16_t*>(to);
    if (s_.is_signed) widen_bytes(reinterpret_cast<const int8_t*>(x_) + from, static_cast<int16_t>(zero_), words, count);
    else widen_bytes(reinterpret_cast<const uint8_t*>(x_) + from, static_cast<int16_t>(zero_), words, count);
  }
  void fill(char* to, int64_t pixels) const {
    if (pixels > 0) std::memset(to, bytes_ ? (zero_ + (s_.is_signed ? 128 : 0)) & 0xFF : 0, static_cast<size_t>(pixels * image_.pixel));
  }
};

/// Stores a block whose first row is `row` of the result.
void store(const IntegerEnd& end, const Run& r, SlotId y, int64_t row, const RowBlock& b) {
  const int64_t at = row * b.y_stride + b.first;
  if (end.table) return requantize_rows(end.table->numbers, end.affine ? &end.affine->numbers : nullptr, b, r.at<uint8_t>(y) + at);
  if (end.scale == kNoSlot) return offset_rows(b, r.at<int32_t>(y) + at);
  const float *scale = r.at<float>(end.scale) + (end.one_scale ? 0 : b.first), *shift = end.shift == kNoSlot ? nullptr : r.at<float>(end.shift) + b.first;
  float_rows(b, scale, end.one_scale, shift, r.at<float>(y) + at);
}

uint32_t bits(int32_t v) { return static_cast<uint32_t>(v); }

/// The parts of one product that threads share.
class ProductRun {
  const IntegerProduct& s_;
  const ImageWindow& g_;
  const IntegerWeights& w_;  ///< of any group
  const Run& r_;
  const uint8_t* x_;
  PaddedImage image_;
  std::vector<int64_t> offsets_;
  int64_t rows_, block_rows_, blocks_, chunks_ = 1, tile_rows_;

  /// Addresses of some rows, and what their sums start with.
  struct Block {
    const uint8_t* at[kMostBlockRows];
    int32_t start[kMostBlockRows];
  };

 public:
  ProductRun(const IntegerProduct& s, const Run& r)
      : s_(s), g_(s.window), w_(s.weights->front()), r_(r), x_(r.at<uint8_t>(s.copy == kNoSlot ? s.x : s.copy)), image_(padded_image(g_, w_.form)), rows_(g_.pixels()),
        tile_rows_(integer_rows(w_.form)) {
    block_rows_ = std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(w_.pieces * w_.groups * 4, 1) / tile_rows_ * tile_rows_, tile_rows_, kMostBlockRows);
    blocks_ = (rows_ + block_rows_ - 1) / block_rows_;
    const int64_t taps = g_.whole_lines() ? 1 : g_.kernel[2];
    for (int64_t kd = 0; kd < g_.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < g_.kernel[1]; ++kh)
        for (int64_t kw = 0; kw < taps; ++kw)
          offsets_.push_back(((kd * g_.dilations[0] * image_.size[1] + kh * g_.dilations[1]) * image_.size[2] + kw * g_.dilations[2]) * image_.pixel);
  }

  void run() {
    const int64_t groups = g_.groups, wanted = 2 * thread_count();
    if (thread_count() > 1 && blocks_ * groups < wanted) chunks_ = std::min(w_.panel_count(), (wanted + blocks_ * groups - 1) / (blocks_ * groups));
    const int64_t units = groups * blocks_ * chunks_, work = std::max<int64_t>(1, rows_ * w_.pieces * w_.piece * s_.filters / units);
    parallel_for(units, std::max<int64_t>(1, kGrainProducts / work), [&](int64_t begin, int64_t end) {
      Block rows;
      int64_t held = -1;
      for (int64_t u = begin; u < end; ++u) {
        const int64_t block = u / chunks_ % blocks_, group = u / chunks_ / blocks_, panels = w_.panel_count(), c = u % chunks_;
        if (held != u / chunks_) find_rows(block, group, &rows);
        held = u / chunks_;
        for (int64_t p = panels * c / chunks_; p < panels * (c + 1) / chunks_; ++p) panel(rows, block, group, p);
      }
    });
  }

 private:
  int64_t count(int64_t block) const { return std::min(block_rows_, rows_ - block * block_rows_); }

  void find_rows(int64_t block, int64_t group, Block* rows) const {
    const int64_t n = count(block), first = g_.channels / g_.groups * group * width_of(w_.form);
    Pixel p = pixel_at(g_, block * block_rows_);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = ((p.image * image_.size[0] + p.d * g_.strides[0]) * image_.size[1] + p.h * g_.strides[1]) * image_.size[2] + p.w * g_.strides[2];
      rows->at[i] = x_ + at * image_.pixel + first;
      rows->start[i] = 0;
      advance(g_, &p);
    }
    if (w_.shift) {
      sum_pieces(rows->at, n, {w_.pieces, w_.groups, offsets_.data()}, w_.piece, rows->start);
      for (int64_t i = 0; i < n; ++i) rows->start[i] = static_cast<int32_t>(bits(w_.shift) * bits(rows->start[i]));
    }
    // A tile may have more rows than are left: they repeat the last one.
    for (int64_t i = n; i < (n + tile_rows_ - 1) / tile_rows_ * tile_rows_; ++i) {
      rows->at[i] = rows->at[n - 1];
      rows->start[i] = 0;
    }
  }
  void panel(const Block& block_rows, int64_t block, int64_t group, int64_t p) const {
    const IntegerWeights& w = (*s_.weights)[static_cast<size_t>(group)];
    const int64_t rows = count(block), first = p * 2 * w.lanes, n = std::min(2 * w.lanes, w.columns - first), column = group * w.columns + first;
    const TilePieces pieces{w.pieces, w.groups, offsets_.data()};
    alignas(64) int32_t sums[kMostTileRows * kMostTileColumns];
    for (int64_t r = 0; r < rows; r += tile_rows_) {
      const int64_t here = std::min(tile_rows_, rows - r), tile = here > 4 ? 8 : here > 2 ? 4 : here;
      integer_tile(w.form, tile, w.vectors(p), pieces, block_rows.at + r, block_rows.start + r, w.panel(p), sums);
      store(s_.end, r_, s_.y, block * block_rows_ + r, {sums, kMostTileColumns, s_.offset.data() + column, column, here, n, s_.filters});
    }
  }
};

}  // namespace

SlotId copied_input(Builder& b, const IntegerProduct& p) {
  if (!needs_copy(p)) return kNoSlot;
  constexpr int64_t kBehind = 64;
  return b.scratch(static_cast<uint64_t>(padded_image(p.window, p.weights->front().form).bytes(p.window) + kBehind));
}

void IntegerProduct::run(const Run& r) {
  const int32_t zero = zero_point.get(r);
  const bool bytes = weights->front().form == IntegerForm::bytes;
  // Of bytes the zero point is still in the sums: once for each weight.
  const uint32_t factor = bytes ? bits(zero + (is_signed ? 128 : 0)) : 0;
  offset.resize(static_cast<size_t>(filters));
  size_t f = 0;
  for (const auto& w : *weights)
    for (auto sum : w.sums) {
      offset[f] = static_cast<int32_t>((end.bias ? bits((*end.bias)[f]) : 0u) - factor * bits(sum));
      ++f;
    }
  if (copy != kNoSlot) ImageCopy(*this, r, zero).run();
  ProductRun(*this, r).run();
}

namespace {

constexpr int64_t kRunSums = 4096;  // of one run: they stay in the first-level cache

/// One thread's part of a depthwise convolution: runs of pixels along the last axis.
class DepthwisePart {
  const DepthwiseProduct& s_;
  const Run& r_;
  const ImageWindow& g_;
  const uint8_t* x_;
  int64_t taps_, pairs_;
  std::array<const uint8_t*, kMostDepthwiseTaps + 1> at_{};
  int32_t* sums_;

 public:
  DepthwisePart(const DepthwiseProduct& s, const Run& r)
      : s_(s), r_(r), g_(s.window), x_(r.at<uint8_t>(s.x)), taps_(g_.taps()), pairs_((taps_ + 1) / 2),
        sums_(static_cast<int32_t*>(thread_buffer(static_cast<uint64_t>(run_pixels(g_) * g_.channels + 64) * 4))) {}

  static int64_t run_pixels(const ImageWindow& g) { return std::max<int64_t>(1, kRunSums / g.channels); }

  /// A line of output pixels: those whose windows lie inside together, the others one by one.
  void line(int64_t l) {
    const int64_t first = l * g_.out[2], stride = g_.strides[2], reach = (g_.kernel[2] - 1) * g_.dilations[2];
    const int64_t low = std::clamp<int64_t>((g_.begin[2] + stride - 1) / stride, 0, g_.out[2]);
    const int64_t room = g_.in[2] - 1 - reach + g_.begin[2];
    const int64_t high = std::clamp<int64_t>(room < 0 ? 0 : room / stride + 1, low, g_.out[2]);
    for (int64_t p = 0; p < low; ++p) pixels(first + p, 1);
    for (int64_t p = low; p < high; p += run_pixels(g_)) pixels(first + p, std::min(run_pixels(g_), high - p));
    for (int64_t p = high; p < g_.out[2]; ++p) pixels(first + p, 1);
  }

 private:
  void pixels(int64_t p, int64_t count) {
    const Pixel pixel = pixel_at(g_, p);
    int64_t t = 0;
    for (int64_t kd = 0; kd < g_.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < g_.kernel[1]; ++kh) {
        const int64_t d = pixel.d * g_.strides[0] - g_.begin[0] + kd * g_.dilations[0], h = pixel.h * g_.strides[1] - g_.begin[1] + kh * g_.dilations[1];
        const bool in = inside(d, g_.in[0]) && inside(h, g_.in[1]);
        const int64_t base = ((pixel.image * g_.in[0] + d) * g_.in[1] + h) * g_.in[2];
        for (int64_t kw = 0; kw < g_.kernel[2]; ++kw) {
          const int64_t w = pixel.w * g_.strides[2] - g_.begin[2] + kw * g_.dilations[2];
          at_[static_cast<size_t>(t++)] = in && inside(w, g_.in[2]) ? x_ + (base + w) * g_.channels : s_.padding.data();
        }
      }
    if (t < 2 * pairs_) at_[static_cast<size_t>(t)] = s_.padding.data();
    const DepthwiseRun run{count, g_.strides[2] * g_.channels, g_.channels, pairs_};
    if (s_.is_signed) depthwise_sums(reinterpret_cast<const int8_t* const*>(at_.data()), run, s_.weights->data(), sums_);
    else depthwise_sums(at_.data(), run, s_.weights->data(), sums_);
    store(s_.end, r_, s_.y, p, {sums_, g_.channels, s_.offset.data(), 0, count, g_.channels, g_.channels});
  }
};

}  // namespace

void DepthwiseProduct::run(const Run& r) {
  const int32_t zero = zero_point.get(r);
  const auto channels = static_cast<size_t>(window.channels);
  padding.assign(static_cast<size_t>(DepthwisePart::run_pixels(window) * window.strides[2] * window.channels) + 64, static_cast<uint8_t>(zero));
  offset.resize(channels);
  for (size_t c = 0; c < channels; ++c) offset[c] = static_cast<int32_t>((end.bias ? bits((*end.bias)[c]) : 0u) - bits(zero) * bits((*sums)[c]));
  const int64_t lines = window.pixels() / window.out[2], work = window.out[2] * window.channels * window.taps();
  parallel_for(lines, std::max<int64_t>(1, kGrainProducts / 4 / work), [&](int64_t begin, int64_t last) {
    DepthwisePart part(*this, r);
    for (int64_t l = begin; l < last; ++l) part.line(l);
  });
}

}  // namespace tenon::cpu
