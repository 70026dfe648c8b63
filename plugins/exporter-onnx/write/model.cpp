// SPDX-License-Identifier: Apache-2.0
#include "model.hpp"

#include <tenon/walk.hpp>

#include <set>

#include "names.hpp"
#include "schema.hpp"
#include "tensors.hpp"
#include "types.hpp"

namespace tenon::to_onnx {
namespace {

using namespace onnx;
constexpr int64_t kMetadataIr = 10;              // the IR version that gave nodes metadata
constexpr uint64_t kMostBytes = (1ull << 31) - 1;  // of a protobuf message

std::string json_list(const tenon_str* texts, uint64_t count) {
  std::string s = "[";
  for (uint64_t k = 0; k < count; ++k) {
    s += k ? ",\"" : "\"";
    for (char c : view(texts[k])) {
      if (c == '"' || c == '\\') s += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) s += c;
    }
    s += '"';
  }
  return s + "]";
}

class Writer {
  const Ctx& ctx_;
  const Settings& s_;
  const Defaults& defaults_;
  tenon_graph* main_;
  Names values_, nodes_;
  Tensors tensors_;
  std::map<std::string, int32_t> opsets_;
  std::vector<tenon_value> constants_;
  std::set<tenon_value> listed_;

  std::string_view output_name(const Graph& g, uint64_t k) const {
    tenon_str s{};
    ok(api().ir->graph_output_name(g.raw(), k, &s));
    return view(s);
  }
  const std::string& name(const Graph& g, tenon_value v) {
    if (g.is_constant(v) && listed_.insert(v).second) constants_.push_back(v);
    return values_.of(v, g.info(v).name());
  }

  Message value_info(const Graph& g, tenon_value v, std::string_view name) {
    namespace f = schema::ValueInfoProto;
    Message m;
    m.text(f::name, name);
    const ValueInfo i = g.info(v);
    if (i.type() != dt::none) m.message(f::type, type_proto(g, i.type(), i.rank(), i.dims()));
    return m;
  }

  Message identity(const Graph& g, tenon_value v, std::string_view to) {
    namespace f = schema::NodeProto;
    Message m;
    m.text(f::input, name(g, v));
    m.text(f::output, to);
    m.text(f::name, nodes_.fresh(to));
    m.text(f::op_type, "Identity");
    opsets_.try_emplace("", static_cast<int32_t>(s_.opset));
    return m;
  }

  void payload(const Graph& g, const tenon_attr& a, Message& m) {
    namespace f = schema::AttributeProto;
    namespace t = schema::AttributeProto::AttributeType;
    auto kind = [&](uint32_t type) { m.integer(f::type, type); };
    switch (a.type) {
      case TENON_AT_INT: m.integer(f::i, a.v.i); return kind(t::INT);
      case TENON_AT_FLOAT: m.real(f::f, static_cast<float>(a.v.f)); return kind(t::FLOAT);
      case TENON_AT_STR: m.text(f::s, view(a.v.strs[0])); return kind(t::STRING);
      case TENON_AT_INTS:
        for (uint64_t k = 0; k < a.count; ++k) m.integer(f::ints, a.v.ints[k]);
        return kind(t::INTS);
      case TENON_AT_FLOATS:
        for (uint64_t k = 0; k < a.count; ++k) m.real(f::floats, static_cast<float>(a.v.floats[k]));
        return kind(t::FLOATS);
      case TENON_AT_STRS:
        for (uint64_t k = 0; k < a.count; ++k) m.text(f::strings, view(a.v.strs[k]));
        return kind(t::STRINGS);
      case TENON_AT_TENSOR: m.message(f::t, tensors_.proto(a.v.tensor, {}, false)); return kind(t::TENSOR);
      case TENON_AT_TENSORS:
        for (uint64_t k = 0; k < a.count; ++k) m.message(f::tensors, tensors_.proto(a.v.tensors[k], {}, false));
        return kind(t::TENSORS);
      case TENON_AT_GRAPH: m.message(f::g, graph(Graph(g.ctx(), a.v.graph))); return kind(t::GRAPH);
      case TENON_AT_GRAPHS:
        for (uint64_t k = 0; k < a.count; ++k) m.message(f::graphs, graph(Graph(g.ctx(), a.v.graphs[k])));
        return kind(t::GRAPHS);
      case TENON_AT_RAW: m.borrowed(f::tp, a.v.raw, a.count); return kind(t::TYPE_PROTO);
      default: throw unsupported("an attribute has a kind that ONNX lacks").with("found", std::string(view(a.name)));
    }
  }

