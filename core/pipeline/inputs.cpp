// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <fmt/format.h>

#include "../data/shape.hpp"
#include "../report/nearest.hpp"
#include "config.hpp"

namespace tenon::core {
namespace {

/// Checks tensors against the graph's inputs; a name must stand for the same number everywhere.
class InputReader {
  const Npz& file_;
  const Model& m_;
  DimValues names_;
  std::vector<Error> problems_;

  Error problem(tenon_value v, std::string message, std::string found) const {
    return Error(TENON_E_CONFIG, std::move(message)).with("value", std::string(m_.value_name(v))).with("expected", value_type_text(m_, v)).with("found", std::move(found)).with("file", file_.path());
  }
  bool dim_fits(int64_t want, int64_t have, std::string* why) {
    if (want >= 0 || want == TENON_DIM_UNKNOWN) return want < 0 || want == have;
    auto names = m_.symbols.names_of(want);
    std::string text = m_.symbols.text(want);
    if (names.size() == 1 && is_name(want, names[0])) names_.emplace(names[0], have);
    int64_t value = m_.symbols.evaluate(want, names_);
    if (value >= 0 && value != have) *why = fmt::format("{} is {} by the inputs before", text, value);
    return value < 0 || value == have;
  }
  /// Is the dimension just the name, and no expression over it?
  bool is_name(int64_t dim, const std::string& name) const {
    auto at = [&](int64_t x) { return m_.symbols.evaluate(dim, DimValues{{name, x}}) == x; };
    return at(7919) && at(65537);
  }
  Status check_shape(tenon_value v, const ValueType& want, const Tensor& t) {
    if (want.rank < 0) return {};
    std::string why;
    bool fits = want.dims.size() == t.dims.size();
    for (size_t i = 0; fits && i < t.dims.size(); ++i) fits = dim_fits(want.dims[i], t.dims[i], &why);
    if (fits) return {};
    Error e = problem(v, "input \"" + std::string(m_.value_name(v)) + "\" has the wrong shape", type_text(t.type, t.dims));
    if (!why.empty()) e.with("hint", why);
    return fail(std::move(e));
  }
  Result<Tensor> fit(tenon_value v, Tensor t) {
    ValueType want = m_.type(v);
    if (want.dtype.code == TENON_DT_NONE) return t;
    std::string found = type_text(t.type, t.dims);
    auto c = conform(std::move(t), element(want.dtype));
    if (!c) return fail(problem(v, "input \"" + std::string(m_.value_name(v)) + "\" has the wrong element type", is_raw(t.type) ? std::string(c.error().detail("found")) : found));
    TENON_TRY(check_shape(v, want, *c));
    return c;
  }
  /// One item of a sequence, or the keys or values of a map.
  Result<Tensor> item(tenon_value v, const std::string& name, tenon_dtype type) {
    if (is_map(type)) return items(v, name, type);
    auto t = read_entry(file_, "in", name);
    if (!t) return t;
    std::string found = type_text(t->type, t->dims);
    auto c = conform(std::move(*t), element(type));
    return c ? std::move(c) : fail(problem(v, "entry \"" + name + "\" has the wrong element type", found));
  }
  bool has_item(const std::string& name) const { return has_entry(file_, "in", name, false) || has_entry(file_, "in", name + "/keys", false); }
  Result<Tensor> items(tenon_value v, const std::string& name, tenon_dtype type) {
    Tensor all;
    all.type = type;
    all.items = std::make_shared<std::vector<Tensor>>();
    for (size_t i = 0; is_map(type) ? i < 2 : has_item(item_name(name, type, i)); ++i) {
      auto t = item(v, item_name(name, type, i), item_type(type, i));
      if (!t) return t;
      all.items->push_back(std::move(*t));
    }
    auto count = is_map(type) ? Result<int64_t>(-1) : read_count(file_, "in", name);
    if (!count) return fail(std::move(count.error()));
    if (*count >= 0 && *count != static_cast<int64_t>(all.items->size()))
      return fail(problem(v, "sequence \"" + name + "\" has not as many items as its count says", std::to_string(all.items->size()) + " items, count " + std::to_string(*count)));
    all.dims = {static_cast<int64_t>(all.items->size())};
    if (is_map(type) && (*all.items)[0].count() != (*all.items)[1].count()) return fail(problem(v, "map \"" + name + "\" has not one value for each key", std::to_string((*all.items)[0].count()) + " keys"));
    return all;
  }
  /// No entry of it, or one that says so.
  Result<bool> absent(const std::string& name, tenon_dtype type) const {
    auto said = says_absent(file_, "in", name);
    if (!said || *said) return said;
    bool sequence = type.flags & TENON_DTF_SEQUENCE;
    return !(has_entry(file_, "in", name, m_.main().inputs.size() == 1) || (sequence && (has_item(item_name(name, type, 0)) || has_entry(file_, "in", name + "/count", false))));
  }
  Result<Tensor> read(tenon_value v) {
    std::string name(m_.value_name(v));
    tenon_dtype type = m_.type(v).dtype;
    auto none = type.flags & TENON_DTF_OPTIONAL ? absent(name, type) : Result<bool>(false);
    if (!none) return fail(std::move(none.error()));
    if (*none) return absent_value(type);
    if (is_map(type) || type.flags & TENON_DTF_SEQUENCE) return items(v, name, type);
    if (has_entry(file_, "in", name, m_.main().inputs.size() == 1)) {
      auto t = read_entry(file_, "in", name);
      return t ? fit(v, std::move(*t)) : std::move(t);
    }
    Error e = problem(v, "input \"" + name + "\" is missing", "nothing");
    if (file_.single_array()) return fail(std::move(e).with("hint", "a .npy file holds one input; this graph has several: use a .npz file"));
    bool prefixed = !nearest_word("in:" + name, file_.names()).empty();
    return fail(std::move(e).with("hint", nearest_hint(prefixed ? "in:" + name : name, file_.names())));
  }

