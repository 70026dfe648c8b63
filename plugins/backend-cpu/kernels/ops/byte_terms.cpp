// SPDX-License-Identifier: Apache-2.0
// Elementwise integer work: tables of bytes, Requantize alone, and Requantize of a sum or product of two such terms, tile by tile.
#include "../integer/byte_terms.hpp"

#include <algorithm>

#include "../../threads/pool.hpp"
#include "../integer/requantization.hpp"
#include "../integer/weights.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

constexpr int64_t kTile = 1024;
constexpr int64_t kGrain = 16384;

struct LookupStep {
  SlotId table, x, y;
  int64_t count;
  uint64_t size;  ///< bytes of an entry
  template <class T>
  void look_up(const Run& r) const {
    const T* entries = r.at<T>(table);
    const uint8_t* from = r.at<uint8_t>(x);
    T* to = r.at<T>(y);
    parallel_for(count, kGrain, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) to[i] = entries[from[i]];
    });
  }
  void run(const Run& r) const {
    if (size == 1) look_up<uint8_t>(r);
    else if (size == 2) look_up<uint16_t>(r);
    else look_up<uint32_t>(r);
  }
};

int32_t match_lookup(const Builder& b, const PlanNode& n) { return b.value(n.input(0)).type.bits <= 32 ? 20 : -1; }
bool build_lookup(Builder& b, const PlanNode& n) {
  const ValueId x = n.input(1), y = n.output();
  const Layout l = b.home(x);
  LookupStep s{b.read(n.input(0)), b.read(x, l), b.write(y, l), b.value(y).count(), b.value(n.input(0)).type.bits / 8u};
  b.step("cpu/byte-lookup", s, {s.table, s.x}, {s.y}, b.threads_for(static_cast<double>(s.count) * 50));
  return true;
}

/// One side: bytes through a table, or i32. Element i is the one at i % period.
struct Operand {
  SlotId slot = kNoSlot, table = kNoSlot;
  int64_t period = 1;

  void load(const Run& r, int64_t first, int64_t n, int32_t* to) const {
    if (period == 1) {
      const int32_t v = table == kNoSlot ? *r.at<int32_t>(slot) : r.at<int32_t>(table)[*r.at<uint8_t>(slot)];
      std::fill_n(to, n, v);
      return;
    }
    for (int64_t done = 0; done < n;) {
      const int64_t at = (first + done) % period, part = std::min(n - done, period - at);
      piece(r, at, part, to + done);
      done += part;
    }
  }

 private:
  void piece(const Run& r, int64_t at, int64_t n, int32_t* to) const {
    if (table == kNoSlot) {
      std::memcpy(to, r.at<int32_t>(slot) + at, static_cast<size_t>(n) * sizeof(int32_t));
      return;
    }
    const int32_t* entries = r.at<int32_t>(table);
    const uint8_t* from = r.at<uint8_t>(slot) + at;
    for (int64_t i = 0; i < n; ++i) to[i] = entries[from[i]];
  }
};

enum class Arithmetic { first, add, sub, mul };

/// Arithmetic that wraps.
void combine(Arithmetic op, const int32_t* a, const int32_t* b, int64_t n, int32_t* y) {
  auto each = [&](auto f) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<int32_t>(f(static_cast<uint32_t>(a[i]), static_cast<uint32_t>(b[i])));
  };
  if (op == Arithmetic::add) each([](uint32_t p, uint32_t q) { return p + q; });
  if (op == Arithmetic::sub) each([](uint32_t p, uint32_t q) { return p - q; });
  if (op == Arithmetic::mul) each([](uint32_t p, uint32_t q) { return p * q; });
}

struct BinaryStep {
  Operand a, b;
  Arithmetic op;
  std::shared_ptr<const RequantizationTable> table;
  SlotId y;
  int64_t count;
  void run(const Run& r) const {
    static const int32_t none[kMostTileColumns] = {};
    parallel_for((count + kTile - 1) / kTile, kGrain / kTile, [&](int64_t begin, int64_t end) {
      alignas(64) int32_t p[kTile], q[kTile];
      for (int64_t u = begin; u < end; ++u) {
        const int64_t first = u * kTile, n = std::min(kTile, count - first), rows = n / kMostTileColumns, rest = n % kMostTileColumns;
        a.load(r, first, n, p);
        if (op != Arithmetic::first) {
          b.load(r, first, n, q);
          combine(op, p, q, n, p);
        }
        uint8_t* to = r.at<uint8_t>(y) + first;
        // All columns have the one scale.
        if (rows) requantize_rows(table->numbers, nullptr, {p, kMostTileColumns, none, 0, rows, kMostTileColumns, kMostTileColumns}, to);
        if (rest) requantize_rows(table->numbers, nullptr, {p + rows * kMostTileColumns, kMostTileColumns, none, 0, 1, rest, kMostTileColumns}, to + rows * kMostTileColumns);
      }
    });
  }
};