  void origins(const Graph& g, tenon_node n, Message& m) {
    namespace e = schema::StringStringEntryProto;
    const tenon_str* names{};
    uint64_t count{};
    ok(api().ir->node_origins(g.raw(), n, &names, &count));
    if (count == 0 || (count == 1 && view(names[0]) == g.name(n))) return;
    const std::string text = json_list(names, count);
    if (ir_version(s_.opset) < kMetadataIr) return m.text(schema::NodeProto::doc_string, "origins: " + text);
    Message entry;
    entry.text(e::key, "tenon.origins");
    entry.text(e::value, text);
    m.message(schema::newer::NodeProto::metadata_props, std::move(entry));
  }

  Message node(const Graph& g, tenon_node n) {
    namespace f = schema::NodeProto;
    const auto op = Graph::op_name(g.op(n));
    const std::string domain(op.domain == "onnx" ? std::string_view() : op.domain);
    int32_t& version = opsets_[domain];
    version = std::max(version, op.version);
    Message m;
    for (tenon_value v : g.inputs(n)) m.text(f::input, v ? std::string_view(name(g, v)) : std::string_view());
    for (tenon_value v : g.outputs(n)) m.text(f::output, v ? std::string_view(name(g, v)) : std::string_view());
    m.text(f::name, nodes_.fresh(g.name(n).empty() ? op.name : g.name(n)));
    m.text(f::op_type, op.name);
    for (const tenon_attr& a : g.attrs(n).all()) {
      Message attribute;
      attribute.text(schema::AttributeProto::name, view(a.name));
      payload(g, a, attribute);
      m.message(f::attribute, std::move(attribute));
    }
    origins(g, n, m);
    if (!domain.empty()) m.text(f::domain, domain);
    return m;
  }

  /// Names of the outputs; those that no node of this graph makes, or that are outputs twice, get an Identity of their own.
  std::vector<std::string> output_names(const Graph& g, std::vector<Message>* identities) {
    const auto outs = g.graph_outputs();
    std::set<tenon_value> seen;
    std::vector<std::string> names(outs.size());
    for (uint64_t k = 0; k < outs.size(); ++k) {
      const ValueInfo i = g.info(outs[k]);
      const bool main = g.raw() == main_, own = i.producer() && i.graph() == g.raw() && seen.insert(outs[k]).second;
      const std::string wanted(output_name(g, k));
      if (main && (own || i.is_input()) && values_.claim(outs[k], wanted)) names[k] = wanted;
      else if (main && own) throw invalid("an output has the name of an input or of another output").with("value", wanted);
      else if (own) names[k] = name(g, outs[k]);
      if (names[k].empty()) {
        names[k] = values_.fresh(wanted);
        if (main && names[k] != wanted) throw invalid("an output has the name of an input or of another output").with("value", wanted);
        identities->push_back(identity(g, outs[k], names[k]));
      }
    }
    return names;
  }

  void interface_of(const Graph& g, const std::vector<std::string>& out_names, Message& m) {
    namespace f = schema::GraphProto;
    for (tenon_value v : g.graph_inputs()) m.message(f::input, value_info(g, v, name(g, v)));
    const auto outs = g.graph_outputs();
    for (uint64_t k = 0; k < outs.size(); ++k) m.message(f::output, value_info(g, outs[k], out_names[k]));
  }