 public:
  InputReader(const Npz& file, const Model& m) : file_(file), m_(m) {}
  Result<std::vector<Tensor>> all() {
    std::vector<Tensor> r;
    for (tenon_value v : m_.main().inputs) {
      auto t = read(v);
      if (t)
        r.push_back(std::move(*t));
      else
        problems_.push_back(std::move(t.error()));
    }
    if (problems_.empty()) return r;
    return fail(gathered(std::move(problems_), "inputs file"));
  }
};

}  // namespace

std::string value_type_text(const Model& m, tenon_value v) {
  ValueType t = m.type(v);
  std::string s = dtype_name(t.dtype);
  if (t.rank < 0) return s + "[...]";
  s += '[';
  for (size_t i = 0; i < t.dims.size(); ++i) s += (i ? ", " : "") + m.symbols.text(t.dims[i]);
  return s + ']';
}

bool has_entry(const Npz& file, const std::string& prefix, const std::string& name, bool only_one) {
  if (file.single_array()) return only_one;
  return file.has(prefix + ':' + name) || file.has(name);
}

Result<Tensor> read_entry(const Npz& file, const std::string& prefix, const std::string& name) {
  if (file.single_array()) return file.read("");
  return file.read(file.has(prefix + ':' + name) ? prefix + ':' + name : name);
}

Result<int64_t> read_count(const Npz& file, const std::string& prefix, const std::string& name) {
  if (!has_entry(file, prefix, name + "/count", false)) return -1;
  auto t = read_entry(file, prefix, name + "/count");
  if (!t) return fail(std::move(t.error()));
  if (t->type != dt::i64 || t->count() != 1 || *t->data<int64_t>() < 0)
    return fail(Error(TENON_E_CONFIG, "entry \"" + name + "/count\" is no number of items").with("expected", "one i64 of 0 or more").with("found", type_text(t->type, t->dims)).with("file", file.path()));
  return *t->data<int64_t>();
}

Result<bool> says_absent(const Npz& file, const std::string& prefix, const std::string& name) {
  if (!has_entry(file, prefix, name + "/present", false)) return false;
  auto t = read_entry(file, prefix, name + "/present");
  if (!t) return fail(std::move(t.error()));
  if (t->type != dt::boolean || t->count() != 1)
    return fail(Error(TENON_E_CONFIG, "entry \"" + name + "/present\" does not say whether there is a value").with("expected", "one bool").with("found", type_text(t->type, t->dims)).with("file", file.path()));
  return *t->data<uint8_t>() == 0;
}

Result<std::vector<Tensor>> inputs_from_file(const Npz& file, const Model& m) { return InputReader(file, m).all(); }

}  // namespace tenon::core
