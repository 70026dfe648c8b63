// SPDX-License-Identifier: Apache-2.0
// LSTM and GRU: the input's product for all time steps at once through oneDNN, then the recurrence with packed weights.
#include "../../threads/pool.hpp"
#include "../kernel.hpp"
#include "../onednn/primitive.hpp"
#include "../simd/recurrent_simd.hpp"

namespace tenon::cpu {
namespace {

struct Direction {
  SlotId input_product = kNoSlot;       ///< [T * B, gates * H]
  std::shared_ptr<void> recurrent;      ///< [units][H][gates][16]
  std::shared_ptr<void> candidate;      ///< GRU that resets before the product: [units][H][1][16]
  std::vector<float> recurrent_bias;    ///< GRU that resets after it: of the candidate gate
  bool reverse = false;
};

struct RecurrentStep {
  bool lstm = true, reset_after = false;
  int64_t steps = 0, batch = 0, hidden = 0;
  std::vector<Direction> directions;
  SlotId h0 = kNoSlot, c0 = kNoSlot, y = kNoSlot, last_h = kNoSlot, last_c = kNoSlot, work = kNoSlot;

  int64_t units() const { return (hidden + kUnits - 1) / kUnits; }
  int64_t padded() const { return units() * kUnits; }
  /// Floats of working memory: h twice, c, and for GRU r * h.
  int64_t work_size() const { return 4 * batch * padded(); }

  void run(const Run& r) const {
    for (size_t d = 0; d < directions.size(); ++d) run_direction(r, d);
  }

  void run_direction(const Run& r, size_t d) const {
    float* const h[2] = {r.at<float>(work), r.at<float>(work) + batch * padded()};
    float* const c = h[1] + batch * padded();
    float* const reset = c + batch * padded();
    start(r, d, h[0], c);
#pragma omp parallel num_threads(thread_count()) if (thread_count() > 1)
    {
      const int64_t t = omp_get_thread_num(), m = omp_get_num_threads();
      const int64_t begin = units() * t / m, end = units() * (t + 1) / m;
      for (int64_t s = 0; s < steps; ++s) {
        const int64_t at = directions[d].reverse ? steps - 1 - s : s;
        if (lstm)
          lstm_units(r, d, at, h[s & 1], h[(s + 1) & 1], c, begin, end);
        else if (reset_after)
          gru_units(r, d, at, h[s & 1], h[(s + 1) & 1], begin, end);
        else {
          gru_reset(r, d, at, h[s & 1], h[(s + 1) & 1], reset, begin, end);
#pragma omp barrier
          gru_candidate(r, d, at, h[s & 1], h[(s + 1) & 1], reset, begin, end);
        }
#pragma omp barrier
      }
    }
    finish(r, d, h[steps & 1], c);
  }

  void start(const Run& r, size_t d, float* h, float* c) const {
    std::fill(h, h + work_size(), 0.0f);
    auto load = [&](SlotId from, float* to) {
      if (from == kNoSlot) return;
      const float* p = r.at<float>(from) + static_cast<int64_t>(d) * batch * hidden;
      for (int64_t b = 0; b < batch; ++b) std::copy(p + b * hidden, p + (b + 1) * hidden, to + b * padded());
    };
    load(h0, h);
    load(c0, c);
  }
  void finish(const Run& r, size_t d, const float* h, const float* c) const {
    auto store = [&](SlotId to, const float* from) {
      if (to == kNoSlot) return;
      float* p = r.at<float>(to) + static_cast<int64_t>(d) * batch * hidden;
      for (int64_t b = 0; b < batch; ++b) std::copy(from + b * padded(), from + b * padded() + hidden, p + b * hidden);
    };
    store(last_h, h);
    store(last_c, c);
  }

