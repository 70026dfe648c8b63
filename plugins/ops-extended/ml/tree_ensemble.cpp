// SPDX-License-Identifier: Apache-2.0
// TreeEnsemble: decision trees over rows of features. Nodes are numbered from 0; a child or root below 0 is leaf -1 - child, and leaf k
// has the targets and weights [leaf_offsets[k], leaf_offsets[k + 1]). nodes_modes: 0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 membership of
// set nodes_splits. Weights of a target are aggregated over the trees, then base_values are added. `reached`: some leaf had a weight
// for the target.
#include "ml/features.hpp"
#include "ml/forest.hpp"

namespace tenon::ops {
namespace {

tenon_dtype output_type(const Node& node) { return dtype_from_name(node.s("dtype", "f32")); }

void infer(const Node& node) {
  if (node.i("n_targets") < 1) fail("n_targets is too small", "at least 1", std::to_string(node.i("n_targets")));
  const Dims dims{inferred_rows(node.in(0)), node.i("n_targets")};
  node.set_out(0, output_type(node), dims);
  node.set_out(1, dt::boolean, dims);
}

tenon_error* TENON_CALL prepare(tenon_ctx* c, const tenon_node_info* n, void** state, uint64_t*) TENON_NX {
  return guard(c, [&] { *state = new Forest(Node(n)); });
}
void TENON_CALL release(void* state) TENON_NX { delete static_cast<Forest*>(state); }

void predict(const Node& node, const Forest& forest) {
  const Features x(node.in(0));
  if (x.columns < forest.features()) fail("the input has too few features", "at least " + std::to_string(forest.features()), std::to_string(x.columns));
  const int64_t targets = forest.targets();
  bool* reached = node.has_out(1) ? node.out(1).mutable_data<bool>() : nullptr;
  visit<FloatTypes>(output_type(node), [&]<class T>(Tag<T>) {
    T* y = node.has_out(0) ? node.out(0).mutable_data<T>() : nullptr;
    node.parallel_for(x.rows, 16, [&](int64_t begin, int64_t end) {
      std::vector<double> sum(static_cast<size_t>(targets));
      std::vector<uint8_t> seen(static_cast<size_t>(targets));
      for (int64_t r = begin; r < end; ++r) {
        forest.predict(x.row(r), sum.data(), seen.data());
        for (int64_t t = 0; t < targets; ++t) {
          if (y) y[r * targets + t] = convert<T>(sum[static_cast<size_t>(t)]);
          if (reached) reached[r * targets + t] = seen[static_cast<size_t>(t)] != 0;
        }
      }
    });
  });
}

tenon_error* TENON_CALL run(tenon_ctx* c, const tenon_node_info* n, void* state, void*) TENON_NX {
  return guard(c, [&] { predict(Node(n), *static_cast<const Forest*>(state)); });
}

TENON_MANIFEST("{\"kind\":\"operator\",\"id\":\"tenon::TreeEnsemble\",\"since\":1}");
constexpr tenon_kernel reference = {{sizeof(tenon_kernel), TENON_KIND_KERNEL, "reference/tenon::TreeEnsemble"}, "tenon", "TreeEnsemble", 1, 0, "", 0, 0, nullptr, prepare, run, release};
constexpr tenon_operator definition = make_operator(
    "tenon::TreeEnsemble", "tenon", "TreeEnsemble", 1, 0,
    "(X: num|bool) -> (Y: float, reached?: bool) {n_targets: int, aggregate?: string, dtype?: string, roots: ints, nodes_features: ints, nodes_modes: ints, "
    "nodes_splits: tensor, nodes_true: ints, nodes_false: ints, nodes_missing_true?: ints, leaf_offsets: ints, leaf_targets: ints, "
    "leaf_weights: tensor, base_values?: tensor, member_offsets?: ints, member_values?: tensor}",
    infer_thunk<infer>, &reference);
TENON_REGISTER(&definition.h);

}  // namespace
}  // namespace tenon::ops
