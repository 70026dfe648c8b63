// SPDX-License-Identifier: Apache-2.0
// ast.hpp - a model as the file has it. Texts and tensors are ranges of the mapped file (or of Ast::texts).
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "wire.hpp"

namespace tenon::onnx {

struct GraphAst;

/// One occurrence of float_data, int32_data, ... : a packed run, or a single element.
struct TypedData {
  uint32_t field = 0;
  WireType type{};
  Bytes bytes;
  uint64_t value = 0;
};

struct TensorAst {
  std::string_view name;
  Dims dims;
  int32_t data_type = 0;
  bool has_raw = false, external = false, segment = false;
  Bytes raw;
  std::vector<TypedData> typed;
  std::vector<std::pair<std::string_view, std::string_view>> external_data;
  const uint8_t* at = nullptr;
};

struct SparseAst {
  TensorAst values, indices;
  Dims dims;
  const uint8_t* at = nullptr;
};

/// Payload fields are read from `body` when the attribute is built, nested graphs at once.
struct AttributeAst {
  std::string_view name, ref;
  int32_t type = 0;  ///< AttributeProto.AttributeType
  Bytes body;
  std::vector<std::shared_ptr<GraphAst>> graphs;
};

struct NodeAst {
  std::string_view name, op, domain, overload;
  std::vector<std::string_view> in, out;
  std::vector<AttributeAst> attrs;
  int32_t version = 0;  ///< opset of its domain; known after expand_functions()
  const uint8_t* at = nullptr;
  /// For messages: its name, or operator and first output.
  std::string label() const;
};

struct ValueAst {
  std::string_view name;
  Bytes type;
  const uint8_t* at = nullptr;
};

struct GraphAst {
  std::string_view name;
  std::vector<NodeAst> nodes;
  std::vector<TensorAst> initializers;
  std::vector<SparseAst> sparse_initializers;
  std::vector<ValueAst> inputs, outputs, values;
  uint64_t annotations = 0;  ///< quantization_annotation entries
  const uint8_t* at = nullptr;
};

/// Domain to version; "ai.onnx" is stored as "".
using Opsets = std::map<std::string_view, int64_t>;

struct FunctionAst {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<AttributeAst> defaults;
  std::vector<NodeAst> nodes;
  Opsets opsets;
  const uint8_t* at = nullptr;
};

struct Ast {
  int64_t ir_version = 0, model_version = 0;
  std::string_view producer, producer_version, domain;
  Opsets opsets;
  GraphAst graph;
  std::vector<FunctionAst> functions;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  bool training = false;
  std::deque<std::string> texts;                          ///< names made while functions are inlined
  std::set<std::pair<std::string, uint32_t>> unknown;     ///< message and number of fields that no known schema has
};

/// Reads the file's structure. Throws E_INVALID for everything malformed.
Ast read_model(const File& file);
TensorAst read_tensor(const File& file, Bytes b, Ast& ast);
SparseAst read_sparse(const File& file, Bytes b, Ast& ast);
/// Replaces calls of model-local functions by their bodies, everywhere, and gives every node its operator's version.
void expand_functions(const File& file, Ast& ast, const Ctx& ctx);
/// Order in which the nodes can run: the file's where that is one, else a stable topological one. A cycle throws and names its nodes.
std::vector<size_t> run_order(const File& file, const GraphAst& g);

}  // namespace tenon::onnx
