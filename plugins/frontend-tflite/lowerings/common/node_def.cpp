// SPDX-License-Identifier: Apache-2.0
#include "lowerings/common/node_def.hpp"

#include <flatbuffers/flexbuffers.h>

#include <algorithm>

#include "parse/text.hpp"

namespace tenon::tflite {
namespace {

Error damaged(const std::string& what) { return invalid("the options of a Flex operator are damaged: " + what).with("expected", "a flexbuffer vector of an operator's name and its NodeDef"); }

/// Fields of a protobuf message, in their order.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  uint32_t field = 0;
  uint64_t number = 0;     ///< of a varint
  std::string_view bytes;  ///< of a field with a length

  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    field = static_cast<uint32_t>(tag >> 3);
    number = 0;
    bytes = {};
    switch (tag & 7) {
      case 0: number = varint(); break;
      case 1: skip(8); break;
      case 2: bytes = skip(varint()); break;
      case 5: skip(4); break;
      default: throw damaged("a field of an unknown kind");
    }
    return true;
  }

 private:
  std::string_view skip(uint64_t n) {
    if (n > rest_.size()) throw damaged("a field reaches past the end");
    const std::string_view part = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return part;
  }
  uint64_t varint() {
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(skip(1)[0]);
      x |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return x;
    }
    throw damaged("a number is too long");
  }
  std::string_view rest_;
};

/// AttrValue: 3 integer, 5 boolean, 6 type.
void add_attribute(const std::string& name, std::string_view value, NodeDef* d) {
  constexpr uint32_t kInteger = 3, kBoolean = 5, kType = 6;
  for (Message m(value); m.next();) {
    if (m.field == kInteger || m.field == kBoolean || m.field == kType) d->numbers[name] = static_cast<int64_t>(m.number);
    else d->others[name] = true;
  }
}

NodeDef parse(std::string_view bytes) {
  constexpr uint32_t kOp = 2, kAttributes = 5, kKey = 1, kValue = 2;
  NodeDef d;
  for (Message m(bytes); m.next();) {
    if (m.field == kOp) d.op = utf8(m.bytes);
    if (m.field != kAttributes) continue;
    std::string name;
    std::string_view value;
    for (Message entry(m.bytes); entry.next();) {
      if (entry.field == kKey) name = utf8(entry.bytes);
      if (entry.field == kValue) value = entry.bytes;
    }
    add_attribute(name, value, &d);
  }
  return d;
}

std::string bytes_of(flexbuffers::Reference r) {
  if (r.IsString()) return {r.AsString().c_str(), r.AsString().length()};
  if (r.IsBlob()) return {reinterpret_cast<const char*>(r.AsBlob().data()), r.AsBlob().size()};
  throw damaged("an entry is no string");
}

}  // namespace

NodeDef node_def(const Lower& l) {
  const tenon_attr* a = l.find("custom_options");
  if (!a || a->type != TENON_AT_RAW) throw damaged("there are none");
  const auto* data = static_cast<const uint8_t*>(static_cast<const void*>(a->v.raw));
  std::vector<uint8_t> seen;
  if (a->count < 3 || !flexbuffers::VerifyBuffer(data, a->count, &seen)) throw damaged("they are no flexbuffer");
  const auto root = flexbuffers::GetRoot(data, a->count);
  if (!root.IsVector() || root.AsVector().size() != 2) throw damaged("they are no vector of two");
  NodeDef d = parse(bytes_of(root.AsVector()[1]));
  if (const std::string name = utf8(bytes_of(root.AsVector()[0])); d.op != name) throw damaged("they name two operators").with("found", "'" + name + "' and '" + d.op + "'");
  return d;
}

void known(const NodeDef& d, std::initializer_list<std::string_view> names) {
  auto check = [&](const std::string& name) {
    if (name.rfind('_', 0) != 0 && std::find(names.begin(), names.end(), name) == names.end()) throw unsupported("attribute '" + name + "' of TensorFlow's operator " + d.op + " is not known");
  };
  for (const auto& [name, value] : d.numbers) check(name);
  for (const auto& [name, there] : d.others) check(name);
}

tenon_dtype tensorflow_dtype(int64_t number) {
  switch (number) {
    case 1: return dt::f32;
    case 2: return dt::f64;
    case 3: return dt::i32;
    case 4: return dt::u8;
    case 5: return dt::i16;
    case 6: return dt::i8;
    case 9: return dt::i64;
    case 10: return dt::boolean;
    case 14: return dt::bf16;
    case 17: return dt::u16;
    case 19: return dt::f16;
    case 22: return dt::u32;
    case 23: return dt::u64;
    default: throw unsupported("element type " + std::to_string(number) + " of TensorFlow");
  }
}

}  // namespace tenon::tflite
