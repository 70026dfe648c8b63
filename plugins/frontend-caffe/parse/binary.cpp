// SPDX-License-Identifier: Apache-2.0
// binary.cpp - protobuf's wire format. Floats of blobs stay where they are in the file.
#include <algorithm>

#include "message.hpp"

namespace tenon::caffe {
namespace {

enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Raw {
  const uint8_t* at = nullptr;
  uint32_t number = 0, wire = 0;
  uint64_t value = 0;  ///< kVarint
  Bytes bytes;         ///< the others
};

/// Walks the fields of one message.
class Walker {
  const File& file_;
  const uint8_t* p_;
  const uint8_t* end_;

  uint64_t varint(const uint8_t* at) {
    uint64_t v = 0;
    for (unsigned shift = 0; p_ != end_ && shift < 70; shift += 7) {
      uint8_t b = *p_++;
      v |= static_cast<uint64_t>(b & 0x7f) << std::min(shift, 63u);
      if (!(b & 0x80)) return v;
    }
    throw file_.bad(at, "a number is cut off or longer than 10 bytes").with("hint", "the file is truncated or damaged");
  }
  Bytes range(const Raw& r, uint64_t n) {
    if (n > static_cast<uint64_t>(end_ - p_))
      throw file_.bad(r.at, "field " + std::to_string(r.number) + " reaches past the end of its message")
          .with("expected", std::to_string(n) + " bytes").with("found", std::to_string(end_ - p_) + " bytes").with("hint", "the file is truncated or damaged");
    p_ += n;
    return {p_ - n, n};
  }

