// SPDX-License-Identifier: Apache-2.0
#include "evaluate.hpp"

#include <tenon/dtype.hpp>

#include <cstring>

#include "node_exec.hpp"

namespace tenon::core {
namespace {

/// Bytes of the outputs as far as inference knows them.
uint64_t expected_bytes(const Model& m, const std::vector<tenon_value>& outs) {
  uint64_t sum = 0;
  for (tenon_value v : outs) {
    if (!v) continue;
    ValueType t = m.type(v);
    if (t.rank < 0) continue;
    double n = 1;
    bool known = true;
    for (int64_t d : t.dims) known &= d >= 0, n *= static_cast<double>(d);
    if (known) sum += n > 1e15 ? (1ull << 60) : bytes_of(t.dtype, static_cast<uint64_t>(n));
  }
  return sum;
}

Result<tenon_value> to_constant(Model& m, tenon_value v, const tenon_tensor& t) {
  if (!is_tensor(t.type) || t.rank < 0) return fail(TENON_E_UNSUPPORTED, "only tensors become constants");
  ValueType type{t.type, t.rank, std::vector<int64_t>(t.dim, t.dim + t.rank)};
  if (t.type.code == TENON_DT_STRING) {
    std::vector<std::string> s;
    const auto* p = static_cast<const tenon_str*>(t.data);
    for (int64_t i = 0; i < count_of(t.dim, t.rank); ++i) s.emplace_back(p[i].data, p[i].len);
    auto b = pack_strings(s);
    if (!b) return fail(std::move(b.error()));
    return m.add_constant(m.value_name(v), type, std::move(*b), 0);
  }
  auto b = alloc_buffer(t.bytes);
  if (!b) return fail(std::move(b.error()));
  if (t.bytes) std::memcpy(b->writable(), t.data, t.bytes);
  return m.add_constant(std::string(m.value_name(v)), type, std::move(*b), 0);
}

}  // namespace

Result<std::vector<tenon_value>> evaluate(Session& s, Model& m, tenon_node n, uint64_t max_bytes) {
  TENON_TRY(m.check_node(n));
  const AttrSet* a = m.attrs(n);
  if (a && a->has_graphs()) return fail(TENON_E_UNSUPPORTED, "a node with nested graphs is not evaluated");
  std::vector<tenon_value> ins, outs;
  m.inputs(n, &ins);
  m.outputs(n, &outs);
  if (expected_bytes(m, outs) > max_bytes) return fail(TENON_E_UNSUPPORTED, "the result is larger than the limit");
  std::vector<std::unique_ptr<ConstantTensor>> held;
  std::vector<const tenon_tensor*> args;
  for (tenon_value v : ins) {
    if (!v) {
      args.push_back(nullptr);
      continue;
    }
    if (!(m.values.flags[slot(v)] & TENON_VF_CONSTANT)) return fail(TENON_E_UNSUPPORTED, "an input is no constant");
    auto c = ConstantTensor::make(m, v);
    if (!c) return fail(std::move(c.error()));
    held.push_back(std::move(*c));
    args.push_back(held.back()->tensor());
  }
  auto e = make_exec(s, m, n, nullptr, nullptr);
  if (!e) return fail(std::move(e.error()));
  std::vector<const tenon_tensor*> results(outs.size());
  TENON_TRY((*e)->run(args.data(), static_cast<uint32_t>(args.size()), results.data(), static_cast<uint32_t>(results.size())));
  uint64_t bytes = 0;
  for (size_t k = 0; k < outs.size(); ++k)
    if (outs[k]) bytes += results[k]->bytes;
  if (bytes > max_bytes) return fail(TENON_E_UNSUPPORTED, "the result is larger than the limit");
  std::vector<tenon_value> made(outs.size());
  for (size_t k = 0; k < outs.size(); ++k) {
    if (!outs[k]) continue;
    auto v = to_constant(m, outs[k], *results[k]);
    if (!v) return fail(std::move(v.error()));
    made[k] = *v;
  }
  return made;
}

}  // namespace tenon::core
