// SPDX-License-Identifier: Apache-2.0
// unroll-loop: a Loop or Scan that runs a known, small number of times becomes that many copies of its body. The count is the Loop's
// own limit while its condition stays true, or that of a counter which the condition compares with a number.
#include <tenon/plugin.hpp>
#include <tenon/rewriting.hpp>
#include <tenon/walk.hpp>

#include <algorithm>
#include <unordered_map>

#include "common/constants.hpp"
#include "common/shapes.hpp"

namespace tenon::passes {
namespace {

constexpr int64_t kMostTurns = 1 << 16;  ///< of a counter that is followed

std::optional<bool> flag(const Graph& g, tenon_value v) {
  if (!v || !g.is_constant(v)) return std::nullopt;
  const ValueInfo i = g.info(v);
  if (i.type() != dt::boolean || i.count() != 1) return std::nullopt;
  return g.constant_bytes(v)[0] != 0;
}
std::optional<int64_t> integer(const Graph& g, tenon_value v) {
  const auto all = ints(g, v);
  return all && all->size() == 1 ? std::optional(all->front()) : std::nullopt;
}

class Unroller {
 public:
  Unroller(const Ctx& ctx, Graph& g) : ctx_(ctx), g_(g), count_(ctx), most_(ctx.option("/most-nodes", int64_t{64})) {}

  uint64_t run() {
    uint64_t done = 0;
    for (tenon_node n : all_nodes(g_)) {
      if (!g_.alive(n)) continue;
      const bool loop = g_.op(n) == Graph::op("Loop");
      if (!loop && g_.op(n) != Graph::op("Scan")) continue;
      const auto turns = loop ? loop_turns(n) : scan_turns(n);
      if (!turns || !small(n, *turns)) continue;
      if (!count_.may_rewrite(g_.raw(), n)) break;
      if (loop) unroll_loop(n, *turns);
      else unroll_scan(n, *turns);
      count_.rewritten();
      ++done;
    }
    return done;
  }

 private:
  Graph body(tenon_node n) const { return Graph(ctx_.raw(), g_.attrs(n).graph("body")); }

  // how often

  /// Where a Loop's condition is a counter below a number: the counter's values of all turns are followed.
  struct Counter {
    int64_t value = 0, step = 0, end = 0;
  };
  std::optional<Counter> counter(tenon_node n, tenon_value condition) const {
    const tenon_node less = g_.producer(condition);
    if (!less || g_.op(less) != Graph::op("Less")) return std::nullopt;
    const tenon_node add = g_.producer(g_.input(less, 0));
    const auto end = integer(g_, g_.input(less, 1));
    if (!add || g_.op(add) != Graph::op("Add") || !end) return std::nullopt;
    const Graph b = body(n);
    const Ids in = b.graph_inputs(), out = b.graph_outputs();
    for (uint64_t k : {0u, 1u}) {
      const auto state = std::find(in.begin() + 2, in.end(), g_.input(add, k));
      const auto step = integer(g_, g_.input(add, 1 - k));
      if (state == in.end() || !step) continue;
      const auto at = static_cast<uint64_t>(state - in.begin()) - 2;
      const auto start = integer(g_, g_.input(n, at + 2));
      if (start && at + 1 < out.size() && out[at + 1] == g_.output(add)) return Counter{*start, *step, *end};
    }
    return std::nullopt;
  }
  std::optional<int64_t> counted_turns(tenon_node n, int64_t limit) const {
    const tenon_value last = body(n).graph_outputs()[0];
    std::vector<tenon_value> conditions = {last};
    const tenon_node both = g_.producer(last);
    if (both && g_.op(both) == Graph::op("LogicalAnd")) conditions = g_.inputs(both);
    std::vector<Counter> counters;
    for (tenon_value v : conditions) {
      const auto c = counter(n, v);
      if (!c || c->step < 1) return std::nullopt;
      counters.push_back(*c);
    }
    for (int64_t turn = 1; turn <= kMostTurns; ++turn) {
      if (turn >= limit) return limit;
      for (Counter& c : counters)
        if (__builtin_add_overflow(c.value, c.step, &c.value)) return std::nullopt;
      if (std::any_of(counters.begin(), counters.end(), [](const Counter& c) { return c.value >= c.end; })) return turn;
    }
    return std::nullopt;
  }
  std::optional<int64_t> loop_turns(tenon_node n) const {
    const auto limit = g_.input(n, 0) ? integer(g_, g_.input(n, 0)) : std::optional(INT64_MAX);
    const auto first = g_.input(n, 1) ? flag(g_, g_.input(n, 1)) : std::optional(true);
    if (!limit || !first || !g_.attrs(n).graph("body")) return std::nullopt;
    if (!*first || *limit <= 0) return 0;
    const Graph b = body(n);
    const tenon_value condition = b.graph_outputs()[0];
    if (condition == b.graph_inputs()[1] || flag(g_, condition) == true) return *limit;
    if (flag(g_, condition) == false) return 1;
    return counted_turns(n, *limit);
  }
  std::optional<int64_t> scan_turns(tenon_node n) const {
    const int64_t slices = g_.attrs(n).i("num_scan_inputs");
    const Ids in = g_.inputs(n);
    if (slices < 1 || slices > static_cast<int64_t>(in.size()) || !g_.attrs(n).graph("body")) return std::nullopt;
    const ValueInfo x = g_.info(in[in.size() - static_cast<size_t>(slices)]);
    const auto axes = g_.attrs(n).ints("scan_input_axes");
    if (x.rank() < 1) return std::nullopt;
    const int64_t length = x.dim(static_cast<int32_t>(axis_of(axes.empty() ? 0 : axes[0], x.rank())));
    return length < 1 ? std::nullopt : std::optional(length);
  }
  /// Graphs that it holds cannot be copied, and each copy of a random node would be one of its own.
  bool may_copy(tenon_node m) const {
    const tenon_operator* o = api().registry->find_operator(g_.op(m));
    return o && !(o->flags & TENON_OF_NONDETERMINISTIC) && held_graphs(g_, m).empty();
  }
  /// Copies of all nodes stay below the limit. Without a turn there is nothing to stack.
  bool small(tenon_node n, int64_t turns) const {
    const auto nodes = body(n).nodes();
    if (turns > most_ || turns * static_cast<int64_t>(nodes.size()) > most_) return false;
    if (!std::all_of(nodes.begin(), nodes.end(), [this](tenon_node m) { return may_copy(m); })) return false;
    for (tenon_value v : g_.outputs(n))
      if (v && !is_tensor(g_.info(v).type())) return false;
    if (turns) return true;
    return g_.op(n) == Graph::op("Loop") && g_.outputs(n).size() == g_.inputs(n).size() - 2;
  }

