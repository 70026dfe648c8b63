// SPDX-License-Identifier: Apache-2.0
// Parser of operator signatures.
#include "signature.hpp"

#include <tenon/dtype.hpp>

#include <algorithm>
#include <map>
#include <mutex>

#include "quote.hpp"
#include "text_lexer.hpp"

namespace tenon::core {
namespace {

constexpr int kMaxDepth = 8;

constexpr std::pair<std::string_view, TypePattern::Kind> kSets[] = {
    {"any", TypePattern::kAny},   {"num", TypePattern::kNum},     {"float", TypePattern::kFloat},
    {"int", TypePattern::kInt},   {"uint", TypePattern::kUint},   {"bool", TypePattern::kBool},
    {"index", TypePattern::kIndex}, {"string", TypePattern::kString}};
constexpr std::pair<std::string_view, uint32_t> kAttrKinds[] = {
    {"int", TENON_AT_INT},   {"float", TENON_AT_FLOAT},   {"string", TENON_AT_STR},   {"ints", TENON_AT_INTS},       {"floats", TENON_AT_FLOATS}, {"strings", TENON_AT_STRS},
    {"tensor", TENON_AT_TENSOR}, {"graph", TENON_AT_GRAPH}, {"graphs", TENON_AT_GRAPHS}, {"tensors", TENON_AT_TENSORS}, {"raw", TENON_AT_RAW}};

class SignatureParser {
 public:
  explicit SignatureParser(std::string_view text) : lex_(text) {}
  Result<Signature> run() {
    Signature s;
    if (!lex_.expect('(') || !values(&s.inputs) || !lex_.expect_word("->") || !lex_.expect('(') || !values(&s.outputs)) return fail(lex_.error());
    if (lex_.accept('{') && !attrs(&s.attrs)) return fail(lex_.error());
    if (!lex_.at_end() && !lex_.fail_at(lex_.at(), "syntax error", "the end of the signature")) return fail(lex_.error());
    return s;
  }

 private:
  TextLexer lex_;

  bool values(std::vector<SignatureValue>* out) {
    if (lex_.accept(')')) return true;
    do {
      const size_t at = lex_.at();
      if (!out->empty() && out->back().variadic) return lex_.fail_at(at, "only the last value may be variadic");
      SignatureValue v;
      if (!lex_.name(&v.name)) return false;
      while (lex_.peek() == '?' || lex_.peek() == '*') {
        v.optional |= lex_.accept('?');
        v.variadic |= lex_.accept('*');
      }
      if (!lex_.expect(':') || !type(&v.type, 0)) return false;
      out->push_back(std::move(v));
    } while (lex_.accept(','));
    return lex_.expect(')');
  }

  bool type(TypePattern* out, int depth) {
    TypePattern one;
    if (!atom(&one, depth)) return false;
    if (lex_.peek() != '|') return *out = std::move(one), true;
    out->kind = TypePattern::kAlternatives;
    out->inner.push_back(std::move(one));
    while (lex_.accept('|')) {
      out->inner.emplace_back();
      if (!atom(&out->inner.back(), depth)) return false;
    }
    return true;
  }

  bool atom(TypePattern* out, int depth) {
    const size_t at = lex_.at();
    std::string word;
    if (depth > kMaxDepth || !lex_.name(&word)) return lex_.fail_at(at, "syntax error", "a type");
    const auto set = std::find_if(std::begin(kSets), std::end(kSets), [&](const auto& s) { return s.first == word; });
    const auto& all = dtype_names();
    const auto exact = std::find_if(all.begin(), all.end(), [&](const DTypeName& d) { return word == d.name; });
    if (set != std::end(kSets)) return out->kind = set->second, true;
    if (exact != all.end()) return out->kind = TypePattern::kExact, out->exact = exact->type, true;
    if (word == "seq") out->kind = TypePattern::kSequence;
    else if (word == "optional") out->kind = TypePattern::kOptional;
    else if (word[0] >= 'A' && word[0] <= 'Z') out->kind = TypePattern::kVariable, out->variable = word;
    else return lex_.fail_at(at, "unknown type '" + word + "' in a signature");
    if (!lex_.accept('(')) return true;
    out->inner.emplace_back();
    return type(&out->inner.back(), depth + 1) && lex_.expect(')');
  }