/// How often an operand repeats over y: its count when it is as large, 1 for one number, or its length along the last axes. 0: otherwise.
int64_t period_of(const Dims& d, const Dims& y) {
  const int64_t n = product(d);
  if (n == 1 || d == y) return n;
  size_t i = 0;
  while (i < d.size() && d[i] == 1) ++i;
  return d.size() <= y.size() && std::equal(d.begin() + static_cast<std::ptrdiff_t>(i), d.end(), y.end() - static_cast<std::ptrdiff_t>(d.size() - i)) ? n : 0;
}

std::shared_ptr<const RequantizationTable> table_of(const Builder& b, const PlanNode& n, const RequantizeInputs& in) {
  if (in.scale == kNoValue || !b.value(in.scale).known || b.value(in.scale).count() != 1) return nullptr;
  return requantization(b, n.attrs, in, b.value(n.output()).type, kMostTileColumns);
}

bool operand_ready(const Builder& b, ValueId v, ValueId table, const Dims& y) {
  if (v == kNoValue || !b.value(v).known || b.value(v).count() == 0 || period_of(b.value(v).dims, y) == 0) return false;
  return table == kNoValue ? b.value(v).type == dt::i32 : is_byte(b.value(v).type);
}

int32_t match_binary(const Builder& b, const PlanNode& n) { return byte_binary_ready(b, n) ? 20 : -1; }

Operand read_operand(Builder& b, ValueId v, ValueId table, Layout l, const Dims& y, std::vector<SlotId>* reads) {
  Operand o;
  reads->push_back(o.slot = b.read(v, l));
  if (table != kNoValue) reads->push_back(o.table = b.read(table));
  o.period = period_of(b.value(v).dims, y);
  return o;
}

bool build_binary(Builder& b, const PlanNode& n) {
  const ValueId y = n.output();
  const Dims dims = b.value(y).dims;
  const bool alone = b.value(n.input(0)).dims == dims && b.value(n.input(1)).dims == dims && !b.value(n.input(0)).constant;
  const Layout l = alone ? b.home(n.input(0)) : Layout::plain;
  std::vector<SlotId> reads;
  BinaryStep s;
  s.a = read_operand(b, n.input(0), n.input(2), l, dims, &reads);
  s.b = read_operand(b, n.input(1), n.input(3), l, dims, &reads);
  const std::string& op = n.posts[0].op;
  s.op = op == "Add" ? Arithmetic::add : op == "Sub" ? Arithmetic::sub : Arithmetic::mul;
  s.table = table_of(b, n, {n.input(4), n.input(5), n.input(6), n.input(7)});
  s.y = b.write(y, l);
  s.count = b.value(y).count();
  const SlotId to = s.y;
  b.step("cpu/integer-elementwise", std::move(s), reads, {to}, b.threads_for(static_cast<double>(b.value(y).count()) * 100));
  return true;
}

int32_t match_requantize(const Builder& b, const PlanNode& n) {
  return n.posts.empty() && b.value(n.input(0)).type == dt::i32 && table_of(b, n, {n.input(1), n.input(2), n.input(3), n.input(4)}) ? 50 : -1;
}
bool build_requantize(Builder& b, const PlanNode& n) {
  const Layout l = b.home(n.input(0));
  BinaryStep s;
  s.a.slot = b.read(n.input(0), l);
  s.count = s.a.period = b.value(n.output()).count();
  s.op = Arithmetic::first;
  s.table = table_of(b, n, {n.input(1), n.input(2), n.input(3), n.input(4)});
  s.y = b.write(n.output(), l);
  const SlotId x = s.a.slot, y = s.y;
  const int threads = b.threads_for(static_cast<double>(s.count) * 50);
  b.step("cpu/requantize", std::move(s), {x}, {y}, threads);
  return true;
}

}  // namespace

bool byte_binary_ready(const Builder& b, const PlanNode& n) {
  const ValueId y = n.output();
  if (y == kNoValue || !b.value(y).known || b.value(y).count() == 0 || n.posts.size() != 1) return false;
  const Dims& d = b.value(y).dims;
  return operand_ready(b, n.input(0), n.input(2), d) && operand_ready(b, n.input(1), n.input(3), d) && table_of(b, n, {n.input(4), n.input(5), n.input(6), n.input(7)});
}

void register_byte_terms(KernelTable& t) {
  t.add({"cpu/byte-lookup", kByteLookup, match_lookup, build_lookup});
  t.add({"cpu/integer-elementwise", kByteBinary, match_binary, build_binary});
  t.add({"cpu/requantize", "Requantize", match_requantize, build_requantize});
}

}  // namespace tenon::cpu
