// SPDX-License-Identifier: Apache-2.0
// Parser of the text form: graphs, nodes and attributes.
#include <algorithm>
#include <set>

#include "quote.hpp"
#include "text_parser.hpp"
#include "text_types.hpp"

namespace tenon::core {
namespace {

constexpr int kMaxDepth = 64;

constexpr std::pair<const char*, uint32_t> kListKinds[] = {
    {"ints", TENON_AT_INTS}, {"floats", TENON_AT_FLOATS}, {"strings", TENON_AT_STRS}, {"tensors", TENON_AT_TENSORS}, {"graphs", TENON_AT_GRAPHS}};

tenon_str str(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

/// The word "graph" is taken already. parent NULL: the main graph.
bool TextParser::graph(tenon_graph* parent, int depth, tenon_graph** out) {
  const size_t at = lex_.at();
  if (depth > kMaxDepth) return lex_.fail_at(at, "graphs are nested too deeply");
  Key key;
  if (!graph_key(&key)) return false;
  if (key.second != 1) return lex_.fail_at(at, "only a shared graph has a number");
  tenon_graph& g = parent ? m_->add_subgraph(*parent, key.first) : m_->main();
  g.name = key.first;
  *out = &g;
  return graph_body(g, depth);
}

/// A name, and how many shared graphs of that name came before.
bool TextParser::graph_key(Key* out) {
  int64_t n = 1;
  out->second = 1;
  if (!lex_.expect('@') || !lex_.name(&out->first)) return false;
  if (!lex_.accept('#')) return true;
  const size_t at = lex_.at();
  if (!lex_.integer(&n)) return false;
  out->second = static_cast<uint64_t>(n);
  return n > 0 || lex_.fail_at(at, "the number of a graph is out of range");
}

/// The word "shared" is taken already. It can be named after it is defined, so it never holds itself.
bool TextParser::shared_graph() {
  Key key;
  if (!lex_.expect_word("graph")) return false;
  const size_t at = lex_.at();
  if (!graph_key(&key)) return false;
  tenon_graph& g = m_->add_subgraph(m_->main(), key.first);
  if (!graph_body(g, 1)) return false;
  return shared_.try_emplace(key, &g).second || lex_.fail_at(at, "two shared graphs are called the same");
}

bool TextParser::shared_reference(tenon_graph** out) {
  const size_t at = lex_.at();
  Key key;
  if (!graph_key(&key)) return false;
  const auto it = shared_.find(key);
  if (it == shared_.end()) return lex_.fail_at(at, "no shared graph of this name was defined before");
  *out = it->second;
  return true;
}

bool TextParser::graph_body(tenon_graph& g, int depth) {
  std::vector<Listed> outputs;
  if (!lex_.expect('(') || !graph_inputs(g) || !lex_.expect_word("->") || !lex_.expect('(') || !graph_outputs(&outputs) || !lex_.expect('{')) return false;
  while (!lex_.accept('}'))
    if (!node(g, depth)) return false;
  return finish_outputs(g, outputs);
}

bool TextParser::graph_inputs(tenon_graph& g) {
  return separated(')', [&] {
    Declared d;
    if (!declared(&d)) return false;
    if (d.absent) return lex_.fail_at(d.at, "an input of a graph cannot be absent");
    auto v = m_->add_input(g, d.key.first, d.type);
    return v ? define(d, *v) : lex_.fail_with(d.at, v.error());
  });
}

bool TextParser::graph_outputs(std::vector<Listed>* out) {
  return separated(')', [&] {
    Listed l;
    l.at = lex_.at();
    if (!key(&l.key)) return false;
    if (lex_.accept_word("as")) {
      l.named = true;
      if (!lex_.string(&l.name)) return false;
    }
    out->push_back(std::move(l));
    return true;
  });
}

bool TextParser::finish_outputs(tenon_graph& g, const std::vector<Listed>& listed) {
  std::vector<tenon_value> values(listed.size());
  std::vector<tenon_str> names;
  for (size_t k = 0; k < listed.size(); ++k) {
    if (!lookup(listed[k].key, listed[k].at, g, &values[k])) return false;
    names.push_back(str(listed[k].named ? listed[k].name : m_->values.name[slot(values[k])]));
  }
  auto done = m_->set_outputs(g, values.data(), names.data(), values.size());
  return done ? true : lex_.fail_with(lex_.at(), done.error());
}

bool TextParser::operator_name(tenon_op* out) {
  std::string domain, name;
  int64_t version = 1;
  const size_t at = lex_.at();
  if (!lex_.name(&domain) || !lex_.expect_word("::") || !lex_.name(&name) || (lex_.accept('@') && !lex_.integer(&version))) return false;
  if (version != static_cast<int32_t>(version)) return lex_.fail_at(at, "the version of an operator is out of range");
  *out = intern_op(domain, name, static_cast<int32_t>(version));
  return true;
}

bool TextParser::node_outputs(std::vector<Declared>* out) {
  const auto one = [&] {
    out->emplace_back();
    return declared(&out->back());
  };
  return lex_.accept('(') ? separated(')', one) : one();
}

bool TextParser::node(tenon_graph& g, int depth) {
  const size_t at = lex_.at();
  std::vector<Declared> outs;
  std::vector<tenon_value> in;
  std::vector<OwnedAttr> attrs;
  std::vector<uint32_t> from;
  std::string name;
  tenon_node_desc d{};
  const auto input = [&] {
    in.emplace_back();
    return use(g, &in.back());
  };
  if (!node_outputs(&outs) || !lex_.expect('=') || !operator_name(&d.op) || !lex_.expect('(') || !separated(')', input)) return false;
  if (lex_.accept('{') && !attributes(g, depth, &attrs)) return false;
  if (lex_.accept_word("name") && !lex_.string(&name)) return false;
  if (lex_.accept_word("origin") && !origins(&from)) return false;
  std::vector<tenon_attr> views;
  for (auto& a : attrs) views.push_back(a.view());
  d.struct_size = sizeof d;
  d.name = str(name);
  d.in = in.data(), d.n_in = in.size();
  d.attr = views.data(), d.n_attr = views.size();
  return add_node(g, at, d, outs, std::move(from));
}

bool TextParser::add_node(tenon_graph& g, size_t at, tenon_node_desc d, const std::vector<Declared>& outs, std::vector<uint32_t> from) {
  std::vector<tenon_str> names;
  std::vector<uint8_t> absent;
  for (const auto& o : outs) {
    names.push_back(str(o.key.first));
    absent.push_back(o.absent);
  }
  d.out_name = names.data(), d.n_out = names.size();
  d.out_absent = absent.data();
  auto n = m_->add_node(g, d);
  if (!n) return lex_.fail_with(at, n.error());
  if (!from.empty()) m_->nodes.origins[slot(*n)] = std::make_shared<std::vector<uint32_t>>(std::move(from));
  std::vector<tenon_value> made;
  m_->outputs(*n, &made);
  for (size_t k = 0; k < outs.size(); ++k) {
    if (outs[k].absent) continue;
    auto typed = m_->set_type(made[k], outs[k].type.dtype, outs[k].type.rank, outs[k].type.dims.data());
    if (!typed) return lex_.fail_with(outs[k].at, typed.error());
    if (!define(outs[k], made[k])) return false;
  }
  return true;
}

bool TextParser::origins(std::vector<uint32_t>* out) {
  const bool ok = lex_.expect('(') && separated(')', [&] {
    std::string name, op;
    if (!lex_.string(&name) || !lex_.expect(':') || !lex_.string(&op)) return false;
    auto [it, fresh] = origins_.try_emplace({name, op}, static_cast<uint32_t>(m_->origins.size()));
    if (fresh) m_->origins.push_back({name, op});
    out->push_back(it->second);
    return true;
  });
  std::sort(out->begin(), out->end());
  out->erase(std::unique(out->begin(), out->end()), out->end());
  return ok;
}

bool TextParser::attributes(tenon_graph& g, int depth, std::vector<OwnedAttr>* out) {
  std::set<std::string> names;
  return separated('}', [&] {
    const size_t at = lex_.at();
    OwnedAttr a;
    if (!lex_.name(&a.name) || !lex_.expect('=')) return false;
    if (!names.insert(a.name).second) return lex_.fail_at(at, "a node has two attributes of one name");
    if (!attribute(g, depth, &a)) return false;
    out->push_back(std::move(a));
    return true;
  });
}

bool TextParser::attribute(tenon_graph& g, int depth, OwnedAttr* a) {
  if (lex_.accept('[')) return list(g, depth, 0, a);
  for (const auto& [word, kind] : kListKinds)
    if (lex_.accept_word(word)) return lex_.expect('[') && list(g, depth, kind, a);
  if (lex_.accept_word("raw")) {
    a->type = TENON_AT_RAW;
    std::string text;
    const size_t at = lex_.at();
    return lex_.string(&text) && (from_base64(text, &a->raw) || lex_.fail_at(at, "syntax error in base64"));
  }
  return element(g, depth, &a->type, a);
}

/// `kind` as it was written before the list; 0: by its first element. Integers may stand among floats.
bool TextParser::list(tenon_graph& g, int depth, uint32_t kind, OwnedAttr* a) {
  const size_t at = lex_.at();
  bool mixed = false;
  uint32_t all = 0;
  const bool ok = separated(']', [&] {
    uint32_t one = 0;
    if (!element(g, depth, &one, a)) return false;
    if (kind == TENON_AT_FLOATS && one == TENON_AT_INT) {
      a->floats.push_back(static_cast<double>(a->ints.back()));
      one = TENON_AT_FLOAT;
    }
    mixed |= all != 0 && one != all;
    all = one;
    return true;
  });
  if (!ok) return false;
  constexpr std::pair<uint32_t, uint32_t> plural[] = {{TENON_AT_INT, TENON_AT_INTS}, {TENON_AT_FLOAT, TENON_AT_FLOATS}, {TENON_AT_STR, TENON_AT_STRS}, {TENON_AT_TENSOR, TENON_AT_TENSORS}, {TENON_AT_GRAPH, TENON_AT_GRAPHS}};
  for (const auto& [one, many] : plural)
    if (one == all) a->type = many;
  if (all == 0) a->type = kind;
  if (a->type == 0) return lex_.fail_at(at, "an empty list needs its kind", "ints [], floats [], strings [], tensors [] or graphs []");
  if (mixed || (kind && kind != a->type)) return lex_.fail_at(at, "the elements of a list are of different kinds");
  return true;
}

bool TextParser::element(tenon_graph& g, int depth, uint32_t* kind, OwnedAttr* a) {
  const char c = lex_.peek();
  if (c == '"') {
    *kind = TENON_AT_STR;
    a->strings.emplace_back();
    return lex_.string(&a->strings.back());
  }
  if (c == '%' || c == '_') {
    *kind = TENON_AT_TENSOR;
    a->tensors.emplace_back();
    return use(g, &a->tensors.back());
  }
  if (c == '@') {
    *kind = TENON_AT_GRAPH;
    return shared_reference(&a->graphs.emplace_back());
  }
  if (lex_.accept_word("graph")) {
    *kind = TENON_AT_GRAPH;
    a->graphs.emplace_back();
    tenon_graph* inner = nullptr;
    const bool ok = graph(&g, depth + 1, &inner);
    a->graphs.back() = inner;
    return ok;
  }
  return numeric(kind, a);
}

bool TextParser::numeric(uint32_t* kind, OwnedAttr* a) {
  const size_t at = lex_.at();
  std::string_view token;
  int64_t i = 0;
  double f = 0;
  if (!lex_.number(&token)) return false;
  if (parse_integer(token, &i)) {
    *kind = TENON_AT_INT;
    a->ints.push_back(i);
    return true;
  }
  if (!parse_double(token, &f)) return lex_.fail_at(at, "syntax error in an attribute", "a number, a string, a list, a graph or a value");
  *kind = TENON_AT_FLOAT;
  a->floats.push_back(f);
  return true;
}

}  // namespace tenon::core
