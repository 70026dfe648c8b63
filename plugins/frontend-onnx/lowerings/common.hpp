// SPDX-License-Identifier: Apache-2.0
// common.hpp - what the lowerings share.
#pragma once
#include <tenon/tenon.hpp>

#include <initializer_list>
#include <optional>

namespace tenon::onnx {

using Values = std::vector<tenon_value>;

/// Every attribute of the node must be one of these: an attribute that nobody reads would be lost in silence.
/// consumed_inputs, a memory hint before opset 6, is always accepted.
void known(const Lower& l, std::initializer_list<std::string_view> names);

/// The node must have this many inputs (absent ones count) and at most `most_out` outputs.
void arity(const Lower& l, uint64_t least_in, uint64_t most_in, uint64_t most_out = 1);

/// Input k, a list of axes, as a tensor of rank 1: models also have a scalar there. 0 when absent.
tenon_value axes_input(Lower& l, uint64_t k);

/// Does anybody read output k?
bool used(const Lower& l, uint64_t k);

/// Input k, which must be there.
tenon_value need(const Lower& l, uint64_t k);

/// All inputs, 0 for absent ones; absent ones at the end are left out.
Values inputs(const Lower& l);

/// Rank of a value; E_UNSUPPORTED with a hint when it is not known.
int32_t rank_of(const Lower& l, tenon_value v, const char* why);
tenon_dtype type_of(const Lower& l, tenon_value v, const char* why);

/// Axis as 0..rank-1 (or ..rank when `end`); out of range throws.
int64_t axis_of(int64_t axis, int32_t rank, bool end = false);

/// Name of an ONNX element type number, as the IR's Cast takes it; an unknown number throws.
std::string dtype_text(int64_t number);
tenon_dtype dtype_number(int64_t number);

/// List attribute of the node (Lower::ints makes a constant and hides Attrs::ints).
std::vector<int64_t> attr_ints(const Lower& l, std::string_view name, std::vector<int64_t> otherwise = {});

/// Elements of input k when it is a constant of integers, else nothing.
std::optional<std::vector<int64_t>> constant_ints(const Lower& l, tenon_value v);

/// Copies the named attributes of the node that are present.
AttrList copied(const Lower& l, std::initializer_list<std::string_view> names);

/// A scalar of the same element type as v, through a CastLike when the type is not known yet.
tenon_value scalar_like(Lower& l, tenon_value v, double x);

/// A tensor of one dimension in i64.
tenon_value iota(Lower& l, int64_t begin, int64_t end);

tenon_value cast(Lower& l, tenon_value v, tenon_dtype to);

/// One IR operator with the same inputs; the node must have none but the given attributes, which are copied.
void same(Lower& l, std::string_view op, std::initializer_list<std::string_view> attrs, uint64_t least_in, uint64_t most_in);

/// Shape of v (i64), and one dimension of it as a tensor of one element.
tenon_value shape(Lower& l, tenon_value v);
tenon_value dim(Lower& l, tenon_value v, int64_t axis);

/// v as a matrix: dimensions before `axis` joined into the first, the others into the second.
tenon_value flatten(Lower& l, tenon_value v, int64_t axis);

}  // namespace tenon::onnx
