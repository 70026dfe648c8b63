// SPDX-License-Identifier: Apache-2.0
// Checks of a whole model. Links between columns first: the later checks follow them.
#include "verifier.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "signature.hpp"
#include "walk.hpp"

namespace tenon::core {
namespace {

constexpr size_t kMaxFindings = 50;

class Verifier {
 public:
  Verifier(Session& s, Model& m, bool all)
      : s_(s), m_(m), all_(all), listed_(m.nodes.generation.size()), inputs_(m.values.generation.size()), extra_uses_(m.values.generation.size()) {}
  Status run() {
    graphs();
    nodes();
    values();
    if (n_findings_ == 0) shared_graphs();
    if (n_findings_ == 0) order();
    if (n_findings_ == 0) contents();
    if (n_findings_ == 0) return settle();
    Error e(TENON_E_INTERNAL, "the graph is not well-formed: " + std::to_string(n_findings_) + (n_findings_ == 1 ? " problem" : " problems"));
    e.causes = std::move(findings_);
    return fail(std::move(e));
  }

 private:
  Session& s_;
  Model& m_;
  bool all_;
  std::vector<Error> findings_;
  size_t n_findings_ = 0;
  std::vector<bool> listed_;          ///< nodes found in the order of a graph
  std::vector<bool> inputs_;          ///< values that are inputs of a graph
  std::vector<uint32_t> extra_uses_;  ///< of each value, as graph output and tensor attribute
  std::unordered_map<tenon_op, const Signature*> signatures_;
  std::unordered_set<int64_t> sizes_;  ///< symbols that are sound

  Status settle() {
    for (auto& flags : m_.nodes.stale) flags &= static_cast<uint8_t>(~kUnchecked);
    return {};
  }
  void report(Error e) {
    if (++n_findings_ <= kMaxFindings) findings_.push_back(std::move(e));
  }
  void report_node(Slot n, Error e) {
    const OpName op = op_name(m_.nodes.op[n]);
    e.with("node", m_.nodes.name[n]).with("operator", std::string(op.domain) + "::" + std::string(op.name));
    for (const auto& o : m_.origin_names(m_.node_id(n))) e.with("origin", o);
    report(std::move(e));
  }
  void node_problem(Slot n, std::string message) { report_node(n, Error(TENON_E_INTERNAL, std::move(message))); }
  void value_problem(Slot v, std::string message) {
    report(Error(TENON_E_INTERNAL, std::move(message)).with("value", m_.values.name[v]));
  }
  void graph_problem(const tenon_graph& g, std::string message) { report(Error(TENON_E_INTERNAL, std::move(message)).with("graph", g.name)); }

  // ---- links ----
  void graphs() {
    for (size_t k = 0; k < m_.graphs.size(); ++k) {
      const tenon_graph& g = m_.graphs[k];
      if (!g.alive) continue;
      if (g.index != k || g.model != &m_) graph_problem(g, "a graph does not know its place");
      if (!parents_end(g)) graph_problem(g, "the graphs around a graph form no tree");
      for (tenon_node n : g.holders)
        if (!m_.alive_node(n)) graph_problem(g, "a node that holds a graph was erased");
      if (g.index != k || g.parent >= m_.graphs.size()) continue;
      node_list(g);
      for (tenon_value v : g.inputs)
        if (!m_.alive_value(v) || m_.values.graph[slot(v)] != k || !(m_.values.flags[slot(v)] & TENON_VF_INPUT) || m_.values.producer[slot(v)])
          graph_problem(g, "an input of a graph is no input value of it");
        else if (inputs_[slot(v)]) value_problem(slot(v), "a value is twice an input of a graph");
        else inputs_[slot(v)] = true;
      for (tenon_value v : g.outputs)
        if (!m_.alive_value(v)) graph_problem(g, "an output of a graph was erased");
        else ++extra_uses_[slot(v)];
      if (g.output_names.size() != g.outputs.size()) graph_problem(g, "the outputs of a graph do not all have names");
    }
  }
  bool parents_end(const tenon_graph& g) const {
    uint32_t at = g.index;
    for (size_t steps = 0; steps <= m_.graphs.size(); ++steps) {
      if (at == 0) return true;
      if (at >= m_.graphs.size()) return false;
      at = m_.graphs[at].parent;
    }
    return false;
  }
  void node_list(const tenon_graph& g) {
    uint64_t count = 0;
    Slot before = 0;
    for (Slot n = g.first; n; before = n, n = m_.nodes.next[n]) {
      if (n >= m_.nodes.generation.size() || !m_.alive_node(m_.node_id(n))) return graph_problem(g, "the order of a graph holds an erased node");
      if (m_.nodes.graph[n] != g.index || m_.nodes.prev[n] != before || listed_[n]) return node_problem(n, "the order of the nodes is inconsistent");
      listed_[n] = true;
      ++count;
    }
    if (count != g.n_nodes || g.last != before) graph_problem(g, "the number of nodes of a graph is inconsistent");
  }

