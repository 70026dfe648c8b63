// SPDX-License-Identifier: Apache-2.0
// Writer of .tenon files. Everything is numbered by first use, so the bytes depend on the graph alone.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <map>

#include "../ir/walk.hpp"
#include "tenon_file.hpp"
#include "tenon_layout.hpp"
#include "tenon_model_generated.h"

namespace tenon::core {
namespace {

namespace fb = flatbuffers;

class Writer {
 public:
  explicit Writer(const Model& m) : m_(m), walk_(walk(m)) {}
  Status run(const std::function<Status(const void*, uint64_t)>& write) {
    if (!walk_.cycle) return walk_.cycle;
    for (size_t k = 0; k < walk_.used_constants; ++k) constant(walk_.constants[k]);
    for (const tenon_graph* g : walk_.shared) {
      auto one = graph(*g, 1);
      if (!one) return fail(std::move(one.error()));
      shared_.push_back(*one);
      shared_number_[g->index] = static_cast<uint32_t>(shared_.size());
    }
    auto main = graph(m_.main(), 0);
    if (!main) return fail(std::move(main.error()));
    TENON_TRY(finish(*main));
    return emit(write);
  }

 private:
  struct Piece {
    const uint8_t* data;
    uint64_t offset, bytes;
  };
  struct PlacedConstant {
    uint32_t value = 0;
    uint64_t offset = 0, bytes = 0;
  };
  const Model& m_;
  Walk walk_;
  fb::FlatBufferBuilder fbb_{1 << 16};
  std::unordered_map<Slot, uint32_t> numbers_;
  std::vector<Slot> values_;
  std::unordered_map<tenon_op, uint32_t> ops_;
  std::vector<tenon_op> op_list_;
  std::vector<PlacedConstant> constants_;
  std::map<std::pair<const void*, uint64_t>, uint64_t> placed_;  ///< offset in the data by (address, bytes)
  std::vector<Piece> pieces_;
  std::vector<fb::Offset<file::Graph>> shared_;
  std::unordered_map<uint32_t, uint32_t> shared_number_;  ///< by graph index, from 1
  uint64_t data_size_ = 0;

  /// FlatBuffers end at 2 GiB: do n more bytes surely fit?
  Status room(uint64_t n) const {
    if (n < 0x60000000 && fbb_.GetSize() + n < 0x60000000) return {};
    return fail(TENON_E_UNSUPPORTED, "the graph without its weights is too large for a .tenon file (1.5 GiB)");
  }
  uint32_t number(tenon_value v) {
    if (!v) return 0;
    auto [it, fresh] = numbers_.try_emplace(slot(v), static_cast<uint32_t>(values_.size() + 1));
    if (fresh) values_.push_back(slot(v));
    return it->second;
  }
  std::vector<uint32_t> numbers(const std::vector<tenon_value>& values) {
    std::vector<uint32_t> r;
    for (tenon_value v : values) r.push_back(number(v));
    return r;
  }
  fb::Offset<fb::String> text(std::string_view s) { return fbb_.CreateString(s.data(), s.size()); }

  /// Constants that share bytes share them in the file too.
  void constant(tenon_value v) {
    const Constant& c = m_.constants[m_.values.constant[slot(v)]];
    auto [it, fresh] = placed_.try_emplace({c.buffer.data() + c.offset, c.bytes}, data_size_);
    if (fresh && c.bytes) {
      pieces_.push_back({c.buffer.data() + c.offset, data_size_, c.bytes});
      data_size_ = align_up(data_size_ + c.bytes);
    }
    PlacedConstant t;
    t.value = number(v);
    t.offset = c.bytes ? it->second : 0;
    t.bytes = c.bytes;
    constants_.push_back(t);
  }

  uint32_t op(tenon_op o) {
    auto [it, fresh] = ops_.try_emplace(o, static_cast<uint32_t>(op_list_.size()));
    if (fresh) op_list_.push_back(o);
    return it->second;
  }

  Result<fb::Offset<file::Graph>> graph(const tenon_graph& g, int depth) {
    if (depth > kTenonMaxDepth) return fail(TENON_E_UNSUPPORTED, "graphs are nested too deeply for a .tenon file");
    const auto inputs = numbers(g.inputs);
    std::vector<fb::Offset<file::Node>> nodes;
    for (tenon_node n : walk_.nodes[g.index]) {
      auto one = node(n, depth);
      if (!one) return fail(std::move(one.error()));
      nodes.push_back(*one);
    }
    const auto outputs = numbers(g.outputs);
    TENON_TRY(room((inputs.size() + outputs.size() + nodes.size()) * 4));
    std::vector<fb::Offset<fb::String>> names;
    for (const auto& name : g.output_names) {
      TENON_TRY(room(name.size()));
      names.push_back(text(name));
    }
    const auto name = text(g.name);
    const auto in = fbb_.CreateVector(inputs), out = fbb_.CreateVector(outputs);
    const auto out_names = fbb_.CreateVector(names);
    return file::CreateGraph(fbb_, name, in, out, out_names, fbb_.CreateVector(nodes));
  }

