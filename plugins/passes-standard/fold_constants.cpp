// SPDX-License-Identifier: Apache-2.0
// fold-constants: nodes whose inputs are all constants are computed now, by their reference kernels. Shape of a known shape is
// a constant too. One walk in topological order suffices, since what a node yields is constant before its users are looked at.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>

#include <algorithm>

#include "common/constants.hpp"
#include "common/shapes.hpp"
#include <tenon/walk.hpp>

namespace tenon::passes {
namespace {

class Folder {
 public:
  Folder(const Ctx& ctx, Graph& g)
      : ctx_(ctx), g_(g), count_(ctx), growth_left_(ctx.option("/growth-limit", int64_t{512} << 20)), value_limit_(ctx.option("/value-limit", int64_t{256} << 20)),
        dequantize_(ctx.option("/dequantize", int64_t{0}) != 0) {}

  uint64_t run() {
    const auto nodes = all_nodes(g_);
    uint64_t done = 0;
    for (tenon_node n : nodes) {
      ctx_.progress(done++, nodes.size(), "fold-constants");
      if (g_.alive(n)) fold(n);
    }
    if (too_large_) ctx_.warn("fold-constants: " + std::to_string(too_large_) + " nodes were not folded, because the model would grow past its limit; first: " + first_);
    ctx_.metric("folded", static_cast<double>(folded_));
    return folded_;
  }

 private:
  void fold(tenon_node n) {
    const auto name = Graph::op_name(g_.op(n));
    if (name.domain == "tenon" && name.name == "Shape" && fold_shape(n)) return;
    if (!foldable(n, name.name)) return;
    std::vector<tenon_value> out = g_.outputs(n);
    const int64_t room = std::min(value_limit_, growth_left_ + freed_by(n));
    if (declared_bytes(out) > room) return refuse(n);
    if (!count_.may_rewrite(g_.raw(), n)) return;
    std::vector<tenon_value> made(out.size());
    if (tenon_error* e = api().exec->evaluate(ctx_.raw(), g_.raw(), n, static_cast<uint64_t>(std::max<int64_t>(room, 0)), made.data(), made.size())) {
      const HostError why(e);
      if (why.code() == TENON_E_CANCELLED || why.code() == TENON_E_NO_MEMORY) throw why;
      // A node that fails may stand in a branch that is never taken: it keeps its error for the day it runs.
      ctx_.log(1, "fold-constants: '" + std::string(g_.name(n)) + "' is left as it is: " + why.message());
      return;
    }
    for (size_t k = 0; k < out.size(); ++k)
      if (out[k] && made[k]) substitute(out[k], made[k]);
    finish(n);
  }

  /// Shape of a value whose wanted dimensions are numbers.
  bool fold_shape(tenon_node n) {
    const ValueInfo x = g_.info(g_.input(n, 0));
    if (x.rank() < 0) return false;
    const Attrs a = g_.attrs(n);
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(axis_of(at, x.rank()), 0, x.rank()); };
    const int64_t begin = clamp(a.i("start", 0)), end = clamp(a.i("end", x.rank()));
    Dims d;
    for (int64_t k = begin; k < end; ++k) d.push_back(x.dim(static_cast<int32_t>(k)));
    if (std::any_of(d.begin(), d.end(), [](int64_t v) { return v < 0; }) || !count_.may_rewrite(g_.raw(), n, "shape")) return false;
    substitute(g_.output(n), g_.add_ints("", d));
    finish(n);
    return true;
  }

  bool foldable(tenon_node n, std::string_view name) const {
    const tenon_operator* o = api().registry->find_operator(g_.op(n));
    if (!o || !o->reference || (o->flags & (TENON_OF_SIDE_EFFECTS | TENON_OF_NONDETERMINISTIC))) return false;
    if (!dequantize_ && widens_weights(n, name)) return false;
    for (tenon_value v : g_.inputs(n))
      if (v && !g_.is_constant(v)) return false;
    for (tenon_value v : g_.outputs(n))
      if (v && !is_tensor(g_.info(v).type())) return false;
    return held_graphs(g_, n).empty();
  }

