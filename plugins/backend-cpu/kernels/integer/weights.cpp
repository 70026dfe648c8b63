// SPDX-License-Identifier: Apache-2.0
#include "weights.hpp"

#include <dnnl.hpp>

namespace tenon::cpu {

bool bytes_allowed() {
  // What limits oneDNN's instruction sets, for tests and for comparisons, limits these kernels too.
  static const bool allowed = has_byte_products() && static_cast<int>(dnnl::get_effective_cpu_isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_vnni);
  return allowed;
}

IntegerWeights make_integer_weights(const PackedForm& form, int64_t pieces, int64_t piece, int64_t columns) {
  IntegerWeights w;
  w.form = form.form;
  w.shift = form.shift;
  w.pieces = pieces;
  w.piece = piece;
  w.columns = columns;
  w.groups = (piece + group_of(w.form) - 1) / group_of(w.form);
  w.lanes = integer_lanes(w.form);
  w.sums.assign(static_cast<size_t>(columns), 0);
  const auto bytes = static_cast<uint64_t>(w.panel_count() * pieces * w.groups * 2 * w.lanes * 4);
  w.panels = AlignedBytes(bytes);
  std::memset(w.panels.get(), 0, bytes);
  return w;
}

void pack_column(IntegerWeights& w, int64_t column, const int16_t* values) {
  const int64_t p = column / (2 * w.lanes), inside = column % (2 * w.lanes), group = group_of(w.form), row = w.vectors(p) * w.lanes;
  char* to = const_cast<char*>(w.panel(p)) + inside * 4;
  uint32_t sum = 0;
  for (int64_t i = 0; i < w.pieces * w.piece; ++i) {
    const int64_t k = i % w.piece, at = (i / w.piece * w.groups + k / group) * row * 4;
    const auto packed = static_cast<int16_t>(values[i] - w.shift);
    sum += static_cast<uint32_t>(int32_t{values[i]});
    if (w.form == IntegerForm::bytes)
      to[at + k % group] = static_cast<char>(packed);
    else
      std::memcpy(to + at + k % group * 2, &packed, sizeof packed);
  }
  w.sums[static_cast<size_t>(column)] = static_cast<int32_t>(sum);
}

}  // namespace tenon::cpu
