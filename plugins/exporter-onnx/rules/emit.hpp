// SPDX-License-Identifier: Apache-2.0
// emit.hpp - one IR node on its way to ONNX. A rule puts operators of domain "onnx" (ai.onnx) or another ONNX domain in its place;
// attributes are those of the ONNX operator in the chosen opset.
#pragma once
#include <map>
#include <optional>

#include "../settings.hpp"

namespace tenon::to_onnx {

using Value = tenon_value;
using Values = std::vector<Value>;

/// Constants that rules made, so that equal ones are one. A constant belongs to the whole model.
using Constants = std::map<std::string, Value>;

/// An attribute whose value is a TypeProto in its bytes: TENON_AT_RAW under this name.
inline constexpr const char* kTypeAttribute = "type";

class Emit : public Attrs {
  Graph g_;
  tenon_node n_;
  const Settings& settings_;
  Constants& constants_;
  std::string name_;

  Value constant(tenon_dtype t, const Dims& dims, const void* data, uint64_t bytes);

 public:
  Emit(const Graph& g, tenon_node n, const Settings& s, Constants& c)
      : Attrs(g.attrs(n)), g_(g.ctx(), g.graph_of(n)), n_(n), settings_(s), constants_(c), name_(g.name(n)) {}

  // the node
  Graph& graph() { return g_; }
  tenon_node node() const { return n_; }
  int64_t opset() const { return settings_.opset; }
  bool microsoft() const { return settings_.microsoft; }
  uint64_t n_in() const { return g_.inputs(n_).size(); }
  uint64_t n_out() const { return g_.outputs(n_).size(); }
  Value in(uint64_t k) const { return g_.input(n_, k); }
  Value out(uint64_t k = 0) const { return g_.output(n_, k); }
  bool wanted(uint64_t k) const { return out(k) != 0 && g_.info(out(k)).n_uses() > 0; }
  /// All inputs, absent ones at the end left out.
  Values inputs() const;
  std::vector<int64_t> attr_ints(std::string_view name, std::vector<int64_t> otherwise = {}) const { return Attrs::ints(name, std::move(otherwise)); }

  // values
  ValueInfo info(Value v) const { return g_.info(v); }
  tenon_dtype type(Value v) const { return g_.info(v).type(); }
  int32_t rank(Value v) const { return g_.info(v).rank(); }
  /// Rank of a value; E_UNSUPPORTED when it is not known.
  int32_t known_rank(Value v, const char* what) const;
  /// Axis as 0 .. rank - 1.
  int64_t axis(Value v, int64_t axis) const;
  /// Elements of a constant of integers.
  std::optional<std::vector<int64_t>> constant_ints(Value v) const;
  /// Elements of a constant of numbers of 16 bits or more and 8-bit integers, as double.
  std::optional<std::vector<double>> constant_numbers(Value v) const;
  std::vector<int64_t> need_ints(Value v, const char* what) const;

  // new values
  Value op(std::string_view name, const Values& in, const AttrList& attrs = {}) { return make("onnx", name, in, attrs, 1, {})[0]; }
  Values op_n(std::string_view name, const Values& in, const AttrList& attrs, size_t n, const std::vector<bool>& wanted = {}) { return make("onnx", name, in, attrs, n, wanted); }
  /// Of another domain, version 1 unless said otherwise.
  Values make(std::string_view domain, std::string_view name, const Values& in, const AttrList& attrs, size_t n, const std::vector<bool>& wanted, int32_t version = 1);
  Value ms(std::string_view name, const Values& in, const AttrList& attrs = {}) { return make("com.microsoft", name, in, attrs, 1, {})[0]; }
  Value ints(const std::vector<int64_t>& v) { return numbers(dt::i64, {static_cast<int64_t>(v.size())}, std::vector<double>(), &v); }
  /// Constant of element type t; types that C++ lacks come through a Cast.
  Value numbers(tenon_dtype t, const Dims& dims, const std::vector<double>& v, const std::vector<int64_t>* whole = nullptr);
  Value number(tenon_dtype t, double v) { return numbers(t, {}, {v}); }
  Value whole(tenon_dtype t, int64_t v) {
    const std::vector<int64_t> one{v};
    return numbers(t, {}, {}, &one);
  }
  Value cast(Value v, tenon_dtype to);
  /// v, whose element type is said: rules that come after may ask for it.
  Value typed(Value v, tenon_dtype t);

