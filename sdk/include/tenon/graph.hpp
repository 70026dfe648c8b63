// SPDX-License-Identifier: Apache-2.0
// graph.hpp - reading and rewriting a graph by ids.
#pragma once
#include "attrs.hpp"
#include "dtype.hpp"

TENON_NAMESPACE_BEGIN

/// Columns of a graph at one moment; plain loops, no calls. Rows index node columns or value columns.
struct View {
  const tenon_view* v;
  uint64_t size() const { return v->n_nodes; }
  tenon_op op(uint64_t r) const { return v->op[r]; }
  tenon_node node(uint64_t r) const { return v->node[r]; }
  Span<uint32_t> in(uint64_t r) const { return {v->in_val + v->in_off[r], v->in_off[r + 1] - v->in_off[r]}; }
  Span<uint32_t> out(uint64_t r) const { return {v->out_val + v->out_off[r], v->out_off[r + 1] - v->out_off[r]}; }
  Span<uint32_t> uses(uint64_t val) const { return {v->use_node + v->use_off[val], v->use_off[val + 1] - v->use_off[val]}; }
  Span<int64_t> dims(uint64_t val) const { return {v->dim + v->dim_off[val], v->dim_off[val + 1] - v->dim_off[val]}; }
  tenon_value value(uint64_t val) const { return v->value[val]; }
  bool constant(uint64_t val) const { return v->vflags[val] & TENON_VF_CONSTANT; }
};

/// Node or value ids; a copy, so it stays good while the graph is edited.
struct Ids : std::vector<uint64_t> {
  using std::vector<uint64_t>::vector;
  std::vector<uint64_t> vec() const { return *this; }
};

/// Type and shape of a value at one moment; a copy, so it stays good while the graph is edited.
class ValueInfo {
  tenon_value_info i_{};
  Dims dims_;
  std::string name_;

 public:
  ValueInfo() = default;
  explicit ValueInfo(const tenon_value_info& i) : i_(i), dims_(i.dim, i.dim + (i.rank > 0 ? i.rank : 0)), name_(view(i.name)) {}
  tenon_dtype type() const { return i_.type; }
  int32_t rank() const { return i_.rank; }
  Span<int64_t> dims() const& { return dims_; }
  Dims dims() && { return std::move(dims_); }
  /// Dimension k, counted from the end where negative; unknown when the rank is, or when there is no such axis.
  int64_t dim(int32_t k) const {
    const auto at = static_cast<size_t>(k < 0 ? k + i_.rank : k);
    return i_.rank > 0 && at < dims_.size() ? dims_[at] : TENON_DIM_UNKNOWN;
  }
  std::string_view name() const& { return name_; }
  std::string name() && { return std::move(name_); }
  bool constant() const { return i_.flags & TENON_VF_CONSTANT; }
  bool is_input() const { return i_.flags & TENON_VF_INPUT; }
  bool is_output() const { return i_.flags & TENON_VF_OUTPUT; }
  tenon_node producer() const { return i_.producer; }
  uint32_t output_index() const { return i_.output_index; }
  uint64_t n_uses() const { return i_.n_uses; }
  tenon_graph* graph() const { return i_.graph; }
  bool is_static() const {
    if (i_.rank < 0) return false;
    for (auto d : dims_)
      if (d < 0) return false;
    return true;
  }
  int64_t count() const { return count_of(dims_.data(), i_.rank); }
};

/// A graph or nested graph. Ids are stable; a stale one throws TENON_E_STALE.
class Graph {
  tenon_ctx* c_;
  tenon_graph* g_;

 public:
  Graph(tenon_ctx* c, tenon_graph* g) : c_(c), g_(g) {}
  tenon_graph* raw() const { return g_; }
  tenon_ctx* ctx() const { return c_; }

  static tenon_op op(std::string_view domain, std::string_view name, int32_t version) {
    return api().ir->op_intern(str(domain), str(name), version);
  }
  /// The IR's own operator, e.g. op("Conv").
  static tenon_op op(std::string_view name) { return op("tenon", name, 1); }
  struct OpName {
    std::string_view domain, name;
    int32_t version;
  };
  static OpName op_name(tenon_op o) {
    tenon_str d{}, n{};
    int32_t v{};
    api().ir->op_name(o, &d, &n, &v);
    return {tenon::view(d), tenon::view(n), v};
  }

