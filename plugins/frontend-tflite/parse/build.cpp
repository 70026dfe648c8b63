// SPDX-License-Identifier: Apache-2.0
#include "build.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "attributes.hpp"
#include "constants.hpp"
#include "names.hpp"
#include "order.hpp"
#include "quantization.hpp"
#include "text.hpp"
#include "element.hpp"

namespace tenon::tflite {
namespace {

constexpr size_t kMaxCalls = 24;  // subgraphs that call subgraphs
constexpr uint64_t kNodeUnits = 24, kTensorUnits = 8, kGraphUnits = 64;  // of Budget

// One subgraph on its way into the IR.
struct Scope {
  const fb::SubGraph* ast;
  int64_t index;
  Graph graph;
  bool main;
  const Entry* entry;
  std::unordered_map<int32_t, tenon_value> values;
  Names names;
};

class Builder {
  const Ctx& ctx_;
  const File& file_;
  Constants constants_;
  Budget budget_;
  std::vector<int64_t> calls_;  ///< subgraphs being built, outermost first
  std::set<std::string> flex_;
  std::map<std::pair<const Scope*, int32_t>, std::string> reserved_;  ///< names of graphs' outputs, by tensor
  uint64_t done_ = 0;

  const fb::Tensor& tensor(const Scope& s, int32_t k, const void* at) const {
    const auto* all = s.ast->tensors();
    if (k < 0 || !all || static_cast<uint32_t>(k) >= all->size())
      throw file_.bad(at, "tensor " + std::to_string(k) + " is not in subgraph " + std::to_string(s.index)).with("expected", "fewer than " + std::to_string(all ? all->size() : 0));
    return *all->Get(static_cast<uint32_t>(k));
  }

  void define(Scope& s, int32_t k, tenon_value v, const void* at) {
    const fb::Tensor& t = tensor(s, k, at);
    if (!s.values.emplace(k, v).second) throw file_.bad(at, "tensor " + std::to_string(k) + " ('" + tensor_name(t) + "') gets its value twice");
    set_quantization(ctx_, file_, t, s.graph.raw(), v);
  }

  // An input of the model: dimensions that the file leaves open become symbols, named after it.
  Dims input_dims(const Scope& s, const std::string& name, ValueType& t, const fb::Tensor& from) const {
    if (t.rank < 0 && s.main) t.rank = static_cast<int32_t>(stored_dims(file_, from).size());
    for (size_t k = 0; k < t.dims.size() && s.main; ++k)
      if (t.dims[k] < 0) t.dims[k] = s.graph.symbol(name + "_dim_" + std::to_string(k));
    return t.dims;
  }

  std::string io_name(Scope& s, const std::map<int64_t, std::string>& given, int32_t k, const fb::Tensor& t, const std::string& otherwise) {
    auto at = given.find(k);
    std::string name = s.main && at != given.end() ? at->second : tensor_name(t);
    return s.names.unique(name.empty() ? otherwise : name);
  }

  void add_inputs(Scope& s) {
    if (!s.ast->inputs()) return;
    for (uint32_t i = 0; i < s.ast->inputs()->size(); ++i) {
      int32_t k = s.ast->inputs()->Get(i);
      const fb::Tensor& t = tensor(s, k, s.ast->inputs());
      budget_.spend(kTensorUnits, &t);
      std::string name = io_name(s, s.entry->input_names, k, t, "input_" + std::to_string(i));
      ValueType type = declared_type(file_, t);
      Dims dims = input_dims(s, name, type, t);
      define(s, k, s.graph.add_input(name, type.dtype, type.rank, dims.data()), &t);
    }
  }

  // A tensor that outlives a run: it reads as its last value, at first as zero.
  tenon_value variable(Scope& s, int32_t k, const fb::Tensor& t) {
    tenon_dtype type = element_type(t.type());
    if (type == dt::none || type.bits < 8 || type == dt::string) throw file_.bad(&t, "a variable tensor cannot have this element type");
    Dims one{1};
    Buffer zero = Buffer::alloc(ctx_.raw(), type.bits / 8u);
    bool quantized = t.quantization() && t.quantization()->zero_point() && t.quantization()->zero_point()->size() == 1;
    if (type == dt::i8 && quantized) *static_cast<int8_t*>(zero.writable()) = static_cast<int8_t>(element(*t.quantization()->zero_point(), 0));
    AttrList fill, name;
    fill.add_tensor("value", s.graph.add_constant("", type, one, zero));
    name.add("variable", tensor_name(t) + "#" + std::to_string(s.index) + "." + std::to_string(k));
    Graph::New d;
    d.op = Graph::op("ConstantOfShape");
    d.in = {s.graph.add_ints("", stored_dims(file_, t))};
    d.attrs = &fill;
    tenon_value initial = s.graph.output(s.graph.add(d));
    d.op = Graph::op("ReadVariable");
    d.in = {initial};
    d.attrs = &name;
    d.out_names = {s.names.unique(tensor_name(t))};
    tenon_value v = s.graph.output(s.graph.add(d));
    s.graph.set_type(v, type, stored_dims(file_, t));
    define(s, k, v, &t);
    return v;
  }