  bool attrs(std::vector<SignatureAttr>* out) {
    if (lex_.accept('}')) return true;
    do {
      SignatureAttr a;
      if (!lex_.name(&a.name)) return false;
      a.optional = lex_.accept('?');
      if (!lex_.expect(':')) return false;
      do {
        if (!attr_kind(&a.kinds)) return false;
      } while (lex_.accept('|'));
      out->push_back(std::move(a));
    } while (lex_.accept(','));
    return lex_.expect('}');
  }

  bool attr_kind(uint32_t* kinds) {
    const size_t at = lex_.at();
    std::string word;
    if (!lex_.name(&word)) return false;
    if (word == "any") return *kinds = UINT32_MAX, true;
    for (const auto& [name, kind] : kAttrKinds)
      if (name == word) return *kinds |= 1u << kind, true;
    return lex_.fail_at(at, "unknown kind of attribute '" + word + "' in a signature");
  }
};

std::string kind_names(uint32_t kinds) {
  std::string s;
  for (const auto& [name, kind] : kAttrKinds)
    if (kinds >> kind & 1) s += (s.empty() ? "" : " or ") + std::string(name);
  return s;
}

std::string pattern_text(const TypePattern& p) {
  const auto inner = [&](const char* between) {
    std::string s;
    for (const auto& x : p.inner) s += (s.empty() ? "" : between) + pattern_text(x);
    return s;
  };
  for (const auto& [name, kind] : kSets)
    if (kind == p.kind) return std::string(name);
  const std::string in = inner("|"), enclosed = in.empty() ? "" : "(" + in + ")";
  switch (p.kind) {
    case TypePattern::kExact: return dtype_name(p.exact);
    case TypePattern::kVariable: return p.variable + enclosed;
    case TypePattern::kSequence: return "seq" + enclosed;
    case TypePattern::kOptional: return "optional" + enclosed;
    default: return in;
  }
}

/// One node against its signature; type variables are bound as the values go by.
class Check {
 public:
  Check(const Signature& s, const Model& m, tenon_node n, const std::function<void(Error)>& report) : s_(s), m_(m), n_(n), report_(report) {}
  void run() {
    std::vector<tenon_value> v;
    m_.inputs(n_, &v);
    values("input", s_.inputs, v, true);
    m_.outputs(n_, &v);
    values("output", s_.outputs, v, false);
    attrs();
  }

 private:
  const Signature& s_;
  const Model& m_;
  tenon_node n_;
  const std::function<void(Error)>& report_;
  std::map<std::string, tenon_dtype> bound_;

  /// `required`: a value that is not optional must be there. Outputs that nobody wants may always be absent.
  void values(const std::string& what, const std::vector<SignatureValue>& want, const std::vector<tenon_value>& have, bool required) {
    const bool variadic = !want.empty() && want.back().variadic;
    if (have.size() > want.size() && !variadic)
      report_(Error(TENON_E_INVALID, "too many " + what + "s").with("expected", "at most " + std::to_string(want.size())).with("found", std::to_string(have.size())));
    for (size_t k = 0; k < want.size(); ++k) {
      const bool there = k < have.size() && (have[k] || !required);
      if (!there && !want[k].optional && !want[k].variadic)
        report_(Error(TENON_E_INVALID, what + " '" + want[k].name + "' is missing").with("found", std::to_string(have.size()) + " " + what + "s"));
    }
    for (size_t k = 0; k < have.size() && (k < want.size() || variadic); ++k)
      if (have[k]) value(what, want[std::min(k, want.size() - 1)], have[k]);
  }

  void value(const std::string& what, const SignatureValue& want, tenon_value v) {
    const tenon_dtype t = m_.values.dtype[slot(v)];
    if (t.code == TENON_DT_NONE || fits(want.type, t)) return;
    std::string expected = pattern_text(want.type);
    if (auto it = bound_.find(want.type.variable); it != bound_.end()) expected = want.type.variable + " = " + dtype_name(it->second);
    report_(Error(TENON_E_INVALID, what + " '" + want.name + "' has an element type that the operator does not take here")
                .with("value", std::string(m_.value_name(v)))
                .with("expected", expected)
                .with("found", dtype_name(t)));
  }

