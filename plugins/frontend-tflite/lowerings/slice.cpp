// SPDX-License-Identifier: Apache-2.0
// slice.cpp - parts of a tensor.
#include "lowerings/common/spread.hpp"

#include <algorithm>

namespace tenon::tflite {

// The update is padded to the data's shape, and a mask tells where it lies.
tenon_value update_slice(Lower& l, tenon_value x, tenon_value update, tenon_value begin) {
  tenon_value free = l.emit("Sub", {shape(l, x), shape(l, update)});
  begin = l.emit("Minimum", {l.emit("Maximum", {begin, l.scalar<int64_t>(0)}), free});
  tenon_value pads = concat(l, {begin, l.emit("Sub", {free, begin})}, 0);
  AttrList ones;
  ones.add_tensor("value", one_element(l, dt::u8, true));
  tenon_value mask = l.emit("Pad", {l.emit("ConstantOfShape", {shape(l, update)}, ones), pads});
  tenon_value inside = l.emit("Cast", {mask}, AttrList{}.set("to", "bool"));
  return l.emit("Where", {inside, l.emit("Pad", {update, pads}), x});
}

namespace {

// begin + size, where a size of -1 reaches to the end.
tenon_value slice_ends(Lower& l) {
  auto begin = constant_ints(l, l.in(1)), size = constant_ints(l, l.in(2));
  if (begin && size && begin->size() == size->size()) {
    for (size_t k = 0; k < size->size(); ++k) (*size)[k] = (*size)[k] == -1 ? INT64_MAX : (*begin)[k] + (*size)[k];
    return l.ints(*size);
  }
  tenon_value s = index_list(l, l.in(2)), end = l.emit("Add", {index_list(l, l.in(1)), s});
  if (size && std::find(size->begin(), size->end(), -1) == size->end()) return end;
  return l.emit("Where", {l.emit("Equal", {s, l.scalar<int64_t>(-1)}), l.scalar<int64_t>(INT64_MAX), end});
}

void lower_slice(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  need(l, 1);
  need(l, 2);
  to(l, "Slice", {need(l, 0), index_list(l, l.in(1)), slice_ends(l)});
}
TFLITE_LOWERING("SLICE", lower_slice);

// Numbers of a list that may be constant one by one.
class List {
  Lower& l_;
  tenon_value v_;
  std::optional<std::vector<int64_t>> known_;

 public:
  List(Lower& l, uint64_t k) : l_(l), v_(need(l, k)), known_(constant_ints(l, v_)) {
    if (!known_) v_ = index_list(l, v_);
  }
  std::optional<int64_t> known(size_t i) const { return known_ && i < known_->size() ? std::optional<int64_t>((*known_)[i]) : std::nullopt; }
  /// Element i as a tensor of one element.
  tenon_value at(size_t i) const {
    auto k = known(i);
    return k ? l_.ints({*k}) : slice(l_, v_, 0, static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
  }
};

// What is sliced, by axes of the data; the axes that then vanish, and the new ones, as axes of the result.
struct Plan {
  Values starts, ends;
  std::vector<int64_t> axes, steps, shrink, fresh;
};

class StridedSlice {
  Lower& l_;
  List begin_, end_;
  std::vector<int64_t> strides_;
  Plan plan_;

  bool bit(const char* mask, size_t i) const { return i < 32 && (l_.i(mask) >> i & 1); }

