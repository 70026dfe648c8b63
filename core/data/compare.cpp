// SPDX-License-Identifier: Apache-2.0
#include "compare.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "numbers.hpp"
#include "shape.hpp"

namespace tenon::core {
namespace {

std::vector<int64_t> unravel(int64_t flat, const std::vector<int64_t>& dims) {
  std::vector<int64_t> index(dims.size());
  for (size_t d = dims.size(); d-- > 0;) {
    index[d] = flat % dims[d];
    flat /= dims[d];
  }
  return index;
}

/// How far an element is over its limit; NaN against a number is infinitely far.
struct Gap {
  double difference = 0, over = 0;
};
Gap float_gap(double x, double y, double absolute, double relative, double scale) {
  if ((std::isnan(x) && std::isnan(y)) || x == y) return {0, -HUGE_VAL};
  if (!std::isfinite(x) || !std::isfinite(y)) return {HUGE_VAL, HUGE_VAL};
  double difference = std::fabs(x - y);
  return {difference, difference - (absolute + relative * scale)};
}

/// Distance of 64-bit integers, exact.
uint64_t int_distance(const uint8_t* x, const uint8_t* y, tenon_dtype t, int64_t i) {
  if (t.bits < 64) return static_cast<uint64_t>(std::fabs(number_at(x, t, i) - number_at(y, t, i)));
  uint64_t a, b;
  std::memcpy(&a, x + 8 * i, 8);
  std::memcpy(&b, y + 8 * i, 8);
  bool less = t.code == TENON_DT_INT ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
  return less ? b - a : a - b;
}
std::string int_text(const uint8_t* x, tenon_dtype t, int64_t i) {
  if (t.bits < 64) return fmt::format("{}", static_cast<int64_t>(number_at(x, t, i)));
  uint64_t a;
  std::memcpy(&a, x + 8 * i, 8);
  return t.code == TENON_DT_INT ? std::to_string(static_cast<int64_t>(a)) : std::to_string(a);
}

double peak(const uint8_t* y, tenon_dtype t, int64_t parts) {
  double p = 0;
  for (int64_t i = 0; i < parts; ++i) {
    double v = std::fabs(number_at(y, t, i));
    if (std::isfinite(v) && v > p) p = v;
  }
  return p;
}

class Comparer {
  const Tensor& x_;
  const Tensor& y_;
  const Tolerance& t_;
  Comparison r_;
  double worst_ = -HUGE_VAL;
  int64_t at_ = -1;

  void note(int64_t i, Gap g) {
    if (g.over > 0) ++r_.missed;
    r_.max_difference = std::max(r_.max_difference, g.difference);
    if (at_ >= 0 && g.over <= worst_) return;
    worst_ = g.over;
    at_ = i;
  }
  void floats() {
    int64_t n = x_.count(), per = x_.type.code == TENON_DT_COMPLEX ? 2 : 1;
    const uint8_t *x = x_.buffer.data(), *y = y_.buffer.data();
    double scale = t_.of_peak && !t_.bits ? peak(y, y_.type, n * per) : 0;
    for (int64_t i = 0; i < n; ++i) {
      Gap g{0, -HUGE_VAL};
      for (int64_t k = i * per; k < (i + 1) * per; ++k) {
        double a = number_at(x, x_.type, k), b = number_at(y, y_.type, k);
        Gap part = t_.bits ? exact_gap(a, b) : float_gap(a, b, t_.absolute, t_.relative, t_.of_peak ? scale : std::fabs(b));
        if (part.over >= g.over) g = part;
      }
      note(i, g);
    }
    if (at_ < 0) return;
    auto text = [&](const uint8_t* p) {
      return per == 1 ? fmt::format("{:.9g}", number_at(p, x_.type, at_)) : fmt::format("{:.9g}{:+.9g}i", number_at(p, x_.type, 2 * at_), number_at(p, x_.type, 2 * at_ + 1));
    };
    r_.x = text(x);
    r_.y = text(y);
  }
  static Gap exact_gap(double a, double b) {
    if (std::isnan(a) && std::isnan(b)) return {0, -HUGE_VAL};
    if (a == b && std::signbit(a) == std::signbit(b)) return {0, -HUGE_VAL};
    double d = std::fabs(a - b);
    return {std::isnan(d) ? HUGE_VAL : d, std::isnan(d) ? HUGE_VAL : std::max(d, 1e-300)};
  }
  void integers() {
    double limit = t_.bits || x_.type.code == TENON_DT_BOOL ? 0 : t_.absolute;
    const uint8_t *x = x_.buffer.data(), *y = y_.buffer.data();
    for (int64_t i = 0; i < x_.count(); ++i) {
      auto d = static_cast<double>(int_distance(x, y, x_.type, i));
      note(i, {d, d > limit ? d - limit : -HUGE_VAL});
    }
    if (at_ < 0) return;
    r_.x = int_text(x, x_.type, at_);
    r_.y = int_text(y, y_.type, at_);
  }
  void strings() {
    for (int64_t i = 0; i < x_.count(); ++i) {
      bool same = (*x_.strings)[static_cast<size_t>(i)] == (*y_.strings)[static_cast<size_t>(i)];
      note(i, same ? Gap{0, -HUGE_VAL} : Gap{HUGE_VAL, HUGE_VAL});
    }
    if (at_ < 0) return;
    r_.x = '"' + (*x_.strings)[static_cast<size_t>(at_)] + '"';
    r_.y = '"' + (*y_.strings)[static_cast<size_t>(at_)] + '"';
  }

