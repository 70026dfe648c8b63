// SPDX-License-Identifier: Apache-2.0
// read.cpp - wire format to Ast.
#include "ast.hpp"
#include "schema.hpp"

namespace tenon::onnx {
namespace {

namespace attribute_type = schema::AttributeProto::AttributeType;
constexpr int kDeepest = 64;  // nested graphs; real models have fewer than ten

class Reader {
  const File& file_;
  Ast& ast_;

  void unknown(const Wire& w) { ast_.unknown.emplace(w.message(), w.field()); }

 public:
  Reader(const File& file, Ast& ast) : file_(file), ast_(ast) {}

  std::pair<std::string_view, std::string_view> entry(Bytes b) {
    namespace f = schema::StringStringEntryProto;
    std::pair<std::string_view, std::string_view> r;
    for (Wire w(file_, "StringStringEntryProto", b); w.next();) switch (w.field()) {
        case f::key: r.first = w.text(); break;
        case f::value: r.second = w.text(); break;
        default: unknown(w);
      }
    return r;
  }

  void opset(Bytes b, Opsets& to) {
    namespace f = schema::OperatorSetIdProto;
    std::string_view domain;
    int64_t version = 0;
    for (Wire w(file_, "OperatorSetIdProto", b); w.next();) switch (w.field()) {
        case f::domain: domain = w.text(); break;
        case f::version: version = w.i64(); break;
        default: unknown(w);
      }
    if (domain == "ai.onnx") domain = {};
    if (version < 0 || version > INT32_MAX) throw file_.bad(b.p, "opset_import: version " + std::to_string(version) + " is out of range");
    auto [at, fresh] = to.emplace(domain, version);
    if (!fresh && at->second != version)
      throw file_.bad(b.p, "opset_import: domain '" + std::string(domain.empty() ? "ai.onnx" : domain) + "' is imported twice with different versions");
  }

  TensorAst tensor(Bytes b) {
    namespace f = schema::TensorProto;
    TensorAst t;
    t.at = b.p;
    for (Wire w(file_, "TensorProto", b); w.next();) switch (w.field()) {
        case f::dims: w.append(t.dims); break;
        case f::data_type: t.data_type = w.i32(); break;
        case f::segment: t.segment = true; break;
        case f::float_data:
        case f::int32_data:
        case f::string_data:
        case f::int64_data:
        case f::double_data:
        case f::uint64_data: t.typed.push_back(typed(w)); break;
        case f::name: t.name = w.text(); break;
        case f::raw_data:
          t.raw = w.bytes();
          t.has_raw = true;
          break;
        case f::external_data: t.external_data.push_back(entry(w.bytes())); break;
        case f::data_location: t.external = location(w); break;
        case f::doc_string:
        case schema::newer::TensorProto::metadata_props: break;
        default: unknown(w);
      }
    return t;
  }
  static TypedData typed(const Wire& w) {
    TypedData d;
    d.field = w.field();
    d.type = w.type();
    if (d.type == WireType::varint) d.value = static_cast<uint64_t>(w.i64());
    else d.bytes = w.raw();
    return d;
  }
  static bool location(const Wire& w) {
    int64_t v = w.i64();
    if (v != schema::TensorProto::DataLocation::DEFAULT && v != schema::TensorProto::DataLocation::EXTERNAL)
      throw w.bad("unknown data_location " + std::to_string(v));
    return v == schema::TensorProto::DataLocation::EXTERNAL;
  }

  SparseAst sparse(Bytes b) {
    namespace f = schema::SparseTensorProto;
    SparseAst s;
    s.at = b.p;
    for (Wire w(file_, "SparseTensorProto", b); w.next();) switch (w.field()) {
        case f::values: s.values = tensor(w.bytes()); break;
        case f::indices: s.indices = tensor(w.bytes()); break;
        case f::dims: w.append(s.dims); break;
        default: unknown(w);
      }
    return s;
  }

