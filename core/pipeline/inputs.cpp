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
  Result<Tensor> fit(tenon_value v, Tensor t, bool of_sequence) {
    ValueType want = m_.type(v);
    if (want.dtype.code == TENON_DT_NONE) return t;
    std::string found = type_text(t.type, t.dims);
    auto c = conform(std::move(t), element(want.dtype));
    if (!c) return fail(problem(v, "input \"" + std::string(m_.value_name(v)) + "\" has the wrong element type", is_raw(t.type) ? std::string(c.error().detail("found")) : found));
    if (!of_sequence) TENON_TRY(check_shape(v, want, *c));
    return c;
  }
  Result<Tensor> sequence(tenon_value v, const std::string& name) {
    Tensor all;
    all.type = m_.type(v).dtype;
    all.items = std::make_shared<std::vector<Tensor>>();
    for (int64_t i = 0;; ++i) {
      std::string item = name + '/' + std::to_string(i);
      if (!has_entry(file_, "in", item, false)) break;
      auto t = read_entry(file_, "in", item);
      if (t) t = fit(v, std::move(*t), true);
      if (!t) return t;
      all.items->push_back(std::move(*t));
    }
    all.dims = {static_cast<int64_t>(all.items->size())};
    return all;
  }
  Result<Tensor> read(tenon_value v) {
    std::string name(m_.value_name(v));
    tenon_dtype type = m_.type(v).dtype;
    if (type.flags & TENON_DTF_MAP) return fail(problem(v, "an input that is a map cannot come from a file", dtype_name(type)));
    if (type.flags & TENON_DTF_SEQUENCE) return sequence(v, name);
    if (has_entry(file_, "in", name, m_.main().inputs.size() == 1)) {
      auto t = read_entry(file_, "in", name);
      return t ? fit(v, std::move(*t), false) : std::move(t);
    }
    if (type.flags & TENON_DTF_OPTIONAL) {
      Tensor none;
      none.type = type;
      none.present = false;
      return none;
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

Result<std::vector<Tensor>> inputs_from_file(const Npz& file, const Model& m) { return InputReader(file, m).all(); }

}  // namespace tenon::core
