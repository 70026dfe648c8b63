// SPDX-License-Identifier: Apache-2.0
// Scan: runs a nested graph once for each slice of its scan inputs. The body takes (states..., slices...) and gives
// (states..., values...); values are stacked along an axis of the outputs.
#include "control/subgraph.hpp"

namespace tenon::ops {
namespace {

struct ScanParts {
  uint32_t states, slices, outputs;
  std::vector<int64_t> in_axes, in_reverse, out_axes, out_reverse;
  explicit ScanParts(const Node& node) {
    const int64_t n = node.i("num_scan_inputs");
    if (n < 1 || n > node.n_in()) fail("num_scan_inputs is out of range", "1 to " + std::to_string(node.n_in()), std::to_string(n));
    slices = static_cast<uint32_t>(n);
    states = node.n_in() - slices;
    if (node.n_out() < states) fail("a scan has fewer outputs than states", "at least " + std::to_string(states), std::to_string(node.n_out()));
    outputs = node.n_out() - states;
    in_axes = list(node, "scan_input_axes", slices);
    in_reverse = list(node, "scan_input_directions", slices);
    out_axes = list(node, "scan_output_axes", outputs);
    out_reverse = list(node, "scan_output_directions", outputs);
  }
  static std::vector<int64_t> list(const Node& node, const char* name, uint32_t n) {
    auto v = node.ints(name, std::vector<int64_t>(n, 0));
    if (v.empty()) v.assign(n, 0);
    if (v.size() != n) fail(std::string(name) + " has a wrong length", std::to_string(n), std::to_string(v.size()));
    return v;
  }
  int64_t axis(uint32_t k, int32_t rank) const { return normalize_axis(in_axes[k], rank, "scan_input_axes"); }
  void check(size_t n) const {
    if (n != states + outputs) fail("the scan's body has a wrong number of outputs", std::to_string(states + outputs), std::to_string(n));
  }
};

void infer(const Node& node) {
  const ScanParts parts(node);
  std::vector<ValueType> in;
  for (uint32_t k = 0; k < parts.states; ++k) in.emplace_back(node.in(k));
  int64_t length = kUnknown;
  for (uint32_t k = 0; k < parts.slices; ++k) {
    ValueType v(node.in(parts.states + k));
    if (v.rank >= 0) {
      const int64_t axis = parts.axis(k, v.rank);
      length = same_dim(length, v.dims[static_cast<size_t>(axis)], "lengths of the scan inputs");
      v.dims.erase(v.dims.begin() + axis);
      --v.rank;
    }
    in.push_back(std::move(v));
  }
  tenon_graph* body = required_graph(node, "body");
  std::vector<ValueType> out;
  for (bool changed = true; changed;) {
    out = infer_subgraph(node, body, in);
    parts.check(out.size());
    changed = false;
    for (uint32_t k = 0; k < parts.states; ++k) {
      ValueType both = merge(in[k], out[k], "a scan's state before and after an iteration");
      changed |= !(both == in[k]);
      in[k] = std::move(both);
    }
  }
  for (uint32_t k = 0; k < parts.states; ++k) in[k].set_out(node, k);
  for (uint32_t k = 0; k < parts.outputs; ++k) {
    ValueType& v = out[parts.states + k];
    if (v.rank >= 0) {
      v.dims.insert(v.dims.begin() + normalize_axis(parts.out_axes[k], v.rank + 1, "scan_output_axes"), length);
      ++v.rank;
    }
    v.set_out(node, parts.states + k);
  }
}

/// Scan input k with its scan axis in front, so that slices are contiguous.
const tenon_tensor* axis_first(TensorPool& pool, const Tensor& x, int64_t axis) {
  if (x.type().bits < 8) throw unsupported("scan inputs of types below one byte").with("found", dtype_name(x.type()));
  if (axis == 0) return x.raw();
  Dims d = x.dims().vec();
  const int64_t n = d[static_cast<size_t>(axis)];
  d.erase(d.begin() + axis);
  d.insert(d.begin(), n);
  tenon_tensor* t = pool.make(x.type(), d);
  const int64_t outer = count_of(x.raw()->dim, static_cast<int32_t>(axis));
  const uint64_t step = bytes_of(x.type(), static_cast<uint64_t>(x.count()) / static_cast<uint64_t>(std::max<int64_t>(1, n * outer)));
  for (int64_t o = 0; o < outer && step; ++o)
    for (int64_t i = 0; i < n; ++i)
      std::memcpy(static_cast<unsigned char*>(t->data) + static_cast<uint64_t>(i * outer + o) * step,
                  x.data<unsigned char>() + static_cast<uint64_t>(o * n + i) * step, step);
  return t;
}

void run(const Node& node) {
  const ScanParts parts(node);
  tenon_graph* body = required_graph(node, "body");
  TensorPool pool;
  std::vector<const tenon_tensor*> states, inputs;
  for (uint32_t k = 0; k < parts.states; ++k) states.push_back(node.in(k).raw());
  int64_t length = kUnknown;
  for (uint32_t k = 0; k < parts.slices; ++k) {
    const Tensor x = node.in(parts.states + k);
    const int64_t axis = parts.axis(k, x.rank());
    length = same_dim(length, x.dim(static_cast<int32_t>(axis)), "lengths of the scan inputs");
    inputs.push_back(axis_first(pool, x, axis));
  }
  std::vector<std::vector<const tenon_tensor*>> values(parts.outputs);
  for (int64_t i = 0; i < length; ++i) {
    std::vector<const tenon_tensor*> in = states;
    for (uint32_t k = 0; k < parts.slices; ++k) {
      const Tensor x(inputs[k]);
      Dims d(x.dims().begin() + 1, x.dims().end());
      const uint64_t step = bytes_of(x.type(), static_cast<uint64_t>(count_of(d.data(), x.rank() - 1)));
      const int64_t at = parts.in_reverse[k] ? length - 1 - i : i;
      in.push_back(pool.borrow(x.type(), std::move(d), x.data<unsigned char>() + static_cast<uint64_t>(at) * step));
    }
    const auto out = node.call_graph(body, in);
    parts.check(out.size());
    for (uint32_t k = 0; k < parts.states; ++k) states[k] = out[k];
    for (uint32_t k = 0; k < parts.outputs; ++k) values[k].push_back(out[parts.states + k]);
  }
  for (uint32_t k = 0; k < parts.states; ++k) node.alias_out(k, states[k]);
  for (uint32_t k = 0; k < parts.outputs; ++k) stack_out(node, parts.states + k, values[k], parts.out_axes[k], parts.out_reverse[k] != 0);
}

}  // namespace

TENON_OPERATOR("tenon", "Scan", 1, 0,
               "(inputs*: any) -> (outputs*: any) {body: graph, num_scan_inputs: int, scan_input_axes?: ints, scan_input_directions?: ints, "
               "scan_output_axes?: ints, scan_output_directions?: ints}",
               infer, run);
}  // namespace tenon::ops