  int64_t width(int64_t unit) const { return std::min(kUnits, hidden - unit * kUnits); }
  /// sums[g] += the input's part of gates [first, first + n).
  void add_input(const Run& r, size_t d, int64_t at, int64_t b, int64_t unit, int first, int n, float* sums) const {
    const int64_t gates = lstm ? 4 : 3;
    const float* g = r.at<float>(directions[d].input_product) + (at * batch + b) * gates * hidden + unit * kUnits;
    for (int k = 0; k < n; ++k)
      for (int64_t u = 0; u < width(unit); ++u) sums[k * kUnits + u] += g[(first + k) * hidden + u];
  }
  void store_y(const Run& r, size_t d, int64_t at, int64_t b, int64_t unit, const float* h) const {
    if (y == kNoSlot) return;
    float* p = r.at<float>(y) + ((at * static_cast<int64_t>(directions.size()) + static_cast<int64_t>(d)) * batch + b) * hidden + unit * kUnits;
    std::copy(h, h + width(unit), p);
  }

  void lstm_units(const Run& r, size_t d, int64_t at, const float* h, float* next, float* c, int64_t begin, int64_t end) const {
    const auto* packed = static_cast<const float*>(directions[d].recurrent.get());
    alignas(64) float sums[4 * kUnits];
    for (int64_t unit = begin; unit < end; ++unit)
      for (int64_t b = 0; b < batch; ++b) {
        panel_product(4, packed + unit * hidden * 4 * kUnits, h + b * padded(), hidden, sums);
        add_input(r, d, at, b, unit, 0, 4, sums);
        float* to = next + b * padded() + unit * kUnits;
        lstm_cell(sums, c + b * padded() + unit * kUnits, to);
        store_y(r, d, at, b, unit, to);
      }
  }

  void gru_units(const Run& r, size_t d, int64_t at, const float* h, float* next, int64_t begin, int64_t end) const {
    const auto* packed = static_cast<const float*>(directions[d].recurrent.get());
    const auto& bias = directions[d].recurrent_bias;
    alignas(64) float sums[3 * kUnits], n[kUnits];
    for (int64_t unit = begin; unit < end; ++unit)
      for (int64_t b = 0; b < batch; ++b) {
        panel_product(3, packed + unit * hidden * 3 * kUnits, h + b * padded(), hidden, sums);
        add_input(r, d, at, b, unit, 0, 2, sums);
        gru_gates(sums);
        for (int64_t u = 0; u < kUnits; ++u) n[u] = sums[kUnits + u] * (sums[2 * kUnits + u] + bias[static_cast<size_t>(unit * kUnits + u)]);
        add_input(r, d, at, b, unit, 2, 1, n);
        update(r, d, at, b, unit, sums, n, h, next);
      }
  }

