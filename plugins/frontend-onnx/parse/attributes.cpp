// SPDX-License-Identifier: Apache-2.0
#include "attributes.hpp"

#include "schema.hpp"

namespace tenon::onnx {
namespace {

namespace f = schema::AttributeProto;
namespace type = schema::AttributeProto::AttributeType;

// Payload of an attribute, as far as it is small.
struct Values {
  double number = 0;
  int64_t integer = 0;
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::vector<tenon_str> strings;
  std::vector<Bytes> tensors, sparse, types;
};

Values read(const File& file, Bytes body) {
  Values v;
  for (Wire w(file, "AttributeProto", body); w.next();) switch (w.field()) {
      case f::f: v.number = w.f32(); break;
      case f::i: v.integer = w.i64(); break;
      case f::floats: w.append(v.floats); break;
      case f::ints: w.append(v.ints); break;
      case f::s:
      case f::strings: v.strings.push_back(str(w.bytes().text())); break;
      case f::t:
      case f::tensors: v.tensors.push_back(w.bytes()); break;
      case f::sparse_tensor:
      case f::sparse_tensors: v.sparse.push_back(w.bytes()); break;
      case f::tp:
      case f::type_protos: v.types.push_back(w.bytes()); break;
      default: break;
    }
  return v;
}

}  // namespace

void Attributes::clear() {
  list_.clear();
  ints_.clear();
  floats_.clear();
  strings_.clear();
  values_.clear();
  graphs_.clear();
  texts_.clear();
}

tenon_value Attributes::constant(const Payload& p) { return Graph(ctx_, g_).add_constant("", p.type, p.dims, p.buffer, p.offset); }

void Attributes::put_strings(tenon_attr a, std::vector<tenon_str> s, bool list) {
  if (!list && s.size() > 1) s.erase(s.begin(), s.end() - 1);  // protobuf: the last occurrence counts
  if (!list && s.empty()) s.push_back({"", 0});
  a.type = list ? TENON_AT_STRS : TENON_AT_STR;
  a.count = s.size();
  strings_.push_back(std::move(s));
  a.v.strs = strings_.back().data();
  list_.push_back(a);
}

void Attributes::put_values(tenon_attr a, std::vector<tenon_value> v, bool list) {
  a.type = list ? TENON_AT_TENSORS : TENON_AT_TENSOR;
  a.count = v.size();
  values_.push_back(std::move(v));
  if (list) a.v.tensors = values_.back().data();
  else a.v.tensor = values_.back()[0];
  list_.push_back(a);
}

void Attributes::add(const AttributeAst& src, std::vector<tenon_graph*> graphs) {
  Values v = read(file_, src.body);
  tenon_attr a{};
  a.name = str(src.name);
  a.count = 1;
  auto tensors = [&](bool sparse) {
    std::vector<tenon_value> r;
    for (Bytes b : sparse ? v.sparse : v.tensors) r.push_back(constant(sparse ? tensors_.get(read_sparse(file_, b, ast_)) : tensors_.get(read_tensor(file_, b, ast_))));
    return r;
  };
  auto one = [&](size_t n) {
    if (n != 1) throw file_.bad(src.body.p, "attribute '" + std::string(src.name) + "' must hold one value of its type").with("found", std::to_string(n));
  };
  auto types = [&] {
    std::vector<tenon_str> r;
    for (Bytes b : v.types) r.push_back(str(texts_.emplace_back(dtype_name(read_type(file_, b, g_).dtype))));
    return r;
  };
  switch (static_cast<uint32_t>(src.type)) {
    case type::FLOAT:
      a.type = TENON_AT_FLOAT;
      a.v.f = v.number;
      list_.push_back(a);
      break;
    case type::INT:
      a.type = TENON_AT_INT;
      a.v.i = v.integer;
      list_.push_back(a);
      break;
    case type::STRING: put_strings(a, std::move(v.strings), false); break;
    case type::STRINGS: put_strings(a, std::move(v.strings), true); break;
    case type::TYPE_PROTO: one(v.types.size()); put_strings(a, types(), false); break;
    case type::TYPE_PROTOS: put_strings(a, types(), true); break;
    case type::FLOATS:
      a.type = TENON_AT_FLOATS;
      a.count = v.floats.size();
      a.v.floats = floats_.emplace_back(std::move(v.floats)).data();
      list_.push_back(a);
      break;
    case type::INTS:
      a.type = TENON_AT_INTS;
      a.count = v.ints.size();
      a.v.ints = ints_.emplace_back(std::move(v.ints)).data();
      list_.push_back(a);
      break;
    case type::TENSOR: one(v.tensors.size()); put_values(a, tensors(false), false); break;
    case type::TENSORS: put_values(a, tensors(false), true); break;
    case type::SPARSE_TENSOR: one(v.sparse.size()); put_values(a, tensors(true), false); break;
    case type::SPARSE_TENSORS: put_values(a, tensors(true), true); break;
    case type::GRAPH:
      a.type = TENON_AT_GRAPH;
      a.v.graph = graphs.at(0);
      list_.push_back(a);
      break;
    case type::GRAPHS:
      a.type = TENON_AT_GRAPHS;
      a.count = graphs.size();
      a.v.graphs = graphs_.emplace_back(std::move(graphs)).data();
      list_.push_back(a);
      break;
    default: throw file_.bad(src.body.p, "attribute '" + std::string(src.name) + "' has unknown type " + std::to_string(src.type));
  }
}

}  // namespace tenon::onnx