  void nodes() {
    for (Slot n = 1; n < m_.nodes.generation.size(); ++n) {
      if (!m_.alive_node(m_.node_id(n))) continue;
      if (!listed_[n]) node_problem(n, "a node is in no graph");
      node_inputs(n);
      node_outputs(n);
      node_attrs(n);
    }
  }
  void node_inputs(Slot n) {
    const auto begin = m_.nodes.in_begin[n];
    if (static_cast<uint64_t>(begin) + m_.nodes.in_count[n] > m_.operands.size()) return node_problem(n, "the inputs of a node are out of range");
    for (uint32_t k = 0; k < m_.nodes.in_count[n]; ++k) {
      const Slot v = m_.operands[begin + k].value;
      if (!v && !m_.operand_ids[begin + k]) continue;
      if (v >= m_.values.generation.size() || !m_.alive_value(m_.value_id(v)) || m_.operand_ids[begin + k] != m_.value_id(v))
        node_problem(n, "input " + std::to_string(k) + " of a node was erased");
      else if (m_.operands[begin + k].node != n) node_problem(n, "the use of input " + std::to_string(k) + " belongs to another node");
    }
  }
  void node_outputs(Slot n) {
    const auto begin = m_.nodes.out_begin[n];
    if (static_cast<uint64_t>(begin) + m_.nodes.out_count[n] > m_.results.size()) return node_problem(n, "the outputs of a node are out of range");
    for (uint32_t k = 0; k < m_.nodes.out_count[n]; ++k) {
      const Slot v = slot(m_.results[begin + k]);
      if (!v) continue;
      if (v >= m_.values.generation.size() || !m_.alive_value(m_.value_id(v)) || m_.values.producer[v] != n || m_.values.output_index[v] != k ||
          m_.values.graph[v] != m_.nodes.graph[n])
        node_problem(n, "output " + std::to_string(k) + " of a node is not its own");
    }
  }
  void node_attrs(Slot n) {
    const AttrSet* a = m_.nodes.attrs[n].get();
    const auto name = [&](uint64_t k) { return std::string_view(a->data()[k].name.data, a->data()[k].name.len); };
    for (uint64_t k = 0; a && k < a->size(); ++k) {
      for (uint64_t j = 0; j < k; ++j)
        if (name(j) == name(k)) node_problem(n, "a node has two attributes of one name");
      for_each_reference(
          a->data()[k],
          [&](const tenon_graph& g) {
            if (g.model != &m_ || !g.alive || !g.holders.count(m_.node_id(n)) || g.parent != (g.shared() ? 0 : m_.nodes.graph[n])) node_problem(n, "a graph attribute is not held by its node");
          },
          [&](tenon_value v) {
            if (!m_.alive_value(v) || !(m_.values.flags[slot(v)] & TENON_VF_CONSTANT)) node_problem(n, "a tensor attribute is no constant");
            else ++extra_uses_[slot(v)];
          });
    }
  }

