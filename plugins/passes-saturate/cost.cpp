// SPDX-License-Identifier: Apache-2.0
#include "cost.hpp"

#include <algorithm>

namespace tenon::saturate {
namespace {

// One core with vector units: operations and bytes in a nanosecond, and what starting a kernel takes.
constexpr double kOperations = 50, kBytes = 10, kStart = 100;
constexpr double kStridedRead = 0.25;  // share of the bytes of a part that is read where it stands
constexpr double kUsualCost = 100;  // of tenon_kernel.match
constexpr int64_t kGuess = 64;      // of a size that is not known

double size(int64_t d) { return static_cast<double>(d < 0 ? kGuess : d); }
double count(const Type& t) {
  double n = 1;
  for (int64_t d : t.dims) n *= size(d);
  return n;
}
double bytes(const Type& t) { return count(t) * t.dtype.bits / 8; }

bool is_view(std::string_view name) {
  static constexpr std::string_view all[] = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"};
  return std::binary_search(std::begin(all), std::end(all), name);
}
bool moves_only(std::string_view name) {
  static constexpr std::string_view all[] = {"Concat", "Expand", "Gather", "Pad", "Slice", "Split", "Tile", "Transpose"};
  return std::binary_search(std::begin(all), std::end(all), name);
}
bool is_transcendental(std::string_view name) {
  static constexpr std::string_view all[] = {"Cos", "Erf", "Exp", "Gelu", "Log", "Pow", "Sigmoid", "Sin", "Softmax", "Softplus", "Swish", "Tanh"};
  return std::binary_search(std::begin(all), std::end(all), name);
}

double operations(const EGraph& e, WorkId w, double out) {
  const Operation& op = e.operation(w);
  const auto& in = e.work(w).children;
  auto type = [&](size_t k) -> const Type& { return e.type(in[k]); };
  if (op.name == "MatMul" && in.size() == 2 && type(0).rank > 0) return 2 * out * size(type(0).dims.back());
  if (op.name == "Gemm" && type(0).rank == 2) return 2 * out * size(type(0).dims[op.i("transA", 0) ? 0 : 1]);
  if (op.name == "Conv" && type(1).rank > 2 && size(type(1).dims[0]) > 0) return 2 * out * count(type(1)) / size(type(1).dims[0]);
  if (op.name == "ConvTranspose" && type(1).rank > 2) return 2 * count(type(0)) * count(type(1)) / std::max(1.0, size(type(1).dims[0]));
  double n = out;
  for (ClassId c : in)
    if (c != kNoId) n = std::max(n, count(e.type(c)));
  return moves_only(op.name) ? 0 : is_transcendental(op.name) ? 16 * n : n;
}

// A node of types without contents, for match().
int32_t TENON_CALL no_shape_value(const tenon_node_info*, uint32_t, const int64_t**, uint64_t*) TENON_NX { return 0; }
int64_t TENON_CALL unknown_dim(const tenon_node_info*, int32_t, int64_t, int64_t) TENON_NX { return TENON_DIM_UNKNOWN; }
int64_t TENON_CALL unknown_symbol(const tenon_node_info*) TENON_NX { return TENON_DIM_UNKNOWN; }
const tenon_tensor* TENON_CALL no_tensor(const tenon_node_info*, tenon_value) TENON_NX { return nullptr; }

tenon_tensor tensor(const Type& t) {
  tenon_tensor r{};
  r.struct_size = sizeof r;
  r.rank = t.rank;
  r.dim = t.dims.data();
  r.type = t.dtype;
  return r;
}

}  // namespace

double CostModel::factor(const EGraph& e, WorkId w, const std::vector<ClassId>& outputs) {
  const Operation& op = e.operation(w);
  const tenon_op code = Graph::op(op.name);
  const tenon_kernel* const* kernels{};
  uint64_t n = 0;
  if (target_.empty()) return 1;
  api().registry->find_kernels(code, target_.c_str(), &kernels, &n);
  if (n == 0) return 1;
  std::vector<tenon_tensor> in, out;
  for (ClassId c : e.work(w).children) in.push_back(c == kNoId ? tenon_tensor{} : tensor(e.type(c)));
  for (ClassId c : outputs) out.push_back(tensor(e.type(c)));
  std::vector<const tenon_tensor*> in_at;
  std::vector<tenon_tensor*> out_at;
  for (size_t k = 0; k < in.size(); ++k) in_at.push_back(e.work(w).children[k] == kNoId ? nullptr : &in[k]);
  for (auto& t : out) out_at.push_back(&t);
  const AttrList attrs = op.list();
  tenon_node_info info{};
  info.struct_size = sizeof info;
  info.op = code;
  info.n_in = static_cast<uint32_t>(in.size());
  info.n_out = static_cast<uint32_t>(out.size());
  info.in = in_at.data();
  info.out = out_at.data();
  info.attr = attrs.data();
  info.n_attr = static_cast<uint32_t>(attrs.size());
  info.shape_value = no_shape_value;
  info.dim_op = unknown_dim;
  info.fresh_symbol = unknown_symbol;
  info.attr_tensor = no_tensor;
  double best = -1;
  for (uint64_t k = 0; k < n; ++k) {
    int32_t cost = static_cast<int32_t>(kUsualCost);
    if (kernels[k]->match)
      if (tenon_error* error = kernels[k]->match(c_, &info, &cost)) {
        api().core->error_free(error);
        cost = -1;
      }
    if (cost >= 0 && (best < 0 || cost < best)) best = cost;
  }
  return best < 0 ? 1 : std::max(best, 1.0) / kUsualCost;
}

double CostModel::work(const EGraph& e, WorkId w, const std::vector<ClassId>& outputs) {
  if (e.work(w).operation == kNoId) return 0;
  bool constant = true;
  double moved = 0, out = 0;
  for (ClassId c : outputs) {
    constant &= e.cls(c).constant;
    moved += bytes(e.type(c));
    out += count(e.type(c));
  }
  if (constant) return 0;
  const Operation& op = e.operation(w);
  if (is_view(op.name)) return kStart / 10;
  if (op.name == "Split" || op.name == "Slice") return kStart / 10 + moved * kStridedRead / kBytes;
  for (ClassId c : e.work(w).children)
    if (c != kNoId) moved += bytes(e.type(c));
  return kStart + factor(e, w, outputs) * (operations(e, w, out) / kOperations + moved / kBytes);
}

}  // namespace tenon::saturate
