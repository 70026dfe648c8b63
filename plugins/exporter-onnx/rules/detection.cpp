// SPDX-License-Identifier: Apache-2.0
// detection.cpp - what SSD networks end in: boxes decoded from offsets, then ONNX's suppression of overlapping ones.
#include <cmath>
#include <limits>

#include "emit.hpp"

namespace tenon::to_onnx {
namespace {

/// Short names for arithmetic on f32.
struct Floats {
  Emit& e;
  Value add(Value a, Value b) const { return e.op("Add", {a, b}); }
  Value sub(Value a, Value b) const { return e.op("Sub", {a, b}); }
  Value mul(Value a, Value b) const { return e.op("Mul", {a, b}); }
  Value div(Value a, Value b) const { return e.op("Div", {a, b}); }
  Value exp(Value a) const { return e.op("Exp", {a}); }
  Value number(double v) const { return e.number(dt::f32, v); }
  /// Element k of the last axis, which stays.
  Value column(Value v, int64_t k) const { return e.slice(v, k, k + 1, -1); }
  Value to_float(Value v) const { return e.op("Cast", {v}, AttrList{}.set("to", data_type(dt::f32))); }
};

/// Boxes by the reference kernel, which looks at sizes only: they are known, so the result is a constant.
void prior_box(Emit& e) {
  Values in = e.inputs();
  for (Value& v : in) {
    const ValueInfo i = e.info(v);
    if (i.dim(2) < 0 || i.dim(3) < 0) throw unsupported("prior boxes for an image of unknown size").with("hint", "give the shapes of the model's inputs with \"shapes\"");
    const Dims d{1, 1, i.dim(2), i.dim(3)};
    v = e.numbers(dt::f32, d, std::vector<double>(static_cast<size_t>(d[2] * d[3]), 0));
  }
  e.graph().set_inputs(e.node(), in);
  Value boxes = 0;
  ok(api().exec->evaluate(e.graph().ctx(), e.graph().raw(), e.node(), UINT64_MAX, &boxes, 1));
  e.done({boxes});
}
ONNX_RULE("PriorBox", prior_box);

/// DetectionPostProcess, as TFLite has it.
class PostProcess {
  Emit& e_;
  Floats f_;
  int64_t most_, classes_, per_box_;

  // [1, n, 4] of y0, x0, y1, x1
  Value boxes() const {
    const std::vector<double> scale = e_.floats("scales", {1, 1, 1, 1});
    const Value code = e_.in(0), anchor = e_.in(2);
    auto part = [&](int64_t k) { return f_.div(f_.column(code, k), f_.number(scale[static_cast<size_t>(k)])); };
    auto a = [&](int64_t k) { return f_.column(anchor, k); };
    const Value y = f_.add(f_.mul(part(0), a(2)), a(0)), x = f_.add(f_.mul(part(1), a(3)), a(1));
    auto half = [&](int64_t k) { return f_.mul(f_.mul(f_.exp(part(k)), f_.number(0.5)), a(k)); };
    const Value h = half(2), w = half(3);
    return e_.concat({f_.sub(y, h), f_.sub(x, w), f_.add(y, h), f_.add(x, w)}, -1);
  }
  /// Boxes to keep, [m, 3] of batch, class, box. Scores equal to the threshold count here, and not in ONNX.
  Value selected(Value boxes, Value scores, int64_t most) const {
    const float least = std::nextafter(static_cast<float>(e_.f("nms_score_threshold", 0)), -std::numeric_limits<float>::infinity());
    const Value limit = f_.number(e_.f("nms_iou_threshold"));
    return e_.op("NonMaxSuppression", {boxes, scores, e_.whole(dt::i64, most), limit, f_.number(static_cast<double>(least))});
  }
  Value indices(Value chosen, int64_t column) const { return e_.squeeze(e_.slice(chosen, column, column + 1, 1), {1}); }
  /// Rows of zeros behind v, [m, ...], so that there are `rows`; with a first axis of 1.
  Value filled(Value v, int64_t rows, int64_t rank) const {
    const Value lack = e_.op("Sub", {e_.ints({rows}), e_.slice(e_.shape(v), 0, 1, 0)});
    const std::vector<int64_t> before(static_cast<size_t>(rank), 0), after(static_cast<size_t>(rank) - 1, 0);
    const Value pads = rank == 1 ? e_.concat({e_.ints(before), lack}, 0) : e_.concat({e_.ints(before), lack, e_.ints(after)}, 0);
    return e_.unsqueeze(e_.op("Pad", {v, pads}), {0});
  }
  void finish(Value boxes, Value labels, Value scores, int64_t rows) const {
    const Value count = f_.to_float(e_.slice(e_.shape(scores), 0, 1, 0));
    Values all = {filled(boxes, rows, 2), filled(f_.to_float(labels), rows, 1), filled(scores, rows, 1), count};
    all.resize(e_.n_out());
    e_.done(all);
  }
  void by_best_class(Value boxes, Value scores) const {
    const int64_t shown = std::min(per_box_, classes_);
    const Value best = e_.unsqueeze(e_.reduce("ReduceMax", scores, {-1}, false), {1});
    const Value box = indices(selected(boxes, best, most_), 2);
    const Value rows = e_.gather(e_.squeeze(scores, {0}), box, 0);
    const Values top = e_.op_n("TopK", {rows, e_.ints({shown})}, AttrList{}.set("axis", -1), 2);
    Value kept = e_.gather(e_.squeeze(boxes, {0}), box, 0);
    if (shown > 1) kept = e_.reshape(e_.op("Tile", {kept, e_.ints({1, shown})}), {-1, 4});
    finish(kept, e_.reshape(top[1], {-1}), e_.reshape(top[0], {-1}), most_ * per_box_);
  }
  void by_class(Value boxes, Value scores) const {
    const Value by_label = e_.transpose(scores, {0, 2, 1});
    const Value chosen = selected(boxes, by_label, e_.i("detections_per_class", 100));
    const Value score = e_.op("GatherND", {e_.squeeze(by_label, {0}), e_.slice(chosen, 1, 3, 1)});
    const Value count = e_.op("Min", {e_.shape(score), e_.ints({most_})});
    const Values top = e_.op_n("TopK", {score, count}, AttrList{}.set("axis", 0), 2);
    const Value box = e_.gather(indices(chosen, 2), top[1], 0);
    finish(e_.gather(e_.squeeze(boxes, {0}), box, 0), e_.gather(indices(chosen, 1), top[1], 0), top[0], most_);
  }

