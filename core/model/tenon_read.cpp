// SPDX-License-Identifier: Apache-2.0
// Reader of .tenon files. The FlatBuffers verifier checks offsets; everything else is checked here before it is used.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <set>

#include "../ir/owned_attr.hpp"
#include "../ir/walk.hpp"
#include "tenon_file.hpp"
#include "tenon_layout.hpp"
#include "tenon_model_generated.h"

namespace tenon::core {
namespace {

namespace fb = flatbuffers;

constexpr size_t kMaxSymbolText = 1 << 16;

tl::unexpected<Error> malformed(std::string what) { return fail(Error(TENON_E_INVALID, "the .tenon file is damaged: " + std::move(what))); }

std::string_view text(const fb::String* s) { return s ? std::string_view(s->c_str(), s->size()) : std::string_view(); }
tenon_str str(std::string_view s) { return {s.data(), s.size()}; }

/// Length of a vector that may be missing.
template <class V>
uint32_t length(const V* v) {
  return v ? v->size() : 0;
}

class Reader {
 public:
  Reader(BufferRef bytes, const TenonHeader& h, const file::Model& f)
      : bytes_(std::move(bytes)), h_(h), f_(f), m_(std::make_unique<Model>()), budget_(h.graph_size * 8 + (1 << 20)) {}
  Result<std::unique_ptr<Model>> run() {
    TENON_TRY(tables());
    for (uint32_t k = 0; k < length(f_.constants()); ++k) TENON_TRY(constant(*f_.constants()->Get(k)));
    if (!f_.graph()) return malformed("it has no graph");
    for (uint32_t k = 0; k < length(f_.shared_graphs()); ++k) {
      const auto& shared = *f_.shared_graphs()->Get(k);
      tenon_graph& g = m_->add_subgraph(m_->main(), text(shared.name()));
      TENON_TRY(graph(shared, g, 1));
      shared_.push_back(&g);
    }
    m_->main().name = text(f_.graph()->name());
    TENON_TRY(graph(*f_.graph(), m_->main(), 0));
    for (const tenon_graph* g : shared_)
      if (g->holders.empty()) return malformed("a shared graph is held by no node");
    return std::move(m_);
  }

 private:
  BufferRef bytes_;
  const TenonHeader& h_;
  const file::Model& f_;
  std::unique_ptr<Model> m_;
  std::vector<int64_t> symbols_;
  std::vector<tenon_op> ops_;
  std::vector<tenon_value> values_;  ///< by number; 0 = not made yet
  std::vector<tenon_graph*> shared_;
  uint64_t budget_;  ///< bytes that may still be read: parts that a hostile file shares count each time

  Status spend(uint64_t n) {
    if (n > budget_) return malformed("its parts are larger than the file");
    budget_ -= n;
    return {};
  }

  Status tables() {
    for (uint32_t k = 0; k < length(f_.metadata()); ++k) {
      const auto& x = *f_.metadata()->Get(k);
      TENON_TRY(spend(text(x.key()).size() + text(x.text()).size()));
      m_->metadata[std::string(text(x.key()))] = text(x.text());
    }
    for (uint32_t k = 0; k < length(f_.symbols()); ++k) TENON_TRY(symbol(text(f_.symbols()->Get(k))));
    for (uint32_t k = 0; k < length(f_.operators()); ++k) {
      const auto& x = *f_.operators()->Get(k);
      TENON_TRY(spend(text(x.domain()).size() + text(x.name()).size()));
      if (text(x.name()).empty()) return malformed("an operator has no name");
      ops_.push_back(intern_op(text(x.domain()), text(x.name()), x.version()));
    }
    for (uint32_t k = 0; k < length(f_.origins()); ++k) {
      const auto& x = *f_.origins()->Get(k);
      TENON_TRY(spend(text(x.name()).size() + text(x.op()).size()));
      m_->origins.push_back({std::string(text(x.name())), std::string(text(x.op()))});
    }
    values_.resize(length(f_.values()) + 1ull);
    return {};
  }
  Status symbol(std::string_view s) {
    TENON_TRY(spend(s.size()));
    bool ok = s.size() <= kMaxSymbolText;
    if (ok) symbols_.push_back(m_->symbols.parse(s, &ok));
    return ok && symbols_.back() != TENON_DIM_UNKNOWN ? Status() : malformed("a symbolic dimension is malformed");
  }

