// SPDX-License-Identifier: Apache-2.0
#include "operands.hpp"

#include <algorithm>

namespace tenon::cpu {

IntegerScalar zero_point_of(Builder& b, ValueId v, std::vector<SlotId>* reads) {
  IntegerScalar z;
  if (v == kNoValue) return z;
  if (const auto known = b.constant_ints(v)) {
    z.constant = static_cast<int32_t>(known->front());
    return z;
  }
  z.slot = b.read(v);
  z.is_signed = b.value(v).type == dt::i8;
  reads->push_back(z.slot);
  return z;
}

std::optional<std::vector<int16_t>> weight_zero_points(const Builder& b, ValueId v, int64_t count) {
  if (v == kNoValue) return std::vector<int16_t>(static_cast<size_t>(count), 0);
  const auto known = b.constant_ints(v);
  if (!known || (known->size() != 1 && static_cast<int64_t>(known->size()) != count)) return std::nullopt;
  std::vector<int16_t> r;
  for (int64_t i = 0; i < count; ++i) r.push_back(static_cast<int16_t>((*known)[known->size() == 1 ? 0 : static_cast<size_t>(i)]));
  return r;
}

std::optional<std::shared_ptr<const std::vector<int32_t>>> bias_of(const Builder& b, ValueId v, int64_t count) {
  if (v == kNoValue) return std::shared_ptr<const std::vector<int32_t>>();
  const auto known = b.value(v).type == dt::i32 ? b.constant_ints(v) : std::nullopt;
  if (!known || (known->size() != 1 && static_cast<int64_t>(known->size()) != count)) return std::nullopt;
  auto r = std::make_shared<std::vector<int32_t>>();
  for (int64_t i = 0; i < count; ++i) r->push_back(static_cast<int32_t>((*known)[known->size() == 1 ? 0 : static_cast<size_t>(i)]));
  return std::shared_ptr<const std::vector<int32_t>>(std::move(r));
}

namespace {

/// As many factors as the requantization's arrays have, zeros after the filters'.
std::vector<float> padded_floats(const Builder& b, ValueId v, int64_t filters) {
  std::vector<float> r(static_cast<size_t>(round_up(filters, kMostTileColumns) + kMostTileColumns), 0.0f);
  std::memcpy(r.data(), b.value(v).data, static_cast<size_t>(filters) * sizeof(float));
  return r;
}

std::shared_ptr<const AffineTable> affine_of(const Builder& b, const PlanNode& n, int64_t filters) {
  const Attrs& a = n.posts[1].attrs;
  auto t = std::make_shared<AffineTable>();
  t->factor = padded_floats(b, n.input(9), filters);
  t->shift = padded_floats(b, n.input(10), filters);
  t->numbers = {t->factor.data(), t->shift.data(), static_cast<int32_t>(a.i("low")), static_cast<int32_t>(a.i("high")), static_cast<int32_t>(a.i("zero_point")), b.value(n.output()).type == dt::i8};
  return t;
}

}  // namespace

std::optional<IntegerEnd> integer_end(const Builder& b, const PlanNode& n, int64_t filters) {
  IntegerEnd end;
  const tenon_dtype type = b.value(n.output()).type;
  if (n.posts.empty()) return type == dt::i32 ? std::optional(end) : std::nullopt;
  if (n.posts[0].op == kToFloat) return type == dt::f32 && b.is_f32(n.input(5)) ? std::optional(end) : std::nullopt;
  if (n.posts[0].op != "Requantize") return std::nullopt;
  const bool twice = n.posts.size() == 2;
  const tenon_dtype between = !twice ? type : n.posts[1].attrs.i("from_signed") ? dt::i8 : dt::u8;
  const auto bias = bias_of(b, n.input(4), filters);
  end.table = requantization(b, n.posts[0].attrs, {n.input(5), n.input(6), n.input(7), n.input(8)}, between, filters);
  if (!bias || !end.table) return std::nullopt;
  end.bias = *bias;
  if (twice) end.affine = affine_of(b, n, filters);
  return end;
}

void read_float_end(Builder& b, const PlanNode& n, IntegerEnd* end, std::vector<SlotId>* reads) {
  if (n.posts.empty() || n.posts[0].op != kToFloat) return;
  end->one_scale = b.value(n.input(5)).count() == 1;
  reads->push_back(end->scale = b.read(n.input(5)));
  if (n.has_in(6)) reads->push_back(end->shift = b.read(n.input(6)));
}

void FormChoice::add(const std::vector<int16_t>& centred) {
  for (auto w : centred) {
    least_ = std::min(least_, int32_t{w});
    most_ = std::max(most_, int32_t{w});
  }
}

PackedForm FormChoice::form() const {
  if (!bytes_allowed() || most_ - least_ > 255) return {IntegerForm::words, 0};
  return {IntegerForm::bytes, least_ < -128 ? least_ + 128 : most_ > 127 ? most_ - 127 : 0};
}

std::string zero_point_key(const std::vector<int16_t>& zero) { return std::string(reinterpret_cast<const char*>(zero.data()), zero.size() * sizeof(int16_t)); }

}  // namespace tenon::cpu
