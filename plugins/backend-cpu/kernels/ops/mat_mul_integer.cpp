// SPDX-License-Identifier: Apache-2.0
// MatMulInteger by a constant matrix, also with a bias and a Requantize after it.
#include "../integer/operands.hpp"
#include "../integer/ready.hpp"
#include "../kernel.hpp"

namespace tenon::cpu {
namespace {

struct IntegerMatMul {
  int64_t rows = 0, depth = 0, columns = 0;
  bool transposed = false;  ///< the weights: of a Gemm
  std::vector<int16_t> weight_zero;
  IntegerEnd end;
};

std::optional<IntegerMatMul> read_matmul(const Builder& b, const PlanNode& n) {
  const ValueId a = n.input(0), w = n.input(1);
  if (a == kNoValue || w == kNoValue || n.output() == kNoValue || !b.value(a).known || !b.value(n.output()).known || !b.is_constant(w)) return std::nullopt;
  const PlanValue &left = b.value(a), &right = b.value(w);
  if (!is_byte(left.type) || !is_byte(right.type) || left.dims.empty() || right.dims.size() != 2 || left.count() == 0 || right.count() == 0) return std::nullopt;
  if (n.has_in(2) && (!b.value(n.input(2)).known || b.value(n.input(2)).count() != 1)) return std::nullopt;
  IntegerMatMul m;
  m.transposed = n.attrs.i("transB") != 0;
  m.depth = right.dims[m.transposed ? 1 : 0];
  m.columns = right.dims[m.transposed ? 0 : 1];
  m.rows = left.count() / m.depth;
  const auto zero = weight_zero_points(b, n.input(3), m.columns);
  const auto end = integer_end(b, n, m.columns);
  if (!zero || !end) return std::nullopt;
  m.weight_zero = *zero;
  m.end = *end;
  return m;
}

int32_t match(const Builder& b, const PlanNode& n) { return read_matmul(b, n) ? 50 : -1; }

std::shared_ptr<const std::vector<IntegerWeights>> pack(Builder& b, ValueId w, const IntegerMatMul& m) {
  auto made = b.packed(w, std::string(m.transposed ? "integer transposed " : "integer matrix ") + zero_point_key(m.weight_zero), [&] {
    const ByteTensor t{b.value(w).data, b.value(w).type == dt::i8};
    std::vector<int16_t> column(static_cast<size_t>(m.depth));
    auto read_column = [&](int64_t c) {
      for (int64_t k = 0; k < m.depth; ++k) column[static_cast<size_t>(k)] = static_cast<int16_t>(t[m.transposed ? c * m.depth + k : k * m.columns + c] - m.weight_zero[static_cast<size_t>(c)]);
    };
    FormChoice choice;
    for (int64_t c = 0; c < m.columns; ++c) {
      read_column(c);
      choice.add(column);
    }
    auto all = std::make_shared<std::vector<IntegerWeights>>();
    all->push_back(make_integer_weights(choice.form(), 1, m.depth, m.columns));
    for (int64_t c = 0; c < m.columns; ++c) {
      read_column(c);
      pack_column(all->front(), c, column.data());
    }
    return std::shared_ptr<void>(all, all.get());
  });
  return std::static_pointer_cast<const std::vector<IntegerWeights>>(made);
}

bool build(Builder& b, const PlanNode& n) {
  const IntegerMatMul m = *read_matmul(b, n);
  IntegerProduct p;
  p.window.channels = m.depth;
  p.window.in[2] = p.window.out[2] = m.rows;
  p.filters = m.columns;
  p.is_signed = b.value(n.input(0)).type == dt::i8;
  p.weights = pack(b, n.input(1), m);
  p.end = m.end;
  std::vector<SlotId> reads{b.read(n.input(0))};
  p.x = reads[0];
  p.zero_point = zero_point_of(b, n.input(2), &reads);
  read_float_end(b, n, &p.end, &reads);
  p.copy = copied_input(b, p);
  if (p.copy != kNoSlot) reads.push_back(p.copy);
  p.y = b.write(n.output());
  const SlotId y = p.y;
  b.step("cpu/matmul-integer", std::move(p), reads, {y}, b.threads_for(static_cast<double>(m.rows) * static_cast<double>(m.depth * m.columns)));
  return true;
}

}  // namespace

bool integer_matmul_ready(const Builder& b, const PlanNode& n) { return read_matmul(b, n).has_value(); }

void register_mat_mul_integer(KernelTable& t) { t.add({"cpu/matmul-integer", "MatMulInteger", match, build}); }

}  // namespace tenon::cpu