  tenon_value constant(Scope& s, int32_t k, const fb::Tensor& t, const Constant& c) {
    tenon_value v = s.graph.add_constant(s.names.unique(tensor_name(t)), c.type, c.dims, c.buffer, c.offset);
    define(s, k, v, &t);
    return v;
  }

  // A tensor without elements needs no contents.
  std::optional<Constant> empty(const fb::Tensor& t) {
    Constant c;
    c.type = element_type(t.type());
    c.dims = stored_dims(file_, t);
    bool open = t.shape_signature() && std::any_of(t.shape_signature()->begin(), t.shape_signature()->end(), [](int32_t d) { return d < 0; });
    if (open || std::find(c.dims.begin(), c.dims.end(), 0) == c.dims.end() || c.type == dt::none) return std::nullopt;
    c.buffer = Buffer::alloc(ctx_.raw(), c.type == dt::string ? 8 : 0);
    return c;
  }

  tenon_value value(Scope& s, int32_t k, const void* at) {
    if (k == -1) return 0;
    auto known = s.values.find(k);
    if (known != s.values.end()) return known->second;
    const fb::Tensor& t = tensor(s, k, at);
    budget_.spend(kTensorUnits + (t.shape() ? t.shape()->size() : 0), &t);
    if (auto c = constants_.get(t)) return constant(s, k, t, *c);
    if (t.is_variable()) return variable(s, k, t);
    if (auto c = empty(t)) return constant(s, k, t, *c);
    throw file_.bad(at, "tensor " + std::to_string(k) + " ('" + tensor_name(t) + "') of subgraph " + std::to_string(s.index) + " is used, but it is no input, no constant and no operator's output");
  }

  tenon_op operation(const fb::Operator& op) {
    const auto* codes = file_.model->operator_codes();
    if (!codes || op.opcode_index() >= codes->size()) throw file_.bad(&op, "operator code " + std::to_string(op.opcode_index()) + " is not in the model");
    const fb::OperatorCode& code = *codes->Get(op.opcode_index());
    // Old writers have only the byte, which newer ones fill with a placeholder.
    int32_t builtin = std::max<int32_t>(code.deprecated_builtin_code(), static_cast<int32_t>(code.builtin_code()));
    int32_t version = std::max(code.version(), 1);
    if (builtin == static_cast<int32_t>(fb::BuiltinOperator::CUSTOM)) {
      std::string name = text(code.custom_code());
      if (name.empty()) throw file_.bad(&code, "a custom operator has no name");
      bool flex = name.rfind("Flex", 0) == 0;
      if (flex) flex_.insert(name.substr(4));
      return Graph::op(flex ? "tflite.flex" : "tflite.custom", name, version);
    }
    const char* name = fb::EnumNameBuiltinOperator(static_cast<fb::BuiltinOperator>(builtin));
    return Graph::op("tflite", name && *name ? std::string(name) : "BUILTIN_" + std::to_string(builtin), version);
  }

  void add_custom(const fb::Operator& op, Attributes& a) {
    if (op.large_custom_options_offset() > 1) {
      uint64_t offset = op.large_custom_options_offset(), size = op.large_custom_options_size();
      if (offset > file_.size || size > file_.size - offset) throw file_.bad(&op, "custom options reach past the end of the file");
      add_custom_options(file_.data + offset, size, a);
    } else if (op.custom_options() && op.custom_options()->size()) {
      budget_.spend(op.custom_options()->size() / 16, &op);
      add_custom_options(op.custom_options()->data(), op.custom_options()->size(), a);
    }
  }

  // Scales of intermediate results, which are no values of the graph.
  void add_intermediates(const Scope& s, const fb::Operator& op, Attributes& a) {
    if (!op.intermediates() || op.intermediates()->size() == 0) return;
    std::vector<double> scales;
    std::vector<int64_t> zeros;
    for (int32_t k : *op.intermediates()) {
      const auto* q = k == -1 ? nullptr : tensor(s, k, &op).quantization();
      scales.push_back(q && q->scale() && q->scale()->size() ? static_cast<double>(q->scale()->Get(0)) : 0.0);
      zeros.push_back(q && q->zero_point() && q->zero_point()->size() ? element(*q->zero_point(), 0) : 0);
    }
    a.list().add("intermediate_scales", std::move(scales)).add("intermediate_zero_points", std::move(zeros));
  }