  Result<fb::Offset<file::Node>> node(tenon_node n, int depth) {
    const Slot s = slot(n);
    std::vector<tenon_value> in, out;
    m_.inputs(n, &in);
    m_.outputs(n, &out);
    const auto inputs = numbers(in);
    std::vector<fb::Offset<file::Attribute>> attrs;
    const AttrSet* a = m_.attrs(n);
    for (uint64_t k = 0; a && k < a->size(); ++k) {
      auto one = attribute(a->data()[k], n, depth);
      if (!one) return fail(std::move(one.error()));
      attrs.push_back(*one);
    }
    const auto outputs = numbers(out);
    const auto origins = origin_numbers(walk_, m_, s);
    TENON_TRY(room((inputs.size() + outputs.size() + origins.size() + attrs.size()) * 4 + m_.nodes.name[s].size() + 256));
    const auto name = m_.nodes.name[s].empty() ? 0 : text(m_.nodes.name[s]);
    const auto in_at = fbb_.CreateVector(inputs), out_at = fbb_.CreateVector(outputs), origins_at = fbb_.CreateVector(origins);
    const auto attrs_at = fbb_.CreateVector(attrs);
    return file::CreateNode(fbb_, op(m_.nodes.op[s]), name, in_at, out_at, attrs_at, origins_at);
  }

  Result<fb::Offset<file::Attribute>> attribute(const tenon_attr& a, tenon_node n, int depth) {
    uint64_t bytes = a.name.len + a.count * 8 + 256;
    if (a.type == TENON_AT_STR || a.type == TENON_AT_STRS)
      for (uint64_t k = 0; k < a.count; ++k) bytes += a.v.strs[k].len + 8;
    TENON_TRY(room(bytes));
    std::vector<fb::Offset<file::Graph>> graphs;
    std::vector<uint32_t> tensors, shared;
    bool any_shared = false;
    Status nested;
    for_each_reference(
        a,
        [&](const tenon_graph& g) {
          shared.push_back(g.shared() ? shared_number_.at(g.index) : 0);
          any_shared |= g.shared();
          if (g.shared()) return;
          auto one = graph(g, depth + 1);
          if (one) graphs.push_back(*one);
          else if (nested) nested = fail(std::move(one.error()));
        },
        [&](tenon_value v) { tensors.push_back(number(v)); });
    TENON_TRY(std::move(nested));
    const auto name = text({a.name.data, a.name.len});
    fb::Offset<fb::Vector<int64_t>> ints;
    fb::Offset<fb::Vector<double>> floats;
    fb::Offset<fb::Vector<fb::Offset<fb::String>>> strings;
    fb::Offset<fb::Vector<uint8_t>> raw;
    switch (a.type) {
      case TENON_AT_INT: ints = fbb_.CreateVector(&a.v.i, 1); break;
      case TENON_AT_INTS: ints = fbb_.CreateVector(a.v.ints, a.count); break;
      case TENON_AT_FLOAT: floats = fbb_.CreateVector(&a.v.f, 1); break;
      case TENON_AT_FLOATS: floats = fbb_.CreateVector(a.v.floats, a.count); break;
      case TENON_AT_STR:
      case TENON_AT_STRS: {
        std::vector<fb::Offset<fb::String>> all;
        for (uint64_t k = 0; k < a.count; ++k) all.push_back(text({a.v.strs[k].data, a.v.strs[k].len}));
        strings = fbb_.CreateVector(all);
        break;
      }
      case TENON_AT_RAW: raw = fbb_.CreateVector(static_cast<const uint8_t*>(a.v.raw), a.count); break;
      case TENON_AT_TENSOR:
      case TENON_AT_TENSORS:
      case TENON_AT_GRAPH:
      case TENON_AT_GRAPHS: break;
      default:
        return fail(Error(TENON_E_UNSUPPORTED, "an attribute is of a kind that .tenon files do not have").with("node", m_.nodes.name[slot(n)]).with("found", std::to_string(a.type)));
    }
    const auto tensors_at = tensors.empty() ? 0 : fbb_.CreateVector(tensors);
    const auto graphs_at = graphs.empty() ? 0 : fbb_.CreateVector(graphs);
    const auto shared_at = any_shared ? fbb_.CreateVector(shared) : 0;
    return file::CreateAttribute(fbb_, name, a.type, ints, floats, strings, tensors_at, graphs_at, raw, shared_at);
  }