  void values() {
    for (Slot v = 1; v < m_.values.generation.size(); ++v) {
      if (!m_.alive_value(m_.value_id(v))) continue;
      const bool constant = m_.values.flags[v] & TENON_VF_CONSTANT;
      const uint32_t c = m_.values.constant[v];
      if (constant != (c != 0) || c >= m_.constants.size() || (constant && m_.values.producer[v])) value_problem(v, "a constant has no contents, or a value that is none has");
      else if (!constant) made(v);
      uses(v);
      if (m_.values.extra_uses[v] != extra_uses_[v]) value_problem(v, "the uses of a value as output or attribute are miscounted");
    }
  }
  void made(Slot v) {
    const Slot n = m_.values.producer[v];
    if (n == 0) {
      if (!inputs_[v]) value_problem(v, "a value is made by nothing");
      return;
    }
    const bool alive = n < m_.nodes.generation.size() && m_.alive_node(m_.node_id(n));
    if (!alive || m_.values.output_index[v] >= m_.nodes.out_count[n] || m_.results[m_.nodes.out_begin[n] + m_.values.output_index[v]] != m_.value_id(v))
      value_problem(v, "a value's node does not make it");
  }
  void uses(Slot v) {
    uint32_t count = 0, before = 0;
    for (uint32_t o = m_.values.first_use[v]; o; before = o, o = m_.operands[o].next) {
      const bool sound = o < m_.operands.size() && m_.operands[o].value == v && m_.operands[o].prev == before && ++count <= m_.values.n_uses[v];
      if (!sound) return value_problem(v, "the list of a value's uses is inconsistent");
      const Slot n = m_.operands[o].node;
      if (n >= m_.nodes.generation.size() || !m_.alive_node(m_.node_id(n)) || o < m_.nodes.in_begin[n] || o >= m_.nodes.in_begin[n] + m_.nodes.in_count[n])
        return value_problem(v, "a value is used by a node that was erased");
    }
    if (count != m_.values.n_uses[v] || m_.values.last_use[v] != before) value_problem(v, "the uses of a value are miscounted");
  }

  // ---- shared graphs ----
  void shared_graphs() {
    std::vector<uint8_t> state(m_.graphs.size(), 0);
    for (const tenon_graph& g : m_.graphs) {
      if (g.alive && !ends(g, &state)) return graph_problem(g, "a graph holds itself");
      if (g.alive && g.shared() && !m_.captures(g).empty())
        report(Error(TENON_E_INTERNAL, "a graph that several nodes hold reads a value of another graph").with("graph", g.name).with("value", m_.values.name[slot(m_.captures(g)[0])]));
    }
  }
  /// Graphs that hold one another form no cycle. State: 1 = open, 2 = done.
  bool ends(const tenon_graph& g, std::vector<uint8_t>* state) const {
    if ((*state)[g.index]) return (*state)[g.index] == 2;
    (*state)[g.index] = 1;
    bool fine = true;
    for (Slot n = g.first; n; n = m_.nodes.next[n]) {
      const AttrSet* a = m_.nodes.attrs[n].get();
      for (uint64_t k = 0; a && k < a->size(); ++k)
        for_each_reference(a->data()[k], [&](const tenon_graph& inner) { fine = fine && ends(inner, state); }, [](tenon_value) {});
    }
    (*state)[g.index] = 2;
    return fine;
  }

  // ---- order ----
  void order() {
    for (const tenon_graph& g : m_.graphs) {
      if (!g.alive) continue;
      if (auto sorted = m_.topological(g); !sorted) report(std::move(sorted.error()));
      for (Slot n = g.first; n; n = m_.nodes.next[n])
        for (uint32_t k = 0; k < m_.nodes.in_count[n]; ++k) {
          const Slot v = m_.operands[m_.nodes.in_begin[n] + k].value;
          if (v && !visible(m_, v, g))
            report_node(n, Error(TENON_E_INTERNAL, "a node reads a value of a graph that is not around it").with("value", m_.values.name[v]));
        }
      for (tenon_value v : g.outputs)
        if (!visible(m_, slot(v), g)) value_problem(slot(v), "a graph gives out a value of a graph that is not around it");
    }
  }

