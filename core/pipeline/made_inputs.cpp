// SPDX-License-Identifier: Apache-2.0
#include "made_inputs.hpp"

#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "../data/numbers.hpp"

namespace tenon::core {
namespace {

using Rng = std::mt19937_64;

/// Nearly normal (Irwin-Hall of 12): additions only, so every machine makes the same numbers.
double nearly_normal(Rng& rng) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(rng() >> 11) * 0x1p-53;
  return sum - 6;
}

/// Smallest normal and largest finite number of a float type.
std::pair<double, double> range_of(tenon_dtype t) {
  if (t.bits == 64) return {std::numeric_limits<double>::min(), std::numeric_limits<double>::max()};
  if (t.code == TENON_DT_FLOAT && t.bits == 16) return {0x1p-14, 65504};
  if (t.bits >= 16) return {std::numeric_limits<float>::min(), t.bits == 16 ? 0x1.fep127 : static_cast<double>(std::numeric_limits<float>::max())};
  return {0x1p-6, 240};
}

double edge_float(Rng& rng, tenon_dtype t) {
  const auto [least, most] = range_of(t);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const double all[] = {nan, inf, -inf, most, -most, least, -least, least / 4, -least / 4, 0.0, -0.0, 1.0, -1.0, 0.5};
  return all[rng() % std::size(all)];
}

/// One element in sixteen is a zero of either sign or a tiny number, where there are enough elements to spare. With `edges` one in eight
/// is a special one, in small tensors one in two.
double float_value(Rng& rng, tenon_dtype t, int64_t n, bool edges) {
  const double x = nearly_normal(rng);
  const uint64_t pick = rng() % 64;
  if (edges) return pick < (n >= 16 ? 8 : 32) ? edge_float(rng, t) : x;
  if (n < 16 || pick > 3) return x;
  const double least = range_of(t).first;
  const double edge[] = {0.0, -0.0, least, -least};
  return edge[pick];
}

uint64_t edge_integer(Rng& rng, tenon_dtype t) {
  const uint64_t ones = t.bits >= 64 ? UINT64_MAX : (uint64_t{1} << t.bits) - 1;
  const uint64_t most = t.code == TENON_DT_INT ? ones >> 1 : ones, least = t.code == TENON_DT_INT ? most + 1 : 0;
  const uint64_t all[] = {most, least, 0, 1, ones, rng() & ones};
  return all[rng() % std::size(all)];
}

uint64_t integer_value(Rng& rng, tenon_dtype t, int64_t n, IntegerManner manner) {
  switch (manner) {
    case IntegerManner::bits: return rng() % 2;
    case IntegerManner::zeros: return 0;
    case IntegerManner::ones: return 1;
    case IntegerManner::edges: return edge_integer(rng, t);
    case IntegerManner::small: break;
  }
  const uint64_t draw = rng();
  return n == 1 ? 1 : draw % (t.bits == 8 ? 128 : t.bits < 8 ? 2 : 4);
}

void set_integer(uint8_t* data, tenon_dtype t, int64_t i, uint64_t x) {
  if (t.bits == 64) {
    std::memcpy(data + 8 * i, &x, 8);
    return;
  }
  const unsigned shift = 64u - t.bits;
  const double number = t.code == TENON_DT_INT ? static_cast<double>(static_cast<int64_t>(x << shift) >> shift) : static_cast<double>(x);
  set_number(data, t, i, number);
}

void fill(Rng& rng, Tensor* t, const InputManner& how) {
  const int64_t n = t->count(), parts = t->type.code == TENON_DT_COMPLEX ? 2 : 1;
  if (t->strings) {
    for (auto& s : *t->strings) s = how.edges && rng() % 4 == 0 ? "" : std::string(1, static_cast<char>('a' + rng() % 26));
    return;
  }
  const bool floats = is_float(t->type) || t->type.code == TENON_DT_COMPLEX;
  for (int64_t i = 0; i < n * parts; ++i) {
    if (floats) set_number(t->buffer.writable(), t->type, i, float_value(rng, t->type, n, how.edges));
    else if (t->type.code == TENON_DT_BOOL) set_number(t->buffer.writable(), t->type, i, static_cast<double>(rng() % 2));
    else set_integer(t->buffer.writable(), t->type, i, integer_value(rng, t->type, n, how.integers));
  }
}

class Maker {
 public:
  Maker(const Model& m, const InputManner& how) : m_(m), how_(how), rng_(how.seed), dims_(how.dims) {
    for (tenon_value v : m.main().inputs) name_dims(v, m.type(v));
  }
  size_t open() const { return open_; }
  Result<Tensor> make(tenon_value v) {
    const ValueType t = m_.type(v);
    input_ = v;
    auto x = value(t);
    if (!x && x.error().code == TENON_E_UNSUPPORTED)
      x.error().message = "no contents can be made up for input \"" + std::string(m_.value_name(v)) + "\"", x.error().with("found", value_type_text(m_, v)).with("hint", "give a file with inputs");
    return x;
  }