  // Quantization that values cannot carry: for input k, "input<k>_scales" and "input<k>_zero_points" (tensors) and "input<k>_block_size".
  void add_blocks(Scope& s, const fb::Operator& op, Attributes& a) {
    for (uint32_t i = 0; op.inputs() && i < op.inputs()->size(); ++i) {
      int32_t k = op.inputs()->Get(i);
      if (k == -1) continue;
      const fb::Tensor& t = tensor(s, k, &op);
      std::string name = "input" + std::to_string(i);
      if (auto other = other_details(t); !other.empty()) a.list().add(name + "_quantization", std::string_view(other));
      const auto* b = blockwise(t);
      if (!b) continue;
      a.list().add_tensor(name + "_scales", block_tensor(s, b->scales(), b));
      if (b->zero_points() > 0) a.list().add_tensor(name + "_zero_points", block_tensor(s, b->zero_points(), b));
      a.list().add(name + "_block_size", int64_t{b->block_size()});
      if (b->block_shape() && b->block_shape()->size()) a.list().add(name + "_block_shape", std::vector<int64_t>(b->block_shape()->begin(), b->block_shape()->end()));
    }
  }

  tenon_value block_tensor(Scope& s, int32_t k, const void* at) {
    tenon_value v = value(s, k, at);
    if (!v || !s.graph.is_constant(v)) throw file_.bad(at, "the scales of a blockwise quantized tensor are no constant");
    return v;
  }

  void annotate(Scope& s, int32_t k, tenon_value v) {
    ValueType t = declared_type(file_, tensor(s, k, nullptr));
    if (t.dtype != dt::none) ok(api().ir->set_type(ctx_.raw(), s.graph.raw(), v, t.dtype, t.rank, t.dims.data()));
  }

  void add_operator(Scope& s, const fb::Operator& op) {
    Attributes attributes;
    add_options(op, attributes, [&](int64_t index) { return nested(s.graph, index, &op); });
    add_custom(op, attributes);
    add_intermediates(s, op, attributes);
    add_blocks(s, op, attributes);
    Graph::New d;
    d.op = operation(op);
    d.attrs = &attributes.list();
    for (uint32_t i = 0; op.inputs() && i < op.inputs()->size(); ++i) d.in.push_back(value(s, op.inputs()->Get(i), &op));
    for (uint32_t i = 0; op.outputs() && i < op.outputs()->size(); ++i) {
      int32_t k = op.outputs()->Get(i);
      d.out_absent.push_back(k == -1);
      d.out_names.push_back(k == -1 ? std::string() : output_name(s, k, &op));
    }
    for (const auto& n : d.out_names)
      if (d.name.empty()) d.name = n;
    if (d.out_names.empty()) add_without_outputs(s, d);
    else add_with_outputs(s, op, d);
    if (++done_ % 4096 == 0) ctx_.progress(done_, 0, "operators");
  }

  // Outputs of the graph take their names first.
  std::string output_name(Scope& s, int32_t k, const void* at) {
    auto given = reserved_.find({&s, k});
    return given != reserved_.end() ? given->second : s.names.unique(tensor_name(tensor(s, k, at)));
  }
  void add_with_outputs(Scope& s, const fb::Operator& op, Graph::New& d) {
    auto outs = s.graph.outputs(s.graph.add(d));
    for (uint32_t i = 0; i < outs.size(); ++i) {
      if (!outs[i]) continue;
      define(s, op.outputs()->Get(i), outs[i], &op);
      annotate(s, op.outputs()->Get(i), outs[i]);
    }
  }

  void add_without_outputs(Scope& s, const Graph::New& d) {
    tenon_node_desc x{};
    x.struct_size = sizeof x;
    x.op = d.op;
    x.in = d.in.data();
    x.n_in = d.in.size();
    x.attr = d.attrs->data();
    x.n_attr = d.attrs->size();
    const tenon_node_desc* p = &x;
    tenon_node n{};
    tenon_value none{};
    ok(api().ir->add_nodes(ctx_.raw(), s.graph.raw(), 1, &p, &n, &none));
  }

  tenon_graph* nested(Graph& outer, int64_t index, const void* at) {
    const fb::SubGraph& ast = subgraph(file_, index, at);
    if (std::find(calls_.begin(), calls_.end(), index) != calls_.end()) throw file_.bad(at, "subgraph " + std::to_string(index) + " calls itself");
    if (calls_.size() >= kMaxCalls) throw file_.bad(at, "subgraphs call one another too deeply").with("expected", "at most " + std::to_string(kMaxCalls) + " levels");
    tenon_graph* g = outer.add_subgraph(ast.name() ? text(ast.name()) : "subgraph_" + std::to_string(index));
    fill(g, index, at, Entry{}, false);
    return g;
  }

