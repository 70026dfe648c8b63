// SPDX-License-Identifier: Apache-2.0
// primitive.hpp - oneDNN 2 and 3 behind one face. Nothing else in this plugin depends on which of them it is.
#pragma once
#include <dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../../planner/builder.hpp"
#include "../activation.hpp"

namespace tenon::cpu::dnn {

using Desc = dnnl::memory::desc;

const dnnl::engine& engine();
dnnl::stream& stream();

/// The blocked layout that this processor's convolutions use.
Layout preferred_block();

Desc desc(const Dims& dims, Layout l);
Desc desc(const Dims& dims, const Dims& strides);
/// Any layout that the primitive likes.
Desc any(const Dims& dims);
uint64_t bytes(const Desc& d);

/// Elementwise work after the sum of products. oneDNN 2.6 computes wrong results when the same eltwise algorithm appears twice with
/// different numbers, so neighbouring linear functions become one and anything else of the kind is refused by may_follow().
class Posts {
  dnnl::post_ops ops_;
  float scale_ = 1, shift_ = 0;  ///< a linear function that is not appended yet
  bool pending_ = false;
  void flush();

 public:
  void activation(const Activation& a);
  void linear(float scale, float shift);
  /// Adds what the destination held before.
  void sum();
  /// Adds another tensor; returns its argument number.
  int add(const Desc& d);
  bool empty() const { return ops_.len() == 0 && !pending_; }
  const dnnl::post_ops& get() {
    flush();
    return ops_;
  }
};

/// A primitive with what it wants of its arguments.
struct Primitive {
  dnnl::primitive primitive;
  Desc src, weights, bias, dst, scratch;
  std::string impl;
};

struct Window {
  Dims strides, dilations, begin, end;  ///< dilations as in ONNX: 1 = none
};

// Each returns nothing when oneDNN has no implementation for these descriptors.
std::optional<Primitive> convolution(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts);
/// Name of the implementation that convolution() would take.
std::optional<std::string> convolution_impl(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts);
std::optional<Primitive> deconvolution(const Desc& src, const Desc& weights, const Desc* bias, const Desc& dst, const Window& w, Posts posts);
std::optional<Primitive> matmul(const Desc& a, const Desc& b, const Desc* bias, const Desc& dst, Posts posts);
enum class Pool { max, average_include, average_exclude };
std::optional<Primitive> pooling(Pool kind, const Desc& src, const Desc& dst, const Dims& kernel, const Window& w);
std::optional<Primitive> lrn(const Desc& d, int64_t size, float alpha, float beta, float bias);
std::optional<Primitive> reorder(const Desc& from, const Desc& to);

/// Implementations that only exist so that everything runs.
bool is_slow(const std::string& impl);
bool is_gemm(const std::string& impl);

/// A step that runs a primitive; add its arguments, then give it to Builder::step.
struct PrimitiveStep {
  dnnl::primitive primitive;
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> args;
  explicit PrimitiveStep(const Primitive& p) : primitive(p.primitive) {}
  void arg(int which, const dnnl::memory& m) {
    memories.push_back(m);
    args.push_back({which, m.get()});
  }
  void run(const Run&);
};

/// Collects a primitive's arguments with their slots and adds the step.
class StepMaker {
  Builder& b_;
  PrimitiveStep step_;
  std::vector<SlotId> reads_, writes_;
  std::string name_;
  int threads_;

 public:
  StepMaker(Builder& b, const Primitive& p, int threads);
  StepMaker& read(int which, const Desc& d, SlotId s);
  StepMaker& write(int which, const Desc& d, SlotId s);
  /// Memory that the step itself keeps alive.
  StepMaker& fixed(int which, const Desc& d, std::shared_ptr<void> data);
  void done() { b_.step("onednn/" + name_, std::move(step_), std::move(reads_), std::move(writes_), threads_); }
};

/// Packs bytes from one description into another, now.
std::shared_ptr<void> pack(const Desc& from, const void* data, const Desc& to);
/// A text that tells descriptors apart, for cache keys.
std::string key(const Desc& d);

}  // namespace tenon::cpu::dnn