 public:
  Comparer(const Tensor& x, const Tensor& y, const Tolerance& t) : x_(x), y_(y), t_(t) {}
  Comparison run() {
    r_.count = static_cast<uint64_t>(x_.count());
    if (x_.type.code == TENON_DT_STRING)
      strings();
    else if (is_int(x_.type) || x_.type.code == TENON_DT_BOOL)
      integers();
    else
      floats();
    if (at_ >= 0) r_.worst = unravel(at_, x_.dims);
    return std::move(r_);
  }
};

Comparison differ(std::string what) {
  Comparison r;
  r.difference = std::move(what);
  return r;
}

Comparison compare_items(const Tensor& x, const Tensor& y, const Tolerance& t) {
  if (x.items->size() != y.items->size()) return differ(fmt::format("a sequence of {} items, expected {}", x.items->size(), y.items->size()));
  Comparison all;
  bool first_miss = true;
  for (size_t i = 0; i < x.items->size(); ++i) {
    Comparison c = compare((*x.items)[i], (*y.items)[i], t);
    if (!c.difference.empty()) return differ(fmt::format("item {}: {}", i, c.difference));
    all.count += c.count;
    all.missed += c.missed;
    all.max_difference = std::max(all.max_difference, c.max_difference);
    bool take = i == 0 || (c.missed && first_miss);
    first_miss = first_miss && !c.missed;
    if (!take) continue;
    all.worst = c.worst;
    all.worst_item = std::to_string(i);
    all.x = c.x;
    all.y = c.y;
  }
  return all;
}

}  // namespace

std::string Tolerance::text() const {
  if (bits) return "the same bits";
  return fmt::format("{:g} + {:g} * {}", absolute, relative, of_peak ? "the largest magnitude" : "|expected|");
}

Tolerance tolerance_from(const Json& j) {
  if (j.is_number()) return {0, j.get<double>(), true, false};
  if (!j.is_object()) return {};
  return {j.value("absolute", 0.0), j.value("relative", 0.0), j.value("of", "element") == "peak", false};
}

std::string Comparison::text() const {
  if (!difference.empty()) return difference;
  if (worst.empty() && x.empty()) return fmt::format("{} elements agree", count);
  std::string where = (worst_item.empty() ? "" : "item " + worst_item + ", ") + shape_text(worst);
  if (ok()) return fmt::format("{} elements agree; largest difference {:.3g}", count, max_difference);
  return fmt::format("{} of {} elements differ; the worst is {}: {}, expected {}", missed, count, where, x, y);
}

Json Comparison::json() const {
  Json j{{"elements", count}, {"missed", missed}};
  if (!difference.empty()) j["difference"] = difference;
  j["max-difference"] = std::isfinite(max_difference) ? Json(max_difference) : Json("infinity");
  if (!x.empty()) j["worst"] = Json{{"index", worst}, {"found", x}, {"expected", y}};
  return j;
}

Comparison compare(const Tensor& x, const Tensor& y, const Tolerance& t) {
  if (x.present != y.present) return differ(x.present ? "a value, expected none" : "no value, expected one");
  if (!x.present) return {};
  if (static_cast<bool>(x.items) != static_cast<bool>(y.items)) return differ(x.items ? "a sequence, expected a tensor" : "a tensor, expected a sequence");
  if (x.items) return compare_items(x, y, t);
  if (element(x.type) != element(y.type) || x.dims != y.dims) return differ(type_text(x.type, x.dims) + ", expected " + type_text(y.type, y.dims));
  return Comparer(x, y, t).run();
}

}  // namespace tenon::core