 public:
  Walker(const File& file, Bytes b) : file_(file), p_(b.p), end_(b.p + b.n) {}
  bool next(Raw* r) {
    if (p_ == end_) return false;
    r->at = p_;
    uint64_t tag = varint(p_);
    r->number = static_cast<uint32_t>(tag >> 3);
    r->wire = tag & 7;
    if (tag >> 32 || !r->number) throw file_.bad(r->at, "malformed field").with("hint", "the file is damaged, or no Caffe model");
    switch (r->wire) {
      case kVarint: r->value = varint(r->at); return true;
      case kFixed64: r->bytes = range(*r, 8); return true;
      case kFixed32: r->bytes = range(*r, 4); return true;
      case kBytes: r->bytes = range(*r, varint(r->at)); return true;
      default: throw file_.bad(r->at, "field " + std::to_string(r->number) + " has wire type " + std::to_string(r->wire)).with("hint", "the file is damaged, or no Caffe model");
    }
  }
  uint64_t packed() { return varint(p_); }
  bool more() const { return p_ != end_; }
};

template <class T>
T load(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// "ShuffleChannel" serves `shuffle_channel_param`.
std::string plain(std::string_view s) {
  std::string r;
  for (char c : s)
    if (c != '_') r.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  return r;
}

/// Fields that carry weights, in a network and in layers of every form.
bool carries_weights(const MessageDef& m, uint32_t number) {
  if (m.name == "NetParameter") return number == 2 || number == 100;
  if (m.name == "LayerParameter") return number == 1 || number == 7;
  if (m.name == "V1LayerParameter") return number == 1 || number == 4 || number == 6;
  return m.name != "V0LayerParameter" || number == 1 || number == 2 || number == 50;
}

class BinaryReader {
  const File& file_;
  const Dialect& dialect_;
  bool weights_only_;
  Budget budget_;

  /// Which of several meanings of a field a layer of this type can have; null when that does not settle it.
  static const FieldDef* by_type(const std::vector<const FieldDef*>& all, const std::string& type) {
    const FieldDef* found = nullptr;
    for (const auto* f : all)
      if (plain(type) + "param" == plain(f->name)) found = f;
    return found;
  }
  Error clash(const Raw& r, const MessageDef& m, const std::vector<const FieldDef*>& all) const {
    std::string list;
    for (const auto* f : all) list += (list.empty() ? "" : ", ") + f->name + " (" + dialect_.dialect_of(*f) + ")";
    return file_.bad(r.at, "field " + std::to_string(r.number) + " of " + m.name + " means different things in different forks of Caffe")
        .with("expected", "a dialect").with("found", list).with("hint", "choose one with \"dialect\", or give the network as text with \"network\"");
  }
  const FieldDef* meaning(const Raw& r, const MessageDef& m, const std::string& type) const {
    auto all = dialect_.by_number(m, r.number);
    if (all.size() < 2) return all.empty() ? nullptr : all[0];
    if (const FieldDef* f = by_type(all, type)) return f;
    throw clash(r, m, all);
  }
  /// A layer's type stands before its parameters in files that protobuf wrote, but need not.
  std::string type_of(const MessageDef& m, Bytes b) const {
    std::string type;
    if (m.name != "LayerParameter") return type;
    Walker w(file_, b);
    for (Raw r; w.next(&r);)
      if (r.number == 2 && r.wire == kBytes) type = std::string(r.bytes.text());
    return type;
  }

  int64_t number(const FieldDef& d, uint64_t v) const {
    if (d.type == FieldType::boolean) return v != 0;
    if (d.type == FieldType::int32) return static_cast<int32_t>(static_cast<uint32_t>(v));
    return d.type == FieldType::uint32 ? static_cast<int64_t>(static_cast<uint32_t>(v)) : static_cast<int64_t>(v);
  }
  void enumerator(const FieldDef& d, int64_t v, const Raw& r, Field& to) const {
    for (const auto& [name, value] : *d.values)
      if (value == v) return to.texts.push_back(name);
    throw file_.bad(r.at, "'" + d.name + "' has the value " + std::to_string(v) + ", which " + d.type_name + " does not have");
  }
  void integers(const FieldDef& d, const Raw& r, Field& to) {
    auto add = [&](uint64_t v) {
      budget_.take(file_, 8);
      if (d.type == FieldType::enumeration) enumerator(d, static_cast<int64_t>(v), r, to);
      else to.ints.push_back(number(d, v));
    };
    if (r.wire == kVarint) return add(r.value);
    if (r.wire != kBytes || !d.repeated) throw wrong_wire(d, r);
    for (Walker w(file_, r.bytes); w.more();) add(w.packed());
  }
  void reals(const MessageDef& m, const FieldDef& d, const Raw& r, Field& to) {
    uint64_t width = d.type == FieldType::f32 ? 4 : 8;
    bool single = r.wire == (width == 4 ? kFixed32 : kFixed64);
    if (!single && (r.wire != kBytes || !d.repeated)) throw wrong_wire(d, r);
    if (r.bytes.n % width) throw file_.bad(r.at, "'" + d.name + "' ends in the middle of a number");
    if (m.name == "BlobProto") {
      budget_.take(file_, sizeof(Bytes));
      return to.runs.push_back(r.bytes);
    }
    budget_.take(file_, r.bytes.n / width * 8);
    for (uint64_t i = 0; i < r.bytes.n; i += width) to.floats.push_back(width == 4 ? load<float>(r.bytes.p + i) : load<double>(r.bytes.p + i));
  }
  Error wrong_wire(const FieldDef& d, const Raw& r) const {
    return file_.bad(r.at, "'" + d.name + "' has the wrong wire type").with("found", std::to_string(r.wire)).with("hint", "the file is damaged, or of another dialect");
  }
  void length_delimited(const FieldDef& d, const Raw& r, Field& to, int depth) {
    if (r.wire != kBytes) throw wrong_wire(d, r);
    if (d.type == FieldType::bytes) return to.runs.push_back(r.bytes);
    if (d.type == FieldType::string) {
      budget_.take(file_, sizeof(std::string) + r.bytes.n);
      if (!is_utf8(r.bytes.text())) throw file_.bad(r.at, "'" + d.name + "' is no valid UTF-8 text");
      to.texts.emplace_back(r.bytes.text());
      return;
    }
    if (to.messages.size() && !d.repeated) throw file_.bad(r.at, "field '" + to.name + "' is given twice");
    to.messages.push_back(message(*d.message, r.bytes, depth + 1));
  }
  void unknown(Message& m, const Raw& r) {
    Field& to = m.at_name("field_" + std::to_string(r.number), nullptr);
    if (r.wire == kVarint) to.ints.push_back(static_cast<int64_t>(r.value));
    else to.runs.push_back(r.bytes);
  }

  void field(Message& m, const Raw& r, const std::string& type, int depth) {
    const FieldDef* d = meaning(r, *m.def, type);
    budget_.take(file_, 16);
    if (m.fields.empty() || !d || !m.has(d->name)) budget_.take(file_, sizeof(Field));
    if (!d) return unknown(m, r);
    Field& to = m.at_name(d->name, d);
    switch (d->type) {
      case FieldType::f32:
      case FieldType::f64: return reals(*m.def, *d, r, to);
      case FieldType::string:
      case FieldType::bytes:
      case FieldType::message: return length_delimited(*d, r, to, depth);
      default: return integers(*d, r, to);
    }
  }

 public:
  BinaryReader(const File& file, const Dialect& dialect, bool weights_only) : file_(file), dialect_(dialect), weights_only_(weights_only), budget_(file.bytes().n) {}
  Message message(const MessageDef& def, Bytes b, int depth) {
    if (depth > kMostDepth) throw file_.bad(b.p, "messages nest deeper than " + std::to_string(kMostDepth));
    budget_.take(file_, sizeof(Message));
    Message m;
    m.def = &def;
    m.at = file_.position(b.p);
    std::string type = type_of(def, b);
    Walker w(file_, b);
    for (Raw r; w.next(&r);)
      if (!weights_only_ || carries_weights(def, r.number)) field(m, r, type, depth);
    return m;
  }
};

}  // namespace

Message read_binary(const File& file, const MessageDef& def, const Dialect& dialect) { return BinaryReader(file, dialect, false).message(def, file.bytes(), 0); }
Message read_binary_weights(const File& file, const Dialect& dialect) {
  return BinaryReader(file, dialect, true).message(Schema::get().message("NetParameter"), file.bytes(), 0);
}

int binary_score(const uint8_t* p, uint64_t n, bool whole) {
  // name, layers, input, input_dim, layer and the other fields of NetParameter, with their wire types
  const uint8_t* end = p + n;
  auto varint = [&](uint64_t* v) {
    *v = 0;
    for (unsigned shift = 0; p != end && shift < 64; shift += 7) {
      *v |= static_cast<uint64_t>(*p & 0x7f) << shift;
      if (!(*p++ & 0x80)) return true;
    }
    return false;
  };
  bool layers = false, first = true;
  while (p != end) {
    uint64_t tag = 0, v = 0;
    if (!varint(&tag) || !varint(&v)) return whole ? 0 : layers ? 60 : 0;
    uint64_t field = tag >> 3, wire = tag & 7;
    bool scalar = field == 4 || field == 5 || field == 7, message = (field >= 1 && field <= 4) || field == 6 || field == 8 || field == 100;
    if (!(wire == 0 && scalar) && !(wire == 2 && message)) return 0;
    bool is_layer = wire == 2 && (field == 2 || field == 100);
    // the first field of a layer of any form is a tag of a string
    if (is_layer && v && p != end && *p != 0x0a && *p != 0x12 && *p != 0x1a && *p != 0x22 && *p != 0x2a) return 0;
    layers = layers || is_layer;
    if (wire == 2 && v > static_cast<uint64_t>(end - p)) return whole ? 0 : layers ? 60 : first && field == 1 ? 0 : 30;
    if (wire == 2) p += v;
    first = false;
  }
  return layers ? 60 : 0;
}

}  // namespace tenon::caffe
