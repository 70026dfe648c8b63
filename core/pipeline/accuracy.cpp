// SPDX-License-Identifier: Apache-2.0
// How many classes an output gets right.
#include <algorithm>
#include <cmath>

#include "../data/numbers.hpp"
#include "../data/shape.hpp"
#include "../report/nearest.hpp"
#include "execute_stage.hpp"

namespace tenon::core {
namespace {

/// Index of the largest of n elements, the first of equal ones; NaN is smaller than all.
int64_t largest_at(const Tensor& t, int64_t begin, int64_t n) {
  int64_t best = 0;
  double most = -HUGE_VAL;
  for (int64_t i = 0; i < n; ++i) {
    double x = number_at(t.buffer.data(), t.type, begin + i);
    if (x > most) most = x, best = i;
  }
  return best;
}

}  // namespace

Result<Tensor> ExecuteStage::read_labels() const {
  if (!labels_file_.empty()) {
    auto f = Npz::open(labels_file_);
    if (!f) return fail(std::move(f.error()));
    return f->single_array() ? f->read("") : fail(Error(TENON_E_INVALID, "not a .npy file").with("file", labels_file_));
  }
  std::vector<std::string> known;
  for (const std::string* path : {&inputs_, &expect_}) {
    if (path->empty()) continue;
    auto f = Npz::open(*path);
    if (!f) return fail(std::move(f.error()));
    if (f->has(labels_)) return f->read(labels_);
    for (auto& n : f->names()) known.push_back(std::move(n));
  }
  return fail(Error(TENON_E_CONFIG, "there is no entry \"" + labels_ + "\" with labels").with("position", where).with("hint", nearest_hint(labels_, known)));
}

Status ExecuteStage::count_right(Run& r, const std::vector<Tensor>& out, StageRecord* record) const {
  if (labels_.empty()) return {};
  const auto& names = r.model->main().output_names;
  auto it = std::find(names.begin(), names.end(), scores_);
  if (it == names.end()) return fail(Error(TENON_E_CONFIG, "the graph has no output \"" + scores_ + "\"").with("position", where).with("hint", nearest_hint(scores_, names)));
  const Tensor& scores = out[static_cast<size_t>(it - names.begin())];
  auto labels = read_labels();
  if (!labels) return fail(std::move(labels.error()));
  int64_t classes = scores.dims.empty() ? 0 : scores.dims.back();
  int64_t count = classes > 0 ? scores.count() / classes : 0;
  if (!is_int(labels->type) || labels->count() != count || scores.strings || scores.items)
    return fail(Error(TENON_E_CONFIG, "the labels do not fit the output").with("expected", std::to_string(count) + " integers for " + type_text(scores.type, scores.dims)).with("found", type_text(labels->type, labels->dims)));
  int64_t right = 0;
  for (int64_t i = 0; i < count; ++i) right += largest_at(scores, i * classes, classes) == static_cast<int64_t>(number_at(labels->buffer.data(), labels->type, i));
  record->details["accuracy"] = {{"right", right}, {"count", count}, {"ratio", count ? static_cast<double>(right) / static_cast<double>(count) : 0.0}};
  return {};
}

}  // namespace tenon::core