  // reading
  View view() const {
    const tenon_view* v{};
    ok(api().ir->view(c_, g_, &v));
    return {v};
  }
  /// All nodes in topological order; a copy, so editing while walking is safe (check alive()).
  std::vector<tenon_node> nodes() const {
    View v = view();
    return {v.v->node, v.v->node + v.v->n_nodes};
  }
  bool alive(tenon_node n) const { return api().ir->alive(g_, n) != 0; }
  Ids inputs(tenon_node n) const {
    Span<tenon_value> i, o;
    ok(api().ir->node_io(g_, n, &i.p, &i.n, &o.p, &o.n));
    return {i.begin(), i.end()};
  }
  Ids outputs(tenon_node n) const {
    Span<tenon_value> i, o;
    ok(api().ir->node_io(g_, n, &i.p, &i.n, &o.p, &o.n));
    return {o.begin(), o.end()};
  }
  tenon_value input(tenon_node n, uint64_t k) const {
    Span<tenon_value> i, o;
    ok(api().ir->node_io(g_, n, &i.p, &i.n, &o.p, &o.n));
    return k < i.size() ? i[k] : 0;
  }
  tenon_value output(tenon_node n, uint64_t k = 0) const {
    Span<tenon_value> i, o;
    ok(api().ir->node_io(g_, n, &i.p, &i.n, &o.p, &o.n));
    return k < o.size() ? o[k] : 0;
  }
  tenon_op op(tenon_node n) const {
    tenon_op o{};
    ok(api().ir->node_op(g_, n, &o, nullptr, nullptr));
    return o;
  }
  std::string_view name(tenon_node n) const {
    tenon_str s{};
    ok(api().ir->node_op(g_, n, nullptr, &s, nullptr));
    return tenon::view(s);
  }
  tenon_graph* graph_of(tenon_node n) const {
    tenon_graph* r{};
    ok(api().ir->node_op(g_, n, nullptr, nullptr, &r));
    return r;
  }
  Attrs attrs(tenon_node n) const {
    const tenon_attr* a{};
    uint64_t k{};
    ok(api().ir->node_attrs(g_, n, &a, &k));
    return Attrs({a, k});
  }
  ValueInfo info(tenon_value v) const {
    tenon_value_info i{};
    i.struct_size = sizeof i;
    ok(api().ir->value_info(g_, v, &i));
    return ValueInfo(i);
  }
  tenon_node producer(tenon_value v) const { return v ? info(v).producer() : 0; }
  Ids uses(tenon_value v) const {
    Span<tenon_node> r;
    ok(api().ir->value_uses(g_, v, &r.p, &r.n));
    return {r.begin(), r.end()};
  }
  bool is_constant(tenon_value v) const { return v && info(v).constant(); }
  /// Bytes of a constant, borrowed while it lives.
  Span<uint8_t> constant_bytes(tenon_value v) const {
    tenon_buffer* b{};
    uint64_t off{}, n{};
    ok(api().ir->constant(g_, v, &b, &off, &n));
    return {static_cast<const uint8_t*>(api().buffer->data(b)) + off, n};
  }
  Buffer constant_buffer(tenon_value v, uint64_t* offset) const {
    tenon_buffer* b{};
    uint64_t n{};
    ok(api().ir->constant(g_, v, &b, offset, &n));
    return Buffer::borrow(b);
  }
  /// Elements of an integer constant (i64 or i32), else nothing.
  bool constant_ints(tenon_value v, std::vector<int64_t>* out) const {
    if (!is_constant(v)) return false;
    ValueInfo i = info(v);
    if (!(i.type() == dt::i64 || i.type() == dt::i32)) return false;
    auto bytes = constant_bytes(v);
    out->resize(static_cast<size_t>(i.count()));
    for (size_t k = 0; k < out->size(); ++k)
      (*out)[k] = i.type() == dt::i64 ? reinterpret_cast<const int64_t*>(bytes.p)[k] : reinterpret_cast<const int32_t*>(bytes.p)[k];
    return true;
  }
  Ids graph_inputs() const {
    Span<tenon_value> i, o;
    ok(api().ir->graph_io(g_, &i.p, &i.n, &o.p, &o.n));
    return {i.begin(), i.end()};
  }
  Ids graph_outputs() const {
    Span<tenon_value> i, o;
    ok(api().ir->graph_io(g_, &i.p, &i.n, &o.p, &o.n));
    return {o.begin(), o.end()};
  }
  int64_t symbol(std::string_view name) const { return api().ir->symbol(g_, str(name)); }

  // building
  tenon_value add_input(std::string_view name, tenon_dtype t, const Dims& dims) { return add_input(name, t, static_cast<int32_t>(dims.size()), dims.data()); }
  tenon_value add_input(std::string_view name, tenon_dtype t, int32_t rank, const int64_t* dims) {
    tenon_str s = str(name);
    tenon_value v{};
    ok(api().ir->add_inputs(c_, g_, 1, &s, &t, &rank, dims, &v));
    return v;
  }
  tenon_value add_constant(std::string_view name, tenon_dtype t, Span<int64_t> dims, const Buffer& b, uint64_t offset = 0) {
    tenon_value v{};
    ok(api().ir->add_constant(c_, g_, str(name), t, static_cast<int32_t>(dims.size()), dims.data(), b.get(), offset, &v));
    return v;
  }
  /// Copies the elements.
  template <class T> tenon_value add_constant(std::string_view name, Span<int64_t> dims, const T* data) {
    uint64_t bytes = sizeof(T) * static_cast<uint64_t>(count_of(dims.data(), static_cast<int32_t>(dims.size())));
    Buffer b = Buffer::alloc(c_, bytes);
    if (bytes) std::memcpy(b.writable(), data, bytes);
    return add_constant(name, dtype_of<T>::value, dims, b);
  }
  tenon_value add_ints(std::string_view name, const std::vector<int64_t>& v) {
    Dims d{static_cast<int64_t>(v.size())};
    return add_constant<int64_t>(name, d, v.data());
  }
  template <class T> tenon_value add_scalar(std::string_view name, T v) { return add_constant<T>(name, Span<int64_t>(), &v); }