  /// Quantized weights stay quantized: that is what they are for, and integer kernels look for them. Vectors are parameters, not weights.
  bool widens_weights(tenon_node n, std::string_view name) const {
    if ((name != "DequantizeLinear" && name != "Cast") || !g_.input(n, 0)) return false;
    const ValueInfo x = g_.info(g_.input(n, 0));
    if (x.rank() < 2) return false;
    return name == "DequantizeLinear" || (name == "Cast" && is_int(x.type()) && x.type().bits <= 8 && g_.info(g_.output(n)).type().bits > 8);
  }

  int64_t declared_bytes(const std::vector<tenon_value>& out) const {
    int64_t total = 0;
    for (tenon_value v : out) {
      if (!v) continue;
      const ValueInfo i = g_.info(v);
      if (!i.is_static()) continue;
      const double bytes = static_cast<double>(i.count()) * i.type().bits / 8;
      total += bytes > 1e18 ? int64_t{1} << 60 : static_cast<int64_t>(bytes);
    }
    return total;
  }
  /// Bytes of constants that n alone uses.
  int64_t freed_by(tenon_node n) const {
    int64_t total = 0;
    for (tenon_value v : g_.inputs(n))
      if (v && g_.info(v).n_uses() == 1) total += static_cast<int64_t>(g_.constant_bytes(v).size());
    return total;
  }
  void substitute(tenon_value old, tenon_value constant) {
    const std::string name = g_.info(old).name();
    growth_left_ -= static_cast<int64_t>(g_.constant_bytes(constant).size());
    g_.replace_uses(old, constant);
    ok(api().ir->set_name(ctx_.raw(), g_.raw(), 0, constant, str(name)));
    made_.push_back(constant);
  }
  /// Erases the folded node, its results that nobody uses, and constants that only it used.
  void finish(tenon_node n) {
    std::vector<tenon_value> in = g_.inputs(n);
    g_.erase(n);
    in.insert(in.end(), made_.begin(), made_.end());
    made_.clear();
    for (tenon_value v : in) {
      if (!v || !api().ir->value_alive(g_.raw(), v)) continue;
      const ValueInfo i = g_.info(v);
      if (!i.constant() || i.n_uses()) continue;
      growth_left_ += static_cast<int64_t>(g_.constant_bytes(v).size());
      ok(api().ir->erase_constants(ctx_.raw(), g_.raw(), 1, &v));
    }
    count_.rewritten();
    ++folded_;
  }
  void refuse(tenon_node n) {
    if (too_large_++ == 0) first_ = "'" + std::string(g_.name(n)) + "' (" + std::string(Graph::op_name(g_.op(n)).name) + ")";
  }

  const Ctx& ctx_;
  Graph& g_;
  RewriteCount count_;
  int64_t growth_left_;  ///< bytes
  int64_t value_limit_;  ///< bytes
  bool dequantize_;
  uint64_t folded_ = 0, too_large_ = 0;
  std::string first_;
  std::vector<tenon_value> made_;
};

uint64_t run(const Ctx& ctx, Graph& g) { return Folder(ctx, g).run(); }

}  // namespace

TENON_PASS("fold-constants",
           R"("class":"exact","summary":"compute nodes whose inputs are constants, and Shape of known shapes","options":{"type":"object","properties":{)"
           R"("growth-limit":{"type":"integer","minimum":0,"default":536870912,"description":"bytes by which one run may let the model grow"},)"
           R"("value-limit":{"type":"integer","minimum":0,"default":268435456,"description":"bytes of one folded node's results"},)"
           R"("dequantize":{"type":"boolean","default":false,"description":"also fold DequantizeLinear, and Cast from 8 bits and less, of constants with two or more axes: quantized weights become wide ones"})"
           R"(},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
