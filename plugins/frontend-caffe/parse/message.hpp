// SPDX-License-Identifier: Apache-2.0
// message.hpp - a parsed message: the fields that were there, in order, whatever file they came from.
#pragma once
#include <memory>

#include "file.hpp"
#include "schema.hpp"

namespace tenon::caffe {

struct Message;

/// All values of one field. Which list holds them follows from the type; `def` is null for a field that the schema does not have.
struct Field {
  std::string name;
  const FieldDef* def = nullptr;
  std::vector<int64_t> ints;        ///< bool, integers, and numbers of an enum that a binary file has but the schema does not
  std::vector<double> floats;
  std::vector<std::string> texts;   ///< strings, names of enum values
  std::vector<Bytes> runs;          ///< bytes of the file: bytes fields, floats of a blob as they stand, unknown binary fields
  std::vector<Message> messages;
};

/// Different fields that one message may have; Caffe's largest has 80. A bound, as fields are found by walking them.
inline constexpr size_t kMostFields = 512;

struct Message {
  const MessageDef* def = nullptr;  ///< null for a message of an unknown field
  uint64_t at = 0;                  ///< byte in the file
  std::vector<Field> fields;

  const Field* find(std::string_view name) const {
    for (const auto& f : fields)
      if (f.name == name) return &f;
    return nullptr;
  }
  Field* find(std::string_view name) { return const_cast<Field*>(static_cast<const Message*>(this)->find(name)); }
  /// The field, made where it is missing.
  Field& at_name(std::string_view name, const FieldDef* f) {
    if (Field* x = find(name)) return *x;
    if (fields.size() >= kMostFields) throw unsupported("a message has more than " + std::to_string(kMostFields) + " different fields").with("hint", "the file is damaged, or no Caffe model");
    fields.emplace_back();
    fields.back().name = name;
    fields.back().def = f;
    return fields.back();
  }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Protobuf's rule for a field given more than once: the last one counts.
  std::string text(std::string_view name, std::string otherwise = {}) const {
    const Field* f = find(name);
    return f && !f->texts.empty() ? f->texts.back() : otherwise;
  }
  int64_t integer(std::string_view name, int64_t otherwise = 0) const {
    const Field* f = find(name);
    return f && !f->ints.empty() ? f->ints.back() : otherwise;
  }
  std::vector<int64_t> integers(std::string_view name) const {
    const Field* f = find(name);
    return f ? f->ints : std::vector<int64_t>();
  }
  std::vector<std::string> texts(std::string_view name) const {
    const Field* f = find(name);
    return f ? f->texts : std::vector<std::string>();
  }
  const Message* message(std::string_view name) const {
    const Field* f = find(name);
    return f && !f->messages.empty() ? &f->messages.back() : nullptr;
  }
  std::vector<Message>* messages(std::string_view name) {
    Field* f = find(name);
    return f ? &f->messages : nullptr;
  }
  const std::vector<Message>* messages(std::string_view name) const {
    const Field* f = find(name);
    return f ? &f->messages : nullptr;
  }
};

/// Reads a file that is one message of type `def`.
Message read_text(const File& file, const MessageDef& def, const Dialect& dialect);
Message read_binary(const File& file, const MessageDef& def, const Dialect& dialect);
/// Of a network in binary, only what its layers are called and their blobs: nothing else counts where the structure comes from another file.
Message read_binary_weights(const File& file, const Dialect& dialect);

/// What the first bytes look like: 0..100 that they are a network in binary, in text.
int binary_score(const uint8_t* p, uint64_t n, bool whole);
int text_score(const uint8_t* p, uint64_t n);

}  // namespace tenon::caffe