  void between(const Graph& g, const View& v, Message& m) {
    std::set<tenon_value> outputs;
    for (tenon_value o : g.graph_outputs()) outputs.insert(o);
    for (uint64_t r = 0; r < v.size(); ++r)
      for (uint32_t row : v.out(r)) {
        if (row == TENON_ROW_NONE || outputs.count(v.value(row))) continue;
        if (v.v->dtype[row].code != TENON_DT_NONE && v.v->rank[row] >= 0)
          m.message(schema::GraphProto::value_info, value_info(g, v.value(row), name(g, v.value(row))));
      }
  }

  Message graph(const Graph& g) {
    namespace f = schema::GraphProto;
    if (g.raw() == main_)
      for (tenon_value v : g.graph_inputs())
        if (!values_.claim(v, g.info(v).name())) throw invalid("two inputs have the same name").with("value", g.info(v).name());
    std::vector<Message> identities;
    const auto out_names = output_names(g, &identities);
    Message m;
    const auto nodes = g.nodes();
    for (uint64_t r = 0; r < nodes.size(); ++r) {
      m.message(f::node, node(g, nodes[r]));
      if (r % 4096 == 4095) ctx_.progress(r, nodes.size(), "nodes");
    }
    for (Message& i : identities) m.message(f::node, std::move(i));
    m.text(f::name, g.raw() == main_ ? "main" : nodes_.fresh("graph"));
    if (g.raw() == main_) initializers(g, m);
    interface_of(g, out_names, m);
    between(g, g.view(), m);
    return m;
  }

  void initializers(const Graph& g, Message& m) {
    namespace f = schema::GraphProto;
    for (const auto& [input, value] : defaults_) m.message(f::initializer, tensors_.proto(value, name(g, input), true));
    for (tenon_value v : constants_) m.message(f::initializer, tensors_.proto(v, name(g, v), true));
  }

 public:
  Writer(const Ctx& ctx, const Graph& g, const Settings& s, const Defaults& defaults, const Sink& to, bool external)
      : ctx_(ctx), s_(s), defaults_(defaults), main_(g.raw()), tensors_(g, to, external) {}

  Message model(const Graph& g) {
    namespace f = schema::ModelProto;
    Message body = graph(g), m;
    m.integer(f::ir_version, ir_version(s_.opset));
    m.text(f::producer_name, "tenon");
    opsets_.try_emplace("", static_cast<int32_t>(s_.opset));
    for (const auto& [domain, version] : opsets_) {
      Message o;
      o.text(schema::OperatorSetIdProto::domain, domain);
      o.integer(schema::OperatorSetIdProto::version, version);
      m.message(f::opset_import, std::move(o));
    }
    m.message(f::graph, std::move(body));
    return m;
  }
};

/// Bytes of all constants that nodes of the model use.
uint64_t constant_bytes(const Graph& g) {
  std::set<tenon_value> seen;
  uint64_t bytes = 0;
  for (tenon_node n : all_nodes(g))
    for (tenon_value v : g.inputs(n))
      if (v && g.is_constant(v) && seen.insert(v).second) bytes += g.constant_bytes(v).size();
  return bytes;
}

}  // namespace

void write_model(const Ctx& ctx, const Graph& g, const Settings& s, const Defaults& defaults, const Sink& to) {
  const bool external = constant_bytes(g) > s.external_above;
  const Message m = Writer(ctx, g, s, defaults, to, external).model(g);
  if (m.size() > kMostBytes)
    throw unsupported("the model does not fit into one protobuf message of 2 GiB").with("found", std::to_string(m.size()) + " bytes").with("hint", "lower option \"external-data-above\"");
  m.write([&](const void* p, uint64_t n) { to.write(p, n); });
}

}  // namespace tenon::to_onnx
