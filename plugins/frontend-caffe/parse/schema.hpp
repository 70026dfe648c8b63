// SPDX-License-Identifier: Apache-2.0
// schema.hpp - what schema/*.proto say: messages and their fields, by name and by number, in each dialect.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::caffe {

struct MessageDef;

enum class FieldType { boolean, int32, int64, uint32, f32, f64, string, bytes, enumeration, message };

using EnumDef = std::vector<std::pair<std::string, int64_t>>;

struct FieldDef {
  std::string name, type_name;
  uint32_t number = 0;
  FieldType type{};
  bool repeated = false;
  size_t dialect = 0;                    ///< index of the schema file
  const MessageDef* message = nullptr;   ///< FieldType::message
  const EnumDef* values = nullptr;       ///< FieldType::enumeration
};

struct MessageDef {
  std::string name;
  std::vector<FieldDef> fields;
};

/// The dialects: "bvlc" is the base, the others add to it.
class Schema {
  std::vector<std::string> dialects_;
  std::map<std::string, MessageDef, std::less<>> messages_;
  std::map<std::string, EnumDef, std::less<>> enums_;
  void resolve();

 public:
  Schema();
  static const Schema& get();
  const MessageDef& message(std::string_view name) const;
  const std::vector<std::string>& dialects() const { return dialects_; }
};

/// A field looked up in one dialect, or with "auto" in all of them.
class Dialect {
  const Schema& schema_;
  std::string name_;
  bool any_;
  bool allowed(const FieldDef& f) const;

 public:
  /// Throws TENON_E_CONFIG for a name that is no dialect.
  explicit Dialect(std::string name);
  const std::string& name() const { return name_; }
  const FieldDef* by_name(const MessageDef& m, std::string_view name) const;
  /// All that the number may mean; several where dialects clash. The base counts only where the chosen dialect says nothing.
  std::vector<const FieldDef*> by_number(const MessageDef& m, uint32_t number) const;
  const std::string& dialect_of(const FieldDef& f) const { return schema_.dialects()[f.dialect]; }
};

}  // namespace tenon::caffe
