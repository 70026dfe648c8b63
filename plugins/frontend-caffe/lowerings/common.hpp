// SPDX-License-Identifier: Apache-2.0
// common.hpp - what the lowerings share.
#pragma once
#include <tenon/tenon.hpp>

#include <optional>
#include <set>

namespace tenon::caffe {

using Values = std::vector<tenon_value>;
using Ints = std::vector<int64_t>;

/// A copy of a node's attributes: theirs are lent until the next edit only.
class OwnedAttrs : public Attrs {
  AttrList list_;
  Values tensors_;

 public:
  explicit OwnedAttrs(const Attrs& from);
  OwnedAttrs(const OwnedAttrs&) = delete;
  OwnedAttrs& operator=(const OwnedAttrs&) = delete;
  /// Constants in attribute "blobs".
  const Values& blobs() const { return tensors_; }
};

/// A layer in lowering. Its parameters are read by their names in the layer's own message ("convolution_param"); one that nobody has
/// read when the layer is done would be lost in silence, so it is an error.
class Layer {
  Lower& l_;
  OwnedAttrs attrs_;
  std::string prefix_;
  mutable std::set<std::string, std::less<>> read_;
  std::string key(std::string_view name) const;
  void check() const;

 public:
  explicit Layer(Lower& l, std::string_view message = "") : l_(l), attrs_(l), prefix_(std::string(message) + ".") {}
  Graph& graph() const { return l_.graph(); }
  Ctx ctx() const { return Ctx(l_.graph().ctx()); }
  std::string name() const { return std::string(l_.name()); }

  // parameters
  bool has(std::string_view name) const { return attrs_.has(key(name)); }
  int64_t i(std::string_view name, int64_t otherwise = 0) const { return attrs_.i(key(name), otherwise); }
  bool flag(std::string_view name, bool otherwise) const { return attrs_.i(key(name), otherwise) != 0; }
  double f(std::string_view name, double otherwise = 0) const;
  std::string s(std::string_view name, std::string_view otherwise = {}) const { return attrs_.s(key(name), otherwise); }
  Ints list(std::string_view name) const { return attrs_.ints(key(name)); }
  std::vector<double> reals(std::string_view name) const { return attrs_.floats(key(name)); }
  /// The parameter has no effect on results.
  void ignore(std::initializer_list<std::string_view> names) const;
  /// A number that must be at least `least`, and small enough that products of two with a size do not overflow.
  int64_t at_least(std::string_view name, int64_t least, int64_t otherwise) const;

  // bottoms and tops
  uint64_t bottoms() const { return l_.n_in(); }
  uint64_t tops() const { return l_.n_out(); }
  /// Throws unless there are least..most bottoms and at most `tops` tops.
  void arity(uint64_t least, uint64_t most, uint64_t tops = 1) const;
  tenon_value in(uint64_t k = 0) const;
  ValueInfo info(tenon_value v) const { return l_.info(v); }
  /// Rank of a value, which must be known.
  int64_t rank(tenon_value v) const;
  /// Axis as Caffe counts it: negative ones from the end. `end`: one past the last is allowed.
  int64_t axis(int64_t axis, int64_t rank, bool end = false) const;
  /// Dimension, negative where it is not a number, as always for what the same lowering has made: types come when it is done.
  int64_t dim(tenon_value v, int64_t k) const {
    ValueInfo i = info(v);
    return k < i.rank() ? i.dim(static_cast<int32_t>(k)) : TENON_DIM_UNKNOWN;
  }

  // blobs
  uint64_t blobs() const { return attrs_.blobs().size(); }
  /// Blob k in the expected shape (negative dimensions: any). Leading ones do not count, as in files of the old form with 4 dimensions.
  /// Where the layer has no blob, its filler makes one if that is constant or bilinear and written in the network.
  tenon_value blob(uint64_t k, const Dims& expected, std::string_view filler = {}) const;
  /// Blob k with one number for each of n channels, whatever its shape is: [n], [1, n, 1, 1]. n negative: not known.
  tenon_value channel_blob(uint64_t k, int64_t n) const;
  /// Elements of blob k.
  std::vector<float> blob_data(uint64_t k) const;

  // building
  tenon_value emit(std::string_view op, const Values& in, const AttrList& attrs = {}) const { return l_.emit(op, in, attrs); }
  Values emit_n(std::string_view op, const Values& in, const AttrList& attrs, size_t n, const std::vector<bool>& wanted = {}) const { return l_.emit_n(op, in, attrs, n, wanted); }
  tenon_value ints(const Ints& v) const { return l_.ints(v); }
  tenon_value scalar(double v) const { return l_.scalar<float>(static_cast<float>(v)); }
  tenon_value constant(const Dims& dims, const std::vector<float>& v) const { return l_.graph().add_constant<float>("", dims, v.data()); }
  tenon_value cast(tenon_value v, tenon_dtype to) const { return info(v).type() == to ? v : emit("Cast", {v}, AttrList{}.set("to", dtype_name(to))); }
  tenon_value reduce(std::string_view op, tenon_value v, const Ints& axes, bool keep = true) const;
  tenon_value unsqueeze(tenon_value v, const Ints& axes) const { return axes.empty() ? v : emit("Unsqueeze", {v, ints(axes)}); }
  tenon_value transpose(tenon_value v, const Ints& perm) const { return emit("Transpose", {v}, AttrList{}.set("perm", perm)); }
  /// A constant in another shape of as many elements; no copy.
  tenon_value reshaped(tenon_value constant, const Dims& dims) const;
  bool top_used(uint64_t k) const;

  void done(const Values& with) const;
  void to(std::string_view op, const Values& in, const AttrList& attrs = {}) const { done({emit(op, in, attrs)}); }
};

/// A shape put together from numbers and from dimensions of values, which may be symbols: a constant where all are numbers.
class Shape {
  const Layer& l_;
  struct Part {
    tenon_value v;   ///< i64 of rank 1, or 0
    int64_t number;
  };
  std::vector<Part> parts_;

 public:
  explicit Shape(const Layer& l) : l_(l) {}
  Shape& number(int64_t n) {
    parts_.push_back({0, n});
    return *this;
  }
  /// Dimension k of v.
  Shape& of(tenon_value v, int64_t k);
  Shape& range(tenon_value v, int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) of(v, k);
    return *this;
  }
  /// i64 of rank 1, one element.
  Shape& value(tenon_value v) {
    parts_.push_back({v, 0});
    return *this;
  }
  tenon_value get() const;
};

/// v in that shape; a dimension of 0 stays 0.
tenon_value reshape(const Layer& l, tenon_value v, const Shape& s);
/// Dimension k of v as i64 of rank 1.
tenon_value dim_value(const Layer& l, tenon_value v, int64_t k);

std::string text(const Dims& d);

}  // namespace tenon::caffe
