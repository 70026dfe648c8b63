// SPDX-License-Identifier: Apache-2.0
// The text form of a model. Grammar: see text_parse.cpp.
#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <tenon/dtype.hpp>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "quote.hpp"
#include "text.hpp"
#include "text_types.hpp"
#include "walk.hpp"

namespace tenon::core {
namespace {

class Printer {
 public:
  Printer(const Model& m, const PrintOptions& o) : m_(m), o_(o), walk_(walk(m)) {}
  std::string run() {
    out_ = "tenon 1\n";
    for (const auto& [key, text] : m_.metadata) out_ += "meta " + quote(key) + " = " + quote(text) + "\n";
    for (tenon_value v : walk_.constants) constant(v);
    for (const tenon_graph* g : walk_.shared) {
      out_ += "shared ";
      graph(*g, 0);
      out_ += "\n";
    }
    graph(m_.main(), 0);
    return out_ + "\n";
  }

 private:
  const Model& m_;
  const PrintOptions& o_;
  Walk walk_;
  std::string out_;
  std::unordered_map<Slot, std::string> tokens_;
  std::unordered_map<std::string, uint32_t> names_;  ///< how many values had this name so far
  std::unordered_map<std::string, uint32_t> shared_names_;
  std::unordered_map<uint32_t, std::string> shared_;  ///< by graph index: "@block", "@block#2" for the second one of that name
  uint32_t unnamed_ = 0;

  /// "%x", "%x#2" for the second value of that name, "%"a b"", "%1" for one without a name.
  const std::string& token(tenon_value v) {
    static const std::string absent = "_";
    if (!v) return absent;
    auto [it, fresh] = tokens_.try_emplace(slot(v));
    if (!fresh) return it->second;
    const std::string& name = m_.values.name[slot(v)];
    if (name.empty()) return it->second = fmt::format("%{}", ++unnamed_);
    const uint32_t n = ++names_[name];
    it->second = "%" + (plain_value_name(name) ? name : quote(name)) + (n > 1 ? fmt::format("#{}", n) : "");
    return it->second;
  }

  std::string type(tenon_value v) {
    const ValueType t = m_.type(v);
    std::string s;
    if (t.dtype != dt::none || t.rank >= 0) {
      s = ": " + dtype_text(t.dtype) + "[";
      for (int32_t k = 0; k < t.rank; ++k) s += (k ? ", " : "") + m_.symbols.text(t.dims[k]);
      s += t.rank < 0 ? "*]" : "]";
    }
    if (const auto& q = m_.values.quantization[slot(v)]) s += quantization(*q);
    return s;
  }
  static std::string quantization(const Quantization& q) {
    std::string scale, zero;
    for (float f : q.scale) scale += (scale.empty() ? "" : ", ") + float_text(f);
    for (int64_t z : q.zero_point) zero += (zero.empty() ? "" : ", ") + std::to_string(z);
    return fmt::format(" quantized({}, [{}], [{}])", q.axis, scale, zero);
  }
  void declare(tenon_value v) { out_ += token(v) + (v ? type(v) : ""); }

  void constant(tenon_value v) {
    out_ += "const ";
    declare(v);
    out_ += " = ";
    const auto [data, bytes] = m_.constant_bytes(v);
    const ValueType t = m_.type(v);
    uint64_t elements = 0, size = 0;
    const bool sized = constant_size(t, &elements, &size);
    std::string text;
    if (sized && elements <= o_.inline_elements && dense_text(t.dtype, data, bytes, elements, &text)) out_ += "dense<" + text + ">\n";
    else if (o_.full || bytes == 0) out_ += "base64<\"" + to_base64(data, bytes) + "\">\n";
    else out_ += fmt::format("elided<{:016x}>\n", XXH64(data, bytes, 0));
  }

  static std::string word(std::string_view s) { return plain_word(s) ? std::string(s) : quote(s); }

  std::string graph_name(const tenon_graph& g) {
    std::string name = "@" + word(g.name);
    if (!g.shared()) return name;
    const uint32_t n = ++shared_names_[g.name];
    return shared_[g.index] = name + (n > 1 ? fmt::format("#{}", n) : "");
  }
  /// As an attribute: a shared graph was printed before.
  void held_graph(const tenon_graph& g, int depth) {
    if (g.shared()) out_ += shared_.at(g.index);
    else graph(g, depth);
  }
  void graph(const tenon_graph& g, int depth) {
    out_ += "graph " + graph_name(g) + "(";
    list(g.inputs, [&](tenon_value v, size_t) { declare(v); });
    out_ += ") -> (";
    std::string body;
    std::swap(out_, body);
    for (tenon_node n : walk_.nodes[g.index]) node(n, depth + 1);
    std::swap(out_, body);
    // After the body, so that unnamed values are numbered in the order in which they are made.
    list(g.outputs, [&](tenon_value v, size_t k) {
      out_ += token(v);
      if (k < g.output_names.size() && g.output_names[k] != m_.values.name[slot(v)]) out_ += " as " + quote(g.output_names[k]);
    });
    out_ += ") {\n" + body + std::string(static_cast<size_t>(depth) * 2, ' ') + "}";
  }