  AttributeAst attribute(Bytes b, int depth) {
    namespace f = schema::AttributeProto;
    AttributeAst a;
    a.body = b;
    int32_t seen = 0;  // what the payload says; files of IR version 1 have no type field
    for (Wire w(file_, "AttributeProto", b); w.next();) switch (w.field()) {
        case f::name: a.name = w.text(); break;
        case f::ref_attr_name: a.ref = w.text(); break;
        case f::type: a.type = w.i32(); break;
        case f::f: seen = attribute_type::FLOAT; break;
        case f::i: seen = attribute_type::INT; break;
        case f::s: seen = attribute_type::STRING; break;
        case f::t: seen = attribute_type::TENSOR; break;
        case f::sparse_tensor: seen = attribute_type::SPARSE_TENSOR; break;
        case f::tp: seen = attribute_type::TYPE_PROTO; break;
        case f::floats: seen = attribute_type::FLOATS; break;
        case f::ints: seen = attribute_type::INTS; break;
        case f::strings: seen = attribute_type::STRINGS; break;
        case f::tensors: seen = attribute_type::TENSORS; break;
        case f::sparse_tensors: seen = attribute_type::SPARSE_TENSORS; break;
        case f::type_protos: seen = attribute_type::TYPE_PROTOS; break;
        case f::g:
        case f::graphs:
          seen = w.field() == f::g ? attribute_type::GRAPH : attribute_type::GRAPHS;
          a.graphs.push_back(std::make_shared<GraphAst>(graph(w.bytes(), depth + 1)));
          break;
        case f::doc_string: break;
        default: unknown(w);
      }
    if (a.name.empty()) throw file_.bad(b.p, "an attribute has no name");
    if (a.type == 0 && a.ref.empty()) a.type = seen;
    if (a.type == 0 && a.ref.empty()) throw file_.bad(b.p, "attribute '" + std::string(a.name) + "' has neither type nor value");
    if (a.type == attribute_type::GRAPH && a.ref.empty() && a.graphs.size() != 1)
      throw file_.bad(b.p, "attribute '" + std::string(a.name) + "' must hold one graph");
    return a;
  }

  NodeAst node(Bytes b, int depth) {
    namespace f = schema::NodeProto;
    namespace n = schema::newer::NodeProto;
    NodeAst r;
    r.at = b.p;
    for (Wire w(file_, "NodeProto", b); w.next();) switch (w.field()) {
        case f::input: r.in.push_back(w.text()); break;
        case f::output: r.out.push_back(w.text()); break;
        case f::name: r.name = w.text(); break;
        case f::op_type: r.op = w.text(); break;
        case f::domain: r.domain = w.text(); break;
        case f::attribute: r.attrs.push_back(attribute(w.bytes(), depth)); break;
        case n::overload: r.overload = w.text(); break;
        case f::doc_string:
        case n::metadata_props:
        case n::device_configurations: break;
        default: unknown(w);
      }
    if (r.op.empty()) throw file_.bad(b.p, "a node has no op_type");
    if (r.domain == "ai.onnx") r.domain = {};
    std::set<std::string_view> names;
    for (const auto& a : r.attrs)
      if (!names.insert(a.name).second) throw file_.bad(b.p, "attribute '" + std::string(a.name) + "' is given twice").with("node", r.label());
    return r;
  }

  ValueAst value(Bytes b) {
    namespace f = schema::ValueInfoProto;
    ValueAst v;
    v.at = b.p;
    for (Wire w(file_, "ValueInfoProto", b); w.next();) switch (w.field()) {
        case f::name: v.name = w.text(); break;
        case f::type: v.type = w.bytes(); break;
        case f::doc_string:
        case schema::newer::ValueInfoProto::metadata_props: break;
        default: unknown(w);
      }
    return v;
  }

  GraphAst graph(Bytes b, int depth) {
    GraphAst g;
    g.at = b.p;
    merge(g, b, depth);
    return g;
  }