  /// z into `next`, r * h into `reset`.
  void gru_reset(const Run& r, size_t d, int64_t at, const float* h, float* next, float* reset, int64_t begin, int64_t end) const {
    const auto* packed = static_cast<const float*>(directions[d].recurrent.get());
    alignas(64) float sums[2 * kUnits];
    for (int64_t unit = begin; unit < end; ++unit)
      for (int64_t b = 0; b < batch; ++b) {
        panel_product(2, packed + unit * hidden * 2 * kUnits, h + b * padded(), hidden, sums);
        add_input(r, d, at, b, unit, 0, 2, sums);
        gru_gates(sums);
        const int64_t i = b * padded() + unit * kUnits;
        for (int64_t u = 0; u < kUnits; ++u) {
          next[i + u] = sums[u];
          reset[i + u] = sums[kUnits + u] * h[i + u];
        }
      }
  }
  void gru_candidate(const Run& r, size_t d, int64_t at, const float* h, float* next, const float* reset, int64_t begin, int64_t end) const {
    const auto* packed = static_cast<const float*>(directions[d].candidate.get());
    alignas(64) float n[kUnits], z[kUnits];
    for (int64_t unit = begin; unit < end; ++unit)
      for (int64_t b = 0; b < batch; ++b) {
        panel_product(1, packed + unit * hidden * kUnits, reset + b * padded(), hidden, n);
        add_input(r, d, at, b, unit, 2, 1, n);
        const float* from = next + b * padded() + unit * kUnits;
        std::copy(from, from + kUnits, z);
        update(r, d, at, b, unit, z, n, h, next);
      }
  }
  void update(const Run& r, size_t d, int64_t at, int64_t b, int64_t unit, const float* z, const float* n, const float* h, float* next) const {
    const int64_t i = b * padded() + unit * kUnits;
    std::copy(h + i, h + i + kUnits, next + i);
    gru_update(z, n, next + i);
    store_y(r, d, at, b, unit, next + i);
  }
};

/// [gates * H, H] of the given gates as [units][H][gates][16], zeros in surplus units.
std::shared_ptr<void> pack_recurrent(const float* r, int64_t hidden, int64_t first, int64_t gates) {
  const int64_t units = (hidden + kUnits - 1) / kUnits;
  auto bytes = std::make_shared<AlignedBytes>(static_cast<uint64_t>(units * hidden * gates * kUnits) * sizeof(float));
  auto* to = static_cast<float*>(bytes->get());
  std::memset(to, 0, bytes->size);
  for (int64_t g = 0; g < gates; ++g)
    for (int64_t u = 0; u < hidden; ++u)
      for (int64_t k = 0; k < hidden; ++k) to[((u / kUnits * hidden + k) * gates + g) * kUnits + u % kUnits] = r[((first + g) * hidden + u) * hidden + k];
  return {bytes, bytes->get()};
}

bool plain_attributes(const PlanNode& n) {
  const auto activations = n.attrs.strings("activations");
  static const std::vector<std::string> lstm{"Sigmoid", "Tanh", "Tanh"}, gru{"Sigmoid", "Tanh"};
  const auto& usual = n.op == "LSTM" ? lstm : gru;
  for (size_t i = 0; i < activations.size(); ++i)
    if (activations[i] != usual[i % usual.size()]) return false;
  return n.attrs.f("clip", 0) == 0 && n.attrs.i("layout") == 0 && n.attrs.i("input_forget") == 0;
}

int32_t match(const Builder& b, const PlanNode& n) {
  const bool lstm = n.op == "LSTM";
  if (!plain_attributes(n) || n.has_in(4) || n.has_in(7)) return -1;
  for (size_t k = 0; k < n.in.size(); ++k)
    if (n.has_in(k) && !b.is_f32(n.input(k))) return -1;
  for (size_t k = 1; k <= 3; ++k)
    if (n.has_in(k) && !b.is_constant(n.input(k))) return -1;
  const Dims &w = b.value(n.input(1)).dims, &r = b.value(n.input(2)).dims;
  if (w.size() != 3 || r.size() != 3 || w[1] != (lstm ? 4 : 3) * r[2]) return -1;
  return 100;
}

class RecurrentBuilder {
  Builder& b_;
  const PlanNode& n_;
  RecurrentStep s_;
  std::vector<SlotId> reads_, writes_;
  int64_t gates_, input_;
  int threads_ = 1;

 public:
  RecurrentBuilder(Builder& b, const PlanNode& n) : b_(b), n_(n) {
    const Dims &x = b.value(n.input(0)).dims, &r = b.value(n.input(2)).dims;
    s_.lstm = n.op == "LSTM";
    s_.reset_after = n.attrs.i("linear_before_reset") != 0;
    s_.steps = x[0];
    s_.batch = x[1];
    input_ = x[2];
    s_.hidden = r[2];
    gates_ = s_.lstm ? 4 : 3;
    s_.directions.resize(static_cast<size_t>(r[0]));
    threads_ = gates_ * s_.hidden * s_.hidden * s_.batch < 262144 ? 1 : b.threads();
  }

  bool build() {
    const std::string direction = n_.attrs.s("direction", "forward");
    const SlotId x = b_.read(n_.input(0));
    for (size_t d = 0; d < s_.directions.size(); ++d) {
      s_.directions[d].reverse = direction == "reverse" || d == 1;
      add_input_product(d, x);
      pack(d);
    }
    auto input = [&](size_t k) {
      if (!n_.has_in(k)) return kNoSlot;
      reads_.push_back(b_.read(n_.input(k)));
      return reads_.back();
    };
    auto output = [&](size_t k) {
      if (n_.output(k) == kNoValue) return kNoSlot;
      writes_.push_back(b_.write(n_.output(k)));
      return writes_.back();
    };
    s_.h0 = input(5);
    if (s_.lstm) s_.c0 = input(6);
    s_.y = output(0);
    s_.last_h = output(1);
    if (s_.lstm) s_.last_c = output(2);
    s_.work = b_.scratch(static_cast<uint64_t>(s_.work_size()) * sizeof(float));
    writes_.push_back(s_.work);
    b_.step(s_.lstm ? "cpu/lstm" : "cpu/gru", std::move(s_), reads_, writes_, threads_);
    return true;
  }

