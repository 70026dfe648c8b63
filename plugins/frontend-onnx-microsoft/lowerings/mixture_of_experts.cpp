// SPDX-License-Identifier: Apache-2.0
// mixture_of_experts.cpp - MoE and QMoE: each token goes through the k experts that its router prefers. All experts compute all tokens here,
// and those not chosen count zero: exact, and plain matrix products.
#include <cmath>
#include <limits>

#include "blockwise.hpp"

namespace tenon::contrib {
namespace {

/// One linear layer of every expert: weights [experts, out, in], bias [experts, out] or 0.
struct Layer {
  tenon_value weights, bias;
};

/// x [1 or experts, tokens, in] -> [experts, tokens, out].
tenon_value apply(Lower& l, tenon_value x, const Layer& layer) {
  tenon_value y = l.emit("MatMul", {x, transpose(l, layer.weights, {0, 2, 1})});
  return layer.bias ? l.emit("Add", {y, unsqueeze(l, layer.bias, {1})}) : y;
}

class Experts {
  Lower& l_;
  tenon_dtype type_;

  tenon_value number(double v) { return l_.scalar_of(type_, v); }
  /// G * sigmoid(alpha G) * (L + beta), both bounded by the limit.
  tenon_value swiglu(tenon_value g, tenon_value linear) {
    const double limit = l_.f("swiglu_limit", std::numeric_limits<double>::infinity());
    if (std::isfinite(limit)) {
      g = l_.emit("Minimum", {g, number(limit)});
      linear = l_.emit("Clip", {linear, number(-limit), number(limit)});
    }
    tenon_value gate = l_.emit("Swish", {g}, AttrList{}.set("alpha", l_.f("activation_alpha", 1)));
    return l_.emit("Mul", {gate, l_.emit("Add", {linear, number(l_.f("activation_beta", 0))})});
  }
  /// Gate and linear part: interleaved in one layer, or one behind the other.
  tenon_value fused_swiglu(tenon_value h, int64_t fusion) {
    if (fusion == 1) {
      tenon_value pairs = reshape(l_, h, {0, 0, -1, 2});
      return swiglu(gather(l_, pairs, l_.scalar<int64_t>(0), 3), gather(l_, pairs, l_.scalar<int64_t>(1), 3));
    }
    const auto half = l_.emit_n("Split", {h}, AttrList{}.set("axis", 2).set("num_outputs", 2), 2);
    return swiglu(half[0], half[1]);
  }