  /// The entry of a value that is made now.
  Result<const file::Value*> fresh(uint32_t number) {
    if (number == 0 || number >= values_.size()) return malformed("the number of a value is out of range");
    if (values_[number]) return malformed("a value is made twice");
    const file::Value* v = f_.values()->Get(number - 1);
    TENON_TRY(spend(text(v->name()).size() + length(v->dims()) * 8ull));
    return v;
  }
  Result<ValueType> type(const file::Value& v) {
    ValueType t;
    if (const auto* d = v.type()) t.dtype = {d->code(), d->bits(), d->lanes(), d->flags()};
    if (!storable(t.dtype)) return malformed("a value is of an unknown type");
    t.rank = v.rank();
    const uint32_t n = length(v.dims());
    if (t.rank < -1 || t.rank > 64 || n != static_cast<uint32_t>(t.rank < 0 ? 0 : t.rank)) return malformed("the rank of a value is out of range");
    for (uint32_t k = 0; k < n; ++k) {
      int64_t d = v.dims()->Get(k);
      if (d < TENON_DIM_UNKNOWN) {
        const uint64_t index = 0 - (static_cast<uint64_t>(d) + 2);
        if (index >= symbols_.size()) return malformed("the number of a symbolic dimension is out of range");
        d = symbols_[index];
      }
      t.dims.push_back(d);
    }
    return t;
  }
  Status made(uint32_t number, tenon_value v) {
    values_[number] = v;
    const auto* q = f_.values()->Get(number - 1)->quantization();
    if (!q) return {};
    TENON_TRY(spend(length(q->scale()) * 4ull + length(q->zero_point()) * 8ull));
    auto copy = std::make_shared<Quantization>();
    copy->axis = q->axis();
    for (uint32_t k = 0; k < length(q->scale()); ++k) copy->scale.push_back(q->scale()->Get(k));
    for (uint32_t k = 0; k < length(q->zero_point()); ++k) copy->zero_point.push_back(q->zero_point()->Get(k));
    if (copy->axis < -1 || copy->scale.size() != copy->zero_point.size()) return malformed("the quantization of a value is malformed");
    m_->values.quantization[slot(v)] = std::move(copy);
    return {};
  }

  Status constant(const file::Constant& c) {
    auto entry = fresh(c.value());
    if (!entry) return fail(std::move(entry.error()));
    auto t = type(**entry);
    if (!t) return fail(std::move(t.error()));
    uint64_t elements = 0, size = 0;
    if (!constant_size(*t, &elements, &size)) return malformed("a constant has no element type or no static shape");
    if (c.offset() % kTenonAlignment != 0 || c.offset() > h_.data_size || c.bytes() > h_.data_size - c.offset()) return malformed("the contents of a constant lie outside the file");
    std::vector<std::string_view> strings;
    const uint64_t offset = h_.data_offset + c.offset();
    if (t->dtype.code == TENON_DT_STRING ? !read_string_table(bytes_.data() + offset, c.bytes(), elements, &strings) : c.bytes() != size)
      return malformed("the contents of a constant do not fit its type");
    auto v = m_->add_constant(text((*entry)->name()), *t, bytes_, offset);
    if (!v) return fail(std::move(v.error()));
    m_->constants[m_->values.constant[slot(*v)]].bytes = c.bytes();
    return made(c.value(), *v);
  }

  Result<tenon_value> used(uint32_t number, const tenon_graph& g) {
    if (number == 0) return tenon_value{0};
    if (number >= values_.size() || !values_[number]) return malformed("a value is used before it is made");
    if (!visible(*m_, slot(values_[number]), g)) return malformed("a value is used outside the graph that makes it");
    return values_[number];
  }
  Status used(const fb::Vector<uint32_t>* numbers, const tenon_graph& g, bool may_be_absent, std::vector<tenon_value>* out) {
    TENON_TRY(spend(length(numbers) * 4ull));
    for (uint32_t k = 0; k < length(numbers); ++k) {
      auto v = used(numbers->Get(k), g);
      if (!v) return fail(std::move(v.error()));
      if (!*v && !may_be_absent) return malformed("a value is absent where one is needed");
      out->push_back(*v);
    }
    return {};
  }

  Status graph(const file::Graph& f, tenon_graph& g, int depth) {
    if (depth > kTenonMaxDepth) return malformed("graphs are nested too deeply");
    TENON_TRY(spend(text(f.name()).size() + length(f.inputs()) * 4ull + length(f.nodes()) * 4ull));
    for (uint32_t k = 0; k < length(f.inputs()); ++k) {
      const uint32_t number = f.inputs()->Get(k);
      auto entry = fresh(number);
      if (!entry) return fail(std::move(entry.error()));
      auto t = type(**entry);
      if (!t) return fail(std::move(t.error()));
      auto v = m_->add_input(g, text((*entry)->name()), *t);
      if (!v) return fail(std::move(v.error()));
      TENON_TRY(made(number, *v));
    }
    for (uint32_t k = 0; k < length(f.nodes()); ++k) TENON_TRY(node(*f.nodes()->Get(k), g, depth));
    std::vector<tenon_value> outputs;
    std::vector<tenon_str> names;
    TENON_TRY(used(f.outputs(), g, false, &outputs));
    if (length(f.output_names()) != outputs.size()) return malformed("the outputs of a graph do not all have names");
    for (uint32_t k = 0; k < outputs.size(); ++k) {
      names.push_back(str(text(f.output_names()->Get(k))));
      TENON_TRY(spend(names.back().len));
    }
    return m_->set_outputs(g, outputs.data(), names.data(), outputs.size());
  }