  struct New {
    tenon_op op{};
    std::vector<tenon_value> in;
    const AttrList* attrs{};
    std::vector<std::string> out_names;   ///< one for each output; empty text = made up
    std::vector<tenon_node> origins;      ///< nodes that it replaces
    tenon_node before{};                  ///< place in the order; 0 = end
    std::string name;
    std::vector<uint8_t> out_absent;      ///< 1 = nobody wants this optional output
    bool no_outputs = false;              ///< has an effect only
  };
  /// Adds a node; returns its id. Outputs by output(id, k). Types are set by inference or set_type.
  tenon_node add(const New& d) {
    std::vector<tenon_str> names;
    for (const auto& s : d.out_names) names.push_back(s.empty() ? tenon_str{nullptr, 0} : str(s));
    if (names.empty() && !d.no_outputs) names.push_back({nullptr, 0});
    tenon_node_desc x{};
    x.struct_size = sizeof x;
    x.op = d.op;
    x.name = str(d.name);
    x.in = d.in.data();
    x.n_in = d.in.size();
    x.attr = d.attrs ? d.attrs->data() : nullptr;
    x.n_attr = d.attrs ? d.attrs->size() : 0;
    x.out_name = names.data();
    x.n_out = names.size();
    x.origin = d.origins.data();
    x.n_origin = d.origins.size();
    x.before = d.before;
    x.out_absent = d.out_absent.empty() ? nullptr : d.out_absent.data();
    const tenon_node_desc* p = &x;
    tenon_node n{};
    std::vector<tenon_value> outs(names.size());
    ok(api().ir->add_nodes(c_, g_, 1, &p, &n, outs.data()));
    return n;
  }
  tenon_graph* add_subgraph(std::string_view name) {
    tenon_graph* r{};
    ok(api().ir->add_subgraph(c_, g_, str(name), &r));
    return r;
  }

  // editing
  void set_inputs(tenon_node n, const std::vector<tenon_value>& in) { ok(api().ir->set_inputs(c_, g_, n, in.data(), in.size())); }
  void set_input(tenon_node n, uint64_t k, tenon_value v) {
    auto in = inputs(n).vec();
    in.at(k) = v;
    set_inputs(n, in);
  }
  void set_op(tenon_node n, tenon_op o) { ok(api().ir->set_op(c_, g_, n, o)); }
  void set_attrs(tenon_node n, const AttrList& a) { ok(api().ir->set_attrs(c_, g_, n, a.data(), a.size())); }
  void set_type(tenon_value v, tenon_dtype t, Span<int64_t> dims) { ok(api().ir->set_type(c_, g_, v, t, static_cast<int32_t>(dims.size()), dims.data())); }
  void copy_type(tenon_value to, tenon_value from) {
    auto i = info(from);
    ok(api().ir->set_type(c_, g_, to, i.type(), i.rank(), i.dims().data()));
  }
  void set_outputs(const std::vector<tenon_value>& out, const std::vector<std::string>& names = {}) {
    std::vector<tenon_str> s;
    for (const auto& n : names) s.push_back(str(n));
    ok(api().ir->set_outputs(c_, g_, out.data(), names.empty() ? nullptr : s.data(), out.size()));
  }
  void add_origins(tenon_node n, const std::vector<tenon_node>& from) { ok(api().ir->add_origins(c_, g_, n, from.data(), from.size())); }
  void replace_uses(tenon_value from, tenon_value to) { ok(api().ir->replace_uses(c_, g_, 1, &from, &to)); }
  void erase(tenon_node n) { ok(api().ir->erase_nodes(c_, g_, 1, &n)); }
  void erase(const std::vector<tenon_node>& n) { ok(api().ir->erase_nodes(c_, g_, n.size(), n.data())); }
  void set_metadata(std::string_view key, std::string_view text) { ok(api().ir->set_metadata(c_, g_, str(key), str(text))); }
  /// Uses of old's outputs become uses of the given values (in order), then old is erased.
  void replace(tenon_node old, const std::vector<tenon_value>& with) {
    auto o = outputs(old).vec();
    for (size_t k = 0; k < o.size() && k < with.size(); ++k)
      if (o[k] && with[k]) replace_uses(o[k], with[k]);
    erase(old);
  }
};

TENON_NAMESPACE_END