  // ---- contents ----
  void contents() {
    names("output", m_.main().output_names);
    std::vector<std::string> inputs;
    for (tenon_value v : m_.main().inputs) inputs.push_back(m_.values.name[slot(v)]);
    names("input", inputs);
    for (Slot v = 1; v < m_.values.generation.size(); ++v)
      if (m_.alive_value(m_.value_id(v))) value_type(v);
    for (Slot n = 1; n < m_.nodes.generation.size(); ++n)
      if (m_.alive_node(m_.node_id(n)) && (all_ || (m_.nodes.stale[n] & kUnchecked))) signature(n);
  }
  void names(const std::string& what, const std::vector<std::string>& all) {
    std::set<std::string_view> seen;
    for (const auto& name : all)
      if (name.empty()) graph_problem(m_.main(), "an " + what + " of the model has no name");
      else if (!seen.insert(name).second) graph_problem(m_.main(), "two " + what + "s of the model are called '" + name + "'");
  }
  void value_type(Slot v) {
    for (int32_t k = 0; k < m_.values.rank[v]; ++k) dimension(v, m_.dims(v)[k]);
    const bool is_constant = m_.values.flags[v] & TENON_VF_CONSTANT;
    const auto& q = m_.values.quantization[v];
    if (!is_constant && !q) return;
    const ValueType t = m_.type(m_.value_id(v));
    if (is_constant) constant(v, t);
    if (q) quantization(v, t, *q);
  }
  void dimension(Slot v, int64_t d) {
    if (d >= TENON_DIM_UNKNOWN || sizes_.count(d)) return;
    if (!m_.symbols.valid(d)) value_problem(v, "a dimension is a symbol of another model");
    else if (m_.symbols.names_of(d).empty())
      report(Error(TENON_E_INTERNAL, "a dimension is negative").with("value", m_.values.name[v]).with("found", m_.symbols.text(d)));
    else sizes_.insert(d);
  }
  void constant(Slot v, const ValueType& t) {
    const auto [data, bytes] = m_.constant_bytes(m_.value_id(v));
    uint64_t elements = 0, size = 0;
    std::vector<std::string_view> strings;
    if (!constant_size(t, &elements, &size)) return value_problem(v, "a constant has no element type or no static shape");
    const bool is_string = t.dtype.code == TENON_DT_STRING;
    if (is_string ? !read_string_table(data, bytes, elements, &strings) : bytes != size)
      report(Error(TENON_E_INTERNAL, "a constant's contents do not fit its type")
                 .with("value", m_.values.name[v])
                 .with("expected", std::to_string(size) + " bytes" + (is_string ? " of offsets and the text" : ""))
                 .with("found", std::to_string(bytes) + " bytes"));
  }
  void quantization(Slot v, const ValueType& t, const Quantization& q) {
    const bool axis_known = q.axis >= 0 && q.axis < t.rank;
    const bool fits = q.scale.size() == q.zero_point.size() && !q.scale.empty() && q.axis >= -1 && (t.rank < 0 || q.axis < t.rank) && (q.axis >= 0 || q.scale.size() == 1) &&
                      (!axis_known || t.dims[static_cast<size_t>(q.axis)] < 0 || static_cast<uint64_t>(t.dims[static_cast<size_t>(q.axis)]) == q.scale.size());
    if (!fits) value_problem(v, "the quantization of a value does not fit its shape");
  }
  void signature(Slot n) {
    auto s = signature_of_op(m_.nodes.op[n]);
    if (!s) return report_node(n, std::move(s.error()));
    if (*s) check_signature(**s, m_, m_.node_id(n), [&](Error e) { report_node(n, std::move(e)); });
  }
  Result<const Signature*> signature_of_op(tenon_op id) {
    auto [it, fresh] = signatures_.try_emplace(id, nullptr);
    if (!fresh) return it->second;
    auto op = s_.registry.find_operator(id);
    if (op && !*op) return nullptr;
    auto s = op ? signature_of(**op) : Result<const Signature*>(fail(std::move(op.error())));
    if (s) it->second = *s;
    else signatures_.erase(it);
    return s;
  }
};

}  // namespace

Status verify(Session& s, Model& m) { return Verifier(s, m, true).run(); }
Status verify_changes(Session& s, Model& m) { return Verifier(s, m, false).run(); }

}  // namespace tenon::core
