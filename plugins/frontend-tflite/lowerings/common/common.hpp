// SPDX-License-Identifier: Apache-2.0
// common.hpp - what the lowerings share.
#pragma once
#include <tenon/tenon.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "lowerings/quantized/dispatch.hpp"

namespace tenon::tflite {

using Values = std::vector<tenon_value>;

/// Every attribute of the node must be one of these: an option that nobody reads would be lost in silence.
void known(const Lower& l, std::initializer_list<std::string_view> names);

/// Number of inputs (absent ones count) and outputs that the node may have.
void arity(const Lower& l, uint64_t least_in, uint64_t most_in, uint64_t most_out = 1);

/// Input k, which must be there.
tenon_value need(const Lower& l, uint64_t k);
/// The same, of floating-point numbers or of booleans.
tenon_value need_float(const Lower& l, uint64_t k);
tenon_value need_bool(const Lower& l, uint64_t k);
Values inputs(const Lower& l);

/// Does anybody read output k?
bool used(const Lower& l, uint64_t k);

/// Rank and type of a value; E_UNSUPPORTED when they are not known.
int32_t rank_of(const Lower& l, tenon_value v);
tenon_dtype type_of(const Lower& l, tenon_value v);

/// The outputs become these values, which keep names and quantization.
void finish(Lower& l, const Values& with);
void to(Lower& l, std::string_view op, const Values& in, const AttrList& attrs = {});

/// Axis as 0..rank-1 (or ..rank when `end`); out of range throws.
int64_t axis_of(int64_t axis, int32_t rank, bool end = false);

/// Elements of a constant of integers, else nothing.
std::optional<std::vector<int64_t>> constant_ints(const Lower& l, tenon_value v);
/// The same; E_UNSUPPORTED when it is computed.
std::vector<int64_t> need_ints(const Lower& l, uint64_t k, const char* what);
/// List attribute (Lower::ints makes a constant and hides Attrs::ints), and a graph attribute.
std::vector<int64_t> attr_ints(const Lower& l, std::string_view name);
tenon_graph* attr_graph(const Lower& l, std::string_view name);

tenon_value cast(Lower& l, tenon_value v, tenon_dtype to);
/// An integer tensor as i64, of rank 1; constants stay constants.
tenon_value index_list(Lower& l, tenon_value v);
/// The same as a scalar.
tenon_value index_scalar(Lower& l, tenon_value v);

tenon_value reshape(Lower& l, tenon_value v, const std::vector<int64_t>& shape);
tenon_value transpose(Lower& l, tenon_value v, const std::vector<int64_t>& perm);
tenon_value unsqueeze(Lower& l, tenon_value v, const std::vector<int64_t>& axes);
tenon_value squeeze(Lower& l, tenon_value v, const std::vector<int64_t>& axes);
tenon_value concat(Lower& l, const Values& v, int64_t axis);
tenon_value reduce(Lower& l, std::string_view op, tenon_value v, const std::vector<int64_t>& axes, bool keep);
/// v[begin, end) along an axis.
tenon_value slice(Lower& l, tenon_value v, int64_t axis, int64_t begin, int64_t end);

/// Shape of v (i64), a part of it, one dimension of it as a tensor of one element.
tenon_value shape(Lower& l, tenon_value v);
tenon_value shape(Lower& l, tenon_value v, int64_t begin, int64_t end);
tenon_value dim(Lower& l, tenon_value v, int64_t axis);
/// Number of elements, as a tensor of one element.
tenon_value element_count(Lower& l, tenon_value v);

/// A scalar of the element type of v.
tenon_value scalar_like(Lower& l, tenon_value v, double x);

/// v, of type t, after the fused activation of the node (attribute fused_activation_function). A value that the lowering itself has
/// made has no type yet, so the type is told.
tenon_value activate(Lower& l, tenon_value v, tenon_dtype t);
tenon_value clip(Lower& l, tenon_value v, tenon_dtype t, double low, double high);

/// Zeros of a shape (i64); a constant of one element, 0 or 1.
tenon_value zeros(Lower& l, tenon_value shape, tenon_dtype t);
tenon_value one_element(Lower& l, tenon_dtype t, bool one);
/// What stands for 0 in a tensor: its zero point when it is quantized. A scalar.
tenon_value zero_of(Lower& l, tenon_value v);

/// v has zero_point and scale.
bool is_quantized(Lower& l, tenon_value v);
void carry_quantization(Graph& g, tenon_value from, tenon_value to);

/// A tensor type by its name in the file ("INT32").
tenon_dtype dtype_named(std::string_view name);

/// One IR operator with the same inputs and no options.
void same(Lower& l, std::string_view op, uint64_t least_in, uint64_t most_in);
/// The same for n inputs of floating-point numbers, or of booleans.
void same_float(Lower& l, std::string_view op, uint64_t n);
void same_bool(Lower& l, std::string_view op, uint64_t n);

/// Quantized tensors first: their arithmetic is another. What the numbers alone decide goes on to `Fn`.
template <LowerFn Fn>
void unless_quantized(Lower& l) {
  if (l.has("unknown_options")) throw unsupported("its options are of a newer version of the format than is known");
  if (!quantized::lower(l)) Fn(l);
}

}  // namespace tenon::tflite

/// Lowering of a builtin operator, of every version.
#define TFLITE_LOWERING(name_, fn_) TENON_LOWERING("tflite", name_, 1, ::tenon::tflite::unless_quantized<fn_>)