 private:
  const float* constant(size_t k, size_t d) const {
    const PlanValue& v = b_.value(n_.input(k));
    return static_cast<const float*>(v.data) + static_cast<int64_t>(d) * product(v.dims, 1);
  }

  /// Biases that are added outside of the recurrence; the others are kept for it.
  std::shared_ptr<void> input_bias(size_t d) {
    const int64_t h = s_.hidden, count = gates_ * h;
    auto bytes = std::make_shared<AlignedBytes>(static_cast<uint64_t>(count) * sizeof(float));
    auto* bias = static_cast<float*>(bytes->get());
    std::fill(bias, bias + count, 0.0f);
    auto& kept = s_.directions[d].recurrent_bias;
    kept.assign(static_cast<size_t>(s_.padded()), 0.0f);
    if (n_.has_in(3)) {
      const float* from = constant(3, d);
      for (int64_t i = 0; i < count; ++i) {
        const bool inside = !s_.lstm && s_.reset_after && i >= 2 * h;
        bias[i] = from[i] + (inside ? 0.0f : from[count + i]);
        if (inside) kept[static_cast<size_t>(i - 2 * h)] = from[count + i];
      }
    }
    return {bytes, bytes->get()};
  }

  void add_input_product(size_t d, SlotId x) {
    const int64_t rows = s_.steps * s_.batch, columns = gates_ * s_.hidden;
    const int threads = b_.threads_for(2.0 * static_cast<double>(rows * columns * input_));
    ThreadScope scope(threads);
    const dnn::Desc a = dnn::desc({rows, input_}, Layout::plain), w = dnn::desc({input_, columns}, Dims{1, input_});
    const dnn::Desc bias = dnn::desc({1, columns}, Layout::plain), out = dnn::desc({rows, columns}, Layout::plain);
    auto p = dnn::matmul(a, dnn::any({input_, columns}), &bias, out, {});
    if (!p) throw Error(TENON_E_INTERNAL, "oneDNN has no matrix product for a recurrent layer's input");
    auto packed = b_.packed(n_.input(1), "input " + std::to_string(d) + dnn::key(p->weights), [&] { return dnn::pack(w, constant(1, d), p->weights); });
    const SlotId to = b_.scratch(static_cast<uint64_t>(rows * columns) * sizeof(float));
    dnn::StepMaker(b_, *p, threads).read(DNNL_ARG_SRC, a, x).fixed(DNNL_ARG_WEIGHTS, p->weights, packed).fixed(DNNL_ARG_BIAS, bias, input_bias(d)).write(DNNL_ARG_DST, out, to).done();
    s_.directions[d].input_product = to;
    reads_.push_back(to);
  }

  void pack(size_t d) {
    const float* r = constant(2, d);
    Direction& out = s_.directions[d];
    const bool split = !s_.lstm && !s_.reset_after;
    const std::string form = "recurrent " + std::to_string(d) + (split ? " split" : "");
    out.recurrent = b_.packed(n_.input(2), form, [&] { return pack_recurrent(r, s_.hidden, 0, split ? 2 : gates_); });
    if (split) out.candidate = b_.packed(n_.input(2), form + " candidate", [&] { return pack_recurrent(r, s_.hidden, 2, 1); });
  }
};

bool build(Builder& b, const PlanNode& n) { return RecurrentBuilder(b, n).build(); }

}  // namespace

void register_recurrent(KernelTable& t) {
  t.add({"cpu/lstm", "LSTM", match, build});
  t.add({"cpu/gru", "GRU", match, build});
}

}  // namespace tenon::cpu