  Result<fb::Offset<file::Value>> value(Slot v, std::unordered_map<int64_t, int64_t>* symbols, std::vector<int64_t>* symbol_list) {
    const ValueType t = m_.type(m_.value_id(v));
    if (!storable(t.dtype)) return fail(Error(TENON_E_UNSUPPORTED, "a value is of a type that .tenon files do not have").with("value", m_.values.name[v]));
    const auto& q = m_.values.quantization[v];
    TENON_TRY(room(m_.values.name[v].size() + (q ? q->scale.size() * 12 : 0) + 1024));
    std::vector<int64_t> dims;
    for (int64_t d : t.dims) {
      if (d < TENON_DIM_UNKNOWN) {
        auto [it, fresh] = symbols->try_emplace(d, -static_cast<int64_t>(symbol_list->size()) - 2);
        if (fresh) symbol_list->push_back(d);
        d = it->second;
      }
      dims.push_back(d);
    }
    const auto name = m_.values.name[v].empty() ? 0 : text(m_.values.name[v]);
    const auto dims_at = dims.empty() ? 0 : fbb_.CreateVector(dims);
    fb::Offset<file::Quantization> q_at;
    if (q) {
      const auto scale = fbb_.CreateVector(q->scale);
      q_at = file::CreateQuantization(fbb_, q->axis, scale, fbb_.CreateVector(q->zero_point));
    }
    const file::DType type(t.dtype.code, t.dtype.bits, t.dtype.lanes, t.dtype.flags);
    return file::CreateValue(fbb_, name, &type, t.rank, dims_at, q_at);
  }

  Status finish(fb::Offset<file::Graph> main) {
    std::unordered_map<int64_t, int64_t> symbols;
    std::vector<int64_t> symbol_list;
    std::vector<fb::Offset<file::Value>> values;
    for (size_t k = 0; k < values_.size(); ++k) {
      auto one = value(values_[k], &symbols, &symbol_list);
      if (!one) return fail(std::move(one.error()));
      values.push_back(*one);
    }
    uint64_t bytes = values.size() * 4;
    for (const auto& [key, t] : m_.metadata) bytes += key.size() + t.size() + 64;
    for (const auto& o : m_.origins) bytes += o.name.size() + o.operator_name.size() + 64;
    TENON_TRY(room(bytes + constants_.size() * 64 + symbol_list.size() * 1024));
    std::vector<fb::Offset<file::Metadata>> metadata;
    for (const auto& [key, t] : m_.metadata) {
      const auto k = text(key);
      metadata.push_back(file::CreateMetadata(fbb_, k, text(t)));
    }
    std::vector<fb::Offset<fb::String>> texts;
    for (int64_t d : symbol_list) texts.push_back(text(m_.symbols.text(d)));
    std::vector<fb::Offset<file::Operator>> ops;
    for (tenon_op o : op_list_) {
      const OpName n = op_name(o);
      const auto domain = text(n.domain);
      ops.push_back(file::CreateOperator(fbb_, domain, text(n.name), n.version));
    }
    std::vector<fb::Offset<file::Origin>> origins;
    for (uint32_t o : walk_.origins) {
      const auto name = text(m_.origins[o].name);
      origins.push_back(file::CreateOrigin(fbb_, name, text(m_.origins[o].operator_name)));
    }
    std::vector<fb::Offset<file::Constant>> constants;
    for (const auto& c : constants_) constants.push_back(file::CreateConstant(fbb_, c.value, c.offset, c.bytes));
    const auto metadata_at = fbb_.CreateVector(metadata);
    const auto symbols_at = fbb_.CreateVector(texts);
    const auto ops_at = fbb_.CreateVector(ops);
    const auto origins_at = fbb_.CreateVector(origins);
    const auto values_at = fbb_.CreateVector(values);
    const auto constants_at = fbb_.CreateVector(constants);
    const auto shared_at = shared_.empty() ? 0 : fbb_.CreateVector(shared_);
    fbb_.Finish(file::CreateModel(fbb_, metadata_at, symbols_at, ops_at, origins_at, values_at, constants_at, main, shared_at));
    return {};
  }

  Status emit(const std::function<Status(const void*, uint64_t)>& write) const {
    static constexpr char zeros[kTenonAlignment] = {};
    TenonHeader h;
    std::memcpy(h.magic, kTenonMagic.data(), sizeof h.magic);
    h.version = (shared_.empty() ? kTenonMajorUnshared : kTenonMajor) << 16 | kTenonMinor;
    h.graph_offset = sizeof h;
    h.graph_size = fbb_.GetSize();
    h.data_offset = align_up(h.graph_offset + h.graph_size);
    h.data_size = data_size_;
    h.graph_hash = XXH64(fbb_.GetBufferPointer(), h.graph_size, 0);
    TENON_TRY(write(&h, sizeof h));
    TENON_TRY(write(fbb_.GetBufferPointer(), h.graph_size));
    TENON_TRY(write(zeros, h.data_offset - h.graph_offset - h.graph_size));
    for (const Piece& p : pieces_) {
      TENON_TRY(write(p.data, p.bytes));
      TENON_TRY(write(zeros, align_up(p.bytes) - p.bytes));
    }
    return {};
  }
};

}  // namespace

Status write_tenon(const Model& m, const std::function<Status(const void*, uint64_t)>& write) { return Writer(m).run(write); }

}  // namespace tenon::core
