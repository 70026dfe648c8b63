// SPDX-License-Identifier: Apache-2.0
// graph_maker.hpp - adds nodes one by one; a node whose operator refuses its inputs leaves nothing behind.
#pragma once
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "core/exec/infer.hpp"
#include "core/ir/model.hpp"

namespace tenon::test {

using core::Slot;
using core::ValueType;
using Value = tenon_value;

struct Attr {
  std::string name;
  std::variant<int64_t, double, std::string, std::vector<int64_t>, tenon_graph*> value;
};

class GraphMaker {
 public:
  GraphMaker(core::Session& s, uint64_t seed);

  // choices
  uint64_t below(uint64_t n) { return n ? rng_() % n : 0; }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }
  template <class T> const T& pick(const std::vector<T>& v) { return v[below(v.size())]; }
  /// A value that can be read in the graph at work; 0 when there is none of the kind.
  Value any();
  Value any_float(int32_t least_rank = 0);

  // what is known
  ValueType type(Value v) const { return m_.type(v); }
  bool is_f32(Value v) const;
  int64_t dim(Value v, int64_t k) const;

  // making
  Value input(const std::string& name, tenon_dtype t, std::vector<int64_t> dims);
  Value ints(const std::vector<int64_t>& v);
  Value index(int64_t x);
  Value floats(std::vector<int64_t> dims, const std::vector<float>& v);
  Value number(float x) { return floats({}, {x}); }
  /// Elements near 1 with some special ones.
  Value weights(std::vector<int64_t> dims, bool special = false);
  Value bytes(std::vector<int64_t> dims, bool is_signed);
  Value boolean(bool x);
  /// The outputs, empty when the operator takes no such inputs or one of them is 0.
  std::vector<Value> nodes(const std::string& op, const std::vector<Value>& in, const std::vector<Attr>& attrs = {}, size_t n_out = 1);
  /// The first output, 0 when it cannot be made. It can be read from then on.
  Value make(const std::string& op, const std::vector<Value>& in, const std::vector<Attr>& attrs = {});
  /// A copy of some node of the graph at work.
  void twin();
  /// `f` makes nodes in a nested graph and returns what it yields.
  template <class F> tenon_graph* nested(F&& f) {
    tenon_graph* outer = g_;
    const size_t seen = live_.size();
    g_ = &m_.add_subgraph(*outer, "inner" + std::to_string(++made_));
    const std::vector<Value> out = f();
    finish(out, "inner");
    tenon_graph* inner = g_;
    g_ = outer;
    live_.resize(seen);
    return inner;
  }
  void finish(const std::vector<Value>& out, const std::string& names);

  core::Model& model() { return m_; }
  std::unique_ptr<core::Model> take() { return std::move(owned_); }
  std::vector<Value> live() const { return live_; }
  size_t depth() const;

 private:
  std::unique_ptr<core::Model> owned_ = std::make_unique<core::Model>();
  core::Model& m_ = *owned_;
  core::Session& s_;
  core::Inference inference_;
  std::mt19937_64 rng_;
  tenon_graph* g_;
  std::vector<Value> live_;
  uint64_t made_ = 0;

  Value constant(tenon_dtype t, std::vector<int64_t> dims, const void* data, size_t bytes);
};

}  // namespace tenon::test