  bool fits(const TypePattern& p, tenon_dtype t) {
    const bool tensor = is_tensor(t);
    const auto inner = [&](tenon_dtype x) { return p.inner.empty() || fits(p.inner[0], x); };
    switch (p.kind) {
      case TypePattern::kAny: return true;
      case TypePattern::kNum: return tensor && (is_float(t) || is_int(t));
      case TypePattern::kFloat: return tensor && is_float(t);
      case TypePattern::kInt: return tensor && t.code == TENON_DT_INT;
      case TypePattern::kUint: return tensor && t.code == TENON_DT_UINT;
      case TypePattern::kBool: return tensor && t.code == TENON_DT_BOOL;
      case TypePattern::kString: return tensor && t.code == TENON_DT_STRING;
      case TypePattern::kIndex: return t == dt::i32 || t == dt::i64;
      case TypePattern::kExact: return t == p.exact;
      case TypePattern::kAlternatives: return std::any_of(p.inner.begin(), p.inner.end(), [&](const TypePattern& x) { return fits(x, t); });
      case TypePattern::kSequence: return (t.flags & TENON_DTF_SEQUENCE) && !(t.flags & TENON_DTF_OPTIONAL) && inner(without(t, TENON_DTF_SEQUENCE));
      case TypePattern::kOptional: return (t.flags & TENON_DTF_OPTIONAL) && inner(without(t, TENON_DTF_OPTIONAL));
      case TypePattern::kVariable: break;
    }
    if (auto it = bound_.find(p.variable); it != bound_.end()) return it->second == t;
    if (!inner(t)) return false;
    bound_.emplace(p.variable, t);
    return true;
  }
  static tenon_dtype without(tenon_dtype t, uint32_t flag) {
    t.flags &= ~flag;
    return t;
  }

  void attrs() {
    const AttrSet* a = m_.attrs(n_);
    std::vector<bool> seen(s_.attrs.size());
    for (uint64_t k = 0; a && k < a->size(); ++k) {
      const tenon_attr& x = a->data()[k];
      const std::string name(x.name.data, x.name.len);
      const auto it = std::find_if(s_.attrs.begin(), s_.attrs.end(), [&](const SignatureAttr& w) { return w.name == name; });
      if (it == s_.attrs.end()) {
        report_(Error(TENON_E_INVALID, "attribute '" + name + "' is not known to the operator").with("expected", attr_names()));
        continue;
      }
      seen[static_cast<size_t>(it - s_.attrs.begin())] = true;
      if (!fits_kind(it->kinds, x))
        report_(Error(TENON_E_INVALID, "attribute '" + name + "' is of the wrong kind").with("expected", kind_names(it->kinds)).with("found", kind_names(1u << (x.type & 31))));
    }
    for (size_t k = 0; k < seen.size(); ++k)
      if (!seen[k] && !s_.attrs[k].optional)
        report_(Error(TENON_E_INVALID, "attribute '" + s_.attrs[k].name + "' is missing").with("expected", kind_names(s_.attrs[k].kinds)));
  }
  /// As the SDK reads them: an integer is a number too, and an empty list is of every kind.
  static bool fits_kind(uint32_t kinds, const tenon_attr& x) {
    constexpr uint32_t lists = 1u << TENON_AT_INTS | 1u << TENON_AT_FLOATS | 1u << TENON_AT_STRS | 1u << TENON_AT_GRAPHS | 1u << TENON_AT_TENSORS;
    const uint32_t one = x.type < 32 ? 1u << x.type : 0;
    if (kinds & one) return true;
    if ((one & lists) && x.count == 0) return kinds & lists;
    return x.type == TENON_AT_INT && (kinds >> TENON_AT_FLOAT & 1);
  }
  std::string attr_names() const {
    std::string s;
    for (const auto& a : s_.attrs) s += (s.empty() ? "" : ", ") + a.name;
    return s.empty() ? "no attributes" : s;
  }
};

}  // namespace

Result<Signature> parse_signature(std::string_view text) {
  auto s = SignatureParser(text).run();
  if (s) return s;
  Error e(TENON_E_ABI, "the signature of an operator is malformed");
  e.with("found", std::string(text));
  e.causes.push_back(std::move(s.error()));
  return fail(std::move(e));
}

Result<const Signature*> signature_of(const tenon_operator& o) {
  static std::mutex mutex;
  static std::map<const tenon_operator*, Result<Signature>> cache;
  if (!(o.h.struct_size >= offsetof(tenon_operator, signature) + sizeof o.signature) || !o.signature) return nullptr;
  const std::lock_guard lock(mutex);
  auto it = cache.find(&o);
  if (it == cache.end()) it = cache.emplace(&o, parse_signature(o.signature)).first;
  if (!it->second) return fail(it->second.error());
  return &*it->second;
}

void check_signature(const Signature& s, const Model& m, tenon_node n, const std::function<void(Error)>& report) { Check(s, m, n, report).run(); }

}  // namespace tenon::core