  // One element is taken; -1 is the last one, whose end is not 0.
  tenon_value after(size_t i) {
    if (auto k = begin_.known(i)) return l_.ints({*k == -1 ? INT64_MAX : *k + 1});
    tenon_value b = begin_.at(i);
    return l_.emit("Where", {l_.emit("Equal", {b, l_.scalar<int64_t>(-1)}), l_.scalar<int64_t>(INT64_MAX), l_.emit("Add", {b, l_.scalar<int64_t>(1)})});
  }
  tenon_value end(size_t i) {
    if (bit("end_mask", i)) return l_.ints({strides_[i] > 0 ? INT64_MAX : INT64_MIN});
    if (!l_.i("offset")) return end_.at(i);
    return l_.emit("Add", {begin_.at(i), end_.at(i)});
  }
  void cut(size_t i, int64_t axis) {
    bool shrink = bit("shrink_axis_mask", i);
    plan_.axes.push_back(axis);
    plan_.steps.push_back(shrink ? 1 : strides_[i]);
    bool masked = bit("begin_mask", i) && !shrink;
    plan_.starts.push_back(masked ? l_.ints({strides_[i] > 0 ? 0 : INT64_MAX}) : begin_.at(i));
    plan_.ends.push_back(shrink ? after(i) : end(i));
    if (shrink) plan_.shrink.push_back(axis);
  }
  size_t ellipsis() const {
    size_t i = 0;
    while (i < strides_.size() && !bit("ellipsis_mask", i)) ++i;
    return i;
  }
  // Axes that an ellipsis stands for.
  int64_t skipped(tenon_value x) const {
    if (ellipsis() == strides_.size()) return 0;
    int64_t used = 0;
    for (size_t i = 0; i < strides_.size(); ++i) used += !bit("new_axis_mask", i) && i != ellipsis();
    return std::max<int64_t>(0, rank_of(l_, x) - used);
  }
  void plan(tenon_value x) {
    int64_t axis = 0, out = 0, skip = skipped(x);
    for (size_t i = 0; i < strides_.size(); ++i) {
      if (i == ellipsis()) {
        axis += skip;
        out += skip;
      } else if (bit("new_axis_mask", i)) {
        plan_.fresh.push_back(out++);
      } else {
        cut(i, axis++);
        out += !bit("shrink_axis_mask", i);
      }
    }
  }

 public:
  explicit StridedSlice(Lower& l) : l_(l), begin_(l, 1), end_(l, 2), strides_(need_ints(l, 3, "the strides")) {
    for (int64_t s : strides_)
      if (s == 0) throw invalid("a stride of a slice is 0");
  }
  tenon_value run(tenon_value x) {
    plan(x);
    bool cuts = !plan_.axes.empty();
    if (cuts) x = l_.emit("Slice", {x, join(plan_.starts), join(plan_.ends), l_.ints(plan_.axes), l_.ints(plan_.steps)});
    if (!plan_.shrink.empty()) x = squeeze(l_, x, plan_.shrink);
    if (!plan_.fresh.empty()) x = unsqueeze(l_, x, plan_.fresh);
    return cuts || !plan_.fresh.empty() ? x : l_.emit("Identity", {x});
  }
  // A list of constants stays one.
  tenon_value join(const Values& v) {
    std::vector<int64_t> all;
    for (tenon_value x : v) {
      auto k = constant_ints(l_, x);
      if (!k) return concat(l_, v, 0);
      all.push_back((*k)[0]);
    }
    return l_.ints(all);
  }
};

void lower_strided_slice(Lower& l) {
  known(l, {"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask", "offset"});
  arity(l, 4, 4);
  finish(l, {StridedSlice(l).run(need(l, 0))});
}
TFLITE_LOWERING("STRIDED_SLICE", lower_strided_slice);

void lower_reverse_v2(Lower& l) { same(l, "Reverse", 2, 2); }
TFLITE_LOWERING("REVERSE_V2", lower_reverse_v2);

void lower_reverse_sequence(Lower& l) {
  known(l, {"seq_dim", "batch_dim"});
  arity(l, 2, 2);
  to(l, "ReverseSequence", {need(l, 0), need(l, 1)}, AttrList{}.set("time_axis", l.i("seq_dim")).set("batch_axis", l.i("batch_dim")));
}
TFLITE_LOWERING("REVERSE_SEQUENCE", lower_reverse_sequence);

void lower_dynamic_update_slice(Lower& l) {
  known(l, {});
  arity(l, 3, 3);
  finish(l, {update_slice(l, need(l, 0), need(l, 1), index_list(l, need(l, 2)))});
}
TFLITE_LOWERING("DYNAMIC_UPDATE_SLICE", lower_dynamic_update_slice);

}  // namespace
}  // namespace tenon::tflite
