// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <random>

#include "../data/numbers.hpp"
#include "inputs.hpp"

namespace tenon::core {
namespace {

constexpr int64_t kLeading = 1, kOther = 8;

/// Nearly normal (Irwin-Hall of 12): additions only, so every machine makes the same numbers.
double nearly_normal(std::mt19937_64& rng) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(rng() >> 11) * 0x1p-53;
  return sum - 6;
}

double tiny(tenon_dtype t) {
  if (t.code == TENON_DT_FLOAT && t.bits == 64) return std::numeric_limits<double>::min();
  return t.bits >= 16 && !(t.code == TENON_DT_FLOAT && t.bits == 16) ? static_cast<double>(std::numeric_limits<float>::min()) : 0x1p-14;
}

/// One element in sixteen is an edge value, where there are enough elements to spare.
double float_value(std::mt19937_64& rng, tenon_dtype t, bool edges) {
  double x = nearly_normal(rng);
  uint64_t pick = rng() % 64;
  if (!edges || pick > 3) return x;
  const double edge[] = {0.0, -0.0, tiny(t), -tiny(t)};
  return edge[pick];
}

void fill(std::mt19937_64& rng, Tensor* t) {
  int64_t n = t->count(), parts = t->type.code == TENON_DT_COMPLEX ? 2 : 1;
  if (t->strings) {
    for (auto& s : *t->strings) s = std::string(1, static_cast<char>('a' + rng() % 26));
    return;
  }
  for (int64_t i = 0; i < n * parts; ++i) {
    double x = 0;
    if (is_float(t->type) || t->type.code == TENON_DT_COMPLEX)
      x = float_value(rng, t->type, n >= 16);
    else if (t->type.code == TENON_DT_BOOL)
      x = static_cast<double>(rng() % 2);
    else
      x = n == 1 ? 1 : static_cast<double>(rng() % (t->type.bits == 8 ? 128 : t->type.bits < 8 ? 2 : 4));
    set_number(t->buffer.writable(), t->type, i, x);
  }
}

void name_dims(const Model& m, const ValueType& t, DimValues* values) {
  for (size_t i = 0; i < t.dims.size(); ++i)
    for (const auto& name : m.symbols.names_of(t.dims[i])) values->emplace(name, i == 0 ? kLeading : kOther);
}

Result<Tensor> made_input(const Model& m, tenon_value v, std::mt19937_64& rng, const DimValues& values) {
  ValueType t = m.type(v);
  Error cannot = Error(TENON_E_UNSUPPORTED, "no contents can be made up for input \"" + std::string(m.value_name(v)) + "\"").with("found", value_type_text(m, v)).with("hint", "give a file with inputs");
  if (t.dtype.flags & TENON_DTF_OPTIONAL) {
    Tensor none;
    none.type = t.dtype;
    none.present = false;
    return none;
  }
  if (!is_tensor(t.dtype) || t.rank < 0 || t.dtype.code == TENON_DT_NONE) return fail(std::move(cannot));
  std::vector<int64_t> dims;
  for (size_t i = 0; i < t.dims.size(); ++i) {
    int64_t d = t.dims[i] >= 0 ? t.dims[i] : m.symbols.evaluate(t.dims[i], values);
    dims.push_back(d >= 0 ? d : i == 0 ? kLeading : kOther);
  }
  auto x = Tensor::zeros(t.dtype, std::move(dims));
  if (x) fill(rng, &*x);
  return x;
}

}  // namespace

Result<std::vector<Tensor>> made_inputs(const Model& m, uint64_t seed, DimValues dims) {
  for (tenon_value v : m.main().inputs) name_dims(m, m.type(v), &dims);
  std::mt19937_64 rng(seed);
  std::vector<Tensor> all;
  for (tenon_value v : m.main().inputs) {
    auto t = made_input(m, v, rng, dims);
    if (!t) return fail(std::move(t.error()));
    all.push_back(std::move(*t));
  }
  return all;
}

}  // namespace tenon::core