  void reserve_outputs(Scope& s) {
    for (uint32_t i = 0; s.ast->outputs() && i < s.ast->outputs()->size(); ++i) {
      int32_t k = s.ast->outputs()->Get(i);
      bool input = s.ast->inputs() && std::find(s.ast->inputs()->begin(), s.ast->inputs()->end(), k) != s.ast->inputs()->end();
      if (input || reserved_.count({&s, k})) continue;
      reserved_[{&s, k}] = io_name(s, s.entry->output_names, k, tensor(s, k, s.ast->outputs()), "output_" + std::to_string(i));
    }
  }

  void set_outputs(Scope& s) {
    std::vector<tenon_value> values;
    std::vector<std::string> names;
    std::set<int32_t> named;
    for (uint32_t i = 0; s.ast->outputs() && i < s.ast->outputs()->size(); ++i) {
      int32_t k = s.ast->outputs()->Get(i);
      tenon_value v = value(s, k, s.ast->outputs());
      if (!v) throw file_.bad(s.ast->outputs(), "an output of a subgraph is absent");
      auto at = reserved_.find({&s, k});
      bool own = at != reserved_.end() && named.insert(k).second;
      values.push_back(v);
      names.push_back(own ? at->second : s.names.unique(tensor_name(tensor(s, k, nullptr)).empty() ? "output_" + std::to_string(i) : tensor_name(tensor(s, k, nullptr))));
    }
    s.graph.set_outputs(values, names);
  }

  void spend(const fb::SubGraph& g) {
    budget_.spend(kGraphUnits + (g.tensors() ? g.tensors()->size() / 4 : 0), &g);
    for (uint32_t i = 0; g.operators() && i < g.operators()->size(); ++i) {
      const fb::Operator& op = *g.operators()->Get(i);
      uint64_t out = op.outputs() ? op.outputs()->size() : 0, in = op.inputs() ? op.inputs()->size() : 0;
      budget_.spend(kNodeUnits + 2 * in + kTensorUnits * out + (op.intermediates() ? op.intermediates()->size() : 0), &op);
    }
    if (g.outputs()) budget_.spend(kTensorUnits * g.outputs()->size(), &g);
  }

 public:
  Builder(const Ctx& ctx, const tenon_source* source, const File& file) : ctx_(ctx), file_(file), constants_(ctx.raw(), source, file), budget_(file) {}

  void fill(tenon_graph* g, int64_t index, const void* at, const Entry& entry, bool main) {
    const fb::SubGraph& ast = subgraph(file_, index, at);
    spend(ast);
    Scope s{&ast, index, Graph(ctx_.raw(), g), main, &entry, {}, {}};
    calls_.push_back(index);
    add_inputs(s);
    reserve_outputs(s);
    for (uint32_t k : run_order(file_, ast)) add_operator(s, *ast.operators()->Get(k));
    set_outputs(s);
    calls_.pop_back();
    reserved_.erase(reserved_.lower_bound({&s, INT32_MIN}), reserved_.upper_bound({&s, INT32_MAX}));
  }

  void report() const {
    std::string list;
    for (const auto& f : flex_) list += (list.empty() ? "" : ", ") + f;
    if (!list.empty()) ctx_.warn("the model needs operators of TensorFlow itself (Flex, or select ops), which TFLite does not define: " + list);
    if (constants_.copied()) ctx_.metric("realigned_bytes", static_cast<double>(constants_.copied()));
  }

  void describe(Graph& g) {
    const fb::Model& m = *file_.model;
    g.set_metadata("format", "tflite");
    g.set_metadata("schema_version", std::to_string(m.version()));
    if (m.description() && m.description()->size()) g.set_metadata("description", text(m.description()));
    if (m.subgraphs()) g.set_metadata("subgraphs", std::to_string(m.subgraphs()->size()));
    describe_signatures(file_, g);
    for (uint32_t i = 0; m.metadata() && i < std::min(m.metadata()->size(), 64u); ++i) {
      const auto& x = *m.metadata()->Get(i);
      uint64_t size = 0;
      std::string name = text(x.name()), contents = utf8(constants_.text(x.buffer(), &size));
      g.set_metadata(name == "min_runtime_version" ? name : "metadata " + name, name == "min_runtime_version" ? contents : std::to_string(size) + " bytes");
    }
  }
};

}  // namespace

void build(const Ctx& ctx, const tenon_source* source, const File& file, const Entry& entry, tenon_graph* g) {
  Builder b(ctx, source, file);
  Graph graph(ctx.raw(), g);
  b.describe(graph);
  b.fill(g, entry.subgraph, file.model, entry, true);
  b.report();
}

}  // namespace tenon::tflite
