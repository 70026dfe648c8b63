// SPDX-License-Identifier: Apache-2.0
// import.hpp - a model file becomes IR: a frontend parses it, then lowerings rewrite its foreign operators.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "../ir/model.hpp"
#include "../plugin/session.hpp"

namespace tenon::core {

struct ImportRequest {
  std::string model;      ///< path
  std::string frontend;   ///< id
  Json options = Json::object();  ///< the frontend's own options
  std::vector<std::string> files;  ///< paths that the user named in options; the frontend may read them wherever they lie
  std::map<std::string, std::vector<Json>> shapes;  ///< input name -> dimensions (numbers or symbol names)
  std::function<void(const Model&)> parsed;  ///< sees the graph as the file has it, before lowering; may be empty
};

/// Operators that nobody could lower, gathered.
struct Leftover {
  std::string op;                     ///< domain and name, "a::B"
  int32_t version = 0;
  uint64_t count = 0;
  std::vector<std::string> nodes;     ///< names of the first ones
  std::string reason;                 ///< "no lowering", or what the lowering said
};

/// What became of one operator of the file, all its nodes together.
struct LoweredOperator {
  uint64_t count = 0;                 ///< nodes
  std::set<std::string> into;         ///< operators of the nodes that took their place, "domain::name"
};

struct Imported {
  std::unique_ptr<Model> model;
  std::string frontend;               ///< id
  uint64_t foreign_nodes = 0;         ///< nodes of the file, nested graphs included
  std::map<std::pair<std::string, int32_t>, LoweredOperator> lowered;  ///< by "domain::name" and version
  std::vector<Leftover> leftovers;
};

/// The frontend that knows the file best by its first bytes.
Result<std::string> frontend_of(Session& s, const std::string& model);
/// Parses, lowers and infers. Leftover operators are no error here; they are when executed.
Result<Imported> import_model(Session& s, const ImportRequest& r);

/// Operators of the graph that are not executable: foreign ones, and IR ones without definition or reference kernel.
std::vector<Leftover> missing_operators(Session& s, const Model& m);

}  // namespace tenon::core