  // Protobuf joins the occurrences of a singular message, so a graph may come in parts.
  void merge(GraphAst& g, Bytes b, int depth) {
    namespace f = schema::GraphProto;
    if (depth > kDeepest) throw file_.bad(b.p, "graphs are nested deeper than " + std::to_string(kDeepest) + " levels");
    for (Wire w(file_, "GraphProto", b); w.next();) switch (w.field()) {
        case f::node: g.nodes.push_back(node(w.bytes(), depth)); break;
        case f::name: g.name = w.text(); break;
        case f::initializer: g.initializers.push_back(tensor(w.bytes())); break;
        case f::sparse_initializer: g.sparse_initializers.push_back(sparse(w.bytes())); break;
        case f::input: g.inputs.push_back(value(w.bytes())); break;
        case f::output: g.outputs.push_back(value(w.bytes())); break;
        case f::value_info: g.values.push_back(value(w.bytes())); break;
        case f::quantization_annotation: ++g.annotations; break;
        case f::doc_string:
        case schema::newer::GraphProto::metadata_props: break;
        default: unknown(w);
      }
  }

  FunctionAst function(Bytes b) {
    namespace f = schema::FunctionProto;
    namespace n = schema::newer::FunctionProto;
    FunctionAst r;
    r.at = b.p;
    for (Wire w(file_, "FunctionProto", b); w.next();) switch (w.field()) {
        case f::name: r.name = w.text(); break;
        case f::domain: r.domain = w.text(); break;
        case n::overload: r.overload = w.text(); break;
        case f::input: r.inputs.push_back(w.text()); break;
        case f::output: r.outputs.push_back(w.text()); break;
        case f::attribute: r.attributes.push_back(w.text()); break;
        case n::attribute_proto: r.defaults.push_back(attribute(w.bytes(), 0)); break;
        case f::node: r.nodes.push_back(node(w.bytes(), 0)); break;
        case f::opset_import: opset(w.bytes(), r.opsets); break;
        case f::doc_string:
        case n::value_info:
        case n::metadata_props:
        case 2:         // since_version and status of IR version 7, dropped in 8
        case 3: break;
        default: unknown(w);
      }
    if (r.domain == "ai.onnx") r.domain = {};
    if (r.name.empty()) throw file_.bad(b.p, "a function has no name");
    return r;
  }

  void model() {
    namespace f = schema::ModelProto;
    bool has_graph = false;
    for (Wire w(file_, "ModelProto", file_.bytes); w.next();) switch (w.field()) {
        case f::ir_version: ast_.ir_version = w.i64(); break;
        case f::opset_import: opset(w.bytes(), ast_.opsets); break;
        case f::producer_name: ast_.producer = w.text(); break;
        case f::producer_version: ast_.producer_version = w.text(); break;
        case f::domain: ast_.domain = w.text(); break;
        case f::model_version: ast_.model_version = w.i64(); break;
        case f::graph:
          merge(ast_.graph, w.bytes(), 0);
          if (!has_graph) ast_.graph.at = w.at();
          has_graph = true;
          break;
        case f::metadata_props: ast_.metadata.push_back(entry(w.bytes())); break;
        case f::training_info: ast_.training = true; break;
        case f::functions: ast_.functions.push_back(function(w.bytes())); break;
        case f::doc_string:
        case schema::newer::ModelProto::configuration: break;
        default: unknown(w);
      }
    if (!has_graph) throw file_.bad(file_.bytes.p, "the file holds no graph").with("hint", "it is empty, truncated, or no ONNX model");
    if (ast_.ir_version <= 0) throw file_.bad(file_.bytes.p, "the model has no ir_version").with("hint", "the file is damaged, or it is no ONNX model");
  }
};

}  // namespace

std::string NodeAst::label() const {
  if (!name.empty()) return std::string(name);
  std::string s(op);
  return out.empty() || out[0].empty() ? s : s + " (makes '" + std::string(out[0]) + "')";
}

Ast read_model(const File& file) {
  Ast ast;
  Reader(file, ast).model();
  return ast;
}
TensorAst read_tensor(const File& file, Bytes b, Ast& ast) { return Reader(file, ast).tensor(b); }
SparseAst read_sparse(const File& file, Bytes b, Ast& ast) { return Reader(file, ast).sparse(b); }

}  // namespace tenon::onnx