 public:
  explicit PostProcess(Emit& e) : e_(e), f_{e}, most_(e.i("max_detections")), classes_(e.i("num_classes")), per_box_(e.i("max_classes_per_detection", 1)) {}
  void run() const {
    const Value scores = e_.slice(e_.in(1), -classes_, INT64_MAX, -1);
    e_.i("use_regular_nms", 0) != 0 ? by_class(boxes(), scores) : by_best_class(boxes(), scores);
  }
};
void detection_post_process(Emit& e) { PostProcess(e).run(); }
ONNX_RULE("DetectionPostProcess", detection_post_process);

/// DetectionOutput, as Caffe has it.
class Output {
  Emit& e_;
  Floats f_;
  int64_t classes_, background_, top_k_, keep_;

  /// [1, n, 4]: row 0 of the prior boxes, or row 1, their variances.
  Value prior(int64_t row) const { return e_.reshape(e_.slice(e_.in(2), row, row + 1, 1), {1, -1, 4}); }
  // [N, n, 4] of x0, y0, x1, y1
  Value boxes() const {
    const std::string code = e_.s("code_type", "CORNER");
    const Value p = prior(0), by = e_.reshape(e_.in(0), {0, -1, 4});
    const Value loc = e_.i("variance_encoded_in_target", 0) != 0 ? by : f_.mul(prior(1), by);
    auto corner = [&](int64_t k) { return f_.column(p, k); };
    if (code == "CORNER") return f_.add(p, loc);
    const Value w = f_.sub(corner(2), corner(0)), h = f_.sub(corner(3), corner(1));
    if (code == "CORNER_SIZE") return f_.add(p, f_.mul(loc, e_.concat({w, h, w, h}, -1)));
    auto middle = [&](int64_t k, Value size) { return f_.add(f_.mul(f_.column(loc, k), size), f_.div(f_.add(corner(k), corner(k + 2)), f_.number(2))); };
    auto half = [&](int64_t k, Value size) { return f_.div(f_.mul(f_.exp(f_.column(loc, k)), size), f_.number(2)); };
    const Value x = middle(0, w), y = middle(1, h), bw = half(2, w), bh = half(3, h);
    return e_.concat({f_.sub(x, bw), f_.sub(y, bh), f_.add(x, bw), f_.add(y, bh)}, -1);
  }
  std::vector<int64_t> labels() const {
    std::vector<int64_t> r;
    for (int64_t c = 0; c < classes_; ++c)
      if (c != background_) r.push_back(c);
    return r;
  }
  // [N, labels, n]; only the best top_k of a class take part
  Value scores() const {
    const Value all = e_.transpose(e_.reshape(e_.in(1), {0, -1, classes_}), {0, 2, 1});
    const Value s = e_.gather(all, e_.ints(labels()), 1);
    const int64_t n = e_.info(e_.in(2)).dim(2);
    if (top_k_ < 0 || (n >= 0 && n / 4 <= top_k_)) return s;
    const Value k = e_.op("Min", {e_.ints({top_k_}), e_.slice(e_.shape(s), 2, 3, 0)});
    const Values top = e_.op_n("TopK", {s, k}, AttrList{}.set("axis", 2), 2);
    const Value nothing = e_.op("Expand", {f_.number(-HUGE_VAL), e_.shape(s)});
    return e_.op("ScatterElements", {nothing, top[1], top[0]}, AttrList{}.set("axis", 2));
  }
  /// Boxes with their corners in order: one that is turned inside out has no area in Caffe, and one in ONNX.
  Value upright(Value boxes) const {
    const Value low = e_.slice(boxes, 0, 2, -1);
    return e_.concat({low, e_.op("Max", {low, e_.slice(boxes, 2, 4, -1)})}, -1);
  }
  /// The best `keep_` of all, in their former order: by class, then by score.
  Value best(Value chosen, Value score) const {
    const Value count = e_.op("Min", {e_.shape(score), e_.ints({keep_})});
    const Values top = e_.op_n("TopK", {score, count}, AttrList{}.set("axis", 0), 2);
    const Values order = e_.op_n("TopK", {top[1], count}, AttrList{}.set("axis", 0).set("largest", 0), 2);
    return e_.gather(chosen, order[0], 0);
  }
  Value gathered(Value from, Value chosen, const std::vector<int64_t>& columns) const { return e_.op("GatherND", {from, e_.gather(chosen, e_.ints(columns), 1)}); }
  /// One row [image, -1, ...] for each image when nothing was found.
  Value or_nothing(Value rows, Value boxes) const {
    const Value images = e_.slice(e_.shape(boxes), 0, 1, 0), zero = e_.whole(dt::i64, 0), one = e_.whole(dt::i64, 1);
    const Value numbers = e_.unsqueeze(f_.to_float(e_.op("Range", {zero, e_.reshape(images, {}), one})), {1});
    const Value rest = e_.op("Expand", {f_.number(-1), e_.concat({images, e_.ints({6})}, 0)});
    const Value found = e_.slice(e_.shape(rows), 0, 1, 0);
    const Value end = e_.where(e_.op("Equal", {found, e_.ints({0})}), images, found);
    const Value all = e_.concat({rows, e_.concat({numbers, rest}, 1)}, 0);
    return e_.op("Slice", {all, e_.ints({0}), end, e_.ints({0})});
  }

