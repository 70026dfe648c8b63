// SPDX-License-Identifier: Apache-2.0
// signature.hpp - what an operator's definition says about its inputs, outputs and attributes (tenon_operator.signature).
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model.hpp"

namespace tenon::core {

/// A set of types: alternatives, or a container, or a variable with what it may be bound to.
struct TypePattern {
  enum Kind { kAny, kNum, kFloat, kInt, kUint, kBool, kString, kIndex, kExact, kVariable, kSequence, kOptional, kAlternatives };
  Kind kind = kAny;
  tenon_dtype exact{};
  std::string variable;
  std::vector<TypePattern> inner;  ///< alternatives; or of a container or variable none or one
};

struct SignatureValue {
  std::string name;
  TypePattern type;
  bool optional = false, variadic = false;
};
struct SignatureAttr {
  std::string name;
  uint32_t kinds = 0;  ///< bit 1 << TENON_AT_*
  bool optional = false;
};
struct Signature {
  std::vector<SignatureValue> inputs, outputs;
  std::vector<SignatureAttr> attrs;
};

Result<Signature> parse_signature(std::string_view text);
/// Parsed once for each operator. nullptr when the operator has no signature. Thread-safe.
Result<const Signature*> signature_of(const tenon_operator& o);
/// Reports everything about one node that contradicts the signature. Unknown element types fit everywhere.
void check_signature(const Signature& s, const Model& m, tenon_node n, const std::function<void(Error)>& report);

}  // namespace tenon::core