 public:
  explicit Experts(Lower& l) : l_(l), type_(type_of(l, need(l, 0))) {}
  tenon_value activation(tenon_value h, tenon_value other) {
    const std::string name = l_.s("activation_type", "relu");
    const int64_t fusion = l_.i("swiglu_fusion", 0);
    if (name == "swiglu") {
      if (fusion != 0 && fusion != 1 && fusion != 2) throw invalid("unknown swiglu_fusion").with("expected", "0 to 2").with("found", std::to_string(fusion));
      if ((fusion == 0) != (other != 0))
        throw invalid("swiglu_fusion does not fit the inputs").with("expected", "fc3 weights exactly when it is 0").with("found", std::to_string(fusion));
      return other ? swiglu(h, other) : fused_swiglu(h, fusion);
    }
    if (name == "relu") h = l_.emit("Relu", {h});
    else if (name == "gelu") h = l_.emit("Gelu", {h}, AttrList{}.set("approximate", "tanh"));
    else if (name == "silu") h = l_.emit("Swish", {h});
    else if (name != "identity") throw unsupported("this activation_type is not supported").with("expected", "relu, gelu, silu, swiglu or identity").with("found", name);
    return other ? l_.emit("Mul", {h, other}) : h;
  }
  /// Share of each expert in each token: [tokens, experts].
  tenon_value shares() {
    tenon_value scores = need(l_, 1);
    const bool normalize = l_.i("normalize_routing_weights", 0) != 0;
    AttrList last;
    last.add("axis", 1);
    if (!normalize) scores = l_.emit("Softmax", {scores}, last);
    const auto top = l_.emit_n("TopK", {scores, l_.ints({l_.i("k", 1)})}, last, 2);
    tenon_value chosen = normalize ? l_.emit("Softmax", {top[0]}, last) : top[0];
    return l_.emit("ScatterElements", {l_.emit("Expand", {number(0), shape(l_, l_.in(1))}), top[1], chosen}, last);
  }
  void run(const Layer& first, const Layer& second, const Layer& gate) {
    const int64_t hidden = rank_of(l_, l_.in(0), "the input") - 1;
    tenon_value width = dim(l_, l_.in(0), hidden);
    tenon_value tokens = unsqueeze(l_, l_.emit("Reshape", {l_.in(0), concat(l_, {l_.ints({-1}), width})}), {0});
    tenon_value h = activation(apply(l_, tokens, first), gate.weights ? apply(l_, tokens, gate) : 0);
    tenon_value share = unsqueeze(l_, transpose(l_, shares(), {1, 0}), {2});
    tenon_value y = reduce(l_, "ReduceSum", l_.emit("Mul", {apply(l_, h, second), share}), {0}, false);
    l_.to("Reshape", {y, shape(l_, l_.in(0))});
  }
};

void refuse_features(Lower& l) {
  refuse(l.i("use_sparse_mixer", 0) != 0, "use_sparse_mixer");
  refuse(l.i("swiglu_limit_after_activation", 0) != 0, "swiglu_limit_after_activation");
}

void lower_moe(Lower& l) {
  known(l, {"activation_alpha", "activation_beta", "activation_type", "k", "normalize_routing_weights", "swiglu_fusion", "swiglu_limit", "swiglu_limit_after_activation", "use_sparse_mixer"});
  arity(l, 5, 8);
  refuse_features(l);
  Experts(l).run({need(l, 2), l.in(3)}, {need(l, 4), l.in(5)}, {l.in(6), l.in(7)});
}
TENON_LOWERING("com.microsoft", "MoE", 1, lower_moe);

/// Layer k of quantized weights [experts, out, in * bits / 8] with a scale for each row, or for each block of one.
Layer dequantized_layer(Lower& l, uint64_t weights, uint64_t zeros, const char* bits_name) {
  const ValueInfo w = l.info(need(l, weights)), s = l.info(need(l, weights + 1));
  if (w.rank() != 3 || !w.is_static() || s.rank() < 2)
    throw unsupported("the shapes of the experts' weights and scales are not known").with("expected", "[experts, out, in] and [experts, out] or [experts, out, blocks]");
  const int64_t bits = l.i(bits_name, 0) > 0 ? l.i(bits_name) : l.i("expert_weight_bits", 4);
  Blocks b{w.dim(0) * w.dim(1), 0, l.i("block_size", 0), 1, unsigned_of(bits)};
  b.columns = w.dim(2) * 8 / b.type.bits;
  if (b.size <= 0) b.size = b.columns;
  if (b.columns < 1) throw invalid("the experts' weights are empty");
  b.count = (b.columns - 1) / b.size + 1;
  tenon_value q = seen_as(l, l.in(weights), b.type, b.rows, b.columns, "the experts' weights");
  refuse(b.count * b.size != b.columns, "a last block that is not full");
  tenon_value v = reshape(l, block_weights(l, q, l.in(weights + 1), l.in(zeros), b), {w.dim(0), w.dim(1), b.columns});
  return {l.emit("Cast", {v}, AttrList{}.set("to", dtype_name(type_of(l, l.in(0))))), l.in(weights + 2)};
}

void lower_qmoe(Lower& l) {
  known(l, {"accuracy_level", "activation_alpha", "activation_beta", "activation_type", "block_size", "expert_weight_bits", "fc1_expert_weight_bits", "fc2_expert_weight_bits",
            "fc3_expert_weight_bits", "k", "normalize_routing_weights", "quant_type", "swiglu_fusion", "swiglu_limit", "swiglu_limit_after_activation", "use_sparse_mixer", "weights_prepacked"});
  arity(l, 7, 21);
  refuse_features(l);
  refuse(l.i("weights_prepacked", 0) > 0, "weights_prepacked");
  refuse(l.has("quant_type") && l.s("quant_type") != "int", "this quant_type", l.s("quant_type"));
  for (uint64_t k = 14; k < 21; ++k) refuse(l.has_in(k), "input " + std::to_string(k));
  const Layer gate = l.has_in(8) ? dequantized_layer(l, 8, 13, "fc3_expert_weight_bits") : Layer{0, 0};
  Experts(l).run(dequantized_layer(l, 2, 11, "fc1_expert_weight_bits"), dequantized_layer(l, 5, 12, "fc2_expert_weight_bits"), gate);
}
TENON_LOWERING("com.microsoft", "QMoE", 1, lower_qmoe);

}  // namespace
}  // namespace tenon::contrib
