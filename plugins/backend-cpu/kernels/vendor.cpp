// SPDX-License-Identifier: Apache-2.0
#include "vendor.hpp"

namespace tenon::cpu {
namespace {

/// What match() sees: types, shapes, attributes and the contents of constants.
class MatchInfo {
  const Builder& b_;
  std::vector<tenon_tensor> tensors_;
  std::vector<const tenon_tensor*> in_;
  std::vector<tenon_tensor*> out_;
  tenon_node_info info_{};

  tenon_tensor describe(ValueId v) const {
    const PlanValue& x = b_.value(v);
    tenon_tensor t{};
    t.struct_size = sizeof t;
    t.type = x.type;
    t.rank = x.known || x.constant ? static_cast<int32_t>(x.dims.size()) : TENON_RANK_UNKNOWN;
    t.dim = x.dims.data();
    t.data = const_cast<void*>(x.data);
    t.bytes = x.known ? x.bytes() : 0;
    return t;
  }
  static const tenon_tensor* TENON_CALL no_tensor(const tenon_node_info*, tenon_value) TENON_NX { return nullptr; }
  static int32_t TENON_CALL no_shape(const tenon_node_info*, uint32_t, const int64_t**, uint64_t*) TENON_NX { return 0; }

 public:
  MatchInfo(const Builder& b, const PlanNode& n) : b_(b) {
    tensors_.reserve(n.in.size() + n.out.size());
    for (auto v : n.in) {
      if (v != kNoValue) tensors_.push_back(describe(v));
      in_.push_back(v == kNoValue ? nullptr : &tensors_.back());
    }
    for (auto v : n.out) {
      if (v != kNoValue) tensors_.push_back(describe(v));
      out_.push_back(v == kNoValue ? nullptr : &tensors_.back());
    }
    info_.struct_size = sizeof info_;
    info_.n_in = static_cast<uint32_t>(in_.size());
    info_.n_out = static_cast<uint32_t>(out_.size());
    info_.n_attr = static_cast<uint32_t>(n.attrs.all().size());
    info_.op = n.code;
    info_.attr = n.attrs.all().data();
    info_.in = in_.data();
    info_.out = out_.data();
    info_.attr_tensor = no_tensor;
    info_.shape_value = no_shape;
  }
  const tenon_node_info* get() const { return &info_; }
};

}  // namespace

const tenon_kernel* vendor_kernel(const Builder& b, const PlanNode& n, int32_t own_cost) {
  if (!api().registry) return nullptr;
  const tenon_kernel* const* kernels{};
  uint64_t count{};
  api().registry->find_kernels(n.code, "cpu", &kernels, &count);
  const tenon_kernel* best = nullptr;
  int32_t best_cost = INT32_MAX;
  for (uint64_t k = 0; k < count; ++k) {
    int32_t cost = 100;
    if (kernels[k]->match) {
      MatchInfo info(b, n);
      ok(kernels[k]->match(b.ctx(), info.get(), &cost));
    }
    if (cost < 0 || cost > own_cost || cost >= best_cost) continue;
    best = kernels[k];
    best_cost = cost;
  }
  return best;
}

}  // namespace tenon::cpu