 public:
  explicit Output(Emit& e) : e_(e), f_{e}, classes_(e.i("num_classes")), background_(e.i("background_label_id", 0)), top_k_(e.i("top_k", -1)), keep_(e.i("keep_top_k", -1)) {
    if (e.i("share_location", 1) == 0) throw unsupported("locations of their own for each class");
    if (e.f("eta", 1) != 1) throw unsupported("a threshold that shrinks (eta below 1)");
    if (keep_ >= 0 && e.info(e.in(0)).dim(0) != 1) throw unsupported("keep_top_k for a batch, or for one of unknown size");
  }
  void run() const {
    const Value b = boxes(), s = scores(), least = f_.number(e_.f("confidence_threshold", -std::numeric_limits<float>::max()));
    const Value limit = f_.number(e_.f("nms_threshold", 0.3));
    Value chosen = e_.op("NonMaxSuppression", {upright(b), s, e_.whole(dt::i64, INT32_MAX), limit, least});
    if (keep_ >= 0) chosen = best(chosen, gathered(s, chosen, {0, 1, 2}));
    const Value image = f_.to_float(e_.slice(chosen, 0, 1, 1));
    const Value label = f_.to_float(e_.gather(e_.ints(labels()), e_.slice(chosen, 1, 2, 1), 0));
    const Value score = e_.unsqueeze(gathered(s, chosen, {0, 1, 2}), {1}), box = gathered(b, chosen, {0, 2});
    e_.done({e_.reshape(or_nothing(e_.concat({image, label, score, box}, 1), b), {1, 1, -1, 7})});
  }
};
void detection_output(Emit& e) { Output(e).run(); }
ONNX_RULE("DetectionOutput", detection_output);

}  // namespace
}  // namespace tenon::to_onnx
