// SPDX-License-Identifier: Apache-2.0
#include "quantization.hpp"

#include <algorithm>
#include <limits>

#include "element.hpp"

namespace tenon::tflite {
namespace {

std::vector<int64_t> zero_points(const File& file, const fb::Tensor& t, uint32_t count) {
  const auto* z = t.quantization()->zero_point();
  std::vector<int64_t> r(count, 0);
  if (!z || z->size() == 0) return r;
  if (z->size() != 1 && z->size() != count)
    throw file.bad(&t, "tensor '" + tensor_name(t) + "': scales and zero points differ in number").with("expected", std::to_string(count)).with("found", std::to_string(z->size()));
  for (uint32_t i = 0; i < count; ++i) {
    r[i] = element(*z, z->size() == 1 ? 0 : i);
    if (r[i] != static_cast<int32_t>(r[i])) throw file.bad(&t, "tensor '" + tensor_name(t) + "': a zero point has more than 32 bits").with("found", std::to_string(r[i]));
  }
  return r;
}

void check_axis(const File& file, const fb::Tensor& t, uint32_t count) {
  int32_t axis = t.quantization()->quantized_dimension();
  Dims dims = stored_dims(file, t);
  if (axis < 0 || static_cast<size_t>(axis) >= dims.size() || dims[static_cast<size_t>(axis)] != count)
    throw file.bad(&t, "tensor '" + tensor_name(t) + "': its scales do not fit its shape").with("expected", "one for each slice along dimension " + std::to_string(axis)).with("found", std::to_string(count));
}

}  // namespace

void set_quantization(const Ctx& ctx, const File& file, const fb::Tensor& t, tenon_graph* g, tenon_value v) {
  const auto* q = t.quantization();
  if (!q || !q->scale() || q->scale()->size() == 0 || !is_int(element_type(t.type()))) return;
  uint32_t count = q->scale()->size();
  // A single scale of 0 is how old writers say that a tensor is not quantized.
  if (count == 1 && q->scale()->Get(0) == 0) return;
  auto zero = zero_points(file, t, count);
  if (count > 1) check_axis(file, t, count);
  std::vector<float> scale(q->scale()->begin(), q->scale()->end());
  for (float s : scale)
    if (!(s >= 0 && s <= std::numeric_limits<float>::max())) throw file.bad(&t, "tensor '" + tensor_name(t) + "': a scale is no finite number >= 0").with("found", std::to_string(s));
  ok(api().ir->set_quantization(ctx.raw(), g, v, count > 1 ? q->quantized_dimension() : -1, scale.data(), zero.data(), count));
}

const fb::BlockwiseQuantization* blockwise(const fb::Tensor& t) { return t.quantization() ? t.quantization()->details_as_BlockwiseQuantization() : nullptr; }

std::string other_details(const fb::Tensor& t) {
  if (!t.quantization() || t.quantization()->details_type() == fb::QuantizationDetails::NONE || blockwise(t)) return {};
  auto kind = t.quantization()->details_type();
  if (kind == fb::QuantizationDetails::CustomQuantization) return "CustomQuantization";
  if (kind == fb::QuantizationDetails::MultiAxisQuantization) return "MultiAxisQuantization";
  return std::to_string(static_cast<int>(kind));
}

}  // namespace tenon::tflite