  Status node(const file::Node& f, tenon_graph& g, int depth) {
    tenon_node_desc d{};
    std::vector<tenon_value> in;
    std::vector<OwnedAttr> attrs(length(f.attributes()));
    std::vector<tenon_attr> views;
    TENON_TRY(spend(text(f.name()).size() + attrs.size() * 4));
    if (f.op() >= ops_.size()) return malformed("the number of an operator is out of range");
    TENON_TRY(used(f.inputs(), g, true, &in));
    for (uint32_t k = 0; k < attrs.size(); ++k) TENON_TRY(attribute(*f.attributes()->Get(k), g, depth, &attrs[k]));
    std::set<std::string_view> names;
    for (auto& a : attrs) {
      if (!names.insert(a.name).second) return malformed("a node has two attributes of one name");
      views.push_back(a.view());
    }
    d.struct_size = sizeof d;
    d.op = ops_[f.op()];
    d.name = str(text(f.name()));
    d.in = in.data(), d.n_in = in.size();
    d.attr = views.data(), d.n_attr = views.size();
    return add_node(f, g, d);
  }

  Status add_node(const file::Node& f, tenon_graph& g, tenon_node_desc d) {
    const uint32_t n_out = length(f.outputs());
    std::vector<tenon_str> names(n_out);
    std::vector<uint8_t> absent(n_out);
    std::vector<ValueType> types(n_out);
    TENON_TRY(spend(n_out * 4ull));
    for (uint32_t k = 0; k < n_out; ++k) {
      if ((absent[k] = f.outputs()->Get(k) == 0)) continue;
      auto entry = fresh(f.outputs()->Get(k));
      if (!entry) return fail(std::move(entry.error()));
      auto t = type(**entry);
      if (!t) return fail(std::move(t.error()));
      types[k] = std::move(*t);
      names[k] = str(text((*entry)->name()));
    }
    d.out_name = names.data(), d.n_out = n_out;
    d.out_absent = absent.data();
    auto n = m_->add_node(g, d);
    if (!n) return fail(std::move(n.error()));
    std::vector<tenon_value> out;
    m_->outputs(*n, &out);
    for (uint32_t k = 0; k < n_out; ++k) {
      if (absent[k]) continue;
      if (values_[f.outputs()->Get(k)]) return malformed("a value is made twice");
      TENON_TRY(m_->set_type(out[k], types[k].dtype, types[k].rank, types[k].dims.data()));
      TENON_TRY(made(f.outputs()->Get(k), out[k]));
    }
    return origins(f, *n);
  }

  Status origins(const file::Node& f, tenon_node n) {
    std::vector<uint32_t> list;
    TENON_TRY(spend(length(f.origins()) * 4ull));
    for (uint32_t k = 0; k < length(f.origins()); ++k) {
      list.push_back(f.origins()->Get(k));
      if (list[k] >= m_->origins.size() || (k && list[k] <= list[k - 1])) return malformed("the origins of a node are malformed");
    }
    if (!list.empty()) m_->nodes.origins[slot(n)] = std::make_shared<std::vector<uint32_t>>(std::move(list));
    return {};
  }

