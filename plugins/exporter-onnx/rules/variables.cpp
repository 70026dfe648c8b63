// SPDX-License-Identifier: Apache-2.0
#include "variables.hpp"

#include <tenon/walk.hpp>

#include <set>

namespace tenon::to_onnx {
namespace {

class Interface {
  const Ctx& ctx_;
  Graph& g_;
  Defaults defaults_;
  std::map<std::string, tenon_value> read_;
  std::set<std::string> assigned_, taken_;
  std::vector<tenon_value> outputs_;
  std::vector<std::string> names_;

  std::string variable(tenon_node n) const { return g_.attrs(n).s("variable"); }
  void check_place(tenon_node n) const {
    if (g_.graph_of(n) != g_.raw())
      throw unsupported("a variable is used inside of a nested graph, which ONNX cannot say").with("node", std::string(g_.name(n))).with("found", variable(n));
  }
  std::string free_name(const std::string& wanted) {
    std::string name = wanted;
    for (int k = 1; !taken_.insert(name).second; ++k) name = wanted + "_" + std::to_string(k);
    return name;
  }
  tenon_value input(const std::string& name, tenon_value initial) {
    const ValueInfo i = g_.info(initial);
    const tenon_value v = g_.add_input(free_name(name), i.type(), i.rank(), i.dims().data());
    if (i.constant()) defaults_[v] = initial;
    return v;
  }

  void read(tenon_node n) {
    check_place(n);
    const std::string name = variable(n);
    auto [at, first] = read_.try_emplace(name);
    if (first) at->second = input(name, g_.input(n, 0));
    g_.replace(n, {at->second});
  }
  void assign(tenon_node n) {
    check_place(n);
    const std::string name = variable(n);
    if (!assigned_.insert(name).second) throw unsupported("a variable is assigned twice in one run, which ONNX cannot say").with("found", name);
    outputs_.push_back(g_.input(n, 0));
    names_.push_back(free_name(name + ".next"));
    g_.erase(n);
  }
  void take_names() {
    for (tenon_value v : g_.graph_inputs()) taken_.insert(g_.info(v).name());
    const auto outs = g_.graph_outputs();
    for (uint64_t k = 0; k < outs.size(); ++k) {
      tenon_str s{};
      ok(api().ir->graph_output_name(g_.raw(), k, &s));
      names_.emplace_back(view(s));
      outputs_.push_back(outs[k]);
      taken_.insert(names_.back());
    }
  }

 public:
  Interface(const Ctx& ctx, Graph& g) : ctx_(ctx), g_(g) {}
  Defaults run() {
    const tenon_op reads = Graph::op("ReadVariable"), assigns = Graph::op("AssignVariable");
    std::vector<tenon_node> nodes;
    for (tenon_node n : all_nodes(g_))
      if (g_.op(n) == reads || g_.op(n) == assigns) nodes.push_back(n);
    if (nodes.empty()) return {};
    take_names();
    for (tenon_node n : nodes)
      if (g_.op(n) == reads) read(n);
    // Reads changed what the outputs are.
    const auto outs = g_.graph_outputs();
    std::copy(outs.begin(), outs.end(), outputs_.begin());
    for (tenon_node n : nodes)
      if (g_.alive(n)) assign(n);
    g_.set_outputs(outputs_, names_);
    ctx_.warn("ONNX has no variables: " + std::to_string(read_.size()) + " became inputs and " + std::to_string(assigned_.size()) +
              " outputs named NAME.next, which the caller gives to the next run");
    return std::move(defaults_);
  }
};

}  // namespace

Defaults variables_to_interface(const Ctx& ctx, Graph& g) { return Interface(ctx, g).run(); }

}  // namespace tenon::to_onnx