  template <class List, class F>
  void list(const List& l, F&& f) {
    for (size_t k = 0; k < l.size(); ++k) {
      if (k) out_ += ", ";
      f(l[k], k);
    }
  }

  void node(tenon_node n, int depth) {
    std::string before(static_cast<size_t>(depth) * 2, ' '), after;
    const OpName op = op_name(m_.nodes.op[slot(n)]);
    std::vector<tenon_value> values;
    // The right side first: outputs are numbered after what nested graphs make.
    std::swap(out_, after);
    out_ = word(op.domain) + "::" + word(op.name) + (op.version != 1 ? fmt::format("@{}", op.version) : "") + "(";
    m_.inputs(n, &values);
    list(values, [&](tenon_value v, size_t) { out_ += token(v); });
    out_ += ")";
    attributes(m_.attrs(n), depth);
    if (!m_.nodes.name[slot(n)].empty()) out_ += " name " + quote(m_.nodes.name[slot(n)]);
    if (o_.origins) origins(slot(n));
    std::swap(out_, after);
    out_ += before;
    m_.outputs(n, &values);
    const bool one = values.size() == 1;
    out_ += one ? "" : "(";
    list(values, [&](tenon_value v, size_t) { declare(v); });
    out_ += (one ? " = " : ") = ") + after + "\n";
  }

  void origins(Slot n) {
    const auto numbers = origin_numbers(walk_, m_, n);
    if (numbers.empty()) return;
    out_ += " origin(";
    list(numbers, [&](uint32_t k, size_t) {
      const Origin& o = m_.origins[walk_.origins[k]];
      out_ += quote(o.name) + ": " + quote(o.operator_name);
    });
    out_ += ")";
  }

  void attributes(const AttrSet* a, int depth) {
    if (!a || a->size() == 0) return;
    out_ += " {";
    for (uint64_t k = 0; k < a->size(); ++k) {
      out_ += (k ? ", " : "") + word({a->data()[k].name.data, a->data()[k].name.len}) + " = ";
      attribute(a->data()[k], depth);
    }
    out_ += "}";
  }
  template <class F>
  void array(const char* kind, uint64_t count, F&& f) {
    out_ += count ? "[" : std::string(kind) + " [";
    for (uint64_t k = 0; k < count; ++k) {
      if (k) out_ += ", ";
      f(k);
    }
    out_ += "]";
  }
  void attribute(const tenon_attr& a, int depth) {
    const auto text = [&](uint64_t k) { return quote({a.v.strs[k].data, a.v.strs[k].len}); };
    switch (a.type) {
      case TENON_AT_INT: out_ += std::to_string(a.v.i); break;
      case TENON_AT_FLOAT: out_ += double_text(a.v.f); break;
      case TENON_AT_STR: out_ += text(0); break;
      case TENON_AT_INTS: array("ints", a.count, [&](uint64_t k) { out_ += std::to_string(a.v.ints[k]); }); break;
      case TENON_AT_FLOATS: array("floats", a.count, [&](uint64_t k) { out_ += double_text(a.v.floats[k]); }); break;
      case TENON_AT_STRS: array("strings", a.count, [&](uint64_t k) { out_ += text(k); }); break;
      case TENON_AT_TENSOR: out_ += token(a.v.tensor); break;
      case TENON_AT_TENSORS: array("tensors", a.count, [&](uint64_t k) { out_ += token(a.v.tensors[k]); }); break;
      case TENON_AT_GRAPH: held_graph(*a.v.graph, depth); break;
      case TENON_AT_GRAPHS: array("graphs", a.count, [&](uint64_t k) { held_graph(*a.v.graphs[k], depth); }); break;
      case TENON_AT_RAW: out_ += "raw \"" + to_base64(static_cast<const uint8_t*>(a.v.raw), a.count) + "\""; break;
      default: out_ += fmt::format("kind<{}>", a.type);
    }
  }
};

}  // namespace

std::string print(const Model& m, const PrintOptions& o) { return Printer(m, o).run(); }

}  // namespace tenon::core