 private:
  int64_t next_size(size_t axis) {
    const size_t k = open_++;
    return k < how_.sizes.size() ? how_.sizes[k] : axis == 0 ? how_.leading : how_.other;
  }
  void name_dims(tenon_value v, const ValueType& t) {
    for (size_t i = 0; i < t.dims.size(); ++i) {
      if (t.dims[i] >= 0) continue;
      const auto names = m_.symbols.names_of(t.dims[i]);
      if (names.empty()) unnamed_[{v, i}] = next_size(i);
      for (const auto& name : names)
        if (!dims_.contains(name)) dims_[name] = next_size(i);
    }
  }
  int64_t size_of(size_t axis) const {
    const auto it = unnamed_.find({input_, axis});
    return it != unnamed_.end() ? it->second : axis == 0 ? how_.leading : how_.other;
  }
  Result<Tensor> value(ValueType t) {
    if (t.dtype.flags & TENON_DTF_OPTIONAL) {
      if (!how_.present) return absent_value(t.dtype);
      t.dtype.flags &= ~TENON_DTF_OPTIONAL;
    }
    if (t.dtype.code == TENON_DT_NONE) return fail(TENON_E_UNSUPPORTED, "");
    if (is_map(t.dtype)) return map(t.dtype);
    if (t.dtype.flags & TENON_DTF_SEQUENCE) return sequence(t.dtype);
    return tensor(t);
  }
  Result<Tensor> tensor(const ValueType& t) {
    std::vector<int64_t> dims;
    for (size_t i = 0; i < (t.rank < 0 ? static_cast<size_t>(how_.rank) : t.dims.size()); ++i) {
      const int64_t d = t.rank < 0 ? TENON_DIM_UNKNOWN : t.dims[i] >= 0 ? t.dims[i] : m_.symbols.evaluate(t.dims[i], dims_);
      dims.push_back(d >= 0 ? d : size_of(i));
    }
    auto x = Tensor::zeros(t.dtype, std::move(dims));
    if (x) fill(rng_, &*x, how_);
    return x;
  }
  Result<Tensor> sequence(tenon_dtype t) {
    Tensor r;
    r.type = t;
    r.dims = {how_.items};
    r.items = std::make_shared<std::vector<Tensor>>();
    for (int64_t i = 0; i < how_.items; ++i) {
      auto item = value({item_type(t, 0), TENON_RANK_UNKNOWN, {}});
      if (!item) return item;
      r.items->push_back(std::move(*item));
    }
    return r;
  }
  Result<Tensor> map(tenon_dtype t) {
    auto keys = Tensor::zeros(item_type(t, 0), {how_.items});
    if (!keys) return keys;
    for (int64_t i = 0; i < how_.items; ++i) {
      if (keys->strings) (*keys->strings)[static_cast<size_t>(i)] = std::string(1, static_cast<char>('a' + i % 26));
      else keys->data<int64_t>()[i] = i;
    }
    auto values = tensor({item_type(t, 1), 1, {how_.items}});
    if (!values) return values;
    Tensor r;
    r.type = t;
    r.dims = {2};
    r.items = std::make_shared<std::vector<Tensor>>();
    r.items->push_back(std::move(*keys));
    r.items->push_back(std::move(*values));
    return r;
  }

  const Model& m_;
  const InputManner& how_;
  Rng rng_;
  DimValues dims_;
  std::map<std::pair<tenon_value, size_t>, int64_t> unnamed_;  ///< sizes without a name, by input and axis
  size_t open_ = 0;
  tenon_value input_ = 0;  ///< the one that is being made
};

}  // namespace

Result<std::vector<Tensor>> made_inputs(const Model& m, const InputManner& manner) {
  Maker maker(m, manner);
  std::vector<Tensor> all;
  for (tenon_value v : m.main().inputs) {
    auto t = maker.make(v);
    if (!t) return fail(std::move(t.error()));
    all.push_back(std::move(*t));
  }
  return all;
}

Result<std::vector<Tensor>> made_inputs(const Model& m, uint64_t seed, DimValues dims) {
  InputManner manner;
  manner.seed = seed;
  manner.dims = std::move(dims);
  return made_inputs(m, manner);
}

size_t open_sizes(const Model& m, const DimValues& dims) {
  InputManner manner;
  manner.dims = dims;
  return Maker(m, manner).open();
}

bool has_open_sizes(const Model& m) {
  for (tenon_value v : m.main().inputs) {
    const ValueType t = m.type(v);
    if (t.rank < 0 && is_tensor(t.dtype)) return true;
    for (int64_t d : t.dims)
      if (d < 0) return true;
  }
  return false;
}

}  // namespace tenon::core