  // copying

  using Map = std::unordered_map<tenon_value, tenon_value>;
  static tenon_value mapped(const Map& m, tenon_value v) {
    const auto it = m.find(v);
    return it == m.end() ? v : it->second;
  }
  /// The body's outputs for these inputs; copies of its nodes stand before `at`.
  std::vector<tenon_value> copy(Graph& b, const std::vector<tenon_value>& in, tenon_node at) {
    Graph here(ctx_.raw(), g_.graph_of(at));
    Map map;
    const Ids inputs = b.graph_inputs();
    for (size_t k = 0; k < inputs.size(); ++k) map[inputs[k]] = in[k];
    for (tenon_node m : b.nodes()) copy_node(here, m, at, &map);
    std::vector<tenon_value> out;
    for (tenon_value v : b.graph_outputs()) out.push_back(mapped(map, v));
    return out;
  }
  void copy_node(Graph& here, tenon_node m, tenon_node at, Map* map) {
    AttrList attrs;
    const Attrs own = g_.attrs(m);
    for (const tenon_attr& a : own.all()) attrs.copy(a);
    const Ids outputs = g_.outputs(m);
    Graph::New d;
    d.op = g_.op(m);
    for (tenon_value v : g_.inputs(m)) d.in.push_back(v ? mapped(*map, v) : 0);
    d.attrs = &attrs;
    d.origins = {m};
    d.before = at;
    d.name = std::string(g_.name(m));
    d.out_names.resize(outputs.size());
    d.no_outputs = outputs.empty();
    for (tenon_value v : outputs) d.out_absent.push_back(v ? 0 : 1);
    const tenon_node fresh = here.add(d);
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k]) continue;
      (*map)[outputs[k]] = g_.output(fresh, k);
      g_.copy_type(g_.output(fresh, k), outputs[k]);
    }
  }
  tenon_value emit(tenon_node at, std::string_view op, std::vector<tenon_value> in, const AttrList& attrs, tenon_dtype type, const Dims& dims, int32_t rank) {
    Graph here(ctx_.raw(), g_.graph_of(at));
    Graph::New d;
    d.op = Graph::op(op);
    d.in = std::move(in);
    d.attrs = &attrs;
    d.origins = {at};
    d.before = at;
    const tenon_value v = here.output(here.add(d));
    if (rank >= 0) g_.set_type(v, type, dims);
    return v;
  }

  // unrolling

  void unroll_loop(tenon_node n, int64_t turns) {
    Graph b = body(n);
    const Ids in = g_.inputs(n);
    std::vector<tenon_value> states(in.begin() + std::min<long>(2, static_cast<long>(in.size())), in.end());
    std::vector<std::vector<tenon_value>> stacked(g_.outputs(n).size() - states.size());
    for (int64_t turn = 0; turn < turns; ++turn) {
      const uint8_t yes = 1;
      const Buffer truth = Buffer::alloc(ctx_.raw(), 1);
      std::memcpy(truth.writable(), &yes, 1);
      std::vector<tenon_value> all = {g_.add_scalar<int64_t>("", turn), g_.add_constant("", dt::boolean, Span<int64_t>(), truth)};
      all.insert(all.end(), states.begin(), states.end());
      const auto out = copy(b, all, n);
      for (size_t k = 0; k < states.size(); ++k) states[k] = out[k + 1];
      for (size_t k = 0; k < stacked.size(); ++k) stacked[k].push_back(out[k + 1 + states.size()]);
    }
    for (auto& values : stacked) states.push_back(stack(n, values, 0));
    finish(n, states);
  }
  void unroll_scan(tenon_node n, int64_t turns) {
    Graph b = body(n);
    const Attrs a = g_.attrs(n);
    const Ids in = g_.inputs(n);
    const auto slices = static_cast<size_t>(a.i("num_scan_inputs")), n_states = in.size() - slices;
    std::vector<tenon_value> states(in.begin(), in.begin() + static_cast<long>(n_states));
    std::vector<std::vector<tenon_value>> stacked(g_.outputs(n).size() - n_states);
    auto entry = [](const std::vector<int64_t>& v, size_t k) { return k < v.size() ? v[k] : 0; };
    const auto in_axes = a.ints("scan_input_axes"), backwards = a.ints("scan_input_directions"), out_axes = a.ints("scan_output_axes"), out_backwards = a.ints("scan_output_directions");
    for (int64_t turn = 0; turn < turns; ++turn) {
      std::vector<tenon_value> all = states;
      for (size_t k = 0; k < slices; ++k)
        all.push_back(slice(n, in[n_states + k], entry(in_axes, k), entry(backwards, k) ? turns - 1 - turn : turn));
      const auto out = copy(b, all, n);
      for (size_t k = 0; k < n_states; ++k) states[k] = out[k];
      for (size_t k = 0; k < stacked.size(); ++k) stacked[k].push_back(out[n_states + k]);
    }
    for (size_t k = 0; k < stacked.size(); ++k) {
      if (entry(out_backwards, k)) std::reverse(stacked[k].begin(), stacked[k].end());
      states.push_back(stack(n, stacked[k], entry(out_axes, k)));
    }
    finish(n, states);
  }
  tenon_value slice(tenon_node n, tenon_value x, int64_t axis, int64_t at) {
    const ValueInfo i = g_.info(x);
    Dims d = i.dims().vec();
    d.erase(d.begin() + axis_of(axis, i.rank()));
    const AttrList attrs = AttrList{}.set("axis", axis);
    return emit(n, "Gather", {x, g_.add_scalar<int64_t>("", at)}, attrs, i.type(), d, static_cast<int32_t>(d.size()));
  }
  tenon_value stack(tenon_node n, std::vector<tenon_value> values, int64_t axis) {
    const ValueInfo one = g_.info(values[0]);
    const int32_t rank = one.rank();
    Dims d = rank >= 0 ? one.dims().vec() : Dims{};
    if (rank >= 0) d.insert(d.begin() + axis_of(axis, rank + 1), 1);
    const tenon_value axes = g_.add_ints("", {axis});
    for (tenon_value& v : values) v = emit(n, "Unsqueeze", {v, axes}, AttrList{}, one.type(), d, rank < 0 ? -1 : rank + 1);
    if (rank >= 0) d[static_cast<size_t>(axis_of(axis, rank + 1))] = static_cast<int64_t>(values.size());
    const AttrList attrs = AttrList{}.set("axis", axis);
    return emit(n, "Concat", values, attrs, one.type(), d, rank < 0 ? -1 : rank + 1);
  }
  /// A graph's output needs a node of this graph and a name of its own.
  void finish(tenon_node n, std::vector<tenon_value> results) {
    const Ids out = g_.outputs(n);
    std::vector<std::pair<tenon_value, std::string>> names;
    for (size_t k = 0; k < out.size(); ++k) {
      if (!out[k]) continue;
      const ValueInfo i = g_.info(out[k]);
      if (!i.is_output()) continue;
      const ValueInfo r = g_.info(results[k]);
      results[k] = emit(n, "Identity", {results[k]}, AttrList{}, r.type(), r.rank() < 0 ? Dims{} : r.dims().vec(), r.rank());
      names.emplace_back(results[k], i.name());
    }
    g_.replace(n, results);
    for (const auto& [v, name] : names) ok(api().ir->set_name(ctx_.raw(), g_.raw(), 0, v, str(name)));
  }

  const Ctx& ctx_;
  Graph& g_;
  RewriteCount count_;
  int64_t most_;
};

uint64_t run(const Ctx& ctx, Graph& g) { return Unroller(ctx, g).run(); }

}  // namespace

TENON_PASS("unroll-loop",
           R"("class":"exact","summary":"replace a Loop or Scan of a known, small number of turns by copies of its body","options":{"type":"object","properties":{)"
           R"("most-nodes":{"type":"integer","minimum":0,"default":64,"description":"nodes that all copies of one body may have together"})"
           R"(},"additionalProperties":false})",
           run);
}  // namespace tenon::passes