  // what opsets say differently
  Value shape(Value v) { return op("Shape", {v}); }
  Value reshape(Value v, const std::vector<int64_t>& dims) { return op("Reshape", {v, ints(dims)}); }
  Value unsqueeze(Value v, const std::vector<int64_t>& axes) { return op("Unsqueeze", {v, ints(axes)}); }
  Value squeeze(Value v, const std::vector<int64_t>& axes) { return op("Squeeze", {v, ints(axes)}); }
  Value transpose(Value v, const std::vector<int64_t>& perm) { return op("Transpose", {v}, AttrList{}.set("perm", perm)); }
  Value concat(const Values& v, int64_t axis) { return op("Concat", v, AttrList{}.set("axis", axis)); }
  Value gather(Value v, Value at, int64_t axis) { return op("Gather", {v, at}, AttrList{}.set("axis", axis)); }
  /// v[begin:end] along one axis.
  Value slice(Value v, int64_t begin, int64_t end, int64_t axis) { return op("Slice", {v, ints({begin}), ints({end}), ints({axis})}); }
  /// One of ReduceMax, ReduceMean, ReduceMin, ReduceProd, ReduceSum over known axes.
  Value reduce(std::string_view name, Value v, const std::vector<int64_t>& axes, bool keep);
  /// A tensor of one element as a scalar.
  Value scalar(Value v);
  /// The same, as a tensor of rank 1.
  Value one_element(Value v);
  /// select(condition, a, b)
  Value where(Value condition, Value a, Value b) { return op("Where", {condition, a, b}); }
  /// A type that the ONNX operator takes, for operators whose result does not depend on the width: the value's own when `takes` says so.
  Value widened(Value v, const std::vector<tenon_dtype>& takes);

  // finishing
  /// The node's outputs are replaced by these values (0 = not wanted) and the node is erased.
  void done(const Values& with);
  void to(std::string_view name, const Values& in, const AttrList& attrs = {}) { done({op(name, in, attrs)}); }
  /// The ONNX operator with the same inputs and outputs and these attributes, where present.
  void same(std::string_view name, std::initializer_list<std::string_view> attrs = {});
  AttrList copied(std::initializer_list<std::string_view> names) const;
  /// E_UNSUPPORTED unless the opset is at least this.
  void need_opset(int64_t least) const;
};

using Rule = void (*)(Emit&);

struct RuleEntry {
  const char* domain;
  const char* name;  ///< of the IR operator
  Rule rule;
  bool (*applies)(Emit&) = nullptr;  ///< where it does not, the operator's definition expands it
};
extern "C" const RuleEntry* const __start_onnx_rule[] __attribute__((visibility("hidden")));
extern "C" const RuleEntry* const __stop_onnx_rule[] __attribute__((visibility("hidden")));

/// Puts a rule into the plugin's table, beside the rule itself.
#define ONNX_RULE(name_, rule_) ONNX_RULE_IF(name_, nullptr, rule_)
#define ONNX_RULE_IF(name_, applies_, rule_)                                                        \
  static constexpr RuleEntry TENON_CAT_(rule_entry_, __LINE__) = {"tenon", name_, rule_, applies_}; \
  __attribute__((used, section("onnx_rule"))) static const RuleEntry* const TENON_CAT_(rule_pointer_, __LINE__) = &TENON_CAT_(rule_entry_, __LINE__)

/// An activation by the name and parameters that Conv, ConvTranspose and Gemm carry; x when the name is empty.
Value activation(Emit& e, std::string_view name, const std::vector<double>& params, Value x, tenon_dtype type);
/// Division of whole numbers rounded toward minus infinity.
Value floor_div(Emit& e, Value a, Value b);
Value gelu(Emit& e, Value x, tenon_dtype type, bool approximate);

}  // namespace tenon::to_onnx