  Status attribute(const file::Attribute& f, tenon_graph& g, int depth, OwnedAttr* a) {
    TENON_TRY(spend(text(f.name()).size() + length(f.ints()) * 8ull + length(f.floats()) * 8ull + length(f.strings()) * 4ull + length(f.graphs()) * 4ull + length(f.raw())));
    a->name = text(f.name());
    a->type = f.kind();
    for (uint32_t k = 0; k < length(f.ints()); ++k) a->ints.push_back(f.ints()->Get(k));
    for (uint32_t k = 0; k < length(f.floats()); ++k) a->floats.push_back(f.floats()->Get(k));
    for (uint32_t k = 0; k < length(f.strings()); ++k) {
      const auto s = text(f.strings()->Get(k));
      TENON_TRY(spend(s.size()));
      a->strings.emplace_back(s);
    }
    TENON_TRY(used(f.tensors(), g, true, &a->tensors));
    for (tenon_value v : a->tensors)
      if (v && !(m_->values.flags[slot(v)] & TENON_VF_CONSTANT)) return malformed("a tensor attribute is no constant");
    TENON_TRY(spend(length(f.shared_graphs()) * 4ull));
    TENON_TRY(graphs(f, g, depth, &a->graphs));
    if (f.raw()) a->raw.assign(f.raw()->begin(), f.raw()->end());
    return shape_of(*a);
  }
  Status graphs(const file::Attribute& f, tenon_graph& g, int depth, std::vector<tenon_graph*>* out) {
    const uint32_t n = length(f.shared_graphs()) ? length(f.shared_graphs()) : length(f.graphs());
    uint32_t next = 0;
    for (uint32_t k = 0; k < n; ++k) {
      const uint32_t number = length(f.shared_graphs()) ? f.shared_graphs()->Get(k) : 0;
      if (number > shared_.size()) return malformed("a shared graph is used before it is made");
      if (number) {
        out->push_back(shared_[number - 1]);
        continue;
      }
      if (next >= length(f.graphs())) return malformed("an attribute has fewer graphs than it says");
      const auto& inner = *f.graphs()->Get(next++);
      tenon_graph& made_graph = m_->add_subgraph(g, text(inner.name()));
      TENON_TRY(graph(inner, made_graph, depth + 1));
      out->push_back(&made_graph);
    }
    return next == length(f.graphs()) ? Status() : malformed("an attribute has more graphs than it says");
  }
  /// Only the array of its kind is filled, scalars with one element.
  static Status shape_of(const OwnedAttr& a) {
    const struct {
      uint32_t scalar, list;
      uint64_t size;
    } arrays[] = {{TENON_AT_INT, TENON_AT_INTS, a.ints.size()}, {TENON_AT_FLOAT, TENON_AT_FLOATS, a.floats.size()}, {TENON_AT_STR, TENON_AT_STRS, a.strings.size()},
                  {TENON_AT_TENSOR, TENON_AT_TENSORS, a.tensors.size()}, {TENON_AT_GRAPH, TENON_AT_GRAPHS, a.graphs.size()}, {0, TENON_AT_RAW, a.raw.size()}};
    bool known = false, fits = !a.name.empty();
    for (const auto& x : arrays) {
      const bool scalar = a.type && a.type == x.scalar, list = a.type == x.list;
      known |= scalar || list;
      fits &= scalar ? x.size == 1 : list || x.size == 0;
    }
    return known && fits ? Status() : malformed("an attribute is malformed or of an unknown kind");
  }
};

Status check_header(const TenonHeader& h, uint64_t size) {
  if (h.version >> 16 > kTenonMajor)
    return fail(Error(TENON_E_UNSUPPORTED, "the .tenon file was written by a newer version")
                    .with("expected", "format " + std::to_string(kTenonMajor) + " or older")
                    .with("found", "format " + std::to_string(h.version >> 16))
                    .with("hint", "use a newer host, or write the file again with this one"));
  if (h.version >> 16 == 0 || h.flags != 0) return malformed("its header has an unknown version or flags");
  if (h.graph_offset % kTenonAlignment || h.graph_offset < sizeof h || h.graph_offset > size || h.graph_size > size - h.graph_offset || h.graph_size < 8 || h.graph_size > INT32_MAX - 1)
    return malformed("the graph lies outside the file; it may be cut off");
  if (h.data_offset % kTenonAlignment || h.data_offset < sizeof h || h.data_offset > size || h.data_size > size - h.data_offset)
    return malformed("the weights lie outside the file; it may be cut off");
  return {};
}

}  // namespace

Result<std::unique_ptr<Model>> read_tenon(BufferRef file) {
  TenonHeader h;
  if (file.size() < sizeof h || std::memcmp(file.data(), kTenonMagic.data(), kTenonMagic.size()) != 0)
    return fail(Error(TENON_E_INVALID, "not a .tenon file").with("expected", "a file that begins with \"TENON\""));
  std::memcpy(&h, file.data(), sizeof h);
  TENON_TRY(check_header(h, file.size()));
  // FlatBuffers need alignment, which memory that is no mapped file may lack.
  const uint8_t* graph = file.data() + h.graph_offset;
  std::vector<uint64_t> aligned;
  if (reinterpret_cast<uintptr_t>(graph) % 16 != 0) {
    aligned.resize(h.graph_size / 8 + 1);
    std::memcpy(aligned.data(), graph, h.graph_size);
    graph = reinterpret_cast<const uint8_t*>(aligned.data());
  }
  if (XXH64(graph, h.graph_size, 0) != h.graph_hash) return malformed("the checksum of the graph is wrong");
  // At least 4 bytes a table, so a sound file never reaches the limit.
  fb::Verifier verifier(graph, h.graph_size, 3 * kTenonMaxDepth + 16, static_cast<fb::uoffset_t>(h.graph_size / 4 + 1));
  if (!verifier.VerifyBuffer<file::Model>(nullptr)) return malformed("its graph is no sound FlatBuffer");
  return Reader(file, h, *fb::GetRoot<file::Model>(graph)).run();
}

}  // namespace tenon::core
