// SPDX-License-Identifier: Apache-2.0
#include "common/heads.hpp"

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

/// [batch, steps, hidden] -> Reshape [batch, steps, heads, size] -> Transpose, also of symbolic dimensions.
std::optional<Flat> split_heads(Rewriter& r, tenon_value v, bool swapped, int64_t heads, int64_t size) {
  const tenon_node t = r.made_by(v, "Transpose");
  const std::vector<int64_t> wanted = swapped ? std::vector<int64_t>{0, 2, 3, 1} : std::vector<int64_t>{0, 2, 1, 3};
  if (!t || r.g.attrs(t).ints("perm") != wanted) return std::nullopt;
  const tenon_node reshape = r.made_by(r.g.input(t, 0), "Reshape");
  if (!reshape) return std::nullopt;
  const tenon_value x = r.g.input(reshape, 0);
  const ValueInfo from = r.g.info(x), to = r.g.info(r.g.input(t, 0));
  if (!known(from) || from.rank() != 3 || to.rank() != 4 || from.dim(0) != to.dim(0) || from.dim(1) != to.dim(1)) return std::nullopt;
  if (to.dim(2) != heads || to.dim(3) != size || from.dim(2) != heads * size) return std::nullopt;
  return Flat{x, 0, heads * size, heads * size};
}

/// Strides [batch, heads, steps, size] of columns of [batch, steps, width].
std::optional<Flat> columns_of(const Rewriter& r, View v, bool swapped, int64_t heads, int64_t size) {
  if (v.dims.size() != 4) return std::nullopt;
  if (swapped) std::swap(v.dims[2], v.dims[3]), std::swap(v.strides[2], v.strides[3]);
  const ValueInfo i = r.g.info(v.base);
  const int64_t batch = v.dims[0], steps = v.dims[2], columns = heads * size;
  if (v.dims[1] != heads || v.dims[3] != size || i.rank() < 1) return std::nullopt;
  for (int64_t width : {columns, i.dim(-1)}) {
    const Dims wanted{steps * width, size, width, 1};
    bool same = i.count() == batch * steps * width && v.offset >= 0 && v.offset + columns <= width;
    for (size_t k = 0; k < 4; ++k) same = same && (v.dims[k] == 1 || v.strides[k] == wanted[k]);
    if (same) return Flat{v.base, v.offset, width, columns};
  }
  return std::nullopt;
}

/// All operands are parts, one after the other, of one value.
const Flat* side_by_side(const std::vector<FlatOperand>& operands, std::vector<Flat>* parts) {
  for (const Flat& first : operands.front().forms) {
    if (first.whole() || first.offset != 0) continue;
    parts->clear();
    int64_t at = 0;
    for (const FlatOperand& o : operands)
      for (const Flat& f : o.forms)
        if (f.base == first.base && f.width == first.width && f.offset == at && o.batch == operands.front().batch && o.steps == operands.front().steps) {
          parts->push_back(f);
          at += f.columns;
          break;
        }
    if (parts->size() == operands.size() && at == first.width) return &first;
  }
  return nullptr;
}

/// x as [batch, steps, width]; only for numbers.
tenon_value as_matrix_rows(Rewriter& r, tenon_node root, tenon_value x, const Dims& dims) {
  const ValueInfo i = r.g.info(x);
  if (i.dims().vec() == dims) return x;
  const tenon_value y = r.emit(root, "Reshape", {x, r.g.add_ints("", dims)});
  r.g.set_type(y, i.type(), dims);
  return y;
}

std::vector<tenon_value> parts_of(Rewriter& r, tenon_node root, const Flat& whole, const FlatOperand& like, const std::vector<Flat>& parts) {
  std::vector<int64_t> sizes;
  for (const Flat& f : parts) sizes.push_back(f.columns);
  const AttrList attrs = AttrList{}.set("axis", 2);
  Graph::New d;
  d.op = Graph::op("Split");
  d.in = {as_matrix_rows(r, root, whole.base, {like.batch, like.steps, whole.width}), r.g.add_ints("", sizes)};
  d.attrs = &attrs;
  d.out_names.resize(parts.size());
  d.origins = {root};
  d.before = root;
  d.name = std::string(r.g.name(root));
  const tenon_node n = r.g.add(d);
  std::vector<tenon_value> out = r.g.outputs(n);
  for (size_t k = 0; k < out.size(); ++k) r.g.set_type(out[k], r.g.info(whole.base).type(), Dims{like.batch, like.steps, sizes[k]});
  return out;
}

}  // namespace

std::vector<Flat> flats_of(Rewriter& r, tenon_value v, bool swapped, int64_t heads, int64_t size) {
  std::vector<Flat> result;
  if (const auto f = split_heads(r, v, swapped, heads, size)) result.push_back(*f);
  for (const View& view : views_of(r, v))
    if (const auto f = columns_of(r, view, swapped, heads, size)) result.push_back(*f);
  return result;
}

std::optional<std::vector<tenon_value>> flattened(Rewriter& r, tenon_node root, const std::vector<FlatOperand>& operands) {
  std::vector<Flat> parts;
  if (const Flat* whole = side_by_side(operands, &parts)) return parts_of(r, root, *whole, operands.front(), parts);
  std::vector<const Flat*> chosen;
  for (const FlatOperand& o : operands) {
    const Flat* best = nullptr;
    for (const Flat& f : o.forms) {
      if (!f.whole()) continue;
      const bool ready = r.g.info(f.base).dims() == Dims{o.batch, o.steps, f.width};
      best = &f;  // the farthest: what lies between is not needed any more
      if (ready) break;
    }
    if (!best) return std::nullopt;
    chosen.push_back(best);
  }
  std::vector<tenon_value> result;
  for (size_t k = 0; k < operands.size(); ++k)
    result.push_back(as_matrix_rows(r, root, chosen[k]->base, {operands[k].batch, operands[k].steps, chosen[k]->width}));
  return result;
}

}  // namespace tenon::passes
